"""Low-rank networks by patterns: the mean-field equations of Mastrogiuseppe and Ostojic (2018)."""

import numpy as np
import pytest
from scipy.optimize import brentq

import motifield as mf

N, OVERLAP, VARIANCE, G = 1000, 2.0, 1.5, 0.6


@pytest.fixture(scope="module")
def network():
    """m n'/N, Gaussian m and n of mean 0, with independent synapses of variance g^2/N."""
    architecture = mf.Architecture(["a"], "erf", motifs=[], patterns=["m", "n"])
    system = mf.compile(mf.derive(architecture, mf.SecondMoment()))
    covariance = np.zeros((4, 4))  # of (u, b, m, n): nothing but the patterns varies
    covariance[2:, 2:] = [[VARIANCE, OVERLAP], [OVERLAP, 3.5]]
    strengths = {
        "features": ["m", "n"],
        "gamma": [[[[0, 1 / N], [0, 0]]]],
        "weights": [[1.0]],
        "means": [np.zeros((1, 4)).tolist()],
        "covariances": [covariance[None].tolist()],
    }
    numbers = {"populations": ["a"], "N": N, "fractions": [1.0], "mean": 0.0}
    # the variance of a synapse contains that of its low-rank part
    g = np.sqrt(G**2 + VARIANCE * 3.5 / N)
    return system, mf.Parameters.of(**numbers, g=g, strengths=strengths)


def test_the_fixed_point_of_a_rank_one_network(network):
    """kappa = sigma_mn kappa <phi'>, Delta = sigma_m^2 kappa^2 + g^2 <phi^2>."""

    def averages(Delta):
        gain = 2 / np.sqrt(np.pi) / np.sqrt(1 + 2 * Delta)
        return gain, 2 / np.pi * np.arcsin(2 * Delta / (1 + 2 * Delta))

    Delta = brentq(lambda D: OVERLAP * averages(D)[0] - 1, 0.1, 50)
    kappa = np.sqrt((Delta - G**2 * averages(Delta)[1]) / VARIANCE)
    system, numbers = network
    start = {"theta": [[0.9 * kappa, 0.0]], "rms_rate": 0.5}
    point = mf.fixed_point(system, numbers, start)
    found = point.dataset
    assert float(found["theta"].sel(feature="m", population="a")) == pytest.approx(kappa, rel=1e-9)
    assert float(found["theta"].sel(feature="n", population="a")) == pytest.approx(0, abs=1e-9)
    assert float(found["variance"][0]) == pytest.approx(Delta, rel=1e-9)
    assert point.stable


def test_the_eigenvalue_of_the_connectivity_is_the_overlap(network):
    system, numbers = network
    from motifield.networks import connectivity_spectrum

    spectrum = connectivity_spectrum(numbers)
    np.testing.assert_allclose(spectrum.outliers, [OVERLAP], rtol=1e-12)
    assert spectrum.radius == pytest.approx(G, rel=1e-9)
    silent = mf.stability(system, numbers, mf.fixed_point(system, numbers))
    slope = 2 / np.sqrt(np.pi)
    assert silent.jacobian.leading == pytest.approx(OVERLAP * slope - 1, rel=1e-9)
    assert silent.verdict == "outlier unstable"


def test_a_transposed_structure_is_another(network):
    system, numbers = network
    turned = mf.scalar("gamma[a,a,m,n]", numbers).set(numbers, 0.0)
    turned = mf.scalar("gamma[a,a,n,m]", turned).set(turned, 1 / N)
    found = mf.fixed_point(system, turned, {"theta": [[0.5, 0.9]], "rms_rate": 0.5}).dataset
    assert float(abs(found["theta"].sel(feature="m"))[0]) < 1e-9
    assert float(abs(found["theta"].sel(feature="n"))[0]) > 0.1
