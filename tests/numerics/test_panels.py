"""Panel edges are found from the function: steep steps anywhere are resolved, what cannot be is refused."""

import mpmath
import numpy as np
import pytest

from motifield.errors import ExpressionError
from motifield.numerics.panels import NODES, WEIGHTS, find_edges

# steps at places that are no round numbers, and some that are
PLACES = [0.0, 1.0, 0.1234, -2.7182, 17.77, -31.4, 100 / 3, np.pi / 7, 120.5]


def integral(function, low, high, breaks=()):
    """The 16-point Gauss-Legendre rule on the panels that were found."""
    inner = np.asarray(find_edges(function, breaks))
    edges = np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]])
    half = 0.5 * np.diff(edges)[:, None]
    points = edges[:-1, None] + half + half * NODES
    return float(np.sum(half * WEIGHTS * function(points)))


@pytest.mark.parametrize("gain", [0.5, 3.0, 20.0, 77.7, 200.0])
@pytest.mark.parametrize("place", PLACES)
def test_steep_logistics(gain, place):
    """The integral of 1 / (1 + exp(-g (x - c))) from a to b is [log(1 + exp(g (x - c)))] / g."""
    low, high = place - 3.3, place + 2.1
    found = integral(lambda x: 0.5 * (1 + np.tanh(0.5 * gain * (x - place))), low, high)
    primitive = [np.logaddexp(0, gain * (x - place)) / gain for x in (low, high)]
    assert found == pytest.approx(primitive[1] - primitive[0], rel=1e-11)


@pytest.mark.parametrize("place", PLACES)
def test_a_kink_without_a_break_is_found(place):
    """Even when its place is not given, the kink of |x - c| is bisected down to a tiny panel."""
    found = integral(lambda x: np.abs(x - place), place - 1.1, place + 0.7)
    assert found == pytest.approx((1.1**2 + 0.7**2) / 2, rel=1e-9)


def test_given_breaks_are_edges():
    edges = find_edges(lambda x: np.where(x < 0.3, 0.0, x**2), (0.3, 5.5))
    assert {0.3, 5.5} <= set(edges)
    assert np.all(np.diff(edges) > 0)


def test_polynomials_need_no_edges():
    assert len(find_edges(lambda x: x**3 - x)) == 0


def test_a_bump_between_flat_parts():
    # the integral of sech^2(g (x - c)) over the line is 2 / g
    assert integral(lambda x: np.cosh(np.clip(40 * (x - 7.77), -300, 300)) ** -2.0, 0, 20) == pytest.approx(2 / 40, rel=1e-10)


@pytest.mark.parametrize("function", [np.sin, np.exp], ids=["sin", "exp"])
def test_what_is_resolved_in_a_smaller_range_is_said(function):
    with pytest.warns(UserWarning, match=r"accurate only where \|mean\| \+ 9 sqrt\(variance\) < "):
        edges = find_edges(function)
    assert np.all(np.abs(edges) < 1024)


@pytest.mark.parametrize(
    "function",
    [lambda x: np.sin(50 * x), lambda x: np.sin(x**2), lambda x: 1 / x, lambda x: 1 / (x - 2.345), lambda x: np.full_like(x, np.nan), lambda x: np.where(x > 3, np.inf, 0.0),
     lambda x: np.sqrt(x), lambda x: np.random.default_rng(0).normal(size=x.shape)],
    ids=["sin(50 x)", "sin(x^2)", "1/x", "1/(x - 2.345)", "nan", "inf", "sqrt", "noise"],
)  # fmt: skip
def test_what_cannot_be_resolved_is_refused(function):
    with np.errstate(all="ignore"), pytest.raises(ExpressionError, match="cannot be computed to tolerance"):
        find_edges(function)


def test_softplus_against_mpmath():
    found = integral(lambda x: np.logaddexp(0, 13.0 * (x - 0.77)) / 13.0, -2.0, 2.0)
    exact = mpmath.quad(lambda x: mpmath.log(1 + mpmath.exp(13 * (x - 0.77))) / 13, mpmath.linspace(-2, 2, 41))
    assert found == pytest.approx(float(exact), rel=1e-13)
