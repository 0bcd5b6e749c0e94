"""Classes of similar strength, and how many of them a population asks for."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import motifield as mf
from motifield.errors import ArchitectureError
from motifield.numerics.networks import component_numbers, strength_classes
from motifield.numerics.networks.classes import MOST


def with_strengths_of(strong, labels=None):
    """A network whose rows and columns sum to the given positive numbers (n, 2), made equal."""
    total = strong[:, 0].sum()
    W = np.outer(strong[:, 0], strong[:, 1] * total / strong[:, 1].sum()) / total
    return mf.Network.of(W, ["X"] * len(W) if labels is None else labels)


def drawn(components, n=300, seed=0):
    """n neurons of as many clusters, their strengths normal in each."""
    rng = np.random.default_rng(seed)
    place = 20 * np.arange(1, components + 1)[np.arange(n) % components]
    return place[:, None] + rng.normal(size=(n, 2))


@pytest.mark.parametrize("components", [1, 2, 3, 5])
def test_as_many_components_as_there_are(components):
    network = with_strengths_of(drawn(components))
    found = component_numbers(network)
    assert found.numbers == (components,)
    assert found.criterion.shape == (1, MOST)
    assert found.criterion[0].argmin() == components - 1
    measured = mf.networks.measure_strengths(network, "auto")
    assert np.asarray(measured.weight).shape == (components, 1)
    assert mf.networks.split_by_strength(network, "auto").P == components


def test_the_criterion_is_that_of_the_mixture_of_the_classes():
    """Differences between numbers of components, with the densities of SciPy."""
    network = with_strengths_of(drawn(3, n=90, seed=1))
    W = np.asarray(network.weights)
    totals = np.stack([W.sum(1), W.sum(0)], axis=1)
    expected = []
    for k in range(1, 4):
        labels = strength_classes(network, k)
        density = sum(
            np.mean(labels == c)
            * multivariate_normal(
                totals[labels == c].mean(0), np.cov(totals[labels == c].T, ddof=0)
            ).pdf(totals)
            for c in range(k)
        )
        expected.append(-2 * np.log(density).sum() + (6 * k - 1) * np.log(90))
    found = component_numbers(network).criterion[0, :3]
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-9)


def test_each_population_has_its_own_number():
    strong = np.concatenate([drawn(1, 120), drawn(3, 120, seed=2)])
    found = component_numbers(with_strengths_of(strong, ["A"] * 120 + ["B"] * 120))
    assert found.numbers == (1, 3)


def test_few_or_equal_neurons_ask_for_one_component():
    """Three neurons have fewer strengths than two components have parameters."""
    few = np.array([[1.0, 1.0], [2.0, 5.0], [9.0, 3.0]])
    equal = np.full((40, 2), 4.0)
    found = component_numbers(with_strengths_of(np.concatenate([few, equal]), [0] * 3 + [1] * 40))
    assert found.numbers == (1, 1)
    assert np.isnan(found.criterion[:, 1:]).all()


def test_equal_neurons_among_others_are_no_infinity():
    """Neurons without any output: a direction in which a class has no width."""
    strong = drawn(1, 100, seed=3)
    strong[:50, 1] = 0.0
    found = component_numbers(with_strengths_of(strong))
    assert found.numbers == (2,)
    assert np.isfinite(found.criterion).all()


def test_a_spec_asks_for_as_many_as_there_are(tmp_path):
    np.savetxt(tmp_path / "w.csv", with_strengths_of(drawn(3, 90)).weights, delimiter=",")
    spec = tmp_path / "spec.toml"
    text = '[architecture]\nstrengths = {{ mixture = "{}" }}\n[connectome]\nnetwork = "w.csv"\n'
    spec.write_text(text.format("auto"))
    found = mf.load_spec(spec).numbers().strengths
    assert np.asarray(found.weight).shape == (3, 1)
    spec.write_text(text.format("many"))
    with pytest.raises(ArchitectureError, match="or 'auto', not 'many'"):
        mf.load_spec(spec)
