"""Families of distributions against SciPy's, and what they cannot do."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import integrate, stats

from motifield import marginals
from motifield.errors import InfeasibleStatisticsError, ParameterError

Z = np.linspace(-6, 6, 241)
EDGES, COUNTS = [0.1, 0.4, 0.9, 2.0, 2.5, 3.0], [3, 8, 4, 0, 1]
FREE = [
    marginals.Gaussian(),
    marginals.Lognormal(),
    marginals.Gamma(),
    marginals.Histogram(EDGES, COUNTS, shifted=True),
]


def moments(quantiles):
    """Mean and variance by SciPy's quadrature over z, in pieces between the breaks."""
    ends = [-9.5, *np.sort(quantiles.breaks), 9.5]
    cuts = np.unique(np.concatenate([ends, np.arange(-9, 10, 0.5)]))
    grid = np.concatenate([np.linspace(a, b, 400)[:-1] + (b - a) / 798 for a, b in pairwise(cuts)])
    width = np.concatenate([np.full(399, (b - a) / 399) for a, b in pairwise(cuts)])
    weights, x = width * stats.norm.pdf(grid), quantiles(grid)
    mean = weights @ x
    return mean, weights @ (x - mean) ** 2


@settings(max_examples=30)
@given(st.sampled_from(FREE), st.floats(0.01, 2), st.floats(0.05, 1.5), st.sampled_from([1, -1]))
def test_means_and_variances_are_those_asked_for(family, mean, cv, sign):
    quantiles = family.quantiles(sign * mean, (cv * mean) ** 2)
    found = moments(quantiles)
    np.testing.assert_allclose(found, [sign * mean, (cv * mean) ** 2], rtol=2e-4)
    assert (quantiles.mean, quantiles.variance) == pytest.approx((sign * mean, (cv * mean) ** 2))


@settings(max_examples=30)
@given(st.floats(0.01, 2), st.floats(0.02, 0.98), st.sampled_from([1, -1]))
def test_truncated_gaussian_has_its_mean_and_variance(mean, cv, sign):
    found = moments(marginals.TruncatedGaussian().quantiles(sign * mean, (cv * mean) ** 2))
    np.testing.assert_allclose(found, [sign * mean, (cv * mean) ** 2], rtol=2e-4)


def test_quantiles_are_scipy_s():
    uniform = stats.norm.cdf(Z)
    mean, variance = 0.7, 0.3
    s = np.sqrt(np.log1p(variance / mean**2))
    lognormal = stats.lognorm(s, scale=mean * np.exp(-(s**2) / 2))
    assert lognormal.stats() == pytest.approx((mean, variance))
    np.testing.assert_allclose(
        marginals.Lognormal().quantiles(mean, variance)(Z), lognormal.ppf(uniform), rtol=1e-5
    )
    np.testing.assert_allclose(
        marginals.Lognormal().quantiles(-mean, variance)(Z),
        -lognormal.ppf(stats.norm.sf(Z)),
        rtol=1e-5,
    )
    gamma = stats.gamma(mean**2 / variance, scale=variance / mean)
    np.testing.assert_allclose(
        marginals.Gamma().quantiles(mean, variance)(Z), gamma.ppf(uniform), rtol=1e-5
    )
    # parent N(.3, .8^2) above 0, its moments from SciPy
    parent = stats.truncnorm(-0.3 / 0.8, np.inf, 0.3, 0.8)
    m, v = (float(x) for x in parent.stats())
    np.testing.assert_allclose(
        marginals.TruncatedGaussian().quantiles(m, v)(Z), parent.ppf(uniform), rtol=1e-5, atol=1e-7
    )


def test_a_histogram_keeps_its_shape():
    law = stats.rv_histogram((np.array(COUNTS), np.array(EDGES)), density=False)
    family = marginals.Histogram(EDGES, COUNTS)
    mean, variance = law.stats()
    assert family.squared_cv == pytest.approx(variance / mean**2)
    for sign in (1, -1):
        quantiles = family.quantiles(sign * 3 * mean, 9 * variance)
        np.testing.assert_allclose(
            quantiles(sign * Z), sign * 3 * law.ppf(stats.norm.cdf(Z)), rtol=1e-7
        )
    shifted = marginals.Histogram(EDGES, COUNTS, shifted=True).quantiles(-0.2, 4 * variance)
    np.testing.assert_allclose(
        shifted(Z), -0.2 + 2 * (law.ppf(stats.norm.cdf(Z)) - mean), rtol=1e-7
    )
    negative = marginals.Histogram([-3, -2, -1], [1, 2]).quantiles(
        -2.0, (1 / 18 + 1 / 12 + 1 / 6) * (2 / (11 / 6)) ** 2
    )
    assert negative(Z).max() < 0


@settings(max_examples=30)
@given(st.sampled_from([*FREE, marginals.TruncatedGaussian()]), st.sampled_from([1, -1]))
def test_quantiles_increase_and_keep_their_dtype(family, sign):
    quantiles = family.quantiles(0.5 * sign, 0.1)
    assert np.all(np.diff(quantiles(Z)) >= 0)
    assert quantiles(Z.astype(np.float32)).dtype == np.float32
    if family.one_signed:
        assert np.all(quantiles(Z) * sign > 0)
    np.testing.assert_array_equal(family.quantiles(0.5, 0.0)(Z), 0.5)


def test_a_family_says_what_it_cannot():
    with pytest.raises(
        InfeasibleStatisticsError, match=r"Lognormal has one sign.*mean cannot be 0"
    ):
        marginals.Lognormal().quantiles(0.0, 1.0)
    with pytest.raises(
        InfeasibleStatisticsError,
        match=r"truncated Gaussian with mean 0.5 has a variance below 0.249.*0.3 is asked for",
    ):
        marginals.TruncatedGaussian().quantiles(0.5, 0.3)
    with pytest.raises(
        InfeasibleStatisticsError,
        match=r"Constant with mean 0.5 has the variance 0 and no other, 0.3",
    ):
        marginals.Constant().quantiles(0.5, 0.3)
    variance = marginals.Histogram(EDGES, COUNTS).squared_cv
    with pytest.raises(
        InfeasibleStatisticsError,
        match=rf"Histogram with mean 1 has the variance {variance:.6g} and no other",
    ):
        marginals.Histogram(EDGES, COUNTS).quantiles(1.0, 2.0)


@pytest.mark.parametrize(
    "family", [marginals.Lognormal, marginals.Gamma, marginals.TruncatedGaussian]
)
def test_a_given_coefficient_of_variation(family):
    np.testing.assert_array_equal(
        family(cv=0.5).quantiles(-2.0, 1.0)(Z), family().quantiles(-2.0, 1.0)(Z)
    )
    with pytest.raises(
        InfeasibleStatisticsError, match=r"with mean -2 has the variance 1 and no other, 1.1"
    ):
        family(cv=0.5).quantiles(-2.0, 1.1)
    with pytest.raises(ParameterError, match=r"cv = 0 must be a positive number"):
        family(cv=0)


@pytest.mark.parametrize(
    ("edges", "counts", "words"),
    [
        ([0, 1], [1, 2], "n \\+ 1 increasing edges"),
        ([0, 2, 1], [1, 2], "increasing"),
        ([0, 1, 2], [1, -1], "at least 0"),
        ([0, 1, 2], [0, 0], "not all 0"),
        ([-1, 1, 2], [1, 1], "both signs"),
    ],
)
def test_histograms_are_checked(edges, counts, words):
    with pytest.raises(ParameterError, match=words):
        marginals.Histogram(edges, counts)


def test_families_by_block():
    families = {
        "E": {"E": marginals.Lognormal(), "I": marginals.Gamma()},
        "I": {"E": marginals.Gaussian(), "I": marginals.Constant()},
    }
    found = marginals.by_block(families, ["E", "I"])
    assert [[type(f).__name__ for f in row] for row in found] == [
        ["Lognormal", "Gamma"],
        ["Gaussian", "Constant"],
    ]
    for wrong in (
        "Lognormal",
        marginals.Lognormal,
        {"E": families["E"]},
        {"E": families["E"], "I": {"E": 1, "I": 2}},
    ):
        with pytest.raises(ParameterError, match=r"a marginal is one of marginals"):
            marginals.by_block(wrong, ["E", "I"])


def test_dale_s_law_and_the_block_of_an_error():
    one = marginals.by_block(marginals.Lognormal(), ["E", "I"])
    mean = np.array([[0.3, -0.4], [0.2, 0.1]])
    with pytest.raises(
        InfeasibleStatisticsError,
        match=r"population I would make synapses of both signs.*E <- I: -0.4, I <- I: 0.1",
    ):
        marginals.fit(one, ["E", "I"], mean, np.full((2, 2), 0.1))
    marginals.fit(
        marginals.by_block(marginals.Gaussian(), ["E", "I"]), ["E", "I"], mean, np.full((2, 2), 0.1)
    )
    with pytest.raises(InfeasibleStatisticsError, match=r"synapses I <- E: Lognormal has one sign"):
        marginals.fit(one, ["E", "I"], np.array([[0.3, -0.4], [0, -0.1]]), np.full((2, 2), 0.1))


def test_the_hazard_of_a_truncated_gaussian_by_quadrature():
    """Mean and variance of N(-1, .5^2) above 0, 2 standard deviations out in its tail, by
    integration.
    """
    density = stats.norm(-1, 0.5).pdf
    total, m, s = (
        integrate.quad(lambda x, k=k: x**k * density(x), 0, 8, epsabs=1e-14)[0] for k in range(3)
    )
    mean, variance = m / total, s / total - (m / total) ** 2
    quantiles = marginals.TruncatedGaussian().quantiles(mean, variance)
    share = integrate.quad(density, 0, 0.3)[0] / total
    assert quantiles(np.array([stats.norm.ppf(share)]))[0] == pytest.approx(0.3, rel=1e-5)
