"""Shrunken motif coefficients: by hand for one, nearer to the truth for few neurons, feasible."""

import numpy as np
import pytest

from motifield import Motifs, measure
from motifield.networks import Network
from motifield.numerics.networks.shrinkage import (
    errors_of_independence,
    prior_variance,
    shrunken,
)
from motifield.numerics.networks.statistics import Statistics
from motifield.numerics.parameters import violations

CANCELLING = [[0, 1, -1], [1, 0, -1], [1, -1, 0]]
SIZES = (24, 6)
CONVERGENT, DIVERGENT = 0.1, 0.3  # variances of row and column sums, beside 1 of the rest


def one(value):
    return np.full((1, 1, 1), value)


def test_one_coefficient_is_shrunken_as_by_james_and_stein():
    """tau (1 - s^2 / tau^2)_+: .5 (1 - .04 / .25) with the error .2, 0 with .6."""
    tau = Motifs(one(0.5), one(-0.5), one(0.5), np.array([[0.5]]))
    errors = Motifs(one(0.2), one(0.2), one(0.6), np.array([[np.nan]]))
    found = shrunken(tau, errors, [100])
    assert found.convergent.item() == pytest.approx(0.42, rel=1e-12)
    assert found.divergent.item() == pytest.approx(-0.42, rel=1e-12)
    assert found.chain.item() == 0
    assert found.reciprocal.item() == 0  # whose error is not known


def test_no_error_is_below_that_of_independent_synapses():
    """Three neurons have three pairs of convergent synapses, of equal products by chance."""
    tau = Motifs(one(-1.0), one(0.0), one(0.0), np.zeros((1, 1)))
    found = shrunken(tau, Motifs(one(0.1), one(0.0), one(0.0), np.zeros((1, 1))), [3])
    assert found.convergent.item() == pytest.approx(-(1 - 1 / 3), rel=1e-12)


def test_errors_of_independent_synapses_count_their_pairs():
    """Of 4 and 2 neurons, by enumeration."""
    labels = [0, 0, 0, 0, 1, 1]
    every = range(6)
    con, chain, rec = np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), np.zeros((2, 2))
    for i in every:
        for j in set(every) - {i}:
            rec[labels[i], labels[j]] += 1 / (1 + (labels[i] == labels[j]))
            for k in set(every) - {i, j}:
                p, q, r = labels[i], labels[j], labels[k]
                con[p, q, r] += 1 / (1 + (q == r))  # onto i from j and k
                chain[p, q, r] += 1
    found = errors_of_independence([4, 2])
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(found.convergent, 1 / np.sqrt(con))
        np.testing.assert_allclose(found.divergent, 1 / np.sqrt(con))
        np.testing.assert_allclose(found.chain, 1 / np.sqrt(chain))
        np.testing.assert_allclose(found.reciprocal, 1 / np.sqrt(rec))


def test_the_variance_of_a_class_is_the_likeliest_one():
    rng = np.random.default_rng(0)
    square = rng.uniform(0.1, 2, 50)
    y = rng.normal(size=50) * np.sqrt(0.7 + square)

    def likelihood(A):
        return -np.sum(np.log(A + square) + y**2 / (A + square))

    A = prior_variance(y, square)
    grid = np.linspace(0, 5, 2001)
    best = grid[np.argmax([likelihood(a) for a in grid])]
    assert pytest.approx(best, abs=3e-3) == A
    assert prior_variance(0.1 * y, square) == 0  # less than the errors alone make


def network(seed):
    """Rows and columns of 24 and 6 neurons that vary by themselves: tau_con = .1 / 1.4."""
    rng, N = np.random.default_rng(seed), sum(SIZES)
    rows = rng.normal(size=(N, 1)) * np.sqrt(CONVERGENT)
    columns = rng.normal(size=(1, N)) * np.sqrt(DIVERGENT)
    return Network.of(rows + columns + rng.normal(size=(N, N)), np.repeat(["E", "I"], SIZES))


def test_shrunken_coefficients_of_few_neurons_are_nearer_to_the_truth():
    total = 1 + CONVERGENT + DIVERGENT
    truth = [CONVERGENT / total, DIVERGENT / total, 0.0, 0.0]
    squares = np.zeros(2)
    for seed in range(8):
        for k, shrink in enumerate((False, True)):
            found = measure(network(seed), shrink=shrink).tau
            squares[k] += sum(np.sum((t - v) ** 2) for t, v in zip(found, truth, strict=True))
    assert squares[1] < 0.8 * squares[0]


def test_three_neurons_whose_synapses_cancel_have_motifs_of_an_ensemble():
    raw = measure(Network.of(CANCELLING, ["a"] * 3), errors=True)
    found = measure(Network.of(CANCELLING, ["a"] * 3), errors=True, shrink=True)
    assert raw.tau.convergent.item() == -1
    assert violations(raw.parameters())
    assert not violations(found.parameters())
    assert found.convergent.item() == pytest.approx(0, abs=1e-8)
    np.testing.assert_array_equal(found.variance, raw.variance)
    np.testing.assert_array_equal(found.errors.tau.chain, raw.errors.tau.chain)
    assert found.title.endswith("shrunken")
    assert found.json()["shrunk"] is True


def test_that_they_are_shrunken_is_kept_in_files(tmp_path):
    path = tmp_path / "statistics.npz"
    for shrink in (False, True):
        measure(Network.of(CANCELLING, ["a"] * 3), shrink=shrink).save(path)
        assert Statistics.load(path).shrunk is shrink
