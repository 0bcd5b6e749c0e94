"""One fixed point of each of many sets against `fixed_point`, across folds and where none is."""

import numpy as np
import pytest

import motifield as mf
from motifield.errors import SolverError
from motifield.numerics.fixed_points import fixed_point_batch

STEEP = "1 + erf(3*(x - 1))"


@pytest.fixture(scope="module")
def bistable():
    """One population that excites itself: from rest the lower point, while there is one."""
    system = mf.compile(mf.derive(mf.Architecture(["p"], STEEP), mf.MotifOnly()))
    return system, mf.Parameters.of(populations=["p"], N=100, fractions=[1], mean=0.01, g=0.1)


def sets(parameters, names, values):
    return mf.stacked([mf.scalar(n, parameters) for n in names], parameters, values)


def test_the_point_is_that_of_the_initial_state_s_basin(bistable):
    """A grid across a cusp, where the lower point ends at a fold and the upper one goes on."""
    system, parameters = bistable
    names = ("input", "factor(mean)")
    axes = np.linspace(-0.4, 0.9, 21), np.linspace(0.3, 1.2, 12)
    values = np.stack([v.ravel() for v in np.meshgrid(*axes, indexing="ij")], axis=1)
    many = sets(parameters, names, values)
    near = fixed_point_batch(system, many, places=values)
    alone = fixed_point_batch(system, many)
    for name in ("mean", "rate", "variance", "stable", "eigenvalues"):
        np.testing.assert_allclose(near[name], alone[name], rtol=1e-8, atol=1e-10)
    assert near.status.ok
    rates = near["rate"].values[:, 0]
    above = fixed_point_batch(system, many, {"mean": 3.0, "kappa": 2.0}, places=values)
    several = above["rate"].values[:, 0] > rates + 0.1
    assert 10 < several.sum() < len(values) / 2
    assert np.all(rates[several] < 1)  # the lower of two stable points
    assert rates.min() < 0.1
    assert rates.max() > 1.9
    assert np.all(near["stable"] == 1)
    for k in range(0, len(values), 50):
        own = parameters
        for name, value in zip(names, values[k], strict=True):
            own = mf.scalar(name, own).set(own, value)
        point = mf.fixed_point(system, own)
        np.testing.assert_allclose(rates[k], point.numbers["rate"][0], rtol=1e-9)
        np.testing.assert_allclose(near["eigenvalues"][k], point.eigenvalues, atol=1e-8)
    np.testing.assert_allclose(above["rate"].values[~several, 0], rates[~several], rtol=1e-8)


def test_sets_without_a_point_say_why():
    """x' = -x + x^2 N mean + I has no fixed point beyond I = 1/4, where the dynamics diverge."""
    system = mf.compile(mf.derive(mf.Architecture(["p"], "x**2"), mf.MotifOnly()))
    one = mf.Parameters.of(populations=["p"], N=100, fractions=[1], mean=0.01, g=0, input=0.1)
    values = np.array([[0.1], [0.2], [2.0]])
    found = fixed_point_batch(system, sets(one, ["input"], values), places=values)
    said = found["status"].values.tolist()
    assert said[:2] == ["ok", "ok"]
    assert said[2].startswith("diverged: the dynamics leave every bound")
    expected = (1 - np.sqrt(1 - 4 * values[:2, 0])) / 2
    np.testing.assert_allclose(found["mean"].values[:2, 0], expected, rtol=1e-9)
    assert np.isnan(found["mean"].values[2])
    assert found.status == "1 set without a fixed point"
    assert found.rows()[1]["status"] == "ok"
    with pytest.raises(SolverError, match="1 set without a fixed point"):
        fixed_point_batch(system, sets(one, ["input"], values[2:]))
