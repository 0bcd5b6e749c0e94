"""Rates within populations: one normal component, mixtures, classes that are put together."""

import numpy as np
import pytest

import motifield as mf
from motifield.distributions import rate_quantiles, rate_sd, within
from motifield.numerics.distributions import components_at
from motifield.strengths import Mixture, joined

ERF = "erf(x)"


@pytest.fixture(scope="module")
def plain():
    return mf.compile(mf.derive(mf.Architecture(["a", "b"], ERF), mf.SecondMoment()))


def network(**others):
    """Two populations of 400 neurons together."""
    mean = [[0.002, -0.003], [0.004, -0.001]]
    about = {"populations": ["a", "b"], "N": 400, "fractions": [0.6, 0.4], "mean": mean, "g": 0.4}
    return mf.Parameters.of(**about, input=[0.4, 0.1], **others)


@pytest.fixture(scope="module")
def numbers():
    return network(motifs=mf.Motifs.shared(0.02))


def test_of_normal_currents_by_monte_carlo(plain, numbers):
    point = mf.fixed_point(plain, numbers)
    clouds = within(plain, numbers, point.state)
    d, z = point.dataset, np.random.default_rng(1).standard_normal(400_000)
    from scipy.special import erf

    for p in range(2):
        r = erf(float(d["mean"][p]) + np.sqrt(float(d["variance"][p])) * z)
        assert abs(clouds[p].average(clouds[p].rates) - float(d["rate"][p])) < 1e-9
        assert rate_sd(clouds)[p] == pytest.approx(r.std(), rel=5e-3)
        expected = np.quantile(r, [0.1, 0.5, 0.9])
        np.testing.assert_allclose(rate_quantiles(clouds, [0.1, 0.5, 0.9])[p], expected, atol=3e-3)


def test_a_mixture_of_two_components_by_monte_carlo():
    system = mf.compile(
        mf.derive(mf.Architecture(["a", "b"], ERF, strengths=Mixture()), mf.SecondMoment())
    )
    rng = np.random.default_rng(5)
    w, m = np.array([0.3, 0.7]), np.zeros((2, 4))
    m[:, :2] = [[1.4, 0.7], [-0.6, -0.3]]
    parts = {"weights": [w.tolist()] * 2, "means": [m.tolist()] * 2, "quenched": False}
    widths = np.diag([0.2, 0.1, 1e-6, 1e-6])
    own = {**parts, "covariances": [np.array([widths] * 2).tolist()] * 2}
    total = np.einsum("m,mij->ij", w, widths + m[:, :, None] * m[:, None, :])
    con, div = total[:2, :2] / 400 / 0.16, total[2:, 2:] * 400 / 0.16
    chain = np.zeros((2, 2, 2))
    motifs = mf.Motifs(np.stack([con] * 2), np.stack([div] * 2), chain, 0.0)
    given = network(motifs=motifs, strengths=own)
    point = mf.fixed_point(system, given)
    weight, mean, variance = components_at(system, given, point.state)
    np.testing.assert_allclose(weight, np.stack([w, w], axis=1))
    clouds = within(system, given, point.state)
    from scipy.special import erf

    for p in range(2):
        which = rng.choice(2, size=400_000, p=w)
        x = mean[which, p] + np.sqrt(variance[which, p]) * rng.standard_normal(which.size)
        assert float(point.dataset["variance"][p]) == pytest.approx(x.var(), rel=1e-2)
        assert rate_sd(clouds)[p] == pytest.approx(erf(x).std(), rel=5e-3)
        levels = [0.1, 0.5, 0.9]
        expected = np.quantile(erf(x), levels)
        np.testing.assert_allclose(rate_quantiles(clouds, levels)[p], expected, atol=5e-3)


def test_classes_are_put_together(numbers):
    names = ["a/1", "a/2"]
    system = mf.compile(mf.derive(mf.Architecture(names, ERF), mf.SecondMoment()))
    own = mf.Parameters.of(
        populations=names,
        N=400,
        fractions=[0.25, 0.75],
        mean=numbers.mean,
        g=numbers.g,
        motifs=numbers.motifs,
        input=[0.8, -0.2],
    )
    point = mf.fixed_point(system, own)
    d, whole = point.dataset, joined(system, own, point.state)
    w = np.array([0.25, 0.75])
    mean = w @ d["mean"].values
    assert whole["population"].values.tolist() == ["a"]
    assert float(whole["mean"][0]) == pytest.approx(mean, rel=1e-12)
    variance = w @ (d["variance"].values + (d["mean"].values - mean) ** 2)
    assert float(whole["variance"][0]) == pytest.approx(variance, rel=1e-12)
    assert float(whole["rate"][0]) == pytest.approx(w @ d["rate"].values, rel=1e-9)
    sd = rate_sd(within(system, own, point.state))
    spread = w @ (sd**2 + (d["rate"].values - w @ d["rate"].values) ** 2)
    assert float(whole["rate_sd"][0]) == pytest.approx(np.sqrt(spread), rel=1e-8)
