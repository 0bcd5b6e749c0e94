"""Sampled networks with mixtures of strengths, assortativity and patterns follow the equations.

Networks are brought to their fixed points by this file's own NumPy code. A difference from the
theory is a + b / N; what is compared with 0 is a, of N to infinity.
"""

import dataclasses

import jax
import numpy as np
import pytest
from scipy.sparse.linalg import eigs
from scipy.special import erf

import motifield as mf
from motifield.theory.architecture import Mixture

TRANSFER = "1 + erf(x - 1)"
STEP, STILL, MOST = np.float32(0.5), 1e-5, 400
ASYMMETRIC = np.array([[-0.87, -2.34], [3.48, -0.99]])
"""N Gamma of which the transposed one has a mean input 20 % and a variance 50 % smaller."""


def phi(x):
    return (1 + erf(x - 1)).astype(np.float32)


def slope(x):
    return (2 / np.sqrt(np.pi) * np.exp(-((x - 1) ** 2))).astype(np.float32)


@pytest.fixture(scope="module")
def theory(system_of):
    """Mean and variance of x and SD of rates, (P, 3), at the fixed point; and its eigenvalues."""

    def of(own, patterns=()):
        given = {"strengths": Mixture(), "assortativity": True, "patterns": patterns}
        system = system_of(TRANSFER, "SecondMoment", **given)
        point = mf.fixed_point(system, own)
        shift, variance = system.module.components(point.state, system.coefficients(own))
        weight = np.asarray(own.strengths.weight)
        second = np.asarray(system.module.second_moment(point.state.K[None] + shift, variance))
        data = {name: point.dataset[name].values for name in ("mean", "variance", "rate")}
        rate_sd = np.sqrt((weight * second).sum(axis=0) - data["rate"] ** 2)
        return np.stack([data["mean"], data["variance"], rate_sd], axis=1), point.eigenvalues

    return of


def with_gamma(own, gamma):
    strengths = dataclasses.replace(own.strengths, gamma=jax.numpy.asarray(gamma))
    return dataclasses.replace(own, strengths=strengths)


def resting(own, N, seed):
    """A network at its fixed point, and its inputs x."""
    network = mf.sample(own.rescaled(N), seed, dtype=np.float32)
    drive = np.asarray(own.input(0.0), np.float32)[network.labels]
    x = np.zeros(N, np.float32)
    for _ in range(MOST):
        change = network.weights @ phi(x) + drive - x
        x += STEP * change
        if np.abs(change).max() < STILL:
            return network, x.astype(float)
    raise AssertionError("the network does not come to rest")


def seen(network, x):
    """(P, 3), as `theory`."""
    rate = phi(x).astype(float)
    own = [network.members(p) for p in range(network.P)]
    return np.array([[x[m].mean(), x[m].var(), rate[m].std()] for m in own])


def ensemble(own, counts, look=seen):
    """{N: values of as many networks}."""
    return {N: np.array([look(*resting(own, N, s)) for s in range(n)]) for N, n in counts.items()}


def scores(found, expected):
    """a over its standard error, by regression of the means over networks on 1/N.

    Variances over networks go as 1/N: their estimate is pooled.
    """
    sizes, counts = np.array(list(found)), np.array([len(v) for v in found.values()])
    spread = [N * v.var(axis=0, ddof=1) * (len(v) - 1) for N, v in found.items()]
    pooled = np.sum(spread, axis=0) / (counts - 1).sum()
    weight, x = sizes * counts, 1 / sizes  # weights in units of the pooled variance
    difference = np.array([v.mean(axis=0) for v in found.values()]) - expected
    s0, s1, s2 = (np.sum(weight * x**k) for k in range(3))
    y0, y1 = (np.tensordot(weight * x**k, difference, 1) for k in range(2))
    determinant = s0 * s2 - s1**2
    return (s2 * y0 - s1 * y1) / determinant / np.sqrt(pooled * s2 / determinant)


@pytest.fixture(scope="module")
def asymmetric(mixed_network):
    return mixed_network(1, 2, N=1000, seed=3, size=0.6, g=(0.2, 0.3), gamma=ASYMMETRIC, input=0.5)


def test_one_population_follows_the_equations_and_shows_what_gamma_is(asymmetric, theory):
    found = ensemble(asymmetric, {1000: 16, 2000: 8})
    z = scores(found, theory(asymmetric)[0])
    assert np.abs(z).max() < 4, z
    gamma = np.asarray(asymmetric.strengths.gamma)
    for wrong in (gamma.transpose(0, 1, 3, 2), -gamma, 0 * gamma):
        assert np.abs(scores(found, theory(with_gamma(asymmetric, wrong))[0])).max() > 8


def test_the_leading_eigenvalue_of_a_network_is_that_of_its_gamma(asymmetric, theory):
    """Of -1 + J diag(phi'(x)), far outside the bulk, whose radius is at most 1.13 g."""

    def leading(network, x):
        jacobian = network.weights * slope(x)[None]
        return eigs(jacobian, k=1, which="LR", return_eigenvectors=False, tol=1e-4).real - 1

    found = ensemble(asymmetric, {1000: 12, 2000: 6}, leading)
    expected = max(theory(asymmetric)[1], key=lambda e: e.real)
    assert expected.imag == 0
    assert expected.real + 1 > 1.3 * 1.13 * float(asymmetric.g[0, 0])
    assert np.abs(scores(found, expected.real)) < 4
    without = theory(with_gamma(asymmetric, 0 * np.asarray(asymmetric.strengths.gamma)))[1]
    assert np.abs(scores(found, without.real.max())) > 8


@pytest.mark.slow
def test_networks_follow_the_equations_in_time(asymmetric, system_of):
    """Mean and variance of x and mean rate at 20 times from rest; Heun's steps of .05."""
    times, substeps, h = np.linspace(0.5, 10.0, 20), 10, np.float32(0.05)
    system = system_of(
        TRANSFER, "SecondMoment", strengths=Mixture(), assortativity=True, patterns=()
    )

    def course(own):
        data = mf.integrate(system, own, times[-1], saveat=times).dataset.sel(time=times)
        return np.stack([data[name].values[:, 0] for name in ("mean", "variance", "rate")], axis=1)

    def run(N, seed):
        W = mf.sample(asymmetric.rescaled(N), seed, dtype=np.float32).weights
        drive, x, seen = np.float32(asymmetric.input(0.0)[0]), np.zeros(N, np.float32), []

        def change(x):
            return W @ phi(x) + drive - x

        for _ in times:
            for _ in range(substeps):
                first = change(x)
                x = x + h / 2 * (first + change(x + h * first))
            seen.append([x.mean(dtype=float), x.var(dtype=float), phi(x).mean(dtype=float)])
        return np.array(seen)

    found = {N: np.array([run(N, k) for k in range(n)]) for N, n in ((1000, 16), (2000, 8))}
    assert np.abs(scores(found, course(asymmetric))).max() < 4
    gamma = np.asarray(asymmetric.strengths.gamma)
    for wrong in (gamma.transpose(0, 1, 3, 2), -gamma):
        assert np.abs(scores(found, course(with_gamma(asymmetric, wrong)))).max() > 8


PATTERN = np.zeros((1, 1, 4, 4))
PATTERN[0, 0, 2, 3] = 2.5  # m n'/N of a low-rank network
PATTERN[0, 0, :2, :2] = 0.4 * ASYMMETRIC
BETWEEN = np.zeros((2, 2, 4, 4))
BETWEEN[:, :, 2, 3] = [[1.0, -2.0], [2.5, 0.5]]  # a low-rank structure of two populations
BETWEEN[:, :, :2, :2] = 0.4 * ASYMMETRIC

NETWORKS = {
    "one, three components": {"P": 1, "M": 3, "seed": 5, "gamma": 1.5},
    "one, four components": {"P": 1, "M": 4, "seed": 3, "gamma": 2.0, "size": 0.7},
    "two, two components": {"P": 2, "M": 2, "seed": 4, "gamma": 2.5, "size": 0.7},
    "two, four components": {"P": 2, "M": 4, "seed": 2, "gamma": 2.5, "size": 0.7},
    "two, three components and a pattern pair": {
        "P": 2,
        "M": 3,
        "seed": 4,
        "gamma": 1.6 * BETWEEN,
        "size": 0.7,
        "patterns": ("m", "n"),
    },
    "three, four components": {"P": 3, "M": 4, "seed": 5, "gamma": 3.0, "size": 0.7},
    "three, three components": {"P": 3, "M": 3, "seed": 3, "gamma": 2.5, "size": 0.7},
    "three, two components": {"P": 3, "M": 2, "seed": 1, "gamma": 2.5, "size": 0.7},
    "a pattern pair": {"P": 1, "M": 2, "seed": 3, "gamma": PATTERN, "patterns": ("m", "n")},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_follow_the_equations(name, mixed_network, theory):
    """Mean and variance of x and SD of rates of every population, and not those of a Gamma that is
    transposed in its features, in its populations, or has the other sign.
    """
    given = NETWORKS[name]
    own = mixed_network(**({"N": 1000, "size": 0.6, "g": (0.3, 0.5), "input": 0.5} | given))
    found = ensemble(own, {1000: 24, 2000: 12, 4000: 6})
    patterns = given.get("patterns", ())
    z = scores(found, theory(own, patterns)[0])
    assert np.abs(z).max() < 4, z
    gamma = np.asarray(own.strengths.gamma)
    wrong = [gamma.transpose(0, 1, 3, 2), -gamma]
    for other in [*wrong, *([gamma.transpose(1, 0, 2, 3)] if own.P > 1 else [])]:
        assert np.abs(scores(found, theory(with_gamma(own, other), patterns)[0])).max() > 4
