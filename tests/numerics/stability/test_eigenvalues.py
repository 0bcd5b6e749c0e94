"""Spectra of sampled networks at their own fixed points, over the predicted bulk and outliers."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sps

import motifield as mf
from motifield.errors import NetworkError, ParameterError, SolverError
from motifield.numerics.plots.spectrum import spectra
from motifield.numerics.stability.eigenvalues import Spectrum
from motifield.numerics.stability.outliers import contains

ERF = "1 + erf(x - 1/2)"


def one_population(N=1000):
    """Chains of N tau = 7 and tau_rec = 2 tau_chn, so that B = 0."""
    return mf.Parameters.of(
        N=N,
        fractions=[1.0],
        mean=-0.5 / N,
        g=0.4,
        motifs=mf.Motifs(8 / N, 8 / N, 7 / N, 14 / N),
        input=-0.2,
    )


def excitation_inhibition(N=1000):
    return mf.Parameters.of(
        populations=["E", "I"],
        N=N,
        fractions=[0.8, 0.2],
        mean=np.array([[1.6, -4.0], [1.8, -3.0]]) / N,
        g=[[0.5, 0.7], [0.6, 0.4]],
        motifs=mf.Motifs(4 / N, 4 / N, 3 / N, 6 / N),
        input=[-0.6, -0.8],
    )


def three_populations(N=1000):
    """Reciprocal motifs among the first."""
    rec = np.full((3, 3), 4 / N)
    rec[0, 0] = 0.7
    return mf.Parameters.of(
        populations=["E", "P", "S"],
        N=N,
        fractions=[0.6, 0.25, 0.15],
        mean=np.array([[2, -3, -2], [1.5, -1.5, -0.5], [1, -0.3, 0]]) / N,
        g=[[0.64, 0.4, 0.32], [0.4, 0.48, 0.24], [0.56, 0.24, 0.32]],
        motifs=mf.Motifs(3 / N, 3 / N, 2 / N, rec),
        input=-0.7,
    )


@pytest.fixture(scope="module")
def predicted(system_of):
    return mf.stability(system_of(ERF, "SecondMoment"), one_population())


@pytest.fixture(scope="module")
def network():
    return mf.sample(one_population().rescaled(500), 3)


@pytest.fixture(scope="module")
def at_rest(network, system_of, predicted):
    return mf.spectrum(system_of(ERF, "SecondMoment"), network, predicted=predicted)


def test_a_network_at_its_own_fixed_point(network, at_rest, predicted):
    """x rests, the eigenvalues are those of -1 + J diag(phi'(x)), the bulk is where it is
    predicted.
    """
    from scipy.special import erf

    slopes = 2 / np.sqrt(np.pi) * np.exp(-((at_rest.x - 0.5) ** 2))
    np.testing.assert_allclose(
        network.weights @ (1 + erf(at_rest.x - 0.5)) - 0.2, at_rest.x, atol=1e-6
    )
    expected = np.linalg.eigvals(-np.eye(500) + network.weights * slopes)
    assert np.abs(expected - at_rest.leading).min() < 1e-9
    assert len(at_rest.eigenvalues) == 500
    assert at_rest.residual < 1e-6
    assert len(at_rest.outliers) == len(predicted.jacobian.outliers) == 2
    np.testing.assert_allclose(at_rest.nearest(), predicted.jacobian.outliers, atol=0.25)
    assert at_rest.bulk_radius == pytest.approx(predicted.jacobian.radius, rel=0.08)
    assert at_rest.rows()[-2]["predicted"] == predicted.jacobian.edge
    assert len(at_rest.strays) == at_rest.rows()[-1]["network"] == 0
    assert at_rest.dataset.sizes == {"eigenvalue": 500, "neuron": 500}
    assert len(repr(at_rest).splitlines()) < 20


def test_leading_eigenvalues_alone(network, at_rest, system_of):
    """By Arnoldi iteration, of dense and of sparse weights."""
    few = mf.spectrum(None, network, leading=3)
    np.testing.assert_allclose(
        few.eigenvalues, mf.spectrum(None, network).eigenvalues[:3], atol=1e-8
    )
    sparse = mf.Network.of(sps.csr_array(network.weights), network.labels, network.populations)
    found = mf.spectrum(system_of(ERF, "SecondMoment"), sparse, one_population(), leading=2)
    np.testing.assert_allclose(found.leading, at_rest.leading, atol=1e-7)


def test_a_picture(at_rest, network, predicted):
    figure = spectra(predicted, [mf.spectrum(None, network, predicted=predicted)], [at_rest])
    labels = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert {"predicted bulk", "predicted outliers", "1 network", "its outliers"} <= set(labels)


def test_an_eigenvalue_is_one_outlier_alone(predicted):
    """Two predictions with the same nearest eigenvalue: the second gets the next one, and neither
    is the bulk's.
    """
    two = dataclasses.replace(predicted.connectivity, outliers=np.array([0.9 + 0j, 0.8]))
    seen = Spectrum(np.array([0.95 + 0j, 0.6, 0.1, -0.1]), 0.0, None, 0.0, two)
    np.testing.assert_array_equal(seen.nearest(), [0.95, 0.6])
    np.testing.assert_array_equal(seen.is_outlier, [True, True, False, False])
    assert seen.bulk_edge == 0.1


def test_contains():
    z = np.exp(1j * np.linspace(0, 2 * np.pi, 101)) + 3
    np.testing.assert_array_equal(
        contains(z, np.array([3, 3.9, 2.01 + 0.02j, 4.1, 0])), [True, True, True, False, False]
    )


def test_refusals(network, system_of, at_rest):
    with pytest.raises(ParameterError, match="no prediction to separate"):
        _ = mf.spectrum(None, network, leading=2).bulk_edge
    with pytest.raises(ParameterError, match="from 1 to 498"):
        mf.spectrum(None, network, leading=600)
    with pytest.raises(SolverError, match="does not rest"):
        mf.spectrum(
            system_of(ERF, "SecondMoment"),
            mf.sample(mf.Parameters.of(N=500, fractions=[1.0], mean=0.0, g=4.0), 1),
            t1=30.0,
        )  # chaos
    big = mf.Network.of(sps.csr_array((7000, 7000)), np.zeros(7000, int))
    with pytest.raises(NetworkError, match="leading = 20"):
        mf.spectrum(None, big)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "closure", "networks"),
    [
        (one_population, "SecondMoment", 10),
        # The outlier of the Jacobian has a standard deviation of .112 here (40 networks; no heavier
        # tails than normal): ten networks leave a standard error of .022 to .043, thirty one below
        # .03.
        (excitation_inhibition, "SecondMoment", 30),
        (three_populations, "Cavity", 10),
    ],
)
def test_sampled_networks(which, closure, networks, system_of):
    """N = 2000: leading outliers of connectivity and Jacobian within 3 standard errors, the bulk's
    edge within 3 % (of ten networks, whose whole spectra are computed).
    """
    system, parameters = system_of(ERF, closure), which(2000)
    answer = mf.stability(system, parameters)
    assert answer.exact
    leading, edges = [], []
    for seed in range(networks):
        network = mf.sample(parameters, seed, dtype=np.float32)
        few = None if seed < 10 else 6
        seen = [
            mf.spectrum(equations, network, predicted=answer, leading=few)
            for equations in (None, system)
        ]
        leading.append([s.nearest()[0].real for s in seen])
        if few is None:
            edges.append([s.bulk_edge - s.shift for s in seen])
    own = [answer.connectivity, answer.jacobian]
    error = np.std(leading, axis=0, ddof=1) / np.sqrt(networks)
    scores = (np.mean(leading, axis=0) - [s.outliers[0].real for s in own]) / error
    assert np.all(np.abs(scores) < 3), scores
    assert np.all(error < 0.03)
    np.testing.assert_allclose(
        np.mean(edges, axis=0), [answer.connectivity.edge, answer.jacobian.edge + 1], rtol=0.03
    )
