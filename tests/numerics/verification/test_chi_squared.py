"""Chi-squared tests of ensembles: right as often as they claim on numbers with a known law, and
blind to nothing.
"""

import numpy as np
import pytest
from scipy import stats

from motifield.errors import ParameterError
from motifield.numerics.linear import whitening
from motifield.numerics.verification.chi_squared import as_z, extrapolation, judge, two_sided

COVARIANCE = np.array([[2.0, 0.6, 0.3], [0.6, 1.0, -0.2], [0.3, -0.2, 0.5]])
SIZES, SMALLEST = (1000, 4000), (500, 2000)


def draws(rng, repeats, count, N, covariance=COVARIANCE, shift=0.0):
    root = np.linalg.cholesky(covariance / N)
    return rng.standard_normal((repeats, count, len(root))) @ root.T + shift


def verdicts(rng, repeats=600, count=6, factor=1.0, shift=0.0):
    """Ensembles with a bias of 3 / N, which the extrapolation takes off."""
    each = [draws(rng, repeats, count, N, factor * COVARIANCE, shift + 3.0 / N) for N in SIZES]
    covariances = [COVARIANCE / N for N in SIZES]
    return [
        judge(own, [np.zeros(3)] * 2, covariances, SIZES, SMALLEST)
        for own in zip(*each, strict=True)
    ]


def rejected(given, name="p_value"):
    return np.mean([getattr(v, name) < 0.05 for v in given])


def test_a_true_theory_is_rejected_as_often_as_claimed():
    """600 repeats at level .05: standard error .009."""
    given = verdicts(np.random.default_rng(0))
    for name in ("p_mean", "p_spread", "p_value"):
        assert 0.02 < rejected(given, name) < 0.08
        assert stats.kstest([getattr(v, name) for v in given], "uniform").pvalue > 1e-3
    assert {v.rank for v in given} == {3}
    assert {v.degrees for v in given} == {2 * 5 * 3}


def test_wrong_means_and_wrong_spreads_are_found():
    shifted = verdicts(np.random.default_rng(1), 100, shift=np.array([0.0, 0.1, 0.0]))
    assert rejected(shifted) > 0.95
    assert rejected(shifted, "p_spread") < 0.15
    for factor in (0.3, 2.5):
        wider = verdicts(np.random.default_rng(2), 100, factor=factor)
        assert rejected(wider, "p_spread") > 0.9


def test_functions_of_each_other_count_once():
    rng = np.random.default_rng(3)
    own = draws(rng, 1, 8, 1000)[0]
    mixing = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1e3, 2e3, 0], [0, 0, 0.0]])
    plain, doubled = (
        judge([v], [np.zeros(v.shape[1])], [c / 1000], [1000], [500])
        for v, c in ((own, COVARIANCE), (own @ mixing.T, mixing @ COVARIANCE @ mixing.T))
    )
    assert doubled.rank == plain.rank == 3
    assert doubled.chi2_mean == pytest.approx(plain.chi2_mean)
    assert doubled.p_value == pytest.approx(plain.p_value)


def test_what_the_leading_order_does_not_know_is_left_out():
    nearly = np.array([[1.0, 0.999], [0.999, 1.0]])
    white = whitening(nearly, 4 / 400)
    assert white.shape == (1, 2)
    np.testing.assert_allclose(white @ nearly @ white.T, 1)
    assert whitening(nearly, 4 / 40000).shape == (2, 2)


def test_limits_are_those_of_least_squares():
    sizes = np.array([500, 1000, 2000])
    weights = extrapolation(sizes)
    np.testing.assert_allclose([weights.sum(), (weights / sizes).sum()], [1, 0], atol=1e-12)
    # the textbook formula, with variances 1/N
    w, x = sizes.astype(float), 1 / sizes
    determinant = w.sum() * (w * x * x).sum() - (w * x).sum() ** 2
    np.testing.assert_allclose(
        weights, ((w * x * x).sum() * w - (w * x).sum() * w * x) / determinant
    )
    assert extrapolation([700]).tolist() == [1.0]


def test_scores():
    assert two_sided(stats.chi2.median(7), 7) == pytest.approx(1)
    np.testing.assert_allclose(
        as_z(stats.chi2.ppf(stats.norm.cdf([-2.5, 0.5, 3.0]), 7), 7), [-2.5, 0.5, 3.0]
    )
    assert 16 < as_z(300.0, 5) < 17  # far out in the upper tail, where 1 - cdf is 0


@pytest.mark.parametrize("level", [0.0, 1.0, np.nan])
def test_a_level_is_a_probability(level):
    with pytest.raises(ParameterError, match="between 0 and 1"):
        judge([np.zeros((3, 1))], [np.zeros(1)], [np.eye(1)], [100], [100], level)


def test_one_network_has_no_spread():
    with pytest.raises(ParameterError, match="two networks"):
        judge([np.zeros((1, 1))], [np.zeros(1)], [np.eye(1)], [100], [100])
