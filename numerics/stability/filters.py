"""The spectrum of networks whose units are filters, in the growth rate s in place of z."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..fixed_points import FixedPoint
from ..linear import Filters
from ..results import OK, Code, Status
from ..system import Units
from .bulk import Bulk
from .modes import Modes
from .outliers import ordered, roots, winding
from .predictions import Spectral

FREQUENCIES = 121  # from 1/1000 of the slowest to 1000 times the fastest filter's, and 0
REFINEMENTS = 3  # of the worst frequency, each by a factor of 20
POLE = 1e-9  # of the largest pole: an eigenvalue nearer to a pole is one
FASTEST = 1e6  # a rate of growth beyond which the bulk is not followed
EMPTY = np.array([], dtype=complex)


def transmission(units: Units, s: Any, p: int) -> np.ndarray:
    """M_p(s) and S_p(s), (..., 2)."""
    each = units.over(max(p + 1, len(units.membrane))) if len(units.membrane) == 1 else units
    return np.stack(
        [_at(each.membrane[p], s), _at(each.synapse[min(p, len(each.synapse) - 1)], s)], axis=-1
    )


def _at(f: Filters | None, s: Any) -> np.ndarray:
    """A filter in observer form at s: (T s)^m y = sum_k (T s)^(m - k) (b_k u - a_k y)."""
    s = np.asarray(s, dtype=complex)
    if f is None:
        return np.ones_like(s)
    w, above, below = s * np.asarray(f.T)[0], np.zeros_like(s), np.ones_like(s)
    for a, b in zip(np.asarray(f.a)[:, 0], np.asarray(f.b)[:, 0], strict=True):
        above, below = above * w + b, below * w + a
    return above / below


def _inverse(units: Units, s: np.ndarray, P: int) -> np.ndarray:
    """z_p(s), (..., P)."""
    with np.errstate(divide="ignore"):
        return np.stack(
            [1 / np.prod(transmission(units, s, p), axis=-1) for p in range(P)], axis=-1
        )


def _frequencies(units: Units) -> np.ndarray:
    slowest = max(
        float(f.T.max()) * len(f.a) for f in (*units.membrane, *units.synapse) if f is not None
    )
    positive = np.geomspace(1e-3 / slowest, 1e3 / units.shortest, FREQUENCIES - 1)
    return np.concatenate([[0.0], positive])


def worst(bulk: Bulk, units: Units, growth: float) -> tuple[float, float]:
    """sqrt of the largest level of the bulk on the line s = growth + i omega, and omega there."""
    omega = _frequencies(units)
    best = (0.0, 0.0)
    for _ in range(REFINEMENTS):
        level = bulk.outside(_inverse(units, growth + 1j * omega, bulk.P))[1]
        k = int(np.argmax(level))
        best = max(best, (float(np.sqrt(level[k])), float(omega[k])))
        if not np.isfinite(level[k]):
            break
        omega = np.linspace(omega[max(k - 1, 0)], omega[min(k + 1, len(omega) - 1)], 41)
    return best


def _edge(bulk: Bulk, units: Units) -> float:
    """The largest real part of the bulk: where its level on a vertical line is 1.

    Left of all poles of the filters there is none.
    """
    every = [f for f in (*units.membrane, *units.synapse) if f is not None]
    poles = np.concatenate([_poles(f) for f in every])
    low, high = float(poles.real.max()), 1.0

    def excess(growth: float) -> float:
        return float(np.clip(np.log(max(worst(bulk, units, growth)[0], 1e-300)), -50, 50))

    while excess(high) >= 0 and high < FASTEST:
        low, high = high, 2 * high
    low += 1e-9 * (high - low)
    if excess(low) <= 0:
        return low
    from scipy.optimize import brentq

    return float(brentq(excess, low, high, xtol=1e-8 * max(1.0, abs(high)), rtol=1e-8))


def _poles(f: Filters) -> np.ndarray:
    return np.roots([1.0, *(np.asarray(f.a)[:, 0])]) / float(f.T[0])


def filtered_equations(
    bulk: Bulk, units: Units, eigenvalues: np.ndarray
) -> tuple[Spectral, float, float]:
    """As `filtered`, outliers being eigenvalues of the equations outside of the bulk.

    Filters are linear, so that these are exact where those of plain units are.
    """
    gain, omega = worst(bulk, units, 0.0)
    values = ordered(eigenvalues)
    poles = np.concatenate([_poles(f) for f in (*units.membrane, *units.synapse) if f is not None])
    # at a pole are states of filters that nothing comes back to, which no population takes part in
    far = np.abs(values[:, None] - poles).min(axis=1) > POLE * np.abs(poles).max()
    outside = np.zeros(len(values), dtype=bool)
    outside[far] = bulk.outside(_inverse(units, values[far], bulk.P))[1] < 1
    found = values[outside], values[~outside]
    edge = _edge(bulk, units)
    return Spectral(found[0], found[1], EMPTY, bulk.radius, edge, None, OK), gain, omega


def filtered(modes: Modes, units: Units, point: FixedPoint) -> tuple[Spectral, float, float]:
    """The spectrum of growth rates s, the gain of the bulk, and where it is largest."""
    gain, omega = worst(modes.bulk, units, 0.0)
    edge = _edge(modes.bulk, units)

    def function(s):
        return modes.determinant(_inverse(units, np.asarray(s, dtype=complex), modes.P))

    scale, count = 1 / units.shortest, None
    if gain < 1:  # else the bulk crosses the imaginary axis, along which the winding is taken
        count = winding(lambda u: function(1j * scale * np.tan(np.pi * (u - 0.5)))[0])
    size = max(float(np.abs(point.eigenvalues).max(initial=0)), 1e-3 * scale)
    found = roots(function, list(point.eigenvalues), None, size)
    unstable = int(np.sum(found.real > 0))
    status = OK
    if count not in (None, unstable):
        text = f"{count} outliers grow by the argument principle, {unstable} were found"
        status = Status(f"incomplete: {text}", Code.INCOMPLETE)
    radius = modes.bulk.radius
    return Spectral(ordered(found), EMPTY, EMPTY, radius, edge, count, status), gain, omega
