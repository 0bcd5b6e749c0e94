"""The spectral radius: exactly 0 without loops, else the largest eigenvalue of NumPy."""

import numpy as np
import pytest
import scipy.sparse as sps

import motifield as mf
from motifield.errors import NetworkError
from motifield.numerics.linear import spectral_radius as of_matrices


def feed_forward(N, seed=0):
    """Every neuron acts on later ones alone, in an order that is not that of the indices."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(N)
    return np.triu(rng.normal(size=(N, N)), 1)[np.ix_(order, order)]


def radius(weights):
    return mf.spectral_radius(mf.Network.of(weights, [0] * weights.shape[0]))


@pytest.mark.parametrize("N", [3, 20, 60, 200])
@pytest.mark.parametrize("form", [np.array, sps.csr_array])
def test_a_feed_forward_network_has_the_radius_0(N, form):
    """eigvals gave 1e-3 and more, ARPACK did not converge."""
    weights = feed_forward(N)
    assert radius(form(weights)) == 0.0
    assert radius(form(0 * weights)) == 0.0
    assert radius(form(weights + np.diag(np.linspace(-0.7, 0.1, N)))) == pytest.approx(0.7)


@pytest.mark.parametrize("N", [4, 60])
def test_a_ring_of_synapses_has_eigenvalues_of_one_size(N):
    """The product of the weights along the ring to the power 1 / N."""
    assert radius(np.roll(2.0 * np.eye(N), 1, axis=0)) == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize("N", [10, 80])
def test_groups_one_after_another(N):
    rng = np.random.default_rng(1)
    blocks = [rng.normal(size=(N, N)) for _ in range(2)]
    zero, ahead = np.zeros((N, N)), rng.normal(size=(N, N))
    order = rng.permutation(2 * N)
    weights = np.block([[blocks[0], zero], [ahead, blocks[1]]])[np.ix_(order, order)]
    expected = max(np.abs(np.linalg.eigvals(block)).max() for block in blocks)
    assert radius(weights) == pytest.approx(expected, rel=1e-8)
    assert radius(sps.csr_array(weights)) == pytest.approx(expected, rel=1e-8)


def test_a_feed_forward_connectome_cannot_be_scaled_to_a_radius(tmp_path):
    np.savetxt(tmp_path / "w.csv", feed_forward(6))
    spec = tmp_path / "s.toml"
    spec.write_text('[connectome]\nnetwork = "w.csv"\nspectral_radius = 0.9\n')
    with pytest.raises(NetworkError, match="no loops of synapses"):
        mf.load_spec(spec)


def test_stacks_of_small_matrices():
    loops = feed_forward(12)
    loops[2, 2] = 0.3
    found = of_matrices(np.stack([feed_forward(12), loops, np.zeros((12, 12))]))
    assert found[0] == found[2] == 0
    assert found[1] == pytest.approx(np.abs(np.linalg.eigvals(loops)).max(), rel=1e-12)
