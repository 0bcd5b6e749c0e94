"""Averages over pairs of Gaussian inputs by Hermite series, against quadrature in two dimensions
and closed forms.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import motifield as mf
from motifield.errors import ParameterError
from motifield.numerics.distributions.hermite import Expansion, Series, product

MEAN, VARIANCE = np.array([0.3, -0.6]), np.array([1.7, 0.4])


def pair_average(f, g, first, second, rho):
    """E f(x) g(y), x and y normal with (mean, variance) and correlation rho, on a fine
    two-dimensional grid.
    """
    z = np.linspace(-8, 8, 1601)
    w = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    x = first[0] + np.sqrt(first[1]) * z
    y = second[0] + np.sqrt(second[1]) * (rho * z[:, None] + np.sqrt(1 - rho**2) * z[None, :])
    return float(w @ (f(x)[:, None] * g(y)) @ w)


def expanded(transfer, mean, variance, order=96):
    system = mf.compile(mf.derive(mf.Architecture(["a", "b"], transfer), mf.MotifOnly()))
    parameters = mf.Parameters.of(
        populations=["a", "b"], N=100, fractions=[0.5, 0.5], mean=0.0, g=1.0
    )
    expansion = Expansion.of(system, parameters, order)
    return jax.jit(lambda m, v: expansion(m, v))(jnp.asarray(mean), jnp.asarray(variance))


@pytest.mark.parametrize(
    ("transfer", "f", "slope", "tolerance"),
    [
        (
            "1 + tanh(2*x - 1)",
            lambda x: 1 + np.tanh(2 * x - 1),
            lambda x: 2 / np.cosh(2 * x - 1) ** 2,
            1e-5,
        ),
        ("Max(x - 1/4, 0)", lambda x: np.maximum(x - 0.25, 0), lambda x: (x > 0.25) * 1.0, 3e-3),
    ],
)
def test_pairs_of_rates_and_of_slopes(transfer, f, slope, tolerance):
    phi, derivative = expanded(transfer, MEAN, VARIANCE)
    first = Series(phi.terms[:, 0], phi.square[0])
    second = Series(phi.terms[:, 1], phi.square[1])
    slopes = Series(derivative.terms[:, 0], derivative.square[0])
    for rho in (-0.7, 0.0, 0.5, 0.95):
        expected = pair_average(f, f, (MEAN[0], VARIANCE[0]), (MEAN[1], VARIANCE[1]), rho)
        assert float(product(first, second, jnp.asarray(rho))) == pytest.approx(
            expected, abs=min(tolerance, 1e-6)
        )
        expected = pair_average(slope, slope, (MEAN[0], VARIANCE[0]), (MEAN[0], VARIANCE[0]), rho)
        assert float(product(slopes, slopes, jnp.asarray(rho))) == pytest.approx(
            expected, abs=tolerance
        )


def test_closed_forms_of_a_threshold_linear_function():
    phi, slope = expanded("Max(x, 0)", [0.0, 0.0], [1.0, 4.0])
    assert np.asarray(phi.mean) == pytest.approx(np.array([1, 2]) / np.sqrt(2 * np.pi), abs=1e-13)
    assert np.asarray(phi.square) == pytest.approx([0.5, 2.0], abs=1e-13)
    assert np.asarray(slope.mean) == pytest.approx([0.5, 0.5], abs=1e-13)
    # <x+ y+> of unit normals at correlation cos(a) is (sin a + (pi - a) cos a) / 2 pi
    # (Cho and Saul 2009)
    angles = np.linspace(0, np.pi, 41)[:, None]
    expected = (
        (np.sin(angles) + (np.pi - angles) * np.cos(angles)) / (2 * np.pi) * np.array([[1.0, 4.0]])
    )
    assert np.asarray(
        product(phi, phi, jnp.asarray(np.cos(angles) * np.ones((1, 2))))
    ) == pytest.approx(expected, abs=4e-4)


def test_without_variance_it_is_the_function_itself():
    phi, slope = expanded("1 + tanh(2*x - 1)", MEAN, [0.0, 0.0])
    assert np.asarray(phi.mean) == pytest.approx(1 + np.tanh(2 * MEAN - 1), abs=1e-14)
    assert np.asarray(phi.rest) == pytest.approx(0, abs=1e-13)
    assert np.asarray(slope.mean) == pytest.approx(2 / np.cosh(2 * MEAN - 1) ** 2, abs=1e-14)


def test_a_jump_is_refused():
    with pytest.raises(ParameterError, match="jumps at x = 0.5"):
        expanded("Heaviside(x - 1/2)", MEAN, VARIANCE)


def test_a_function_that_the_series_holds_whole_has_derivatives():
    """phi = 1 + c z: < phi phi > = 1 + c^2 rho, whose derivatives are c^2 and 2 c rho."""

    def average(c, rho):
        series = Series(jnp.stack([jnp.ones(()), c]), 1 + c**2)
        return product(series, series, rho)

    c, rho = jnp.asarray(0.5), jnp.asarray(0.3)
    assert float(average(c, rho)) == pytest.approx(1.075, rel=1e-14)
    for slope in (jax.grad, jax.jacfwd):
        assert [float(v) for v in slope(average, argnums=(0, 1))(c, rho)] == pytest.approx(
            [0.3, 0.25], rel=1e-12
        )
