"""Where a function needs panel edges so that a Gauss-Legendre rule resolves it: found, not guessed."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.polynomial import legendre

from ..errors import ExpressionError

NODES, WEIGHTS = legendre.leggauss(16)
_TO_COEFFICIENTS = legendre.legvander(NODES, 15).T * WEIGHTS * (np.arange(16)[:, None] + 0.5)
TOLERANCE = 1e-12
SMALLEST_PANEL = 1e-7
MOST_PANELS = 64
RADII = (1024.0, 128.0, 32.0)
# Off-centre by an irrational amount, so that a step at a round number does not hide between two panels.
FIRST_EDGES = np.pi / 7 + np.concatenate([-(2.0 ** np.arange(10, 4, -1)), np.arange(-31, 32), 2.0 ** np.arange(5, 11)])

Function = Callable[[np.ndarray], np.ndarray]


def find_edges(function: Function, breaks: Sequence[float] = ()) -> np.ndarray:
    """Edges, the breaks included, between which `function` is a polynomial of degree 15 to about 1e-12.

    Looks at |x| <= 1024, or, with a warning, at a smaller range when the function needs too many panels there (it oscillates, or
    grows exponentially). Raises `ExpressionError` when it is not resolved on |x| <= 32 either.
    """
    near, middle, far = (_largest(function, reach) for reach in (2.0, RADII[1], RADII[0]))
    # a step far from 0 leaves next to nothing near 0: then the size that counts is that of the function where it has risen
    risen = [(RADII[0], middle)] if far < 1000 * middle else []
    for radius, size in ((RADII[0], near), *risen, *((radius, near) for radius in RADII[1:])):
        floor = 0.1 * size + 1e-300
        inside = [b for b in breaks if abs(b) < radius]
        first = np.unique(np.concatenate([[-radius, radius], inside, FIRST_EDGES[np.abs(FIRST_EDGES) < radius]]))
        fine = _bisect(function, first, floor)
        edges = None if fine is None else _merge(function, fine, np.array(inside), floor)
        if edges is not None and len(edges) <= MOST_PANELS:
            if radius < RADII[0]:
                warnings.warn(f"a Gaussian average is accurate only where |mean| + 9 sqrt(variance) < {radius:g}: beyond, its "
                              f"function needs more than {MOST_PANELS} panels", stacklevel=2)  # fmt: skip
            return edges[1:-1]
    raise ExpressionError(
        f"the Gaussian average cannot be computed to tolerance: the function needs more than {MOST_PANELS} panels on "
        f"|x| <= {RADII[-1]:g} (does it oscillate, or is it not finite there?)"
    )


def _largest(function: Function, reach: float) -> float:
    with np.errstate(all="ignore"):
        values = np.abs(function(np.linspace(-reach, reach, 41)))
        return float(np.max(values, where=np.isfinite(values), initial=0.0))


def graded(b: float) -> np.ndarray:
    """Edges that close in on a singularity geometrically, on both sides."""
    steps = 8.0 ** -np.arange(11)
    return np.concatenate([b - steps, b + steps])


def _nodes(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return 0.5 * (left + right)[..., None] + 0.5 * (right - left)[..., None] * NODES


def _bisect(function: Function, edges: np.ndarray, floor: float) -> np.ndarray | None:
    """Halve panels until the last three of sixteen Legendre coefficients vanish on each."""
    done: list[np.ndarray] = []
    left, right = edges[:-1], edges[1:]
    while len(left):
        with np.errstate(all="ignore"):
            values = function(_nodes(left, right))
            tail = np.abs(values @ _TO_COEFFICIENTS.T)[:, -3:].max(axis=1)
            size, small = np.abs(values).max(axis=1), right - left < SMALLEST_PANEL
            good = (tail <= TOLERANCE * np.maximum(size, floor)) | small
        if np.any(small & (size * SMALLEST_PANEL > 1e-5 * floor)):  # a pole, not a kink
            return None
        done.append(left[good])
        left, right = left[~good], right[~good]
        if len(left) > 4 * MOST_PANELS:
            return None
        middle = 0.5 * (left + right)
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    return np.append(np.sort(np.concatenate(done)), edges[-1])


def _merge(function: Function, edges: np.ndarray, breaks: np.ndarray, floor: float) -> np.ndarray:
    """Join neighbouring panels while one polynomial still passes through all their nodes, never across a break."""
    points = _nodes(edges[:-1], edges[1:])
    with np.errstate(all="ignore"):
        values = function(points)
    kept, start = [edges[0]], 0
    for stop in range(1, len(edges) - 1):
        joined = not np.any(edges[stop] == breaks) and _one_polynomial(
            function, edges[start], edges[stop + 1], points[start : stop + 1], values[start : stop + 1], floor
        )
        if not joined:
            kept.append(edges[stop])
            start = stop
    return np.array([*kept, edges[-1]])


def _one_polynomial(function: Function, left, right, points, values, floor: float) -> bool:
    with np.errstate(all="ignore"):
        coefficients = _TO_COEFFICIENTS @ function(_nodes(np.asarray(left), np.asarray(right)))
        there = legendre.legval((2 * points - left - right) / (right - left), coefficients)
        return bool(np.all(np.abs(there - values) <= 5 * TOLERANCE * np.maximum(np.abs(values).max(), floor)))
