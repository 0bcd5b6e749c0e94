"""All fixed points of random systems against an exhaustive search by other means: other equations,
other averages, other solvers.

P = 1: the condition on kappa alone, its sign on a fine grid. P > 1: Newton's method in NumPy from
10^4 starts, finished with SciPy.
"""

import dataclasses
import functools

import numpy as np
import pytest
from scipy.optimize import brentq, root
from scipy.special import erf, expit, ndtr
from scipy.stats import norm

import motifield as mf
from motifield import Motifs, Parameters, fixed_points

TRANSFERS = {
    "erf": "1 + erf(x - 3/2)",
    "logistic": "2/(1 + exp(-3*(x - 1)))",
    "rectified": "Max(x - 1/4, 0)",
}
Z = np.linspace(
    -9,
    9,
    361,
    # the trapezoidal rule converges geometrically here; 160 Gauss-Legendre nodes are 1e-7 off at
    # sqrt(Delta) = 3
)
BELL = (Z[1] - Z[0]) * norm.pdf(Z)
FAR = 300.0
EVERY = [(name, P, seed) for name in TRANSFERS for P in (1, 2, 3, 4) for seed in range(17)][:200]
FAST = [
    ("erf", 1, 0),
    ("erf", 1, 1),
    ("erf", 1, 2),
    ("erf", 2, 0),
    ("erf", 2, 1),
    ("erf", 2, 2),
    ("erf", 2, 3),
    ("rectified", 3, 0),
    ("rectified", 3, 1),
    ("rectified", 3, 2),
]


def erf_averages(mu, D):
    """<phi>, <phi'>, <phi''>, <phi'''>: 1 + erf(x - 3/2) is twice the normal distribution with
    variance 1/2.
    """
    w = np.sqrt(D + 0.5)
    z = (mu - 1.5) / w
    bell = 2 * norm.pdf(z)
    return 1 + erf(z / np.sqrt(2)), bell / w, -z * bell / w**2, (z * z - 1) * bell / w**3


def rectified_averages(mu, D):
    s = np.sqrt(np.maximum(D, 1e-24))
    z = (mu - 0.25) / s
    bell = norm.pdf(z)
    return s * (z * ndtr(z) + bell), ndtr(z), bell / s, -z * bell / s**2


def logistic_averages(mu, D, rate_alone=False):
    u = expit(3 * (mu[..., None] + np.sqrt(np.maximum(D, 0))[..., None] * Z - 1))
    if rate_alone:
        return (2 * u @ BELL,)
    v = u * (1 - u)
    return tuple(f @ BELL for f in (2 * u, 6 * v, 18 * v * (1 - 2 * u), 54 * v * (1 - 6 * v)))


AVERAGES = {"erf": erf_averages, "logistic": logistic_averages, "rectified": rectified_averages}
RANGE = {"erf": 2.0, "logistic": 2.0, "rectified": None}


def random_system(name: str, P: int, seed: int) -> Parameters:
    """Strong mean coupling, so that several fixed points are frequent; all motifs; no two numbers
    alike.
    """
    rng = np.random.default_rng([seed, P, list(TRANSFERS).index(name)])
    N = 1000.0
    factors = rng.normal(size=(P, 2 * P, 2 * P + 1))
    blocks = np.einsum("qia,qja->qij", factors, factors) * rng.uniform(0.005, 0.03) / (2 * P)
    chain = blocks[:, P:, :P].transpose(1, 0, 2)
    around = np.einsum("pqp->pq", chain)
    rec = rng.uniform(-0.3, 0.3, (P, P))
    fractions = rng.uniform(0.5, 1.5, P)
    fractions /= fractions.sum()
    steep = {"erf": 1.8, "logistic": 1.6, "rectified": 0.7}[name]
    own = rng.uniform(0.2, 1.5, P) * steep
    coupling = 0.35 * rng.normal(size=(P, P)) / np.sqrt(P)
    np.fill_diagonal(coupling, own)
    threshold = {"erf": 1.5, "logistic": 1.0, "rectified": 0.25}[name]
    drive = threshold - (own if name != "rectified" else 0.1) + 0.3 * rng.normal(size=P)
    return Parameters.of(
        N=N,
        fractions=fractions,
        mean=coupling / (N * fractions),
        g=rng.uniform(0.1, 0.5, (P, P)),
        motifs=Motifs(
            blocks[:, :P, :P], blocks[:, P:, P:], chain, (rec + rec.T) / 2 + around + around.T
        ),
        input=drive,
    )


@dataclasses.dataclass
class ByHand:
    """F(K, kappa) of the LowRank equations, and its derivatives, for many states at once: y is (k,
    2P).
    """

    name: str
    p: Parameters

    def __post_init__(self):
        a = {
            n: np.asarray(getattr(self.p, n))
            for n in ("N", "fractions", "mean", "g", "tau_con", "tau_div", "tau_chn", "tau_rec")
        }
        P, g, self.alpha, N = self.p.P, a["g"], a["fractions"], a["N"]
        self.P, self.I = P, np.asarray(self.p.input(0.0))
        self.W, self.C, self.S = np.zeros((P, P)), np.zeros((P, P, P)), np.zeros((P, P, P))
        for p in range(P):
            for q in range(P):
                self.W[p, q] = N * self.alpha[q] * a["mean"][p, q]
                B = a["tau_rec"][p, q] - a["tau_chn"][p, q, p] - a["tau_chn"][q, p, q]
                self.C[p, q, p] += self.alpha[q] * g[p, q] * g[q, p] * B / self.alpha[p]
                self.S[p, q, q] += (
                    (1 - a["tau_con"][p, q, q] - a["tau_div"][q, p, p])
                    * g[p, q] ** 2
                    / self.alpha[q]
                )
                for r in range(P):
                    self.C[p, q, r] += self.alpha[q] * N * g[p, q] * g[q, r] * a["tau_chn"][p, q, r]
                    self.S[p, q, r] += N * g[p, q] * g[p, r] * a["tau_con"][p, q, r]

    def __call__(self, y):
        K, kappa = y[:, : self.P], y[:, self.P :]
        Delta = np.einsum("pqr,kq,kr->kp", self.S, kappa, kappa)
        R, G, G1, G2 = AVERAGES[self.name](K, Delta)
        dDelta = 2 * np.einsum("pqr,kr->kpq", self.S, kappa)  # S is symmetric in q, r
        chain = np.einsum("pqr,kr->kpq", self.C, kappa)
        F = np.concatenate(
            [
                -K + R @ self.W.T + np.einsum("kpq,kq->kp", chain, G) + self.I,
                -kappa + self.alpha * R,
            ],
            axis=1,
        )
        eye = np.eye(self.P)
        dR = [eye * G[:, :, None], G1[:, :, None] / 2 * dDelta]
        dG = [eye * G1[:, :, None], G2[:, :, None] / 2 * dDelta]
        top = [self.W @ r + chain @ s for r, s in zip(dR, dG, strict=True)]
        top[0], top[1] = top[0] - eye, top[1] + np.einsum("pqr,kq->kpr", self.C, G)
        low = [self.alpha[:, None] * dR[0], self.alpha[:, None] * dR[1] - eye]
        return F, np.concatenate([np.concatenate(top, axis=2), np.concatenate(low, axis=2)], axis=1)


def by_newton(hand: ByHand, count: int = 10_000, seed: int = 1) -> np.ndarray:
    """Distinct roots from many starts, each finished with SciPy."""
    rng = np.random.default_rng(seed)
    P, top = hand.P, RANGE[hand.name]
    K = (
        rng.uniform(-8, 8, (count, P))
        if top
        else rng.uniform(-1, 1, (count, P)) * 10 ** rng.uniform(-1, 2.3, (count, 1))
    )
    R = rng.uniform(0, top, (count, P)) if top else np.maximum(K, 0) + rng.uniform(0, 1, (count, P))
    y = np.concatenate([K, hand.alpha * R], axis=1)
    done = []
    for _ in range(40):
        F, J = hand(y)
        fine = (
            np.all(np.isfinite(F), axis=1)
            & np.all(np.isfinite(J), axis=(1, 2))
            & np.all(np.abs(y) < 1e4, axis=1)
        )
        y, F, J = y[fine], F[fine], J[fine]
        there = np.max(np.abs(F), axis=1) < 1e-11
        done.append(y[there])
        y, F, J = y[~there], F[~there], J[~there]
        if not len(y):
            break
        step = np.linalg.solve(J + 1e-13 * np.eye(2 * P), F[..., None])[..., 0]
        y = (
            y
            - step
            * np.minimum(
                1,
                (2 + 0.5 * np.max(np.abs(y), axis=1))
                / np.maximum(np.max(np.abs(step), axis=1), 1e-300),
            )[:, None]
        )
    found: list[np.ndarray] = []
    for end in np.unique(np.round(np.concatenate(done), 5), axis=0):
        solved = root(
            lambda v: hand(v[None])[0][0], end, jac=lambda v: hand(v[None])[1][0], tol=1e-13
        )
        if np.max(np.abs(solved.fun)) < 1e-9 and not any(
            np.max(np.abs(solved.x - o)) < 1e-6 * (1 + np.max(np.abs(o))) for o in found
        ):
            found.append(solved.x)
    return np.array(found).reshape(-1, 2 * P)


def by_signs(hand: ByHand, count: int = 5_001) -> np.ndarray:
    """P = 1: every kappa has one K with kappa = alpha R(K, Delta(kappa)); the sign of dK/dt there,
    on a fine grid of kappa.
    """
    top, average = RANGE[hand.name], AVERAGES[hand.name]
    rate = functools.partial(average, rate_alone=True) if hand.name == "logistic" else average
    C, S, W, drive = (float(v.ravel()[0]) for v in (hand.C, hand.S, hand.W, hand.I))

    def K_of(kappa):
        Delta, low, high = S * kappa**2, np.full_like(kappa, -2 * FAR), np.full_like(kappa, 2 * FAR)
        for _ in range(62):
            middle = (low + high) / 2
            below = rate(middle, Delta)[0] < kappa
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return (low + high) / 2

    def change(kappa):
        K = K_of(kappa)
        return -K + W * kappa + C * kappa * average(K, S * kappa**2)[1] + drive

    if top:
        kappa = top / (1 + np.exp(-np.linspace(-25, 25, count)))
    else:
        kappa = np.concatenate(
            [
                np.geomspace(1e-9, 1e-2, 2000),
                np.linspace(0.0101, 20, count),
                np.geomspace(20.01, FAR, 2000),
            ]
        )
    F = change(kappa)
    at = np.flatnonzero(np.sign(F[:-1]) * np.sign(F[1:]) < 0)
    roots = [
        brentq(
            lambda v: float(change(np.array([v]))[0]),
            kappa[k],
            kappa[k + 1],
            xtol=1e-15,
            rtol=1e-14,
        )
        for k in at
    ]
    found = [[float(K_of(np.array([v]))[0]), v] for v in roots]
    if not top and drive <= 0.25:
        found.append([drive, 0.0])  # silence, which the grid of kappa > 0 leaves out
    return np.array(found).reshape(-1, 2)


@functools.cache
def system(name):
    return mf.compile(mf.derive(mf.Architecture(transfer=TRANSFERS[name]), mf.LowRank()))


def ours_and_theirs(name, P, seed):
    parameters = random_system(name, P, seed)
    found = fixed_points(system(name), parameters, throw=False)
    hand = ByHand(name, parameters)
    expected = by_signs(hand) if P == 1 else by_newton(hand)
    if P > 1 and len(found) > len(
        expected
    ):  # the search by hand missed one: ten times as many starts
        expected = by_newton(hand, 100_000, seed=2)
    ours = np.array(
        [np.concatenate([p.dataset["mean"].values, p.dataset["kappa"].values]) for p in found]
    ).reshape(-1, 2 * P)
    return found, ours, expected[np.all(np.abs(expected) < FAR, axis=1)]


def agree(found, ours, expected):
    assert len(ours) == len(expected), (found.status, str(found.evidence), ours, expected)
    for y in expected:
        nearest = np.min(np.max(np.abs(ours - y), axis=1))
        assert nearest < 1e-6 * (1 + np.max(np.abs(y))), (y, ours)
    assert found.status == "ok" or not len(expected)
    assert all(p.converged for p in found)


@pytest.mark.parametrize(("name", "P", "seed"), FAST)
def test_a_few_random_systems(name, P, seed):
    agree(*ours_and_theirs(name, P, seed))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "P", "seed"), EVERY)
def test_two_hundred_random_systems(name, P, seed):
    agree(*ours_and_theirs(name, P, seed))
