"""Fixed points far out, where nothing bounds them and the variance of the currents sustains rates.

One population without input, phi(x) = max(x, 0)^2/4, convergent motifs alone: Delta = c R^2 and
K = J R, so that the ratio z = K/sqrt(Delta) = J/sqrt(c) is given, and
R = Delta h(z)/4 with h(z) = (1 + z^2) Phi(z) + z exp(-z^2/2)/sqrt(2 pi), or R = 4/(c h(z)).
"""

import numpy as np
import pytest
from scipy.stats import norm

import motifield as mf

N, G, TAU = 1000, 0.2, 0.1
C = N * G**2 * TAU


def rate(z):
    return 4 / (C * ((1 + z * z) * norm.cdf(z) + z * norm.pdf(z)))


def parameters(z, input=0.0):
    mean = z * np.sqrt(C) / N
    motifs = mf.Motifs(TAU, 0.0, 0.0, 0.0)
    own = {"mean": mean, "g": G, "motifs": motifs, "input": input}
    return mf.Parameters.of(populations=["E"], N=N, fractions=[1.0], **own)


@pytest.fixture(scope="module")
def system():
    return mf.compile(mf.derive(mf.Architecture(["E"], "Max(x, 0)**2/4"), mf.MotifOnly()))


@pytest.mark.parametrize("z", [-2.0, -3.0, -4.0, -5.0])
def test_a_point_is_found_however_far_out(system, z):
    found = mf.fixed_points(system, parameters(z))
    rates = found.dataset["rate"].values[:, 0]
    np.testing.assert_allclose(rates, [0, rate(z)], rtol=1e-7, atol=1e-12)
    assert found.status == "ok"
    assert not found.evidence.is_bounded
    assert "nothing bounds the fixed points" in found.evidence.region


def test_what_ends_far_from_its_start_is_no_doubt(system):
    # z = -4, input .5: Newton's method that came from 1e6 stopped beside the point at .31, and its
    # residual there was compared with the sizes that the terms had at 1e6
    found = mf.fixed_points(system, parameters(-4.0, 0.5))
    assert found.status == "ok"
    assert len(found) == 2


@pytest.mark.slow
def test_many_sets_at_once(system):
    zs = np.array([[-2.5], [-3.0], [-3.5]])
    base = parameters(-1.0)
    batch = mf.stacked([mf.scalar("mean[E,E]", base)], base, zs * np.sqrt(C) / N)
    data = mf.fixed_points_batch(system, batch).dataset
    assert data["count"].values.tolist() == [2, 2, 2]
    np.testing.assert_allclose(data["rate"].values[:, 1, 0], rate(zs[:, 0]), rtol=1e-6)


@pytest.mark.slow
def test_the_quiet_side_can_be_the_other():
    mirrored = mf.compile(mf.derive(mf.Architecture(["E"], "Max(-x, 0)**2/4"), mf.MotifOnly()))
    found = mf.fixed_points(mirrored, parameters(3.0))
    rates = found.dataset["rate"].values[:, 0]
    np.testing.assert_allclose(rates, [0, rate(-3.0)], rtol=1e-7, atol=1e-12)
