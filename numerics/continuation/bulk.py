"""Where the bulk of the spectrum makes states unstable that the mean-field equations call stable.

Equations for means and variances have no mode for the bulk, the cloud of eigenvalues that the
residual synapses make: single neurons can leave a state in random directions that no mean shows.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from ..parameters import stacked
from ..stability import bulk_gains
from ..system import System
from .along import Along, evaluated
from .arclength import on_plane
from .special_points import SpecialPoint, special

LOCATED = 1e-9  # of a step between two points of a branch
KIND = "bulk instability"


def gains_at(
    system: System, along: Along, points: np.ndarray, seen: dict[str, np.ndarray]
) -> np.ndarray:
    """The gain of the bulk at points of branches, (n,): it grows beyond 1. NaN: not known."""
    if not len(points):
        return np.zeros(0)
    values = np.asarray(along.low) + np.asarray(along.width) * points[:, along.n :]
    numbers = [own.scalar for own in along.names]
    batch = stacked(numbers, along.parameters, values)
    return bulk_gains(system, batch, seen["mean"], seen["variance"])


def onsets(
    system: System, along: Along, points: np.ndarray, gains: np.ndarray, branch: int
) -> list[SpecialPoint]:
    """The points of a branch at which the gain passes 1; it is NaN where nobody asks."""
    found = []
    known = ~np.isnan(gains)
    for k in np.flatnonzero(known[:-1] & known[1:] & ((gains[:-1] < 1) != (gains[1:] < 1))):
        a, b = points[k], points[k + 1]
        ahead = (b - a) / np.linalg.norm(b - a)

        def excess(part: float, a=a, b=b, ahead=ahead) -> float:
            guess = a + part * (b - a)
            x = on_plane(along, guess, guess, ahead)[0][None]
            return float(gains_at(system, along, x, evaluated(along, x)[1])[0]) - 1

        finite = np.isfinite(gains[k : k + 2]).all()
        part = brentq(excess, 0.0, 1.0, xtol=LOCATED) if finite else 0.5
        guess = a + part * (b - a)
        x, residual, good = on_plane(along, guess, guess, ahead)
        found.append(special(along, KIND, x, branch, residual, bool(good and finite)))
    return found


def marked(system: System, along: Along, points: list[SpecialPoint]) -> list[SpecialPoint]:
    """Special points that say in `info` whether the bulk is stable there."""
    if not points:
        return points
    seen = {name: np.stack([s.seen[name] for s in points]) for name in ("mean", "variance")}
    gains = gains_at(system, along, np.stack([s.point for s in points]), seen)
    for s, gain in zip(points, gains, strict=True):
        if s.kind != KIND:
            s.info["bulk"] = word(gain)
    return points


def word(gain: float) -> str:
    """What a gain means."""
    return "not known" if np.isnan(gain) else "stable" if gain < 1 else "unstable"
