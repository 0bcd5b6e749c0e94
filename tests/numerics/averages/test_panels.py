"""Panel edges are found from the function: steep steps anywhere are resolved, what cannot be is
said.
"""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from motifield.numerics.averages import panels
from motifield.numerics.averages.elementwise import derivative, in_numpy
from motifield.numerics.averages.panels import NODES, RADII, WEIGHTS

# steps at places that are no round numbers, and some that are
PLACES = [0.0, 1.0, 0.1234, -2.7182, 17.77, -31.4, 100 / 3, np.pi / 7, 120.5]


def with_slope(function):
    slope = derivative(function, 1)
    return lambda x: (function(x), slope(x))


def find(function, breaks=(), tolerance=1e-11, radius=RADII[0]):
    """Finite edges inside the radius, and whether the function is resolved."""
    both = in_numpy(with_slope(function))
    with np.errstate(all="ignore"):
        edges, resolved = panels.find(both, breaks, tolerance, 512, radius, xp=np)
    return edges[np.abs(edges) < radius], bool(resolved)


def integral(function, low, high, breaks=()):
    """The 16-point Gauss-Legendre rule on the panels that were found."""
    inner, resolved = find(function, (low, *breaks, high))
    assert resolved
    edges = np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]])
    half = 0.5 * np.diff(edges)[:, None]
    points = edges[:-1, None] + half + half * NODES[None, :]
    return float(np.sum(half * WEIGHTS[None, :] * np.asarray(function(jnp.asarray(points)))))


@pytest.mark.parametrize("gain", [0.5, 3.0, 20.0, 77.7, 200.0])
@pytest.mark.parametrize("place", PLACES)
def test_steep_logistics(gain, place):
    """The integral of 1 / (1 + exp(-g (x - c))) from a to b is [log(1 + exp(g (x - c)))] / g."""
    low, high = place - 3.3, place + 2.1
    found = integral(lambda x: 0.5 * (1 + jnp.tanh(0.5 * gain * (x - place))), low, high)
    primitive = [np.logaddexp(0, gain * (x - place)) / gain for x in (low, high)]
    assert found == pytest.approx(primitive[1] - primitive[0], rel=1e-11)


@pytest.mark.parametrize("place", PLACES)
def test_a_kink_without_a_break_is_found(place):
    """Even when its place is not given, the kink of |x - c| is bisected down to a tiny panel."""
    found = integral(lambda x: jnp.abs(x - place), place - 1.1, place + 0.7)
    assert found == pytest.approx((1.1**2 + 0.7**2) / 2, rel=1e-9)


def test_given_breaks_are_edges():
    edges, _ = find(lambda x: jnp.where(x < 0.3, 0.0, x**2), (0.3, 5.5))
    assert {0.3, 5.5} <= set(edges)
    assert np.all(np.diff(edges) > 0)


def test_polynomials_need_few_edges():
    edges, resolved = find(lambda x: x**3 - x)
    assert resolved
    assert len(edges) < 8


@pytest.mark.parametrize(("tolerance", "most"), [(1e-6, 8), (1e-9, 9), (1e-11, 10)])
def test_a_tolerance_sets_how_many_there_are(tolerance, most):
    assert (
        find(jnp.tanh, tolerance=1e-4)[0].size < find(jnp.tanh, tolerance=tolerance)[0].size <= most
    )


def test_a_bump_between_flat_parts():
    # the integral of sech^2(g (x - c)) over the line is 2 / g
    assert integral(
        lambda x: jnp.cosh(jnp.clip(40 * (x - 7.77), -300.0, 300.0)) ** -2, 0, 20
    ) == pytest.approx(2 / 40, rel=1e-10)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: jnp.sin(100 * x),
        lambda x: jnp.sin(x**2),
        lambda x: 1 / x,
        lambda x: 1 / (x - 2.345),
        lambda x: jnp.full_like(x, jnp.nan),
        lambda x: jnp.where(x > 3, jnp.inf, 0.0),
        lambda x: jnp.sqrt(x),
    ],
    ids=["sin(100 x)", "sin(x^2)", "1/x", "1/(x - 2.345)", "nan", "inf", "sqrt"],
)
def test_what_cannot_be_resolved_is_said(function):
    assert not find(function)[1]


def test_panels_for_traced_parameters():
    """The same panels under jit and vmap, where the function's parameters are not known when the
    code is compiled.
    """
    gains = jnp.array([0.5, 3.0, 40.0])

    def of_gain(g):
        return panels.find(with_slope(lambda x: jnp.tanh(g * x)), (), 1e-11, 256)

    together = jax.jit(jax.vmap(of_gain))(gains)
    assert bool(jnp.all(together.resolved))
    for k, g in enumerate(gains):
        both = in_numpy(with_slope(lambda x, g=g: jnp.tanh(g * x)))
        with np.errstate(all="ignore"):
            alone = panels.find(both, (), 1e-11, 256, xp=np)
        np.testing.assert_allclose(together.edges[k], alone.edges, rtol=1e-14)


def test_softplus_against_mpmath():
    found = integral(lambda x: jnp.logaddexp(0.0, 13.0 * (x - 0.77)) / 13.0, -2.0, 2.0)
    exact = mpmath.quad(
        lambda x: mpmath.log(1 + mpmath.exp(13 * (x - 0.77))) / 13, mpmath.linspace(-2, 2, 41)
    )
    assert found == pytest.approx(float(exact), rel=1e-13)
