"""Populations found in networks whose populations are known."""

from itertools import permutations

import numpy as np
import pytest
import scipy.sparse as sps

from motifield import Network
from motifield.errors import NetworkError
from motifield.networks import find_populations


def agreement(found, planted):
    """Fraction of neurons in the right population, under the best names."""
    P = planted.max() + 1
    return max(np.mean(np.array(names)[found] == planted) for names in permutations(range(P)))


def planted(N=400, seed=0, uneven=0.0, scale=1.0):
    """Three populations of a sparse directed network, with connection probabilities that differ in
    both directions.
    """
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, p=[0.5, 0.3, 0.2], size=N)
    chances = (
        scale
        * np.array([[0.20, 0.04, 0.12], [0.10, 0.15, 0.02], [0.02, 0.14, 0.16]])[
            np.ix_(labels, labels)
        ]
    )
    if uneven:
        chances *= rng.gamma(1 / uneven, uneven, size=(N, 1)) * rng.gamma(
            1 / uneven, uneven, size=N
        )
    return (rng.random((N, N)) < chances).astype(float), labels


@pytest.mark.parametrize("method", ["spectral", "block-model"])
@pytest.mark.parametrize("uneven", [0.0, 0.3])
def test_planted_populations_are_found(method, uneven):
    W, labels = planted(uneven=uneven)
    for weights in (W, sps.csr_array(W), Network.of(W, labels)):
        found = find_populations(weights, 3, method=method)
        assert agreement(found, labels) > 0.97
        sizes = np.bincount(found)
        assert list(sizes) == sorted(sizes, reverse=True)


def test_degrees_do_not_make_populations():
    """One half of each population has five times the synapses of the other half."""
    rng = np.random.default_rng(1)
    labels, busy = np.repeat([0, 1], 150), np.tile([1.0, 5.0], 150)
    chances = (
        0.01 * np.array([[1.5, 0.5], [0.5, 1.5]])[np.ix_(labels, labels)] * np.outer(busy, busy)
    )
    W = (rng.random((300, 300)) < chances) * 1.0
    for method in ("spectral", "block-model"):
        assert agreement(find_populations(W, 2, method=method), labels) > 0.9


def test_the_block_model_finds_more_where_synapses_are_few():
    W, labels = planted(N=1000, scale=0.2, seed=2)
    spectral, likely = (
        agreement(find_populations(W, 3, method=method), labels)
        for method in ("spectral", "block-model")
    )
    assert 0.9 < spectral < likely
    assert likely > 0.99


def test_signed_weights():
    """Excitation and inhibition that differ in sign alone."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([0, 1], [200, 100]))
    W = rng.normal(np.array([[0.2, -0.2], [0.2, -0.2]])[np.ix_(labels, labels)], 1.0)
    assert agreement(find_populations(W.astype(np.float32), 2), labels) > 0.97
    with pytest.raises(NetworkError, match="block model is one of counts"):
        find_populations(W, 2, method="block-model")


def test_the_same_seed_gives_the_same_populations():
    W, _ = planted()
    np.testing.assert_array_equal(find_populations(W, 3, seed=4), find_populations(W, 3, seed=4))
    assert set(find_populations(W, 1)) == {0}


@pytest.mark.parametrize(
    ("weights", "P", "options", "match"),
    [
        (
            np.ones((4, 4)),
            0,
            {},
            "P = 0 populations cannot be found among 4 neurons: use an integer from 1 to 3",
        ),
        (np.ones((4, 4)), 4, {}, "P = 4 populations"),
        (np.ones((4, 4)), 1.5, {}, "P = 1.5 populations"),
        (np.zeros((4, 4)), 2, {}, "has no synapses"),
        (
            np.ones((4, 4)),
            2,
            {"method": "kmeans"},
            "method='kmeans' is unknown: use 'spectral' or 'block-model'",
        ),
        (np.ones((4, 3)), 2, {}, "needs a square matrix"),
    ],
)
def test_what_cannot_be_found_is_said(weights, P, options, match):
    with pytest.raises(NetworkError, match=match):
        find_populations(weights, P, **options)
