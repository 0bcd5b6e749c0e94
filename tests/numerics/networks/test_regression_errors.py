"""Standard errors of assortativity are its spread among networks."""

import numpy as np
import pytest

from motifield import Network, sample
from motifield.errors import NetworkError
from motifield.numerics.networks import assortativity, assortativity_errors, neuron_strengths
from motifield.numerics.networks.regression_errors import _Pair, _Sums
from motifield.numerics.networks.strengths import centred
from motifield.numerics.parameters import unexplained_moments
from motifield.sampling import matrix_free

NETWORKS = 60  # the spread is then known to 9 % for each element


def drawn(network):
    return centred(np.stack(list(network.features.values()), axis=1), network.labels)


def measured(network):
    hidden = {k: v for k, v in network.features.items() if k not in ("in", "out")}
    return neuron_strengths(network, tuple(network.features), hidden)


def ratios(own, look):
    """Errors over the spread, root mean square over networks, by element."""
    found, errors = [], []
    for seed in range(NETWORKS):
        network = sample(own, seed)
        features = look(network)
        values = features if isinstance(features, np.ndarray) else features.features
        found.append(assortativity(network, values))
        errors.append(assortativity_errors(network, features))
    return np.sqrt(np.mean(np.square(errors), axis=0)) / np.std(found, axis=0, ddof=1)


def typical(values):
    return float(np.exp(np.mean(np.log(values))))


@pytest.mark.parametrize("look", [drawn, measured])
@pytest.mark.parametrize("reciprocity", [0.0, 0.6])
def test_errors_are_the_spread_of_one_population(mixed_network, look, reciprocity):
    own = mixed_network(1, 2, N=200, gamma=0.5)
    own = own.replace(tau_rec=np.asarray(own.tau_rec) + reciprocity)
    found = ratios(own, look)
    assert 0.8 < typical(found) < 1.2
    assert 0.65 < found.min() < found.max() < 1.4


@pytest.mark.parametrize("look", [drawn, measured])
def test_errors_are_the_spread_of_two_populations_with_patterns(mixed_network, look):
    found = ratios(mixed_network(2, 3, N=240, gamma=1.5, patterns=("m",)), look)
    assert 0.85 < typical(found) < 1.15
    assert 0.6 < found.min() < found.max() < 1.5


def test_strong_assortativity_moves_the_strengths_that_it_is_measured_with(mixed_network):
    """Each neuron moves the strengths of others along their features, which makes half of the
    spread here; errors for features that are the neurons' own are too small.
    """
    own = mixed_network(1, 2, N=200, gamma=3.0, size=1.0)
    assert 0.8 < typical(ratios(own, measured)) < 1.2
    assert typical(ratios(own, lambda n: measured(n).features)) < 0.8


def by_loops(network, features):
    """Sums over pairs in plain loops: the sum of squares of what neurons take part in, and of
    pairs, for Gamma of the only population.
    """
    N, J = network.N, np.asarray(network.matrix)
    gamma = assortativity(network, features)[0, 0]
    g = features @ np.linalg.inv(features.T @ features / N)
    rows, columns = J.mean(axis=1), J.mean(axis=0)
    psi = np.zeros((N, N, *gamma.shape))
    for i, j in np.ndindex(N, N):
        R = J[i, j] - rows[i] - columns[j] + J.mean() - features[i] @ gamma @ features[j]
        psi[i, j] = R * np.outer(g[i], g[j]) / N**2
    single = psi.sum(axis=0) + psi.sum(axis=1)
    pairs = (psi**2 + psi * psi.transpose(1, 0, 2, 3)).sum(axis=(0, 1))
    return single, pairs


@pytest.fixture
def small():
    rng = np.random.default_rng(2)
    J = rng.normal(size=(14, 14)) * (rng.random((14, 14)) < 0.5)
    J += 0.4 * J.T
    return Network.of(J, np.zeros(14, int)), centred(rng.normal(size=(14, 3)), np.zeros(14, int))


def test_sums_over_pairs_are_those_of_plain_loops(small):
    network, features = small
    single, pairs = by_loops(network, features)
    own = _Pair.of(_Sums.of(network, features), 0, 0)
    np.testing.assert_allclose(own.single, single, rtol=0, atol=1e-12)
    np.testing.assert_allclose(own.squares(), pairs, rtol=1e-10)
    expected = np.maximum((single**2).sum(axis=0) - 2 * pairs, 0) + pairs
    np.testing.assert_allclose(assortativity_errors(network, features)[0, 0] ** 2, expected)


def test_sparse_dense_and_reordered_networks_have_the_same_errors(mixed_network, monkeypatch):
    import scipy.sparse as sps

    from motifield.numerics.networks import regression_errors

    network = sample(mixed_network(2, 2, N=150), 1)
    own = measured(network)
    expected = assortativity_errors(network, own)
    sparse = Network.of(sps.csr_array(network.weights), network.labels, network.populations)
    np.testing.assert_allclose(assortativity_errors(sparse, own), expected, rtol=1e-9)
    monkeypatch.setattr(regression_errors, "ROWS", 17)
    order = np.random.default_rng(1).permutation(150)
    mixed = Network.of(
        network.weights[np.ix_(order, order)], network.labels[order], network.populations
    )
    again = neuron_strengths(mixed, ("in", "out"))
    np.testing.assert_allclose(assortativity_errors(mixed, again), expected, rtol=1e-9)


def test_slopes_of_features_are_their_derivatives(small):
    """Features of totals that are a little larger, by the difference quotient."""
    network, _ = small
    names = ("in", "out", "in^2", "in*out", "in*in^2", "m")
    own = neuron_strengths(network, names, {"m": np.arange(14.0)})
    x, y = own.features[:, 0], own.features[:, 1]
    one, zero = np.ones(14), np.zeros(14)
    by_in = np.stack([one, zero, 2 * x, y, 3 * x**2, zero], axis=1)
    by_out = np.stack([zero, one, zero, x, zero, zero], axis=1)
    np.testing.assert_allclose(own.slopes[:, :, 0], by_in, rtol=0, atol=1e-12)
    np.testing.assert_allclose(own.slopes[:, :, 1], by_out, rtol=0, atol=1e-12)


def test_measured_strengths_hold_what_the_residual_adds_to_them(mixed_network):
    """Gamma along measured strengths f + e is C_m^-1 C Gamma C C_m^-1, C_m = C + Cov(e), e the sums
    of the residual synapses: variance sum_q alpha_q N Var(w_ij) of in-strengths, and so on.
    """
    own = mixed_network(2, 3, N=500, gamma=1.5)
    found = [sample(own, seed) for seed in range(20)]
    found = np.array([assortativity(n, measured(n).features) for n in found])
    A, B = unexplained_moments(own)
    g, alpha = np.asarray(own.g), np.asarray(own.fractions)
    noise = np.zeros((2, 2, 2))
    noise[:, 0, 0], noise[:, 1, 1] = (A * g**2) @ alpha, alpha @ (A * g**2)
    noise[:, 0, 1] = noise[:, 1, 0] = (B * g * g.T) @ alpha
    C, gamma = np.asarray(own.strengths.feature_covariance), np.asarray(own.strengths.gamma)
    share = np.linalg.solve(C + noise, C)
    expected = np.einsum("pkl,pqlm,qnm->pqkn", share, gamma, share)
    error = found.std(0, ddof=1) / np.sqrt(len(found))
    assert np.abs((found.mean(0) - expected) / error).max() < 4
    assert np.abs((found.mean(0) - gamma) / error).max() > 8


def test_a_population_of_two_neurons_has_unknown_errors():
    rng = np.random.default_rng(1)
    network = Network.of(rng.normal(size=(12, 12)), [0] * 10 + [1] * 2)
    errors = assortativity_errors(network, neuron_strengths(network, ("in", "out")))
    assert np.isfinite(errors[0, 0]).all()
    assert np.isnan(errors[1]).all()
    assert np.isnan(errors[:, 1]).all()


def test_synapses_that_are_not_stored_are_refused(mixed_network):
    network = matrix_free(mixed_network(1, 2, N=100), 1)
    with pytest.raises(NetworkError, match="not stored"):
        assortativity_errors(network, drawn(network))
