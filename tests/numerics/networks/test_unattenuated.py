"""Assortativity of an ensemble, from networks that are drawn from it."""

import numpy as np
import pytest

from motifield import Network, sample
from motifield.errors import NetworkError, ParameterError
from motifield.numerics.networks import assortativity, ensemble_assortativity, neuron_strengths


def test_it_is_the_gamma_that_networks_were_sampled_with(mixed_network):
    own = mixed_network(2, 3, N=600, gamma=2.0, size=0.8, g=(0.3, 0.5), seed=1)
    networks = [sample(own, seed) for seed in range(20)]
    found = np.array([ensemble_assortativity(n) for n in networks])
    asked = np.asarray(own.strengths.gamma)
    error = found.std(0, ddof=1) / np.sqrt(20)
    assert np.abs((found.mean(0) - asked) / error).max() < 4
    for wrong in (asked.transpose(0, 1, 3, 2), asked.transpose(1, 0, 2, 3), -asked):
        assert np.abs((found.mean(0) - wrong) / error).max() > 8
    # that of the networks' own strengths is smaller
    measured = [assortativity(n, neuron_strengths(n, ("in", "out")).features) for n in networks]
    ratio = np.abs(np.mean(measured, axis=0)).mean() / np.abs(asked).mean()
    assert ratio < 0.7


def test_strengths_of_independent_synapses_tell_nothing_of_it():
    rng = np.random.default_rng(3)
    network = Network.of(rng.normal(size=(80, 80)), np.zeros(80, int))
    with pytest.raises(NetworkError, match="vary no more than independent synapses"):
        ensemble_assortativity(network)


def test_other_features_are_refused(mixed_network):
    with pytest.raises(ParameterError, match=r"in\^2"):
        ensemble_assortativity(sample(mixed_network(1, 2, N=100), 1), ("in", "in^2"))
