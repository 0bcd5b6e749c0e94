"""JAX in its strictest mode, shapes checked at run time, and two small networks in which no two
numbers are alike.
"""

import datetime
import gc
import os
import random
import sys
import time
import zlib

import jax
import jaxtyping
import numpy as np
import pytest
from hypothesis import settings

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
# Tracing makes millions of objects that live on, and hardly a circle: a tenth of the tests' time
# went into looking for these.
gc.set_threshold(200_000, 20, 20)
# Before the first import of these modules, so that their shape annotations are checked in every
# test (with the numeric tower: an int is a float). Not the modules that validate what users give
# them: their own errors are what their tests look for.
SHAPED = (
    "averages.expectation",
    "averages.joint_probabilities",
    "averages.quadrature",
    "averages.rules",
    "fixed_points.solve",
    "parameters.couplings",
    "parameters.inputs",
    "parameters.parameters",
    "system.autonomous",
    "system.system",
    "system.trajectories",
)
jaxtyping.install_import_hook(
    [f"motifield.numerics.{name}" for name in SHAPED],
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)

# What a test that is not marked slow may take of the processor, in seconds, compilation included.
# A machine that others use too may allow itself more, and 0 allows anything.
SECONDS = float(os.environ.get("MOTIFIELD_TEST_SECONDS", "15"))


def _timed(item, what, most):
    """Runs what the hook wraps; fails where that took more of the processor than `most` seconds."""
    begun = time.process_time()  # of this worker alone, so that a busy machine makes no difference
    result = yield
    spent = time.process_time() - begun
    if 0 < most < spent and not item.get_closest_marker("slow"):
        pytest.fail(
            f"{what} takes {spent:.0f} s of processor time, and {most:g} are allowed where a test "
            "is not marked slow: make it cheaper, or mark the test with @pytest.mark.slow",
            pytrace=False,
        )
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    return (yield from _timed(item, "this test", SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """Fixtures too, where a hundred seconds hid; what several tests share may be twice as long."""
    return (yield from _timed(item, "a fixture", 2 * SECONDS))


def pytest_addoption(parser):
    parser.addoption(
        "--slow-share",
        metavar="K/N",
        help="of the slow tests, K of N parts, others on the next day: all of them within N/K days",
    )


def pytest_collection_modifyitems(config, items):
    share = config.getoption("--slow-share")
    if not share:
        return
    part, parts = map(int, share.split("/"))
    first = part * datetime.date.today().toordinal()

    def runs_today(item):
        if not item.get_closest_marker("slow"):
            return True
        return (zlib.crc32(item.nodeid.encode()) - first) % parts < part

    config.hook.pytest_deselected(items=[item for item in items if not runs_today(item)])
    items[:] = filter(runs_today, items)


settings.register_profile("motifield", deadline=None, derandomize=True)
settings.load_profile("motifield")


@pytest.fixture(autouse=True)
def _seeds():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002


def offered(thing):
    """A fixture that is the thing itself."""
    return pytest.fixture(scope="session")(lambda: thing)


@pytest.fixture(scope="session")
def two_populations():
    """P = 2, feasible; all four motifs, and every entry different (except where the definitions
    demand symmetry).
    """
    from motifield import Motifs, Parameters

    con = [[[0.031, 0.012], [0.012, 0.024]], [[0.052, -0.011], [-0.011, 0.063]]]
    div = [[[0.043, 0.015], [0.015, 0.071]], [[0.027, -0.008], [-0.008, 0.047]]]
    chain = [[[0.016, -0.010], [0.014, -0.021]], [[0.026, 0.017], [-0.009, 0.033]]]
    rec = [[0.41, -0.25], [-0.25, 0.62]]
    return Parameters.of(
        populations=["E", "I"],
        N=300,
        fractions=[0.7, 0.3],
        mean=[[0.0042, -0.0105], [0.0061, -0.0037]],
        g=[[0.31, 0.52], [0.73, 0.24]],
        motifs=Motifs(con, div, chain, rec),
        input=[0.35, -0.15],
    )


@pytest.fixture(scope="session")
def three_populations():
    """P = 3, feasible: covariances of random factors, so that every entry differs from
    every other.
    """
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
        N=N,
        fractions=fractions / fractions.sum(),
        mean=rng.normal(size=(P, P)) / N,
        g=rng.uniform(0.3, 1.0, (P, P)),
        motifs=Motifs(
            blocks[:, :P, :P], blocks[:, P:, P:], chain, (rec + rec.T) / 2 + around + around.T
        ),
        input=rng.normal(size=P),
    )


network_of = offered(random_network)


shaped = offered(SHAPED)


# ---- docs/theory.md, section 2 in plain NumPy, with explicit loops, written from the text and not
# from the library's code


def gaussian_average(f, mean, variance, kinks=()):
    """E f(X) by Gauss-Legendre on panels of half a standard deviation, cut at the kinks."""
    if variance == 0:
        return float(f(np.array([mean]))[0])
    width = np.sqrt(variance)
    cuts = [(c - mean) / width for c in kinks if abs(c - mean) < 9 * width]
    edges = np.sort(np.concatenate([np.linspace(-9, 9, 37), cuts]))
    nodes, weights = np.polynomial.legendre.leggauss(20)
    half = np.diff(edges)[:, None] / 2
    z = edges[:-1, None] + half * (1 + nodes)
    return float(
        np.sum(half * weights * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * f(mean + width * z))
    )


class ByHand:
    """docs/theory.md, section 2: variances and time derivatives, population by population.

    functions: for every population (phi, its derivative, its kinks)
    """

    def __init__(self, parameters, functions, closure):
        self.p, self.functions, self.closure = parameters, functions, closure
        self.every = range(parameters.P)
        for name in ("N", "fractions", "mean", "g", "tau_con", "tau_div", "tau_chn", "tau_rec"):
            setattr(self, name, np.asarray(getattr(parameters, name)))

    def A(self, p, q):
        return 1 - self.tau_con[p, q, q] - self.tau_div[q, p, p]

    def B(self, p, q):
        return self.tau_rec[p, q] - self.tau_chn[p, q, p] - self.tau_chn[q, p, q]

    def variance(self, kappa, s=None):
        kappa, s = np.asarray(kappa), np.asarray(s)
        Delta = np.zeros(self.p.P)
        for p in self.every:
            for q in self.every:
                for r in self.every:
                    Delta[p] += (
                        self.N
                        * self.g[p, q]
                        * self.g[p, r]
                        * self.tau_con[p, q, r]
                        * kappa[q]
                        * kappa[r]
                    )
                if self.closure == "LowRank":
                    Delta[p] += self.A(p, q) * self.g[p, q] ** 2 * kappa[q] ** 2 / self.fractions[q]
                if self.closure == "SecondMoment":
                    Delta[p] += self.A(p, q) * self.g[p, q] ** 2 * self.fractions[q] * s[q] ** 2
        return Delta

    def averages(self, K, Delta):
        K = np.asarray(K)
        R, G, C = (np.zeros(self.p.P) for _ in range(3))
        for q, (f, slope, kinks) in enumerate(self.functions):
            R[q] = gaussian_average(f, K[q], Delta[q], kinks)
            G[q] = gaussian_average(slope, K[q], Delta[q], kinks)
            C[q] = gaussian_average(lambda x, f=f: f(x) ** 2, K[q], Delta[q], kinks)
        return R, G, C

    def __call__(self, t, K, kappa, s=None):
        alpha, g = self.fractions, self.g
        R, G, C = self.averages(K, self.variance(kappa, s))
        dK = -np.array(K) + np.asarray(self.p.input(t))
        for p in self.every:
            for q in self.every:
                dK[p] += self.N * alpha[q] * self.mean[p, q] * R[q]
                dK[p] += alpha[q] * G[q] * g[p, q] * g[q, p] * self.B(p, q) * kappa[p] / alpha[p]
                for r in self.every:
                    dK[p] += (
                        alpha[q]
                        * G[q]
                        * self.N
                        * g[p, q]
                        * g[q, r]
                        * self.tau_chn[p, q, r]
                        * kappa[r]
                    )
        derivatives = [dK, -np.array(kappa) + alpha * R]
        return np.stack(
            [*derivatives, -np.array(s) + np.sqrt(C)]
            if self.closure == "SecondMoment"
            else derivatives
        )


by_hand = offered(ByHand)


average_by_hand = offered(gaussian_average)


@offered
def excitation_inhibition(J0, g, tau, input=0.0):
    """docs/theory.md, section 5: N = 1000, alpha = (.8, .2), Jbar = J0 (1, -g) for every target,
    sigma = .2, one hidden variable (B = 0).
    """
    from motifield import Motifs, Parameters

    return Parameters.of(
        populations=["E", "I"],
        N=1000,
        fractions=[0.8, 0.2],
        mean=np.tile([J0, -J0 * g], (2, 1)),
        g=0.2,
        motifs=Motifs.shared(tau),
        input=input,
    )


@pytest.fixture(scope="session")
def functions():
    """Transfer functions as the library writes them: (phi, its derivative, its kinks) by hand."""
    from scipy.special import erf

    return {
        "Max(x - 1/4, 0)": (lambda x: np.maximum(x - 0.25, 0), lambda x: (x > 0.25) * 1.0, (0.25,)),
        "1 + erf(x - 1/2)": (
            lambda x: 1 + erf(x - 0.5),
            lambda x: 2 / np.sqrt(np.pi) * np.exp(-((x - 0.5) ** 2)),
            (),
        ),
        "1 + tanh(x - 3/2)": (lambda x: 1 + np.tanh(x - 1.5), lambda x: np.cosh(x - 1.5) ** -2, ()),
        "Max(x, 0)**2": (lambda x: np.maximum(x, 0) ** 2, lambda x: 2 * np.maximum(x, 0), (0.0,)),
    }


@pytest.fixture(scope="session")
def system_of():
    """Compiled systems, each compiled once per session: system_of(transfer, closure).

    They serve any number of populations, unless transfer functions are given for each (a tuple).
    `architecture` is what else an architecture takes.
    """
    import functools

    import motifield as mf

    @functools.cache
    def compiled(transfer, closure="LowRank", **architecture):
        if isinstance(transfer, tuple):
            architecture.setdefault("populations", tuple("ABCDEFGH"[: len(transfer)]))
        described = mf.Architecture(transfer=transfer, **architecture)
        return mf.compile(mf.derive(described, getattr(mf, closure)()))

    return compiled


@pytest.fixture
def ends():
    """`with ends:` around work that could go on for ever: it fails after a minute, on systems that
    have alarms.
    """
    import contextlib
    import signal

    @contextlib.contextmanager
    def watched():
        def too_long(*_):
            pytest.fail("it does not come to an end")

        before = signal.signal(signal.SIGALRM, too_long)
        signal.alarm(60)
        try:
            yield
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)

    return watched() if hasattr(signal, "SIGALRM") else contextlib.nullcontext()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The folder of an unpacked wheel: what a plain installation puts into site-packages."""
    import subprocess
    import zipfile
    from pathlib import Path

    folder = tmp_path_factory.mktemp("wheel")
    root = Path(__file__).parent.parent
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*command, root], check=True)
    (archive,) = folder.glob("*.whl")
    zipfile.ZipFile(archive).extractall(folder / "site")
    return folder / "site"
