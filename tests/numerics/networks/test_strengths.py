"""A network's own strengths: measured, in classes, and in the equations."""

import numpy as np
import pytest
from scipy.special import erf

import motifield as mf
from motifield.errors import NetworkError, ParameterError
from motifield.numerics.networks import COMPONENTS
from motifield.strengths import Empirical, Mixture, neuron_strengths, strength_classes


@pytest.fixture(scope="module")
def network():
    """Skewed strengths that synapses know, two populations."""
    rng = np.random.default_rng(8)
    labels = np.repeat([0, 1], [60, 40])
    strong = rng.lognormal(0, 0.5, (100, 2))
    scale = np.where(labels == 0, 0.015, -0.02)
    W = strong[:, :1] * strong[:, 1] * rng.lognormal(-0.5, 1.0, (100, 100)) * scale
    return mf.Network.of(W, labels, ["E", "I"])


def test_strengths_in_loops(network):
    W, own = np.asarray(network.weights), neuron_strengths(network, ["in", "out", "in*out"])
    blocks = [network.members(p) for p in range(2)]
    for p, i in ((0, blocks[0][3]), (1, blocks[1][7])):
        for q in range(2):
            mean = W[np.ix_(blocks[p], blocks[q])].mean()
            assert own.rows[i, q] == pytest.approx(100 * (W[i, blocks[q]].mean() - mean))
            back = W[np.ix_(blocks[q], blocks[p])].mean()
            assert own.columns[i, q] == pytest.approx(W[blocks[q], i].mean() - back)
    total = own.rows @ [0.6, 0.4]
    np.testing.assert_allclose(own.features[:, 0], total, atol=1e-12)
    sent = own.columns @ [60, 40]
    np.testing.assert_allclose(own.features[:, 1], sent, atol=1e-12)
    product = total * sent
    for m in blocks:
        np.testing.assert_allclose(own.features[m, 2], product[m] - product[m].mean(), atol=1e-12)


def test_assortativity_is_a_regression(network):
    own = neuron_strengths(network, ["in", "out"])
    gamma, W = mf.strengths.assortativity(network, own.features), np.asarray(network.weights)
    E, I = (network.members(p) for p in range(2))
    residual = W[np.ix_(I, E)] - W[np.ix_(I, E)].mean()
    residual -= own.rows[I, :1] / 100 + own.columns[E, 1]
    products = np.einsum("ik,jl->ijkl", own.features[I], own.features[E]).reshape(-1, 4)
    expected = np.linalg.lstsq(products, residual.ravel(), rcond=None)[0]
    np.testing.assert_allclose(gamma[1, 0].ravel(), expected, rtol=1e-9)


@pytest.mark.parametrize("components", [None, COMPONENTS])
def test_components_keep_the_covariance(network, components):
    made = mf.networks.measure_strengths(network, components)
    values = neuron_strengths(network, ["in", "out"]).together
    for p in range(2):
        expected = np.cov(values[network.members(p)].T, ddof=0)
        np.testing.assert_allclose(made.covariance[p], expected, rtol=1e-9, atol=1e-18)
    assert made.quenched


def test_classes_rise_with_strength(network):
    classes = strength_classes(network, 3)
    sums = np.abs(np.asarray(network.weights)).sum(1)
    for p in range(2):
        m = network.members(p)
        means = [sums[m][classes[m] == k].mean() for k in range(3)]
        assert np.all(np.diff(means) > 0)
    split = mf.networks.split_by_strength(network, 3)
    assert split.populations == ("E/1", "E/2", "E/3", "I/1", "I/2", "I/3")
    np.testing.assert_array_equal(split.labels // 3, network.labels)
    np.testing.assert_array_equal(classes, strength_classes(network, 3))
    with pytest.raises(ParameterError, match="at least 1"):
        strength_classes(network, 0)


def test_unknown_features_and_patterns(network):
    with pytest.raises(ParameterError, match="unknown feature 'up'"):
        mf.networks.measure_strengths(network, features=["up"])
    with pytest.raises(NetworkError, match="pattern 'm' has shape"):
        neuron_strengths(network, ["m"], {"m": np.zeros(3)})
    found = neuron_strengths(network, ["m"], {"m": np.arange(100.0)})
    assert abs(found.features[network.members(0)].mean()) < 1e-9


def plain_loops(network, drive):
    """Section 6.2 at a given network's own neurons, by relaxation, with erf."""
    stats, own = mf.measure(network), neuron_strengths(network, ["in", "out"])
    N, alpha = network.N, np.asarray(network.sizes) / network.N
    gamma = mf.strengths.assortativity(network, own.features)
    members = [network.members(p) for p in range(network.P)]
    W, left = np.asarray(network.weights), np.zeros((2, 2))  # mean squares of what is left
    for p, q in np.ndindex(2, 2):
        w = W[np.ix_(members[p], members[q])]
        w = w - w.mean(0) - w.mean(1, keepdims=True) + w.mean()
        w -= own.features[members[p]] @ gamma[p, q] @ own.features[members[q]].T
        left[p, q] = np.mean(w**2)
    K, kappa, theta, s = np.zeros(2), np.zeros(2), np.zeros((2, 2)), np.zeros(2)
    z, w = np.polynomial.hermite_e.hermegauss(80)
    w = w / w.sum()
    for _ in range(4000):
        V, new, r, square, rates = np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(2), []
        for p in range(2):
            for q in range(2):
                V[p] += N * left[p, q] * alpha[q] * (s[q] ** 2 - (kappa[q] / alpha[q]) ** 2)
            x = K[p] + own.rows[members[p]] @ kappa + own.features[members[p]] @ theta[p]
            phi = erf(x[:, None] + np.sqrt(max(V[p], 0)) * z)
            rates.append(phi @ w)
            r[p], square[p] = rates[p].mean(), (phi**2 @ w).mean()
        turned = np.zeros((2, 2))
        for p in range(2):
            new[p] = drive
            for q in range(2):
                out = own.columns[members[q], p] @ rates[q] / len(members[q])
                new[p] += N * alpha[q] * (stats.mean[p, q] * r[q] + out)
                known = own.features[members[q]].T @ rates[q] / len(members[q])
                turned[p] += N * alpha[q] * gamma[p, q] @ known
        step = 0.2
        K, kappa = K + step * (new - K), kappa + step * (alpha * r - kappa)
        theta, s = theta + step * (turned - theta), s + step * (np.sqrt(square) - s)
    return {"mean": K, "kappa": kappa, "theta": theta, "rate": r}


def test_the_equations_of_given_neurons_in_plain_loops(network):
    kind = {"strengths": Empirical(), "assortativity": True}
    system = mf.compile(mf.derive(mf.Architecture(["E", "I"], "erf", **kind), mf.SecondMoment()))
    numbers = mf.strengths.with_strengths(
        mf.measure(network).parameters(input=0.4), network, system.mean_field.architecture
    )
    found, expected = mf.fixed_point(system, numbers).dataset, plain_loops(network, 0.4)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-11)


def test_one_component_for_each_neuron_or_few_need_their_equations(network):
    numbers = mf.measure(network).parameters(input=0.4)
    for kind, other in ((Empirical(), Mixture(2)), (Mixture(2, quenched=True), Empirical())):
        architecture = mf.Architecture(["E", "I"], "erf", strengths=kind, assortativity=True)
        own = mf.strengths.with_strengths(numbers, network, architecture)
        wrong = mf.Architecture(["E", "I"], "erf", strengths=other, assortativity=True)
        system = mf.compile(mf.derive(wrong, mf.SecondMoment()))
        with pytest.raises(ParameterError, match=r"strengths of a given network|have widths"):
            system.check(own)


@pytest.mark.parametrize("kind", [Empirical(), Mixture(2, quenched=True)])
def test_strengths_of_a_network_without_assortativity(network, kind):
    architecture = mf.Architecture(["E", "I"], "erf", strengths=kind)
    numbers = mf.strengths.with_strengths(mf.measure(network).parameters(), network, architecture)
    assert numbers.strengths.features == ()
    covariance = np.asarray(numbers.strengths.covariance)[0]
    rows = neuron_strengths(network).rows[network.members(0)]
    np.testing.assert_allclose(covariance[:2, :2], np.cov(rows.T, ddof=0), rtol=1e-9)


def test_of_one_neuron_nothing_is_left():
    """The rows and columns of a given network hold all that a single neuron has."""
    rng = np.random.default_rng(4)
    network = mf.Network.of(rng.lognormal(size=(31, 31)) * 0.02, ["X"] * 30 + ["one"])
    architecture = mf.Architecture(["X", "one"], "erf", strengths="empirical", assortativity=True)
    found = mf.strengths.with_strengths(mf.measure(network).parameters(), network, architecture)
    con, div = np.asarray(found.tau_con), np.asarray(found.tau_div)
    left = 1 - np.einsum("pqq->pq", con) - np.einsum("qpp->pq", div)
    assert left[0, 0] > 0.8
    for p, q in ((0, 1), (1, 0)):
        assert 0 <= left[p, q] < 1e-12
    assert np.asarray(found.g)[1, 1] == 0
