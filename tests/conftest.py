"""JAX in its strictest mode, shapes checked at run time, and two small networks in which no two numbers are alike."""

import random

import jax
import jaxtyping
import numpy as np
import pytest
from hypothesis import settings

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
# Before the first import of these modules, so that their shape annotations are checked in every test (with the numeric tower: an
# int is a float). Not the modules that validate what users give them: their own errors are what their tests look for.
SHAPED = ("gaussian", "inputs", "parameters", "feasibility", "system", "integrate", "fixed_points")
jaxtyping.install_import_hook([f"motifield.numerics.{name}" for name in SHAPED],
                              "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")  # fmt: skip

settings.register_profile("motifield", deadline=None, derandomize=True)
settings.load_profile("motifield")


@pytest.fixture(autouse=True)
def _seeds():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002  (for code that uses the global generator by mistake: it must not make tests differ)


@pytest.fixture(scope="session")
def two_populations():
    """P = 2, feasible; all four motifs, and every entry different (except where the definitions demand symmetry)."""
    from motifield import Motifs, Parameters

    con = [[[0.031, 0.012], [0.012, 0.024]], [[0.052, -0.011], [-0.011, 0.063]]]
    div = [[[0.043, 0.015], [0.015, 0.071]], [[0.027, -0.008], [-0.008, 0.047]]]
    chain = [[[0.016, -0.010], [0.014, -0.021]], [[0.026, 0.017], [-0.009, 0.033]]]
    rec = [[0.41, -0.25], [-0.25, 0.62]]
    return Parameters.of(populations=["E", "I"], N=300, fractions=[0.7, 0.3], mean=[[0.0042, -0.0105], [0.0061, -0.0037]],
                         g=[[0.31, 0.52], [0.73, 0.24]], motifs=Motifs(con, div, chain, rec), input=[0.35, -0.15])  # fmt: skip


@pytest.fixture(scope="session")
def three_populations():
    """P = 3, feasible: covariances of random factors, so that every entry differs from every other."""
    return random_network(3, seed=11)


def random_network(P: int, seed: int, N: float = 500.0):
    """A feasible network of P populations with all motifs and no two numbers alike."""
    from motifield import Motifs, Parameters

    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(P, 2 * P, 2 * P + 1))
    blocks = np.einsum("qia,qja->qij", factors, factors) * 0.02 / (2 * P)
    rec = rng.uniform(-0.3, 0.3, (P, P))
    chain = blocks[:, P:, :P].transpose(1, 0, 2)
    around = np.einsum("pqp->pq", chain)
    fractions = rng.uniform(0.5, 1.5, P)
    return Parameters.of(
        N=N, fractions=fractions / fractions.sum(), mean=rng.normal(size=(P, P)) / N, g=rng.uniform(0.3, 1.0, (P, P)),
        motifs=Motifs(blocks[:, :P, :P], blocks[:, P:, P:], chain, (rec + rec.T) / 2 + around + around.T),
        input=rng.normal(size=P),
    )  # fmt: skip


@pytest.fixture(scope="session")
def network_of():
    """`random_network`."""
    return random_network
