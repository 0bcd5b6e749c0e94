"""Tests can fail: each wrong index or sign in the generated code makes the comparison with the
equations by hand disagree.
"""

from types import ModuleType

import jax.numpy as jnp
import numpy as np
import pytest

ERF = "1 + erf(x - 1/2)"

CHAIN = 'jnp.einsum("pqr,r,q->p", c.chain'
B_TERM = 'jnp.einsum("pq,q->p", c.reciprocal, G'
TARGET, SOURCE = "[:, None]", "[None, :]"

# (what is wrong, text in the generated source, what stands there instead)
MUTATIONS = [
    ("the sign of the chain term", f"+ {CHAIN}", f"- {CHAIN}"),
    ("the chain tensor transposed", "* tau_chn,", "* tau_chn.T,"),
    ("post and middle of the chain exchanged", "* tau_chn,", "* jnp.swapaxes(tau_chn, 0, 1),"),
    ("kappa of the middle instead of the source", '"pqr,r,q->p", c.chain', '"pqr,q,r->p", c.chain'),
    ("the wrong synapse of the chain", "* g[None, :, :] * tau_chn", "* g.T[None, :, :] * tau_chn"),
    ("no reciprocal term", f" + state.kappa * {B_TERM})", ""),
    ("kappa of the other population", f"state.kappa * {B_TERM})", f"{B_TERM} * state.kappa)"),
    ("one of two chains in B", ' - jnp.einsum("qpq->pq", tau_chn)', ""),
    (
        "the fraction of the target",
        f"(1 / fractions){TARGET} * fractions{SOURCE}",
        f"(1 / fractions){SOURCE} * fractions{TARGET}",
    ),
    ("convergence of the source", "* tau_con,", "* jnp.swapaxes(tau_con, 0, 1),"),
    ("divergence of the target", '("qpp->pq", tau_div)', '("pqq->pq", tau_div)'),
    ("the mean coupling transposed", "fractions[None, :] * mean,", "fractions[None, :] * mean.T,"),
    ("the mean rate squared instead of the second moment", "gaussian.root(C)", "R"),
    ("no fraction in kappa", "c.fraction * R", "R"),
]


def load(source):
    module = ModuleType("mutated")
    exec(compile(source, "mutated", "exec"), module.__dict__)
    return module


def disagreement(source, parameters, expected):
    """The largest difference to the equations by hand over a few states."""
    module = load(source)
    worst = 0.0
    for seed in range(3):
        state = module.State(
            *(jnp.asarray(v) for v in np.random.default_rng(seed).uniform(0.1, 0.9, (3, 2)))
        )
        found = module.vector_field(state, parameters.input(0.0), module.coefficients(parameters))
        worst = max(worst, float(np.abs(np.stack(found) - expected(0.0, *state)).max()))
    return worst


@pytest.fixture(scope="module")
def expected(two_populations, by_hand, functions):
    return by_hand(two_populations, [functions[ERF]] * 2, "SecondMoment")


@pytest.fixture(scope="module")
def source(system_of):
    return system_of(ERF, "SecondMoment").source


def test_the_generated_code_itself_agrees(source, two_populations, expected):
    assert disagreement(source, two_populations, expected) < 1e-11


@pytest.mark.parametrize(("what", "old", "new"), MUTATIONS, ids=[m[0] for m in MUTATIONS])
def test_a_wrong_term_is_noticed(what, old, new, source, two_populations, expected):
    assert source.count(old) == 1, "the generated code no longer has this text: adapt the mutation"
    assert disagreement(source.replace(old, new), two_populations, expected) > 1e-4, what
