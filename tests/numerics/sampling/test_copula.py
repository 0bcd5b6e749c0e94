"""Correlations of Gaussian fields against closed forms, SciPy and plain quadrature."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from motifield import Motifs, check_feasible, marginals
from motifield.errors import InfeasibleStatisticsError, ParameterError
from motifield.numerics.sampling import copula
from motifield.numerics.sampling.copula import Copula

RHO = np.array([-1, -0.95, -0.4, 0.0, 0.3, 0.8, 0.97, 1])


def block(*quantiles):
    """A copula whose first blocks have these distributions, and the indices of all pairs of the
    first two.
    """
    return Copula.of([list(quantiles)])


def curve(made, left=0, right=1):
    return made.covariance(np.full(len(RHO), left), np.full(len(RHO), right))(RHO)


def test_lognormals_have_their_closed_form():
    """Cov = m m' (exp(s s' rho) - 1); of opposite signs, with -rho and the sign of the product."""
    first, second = (marginals.Lognormal().quantiles(m, v) for m, v in ((0.5, 0.2), (2.0, 3.0)))
    s = [np.sqrt(np.log1p(v / m**2)) for m, v in ((0.5, 0.2), (2.0, 3.0))]
    np.testing.assert_allclose(
        curve(block(first, second)), np.expm1(s[0] * s[1] * RHO), rtol=1e-9, atol=1e-12
    )
    negative = second.reflected()
    np.testing.assert_allclose(
        curve(block(first, negative)), -np.expm1(-s[0] * s[1] * RHO), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(
        block(first, second).slopes, [s[0] * 0.5, s[1] * 2.0], rtol=1e-9
    )  # Cov(x, Z) = s m


def test_gaussians_keep_their_correlation():
    first, second = (marginals.Gaussian().quantiles(0.3, v) for v in (0.25, 4.0))
    np.testing.assert_allclose(curve(block(first, second)), RHO, atol=1e-12)


@pytest.mark.parametrize(
    ("family", "mean", "variance", "tolerance"),
    [
        (marginals.Gamma(), -0.5, 0.4, 1e-5),
        (marginals.TruncatedGaussian(), 0.5, 0.15, 1e-5),
        (marginals.Histogram([0, 1, 2, 4, 5], [1, 4, 0, 2], shifted=True), -0.2, 0.3, 2e-3),
    ],
)
def test_other_covariances_by_quadrature(family, mean, variance, tolerance):
    """E f(Z) g(rho Z + sqrt(1 - rho^2) Y) on a fine grid of both variables."""
    f, g = family.quantiles(mean, variance), marginals.Lognormal().quantiles(0.4, 0.1)
    z = np.linspace(-8, 8, 3201)
    weight = stats.norm.pdf(z) * 0.005
    inside = np.abs(RHO) < 1
    by_hand = [
        (weight * f(z)) @ g(rho * z[:, None] + np.sqrt(1 - rho**2) * z) @ weight - mean * 0.4
        for rho in RHO[inside]
    ]
    scale = np.sqrt(variance * 0.1)
    found = curve(block(f, g))
    np.testing.assert_allclose(found[inside], by_hand, atol=tolerance * scale)
    made = block(f, g)
    for k in range(2):
        np.testing.assert_allclose(
            curve(made, 0, k)[~inside], [made.opposite[0, k], made.same[0, k]], rtol=1e-10
        )
    np.testing.assert_allclose(
        found[~inside],
        [weight @ (f(z) * g(s * z)) - mean * 0.4 for s in (-1, 1)],
        atol=2 * tolerance * scale,
    )


def test_two_presences_are_two_normal_variables():
    probability = np.array([[0.1, 0.35], [0.6, 0.02]])
    pairs = copula.joint_presence(probability)
    left, right = np.array([0, 1, 2, 0]), np.array([0, 2, 3, 3])
    rho = np.array([0.7, -0.5, 0.3, -0.2])
    c = probability.ravel()
    expected = [
        stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf(
            [stats.norm.ppf(c[i]), stats.norm.ppf(c[j])]
        )
        - c[i] * c[j]
        for i, j, r in zip(left, right, rho, strict=True)
    ]
    np.testing.assert_allclose(pairs(left, right)(rho), expected, atol=1e-9)
    ends = [pairs(left, right)(np.full(4, s)) for s in (-1.0, 1.0)]
    np.testing.assert_allclose(
        ends[0], np.maximum(c[left] + c[right] - 1, 0) - c[left] * c[right], atol=1e-9
    )
    np.testing.assert_allclose(
        ends[1], np.minimum(c[left], c[right]) - c[left] * c[right], atol=1e-9
    )
    certain = copula.joint_presence(np.array([[1.0, 0.0], [0.5, 0.5]]))
    np.testing.assert_array_equal(
        certain(np.array([0, 1, 0]), np.array([2, 2, 1]))(np.full(3, 0.5)), 0
    )


def test_the_two_synapses_of_a_motif():
    """By name: a block is written (target, source)."""
    P = 3
    pairs = copula.pair_blocks(P)
    for a in range(P):
        for b in range(P):
            assert [divmod(int(k[a, b]), P) for k in pairs.reciprocal] == [(a, b), (b, a)]
            for c in range(P):
                assert [divmod(int(k[a, b, c]), P) for k in pairs.convergent] == [(a, b), (a, c)]
                assert [divmod(int(k[a, b, c]), P) for k in pairs.divergent] == [(b, a), (c, a)]
                assert [divmod(int(k[a, b, c]), P) for k in pairs.chain] == [(a, b), (b, c)]


@settings(max_examples=12)
@given(st.integers(1, 3), st.integers(0, 5))
def test_correlations_are_found_again(P, seed):
    rng = np.random.default_rng(seed)
    mean, variance = (
        rng.uniform(0.3, 1, (P, P)) * np.where(np.arange(P) % 2, -1, 1),
        rng.uniform(0.1, 0.3, (P, P)),
    )
    made = Copula.of(
        marginals.fit(marginals.by_block(marginals.Gamma(), "ABC"[:P]), "ABC"[:P], mean, variance)
    )
    wanted = Motifs(*(rng.uniform(-0.8, 0.8, (P,) * n) for n in (3, 3, 3, 2)))
    covariances = copula.motif_covariances(made.covariance, wanted)
    found = copula.correlations(
        made.covariance, covariances, copula.products(np.sqrt(variance)), "ABC"[:P], "synapses"
    )
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-9)


def test_the_attainable_range_is_in_the_error():
    """Of two lognormals with s^2 = log 2: (2^-1 - 1) / (2 - 1) = -1/2, and 1."""
    made = block(marginals.Lognormal().quantiles(1.0, 1.0))
    wanted = Motifs(*(np.full((1,) * n, x) for n, x in ((3, 0.1), (3, 0.1), (3, 0.0), (2, -0.6))))
    with pytest.raises(
        InfeasibleStatisticsError,
        match=r"tau_rec\[A,A\] = -0.6 cannot be reached: synapses .* reach -0.5 to 1$",
    ):
        copula.correlations(
            made.covariance, wanted, copula.products(np.ones((1, 1))), "A", "synapses"
        )
    near = copula.nearest_correlations(made.covariance, wanted)
    assert near.reciprocal[0, 0] == pytest.approx(-1)


def linear(left, right):
    """Covariances of Gaussian synapses of unit variance: the correlations themselves."""
    return lambda rho: rho


def test_an_impossible_field_is_named(of_populations):
    parameters = of_populations("E", 100, mean=1.0, g=1.0, motifs=Motifs(0.1, 0.1, 0.0999, 0.2))
    field = copula.field_of(
        parameters,
        Motifs(*(np.full((1,) * n, x) for n, x in ((3, 0.1), (3, 0.1), (3, 0.11), (2, 0.2)))),
    )
    with pytest.raises(
        InfeasibleStatisticsError,
        match=r"(?s)no Gaussian field gives these synapses .*tau_chn\[E,E,E\].*nearest",
    ):
        copula.drawable(field, linear, field.motifs, "these synapses")
    check_feasible(
        copula.field_of(parameters, Motifs(*(np.full((1,) * n, 0.05) for n in (3, 3, 3, 2))))
    )


def test_quantiles_must_have_the_moments_that_they_state():
    wrong = marginals.Quantiles(lambda z: 1 + z, 1.0, 2.0)
    with pytest.raises(ParameterError, match=r"should have mean 1 and variance 2 have 1 and 1,"):
        block(wrong)
