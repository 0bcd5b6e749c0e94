"""Motifs of a mixture of strengths are those whose covariances it has."""

import numpy as np
import pytest

from motifield import Parameters
from motifield.errors import InfeasibleStatisticsError, ParameterError
from motifield.numerics.parameters import motifs_of_strengths, residual_moments, synaptic_units

NAMES = ("E", "I")


@pytest.fixture
def mixture():
    """Of two populations, of three components and of one."""
    rng = np.random.default_rng(1)
    unit = 0.3 * np.r_[np.ones(2), np.full(2, 1 / 400)]
    given = {"weights": {}, "means": {}, "covariances": {}}
    for name, M in zip(NAMES, (3, 1), strict=True):
        w = rng.dirichlet(np.ones(M))
        m = rng.normal(size=(M, 4))
        half = rng.normal(size=(M, 4, 4))
        given["weights"][name] = w
        given["means"][name] = (m - w @ m) * unit
        given["covariances"][name] = half @ half.transpose(0, 2, 1) * np.outer(unit, unit)
    return given


def test_parameters_with_these_motifs_have_the_mixture_s_covariance(mixture):
    g = [[0.5, 0.8], [1.1, 0.6]]
    motifs = motifs_of_strengths(mixture, N=400, g=g, populations=NAMES)
    own = Parameters.of(
        N=400,
        fractions={"E": 0.7, "I": 0.3},
        mean=0.0,
        g=g,
        motifs=motifs,
        strengths=mixture,
    )
    units = np.sqrt(np.einsum("pii->pi", synaptic_units(own)))
    difference = synaptic_units(own) - np.asarray(own.strengths.covariance)
    assert np.abs(difference / (units[:, :, None] * units[:, None, :])).max() < 1e-12
    assert np.abs(residual_moments(own)[1]).max() < 1e-12
    again = motifs_of_strengths(own.strengths, N=400, g=g)
    for one, other in zip(motifs, again, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_one_covariance_serves_all_components(mixture):
    shared = mixture | {"covariances": {n: v[:1] for n, v in mixture["covariances"].items()}}
    every = {n: np.repeat(v[:1], len(v), 0) for n, v in mixture["covariances"].items()}
    one = motifs_of_strengths(shared, N=400, g=0.5, populations=NAMES)
    other = motifs_of_strengths(mixture | {"covariances": every}, N=400, g=0.5, populations=NAMES)
    np.testing.assert_allclose(one.chain, other.chain)
    assert np.abs(one.chain).max() > 1e-4


def test_strengths_of_synapses_that_do_not_vary_are_refused(mixture):
    with pytest.raises(InfeasibleStatisticsError, match="vary where g is 0"):
        motifs_of_strengths(mixture, N=400, g=[[0.5, 0.0], [1.1, 0.6]], populations=NAMES)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "need weights, means and covariances"),
        ({"weights": [[1.0]], "means": [[[0.0]]], "covariances": [[[[1.0]]]]}, "2 entries each"),
        ({"weights": [[1.0]], "means": [[0.0]], "covariances": [[[1.0]]]}, "shapes"),
    ],
)
def test_what_is_no_mixture_is_told(given, said):
    with pytest.raises(ParameterError, match=said):
        motifs_of_strengths(given, N=400, g=0.5)
