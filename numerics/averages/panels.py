"""Where a function needs panel edges so that a Gauss-Legendre rule resolves it.

One search for NumPy arrays, of a function whose parameters are known, and for traced JAX arrays, of
one whose parameters are not: `xp` is the module whose arrays are meant. With NumPy nothing is
compiled but the function itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float

from .legendre import legendre_rule, on_panels

NODES, WEIGHTS = legendre_rule()
HIGHEST_MOMENT = 8  # of a weight on a panel: a normal density wider than it is no more
SMALLEST_PANEL = 1e-7  # smaller ones are at steps, whose average is then right to that
LARGEST_SPIKE = 1e-6  # an integral over a smallest panel that counts: a pole
RADII = (1024.0, 64.0)  # how far a function is resolved, and how far if it oscillates
PLACES = 129  # where the size of a function is looked for
NOTHING = 1e-30  # a function this small near 0 is a step farther out
TINY = 1e-300  # so that a size can be divided by
ROUNDING = 1e-15  # of numbers as large as a plateau, and twice that of x times a slope
NARROW = 1e-2  # panels where rounding of x matters
MOST_PRECISE = 1e-13  # what sums of 16 terms can be
MERGES = 6  # rounds, each of which may halve the number of panels
# Off-centre by an irrational amount, so that a step at a round number does not hide between two
# panels.
FIRST_EDGES = np.pi / 7 + np.concatenate(
    [-(2.0 ** np.arange(10, 4, -1)), np.arange(-31, 32), 2.0 ** np.arange(5, 11)]
)

Array = Any  # of NumPy or of JAX
Function = Callable[[Array], tuple[Array, Array]]


class Panels(NamedTuple):
    """Panels on which sixteen nodes integrate a function times a smooth weight.

    Args:
        edges: in x, ascending, filled up with infinity, (m,).
        resolved: whether the function is resolved everywhere on |x| <= radius.
    """

    edges: Float[Array, " m"]
    resolved: Array


def find(
    function: Function,
    breaks: Sequence[float],
    tolerance: float,
    most: int,
    radius: float = RADII[0],
    *,
    xp: Any = jnp,
) -> Panels:
    """Panels of a function that is smooth between its breaks. Works on traced functions.

    On a panel the rule of 16 nodes gives the integrals of the function and of its slope, times
    Legendre polynomials up to degree 8, as well as two rules on the panel's parts do: to the
    tolerance, relative to the panel's width (for the slope: to 1) and the function's smallest
    value there, or a tenth of its size.

    Args:
        function: elementwise, and its derivative: two arrays.
        breaks: where it is not smooth.
        tolerance: of the integrals.
        most: number of panels at most.
        radius: panels are on |x| <= radius.
        xp: numpy or jax.numpy, of whose arrays the function is.
    """
    inside = [b for b in breaks if abs(b) < radius]
    first = np.unique(
        np.concatenate([[-radius, radius], inside, FIRST_EDGES[np.abs(FIRST_EDGES) < radius]])
    )
    search = _Search(function, Size.of(function, xp), max(tolerance, MOST_PRECISE), xp)
    edges, resolved = search.bisect(first, most)
    for _ in range(MERGES):
        edges = search.merge(edges, 0, np.array(breaks, dtype=float))
        edges = search.merge(edges, 1, np.array(breaks, dtype=float))
    return Panels(edges, resolved)


class Size(NamedTuple):
    """How large a function is, and what rounding does to it.

    Args:
        typical: its largest value on |x| <= 2, or further out for a step that is nothing there.
        noise: its rounding where it is small but made of numbers as large as its plateau, as
            1 + tanh(x - 40) at 0.
    """

    typical: Array
    noise: Array

    @classmethod
    def of(cls, function: Function, xp: Any = jnp) -> Size:
        reaches = (2.0, 64.0, RADII[0] / 2, RADII[0])
        places = np.stack([np.linspace(-reach, reach, PLACES) for reach in reaches])
        values = xp.abs(function(xp.asarray(places))[0])
        near, middle, half, far = xp.max(xp.where(xp.isfinite(values), values, 0.0), axis=1)
        noise = xp.where(half > far / 3, ROUNDING * far, 0.0)
        typical = xp.where(near > NOTHING, near, xp.where(middle > NOTHING, middle, far)) + TINY
        return cls(typical, noise)


def graded(b: float) -> np.ndarray:
    """Edges that close in on a singularity geometrically, on both sides."""
    steps = 8.0 ** -np.arange(14)
    return np.concatenate([b - steps, [b], b + steps])


@dataclass(frozen=True)
class _Search:
    function: Function
    size: Size
    tolerance: float
    xp: Any

    def bisect(self, first: np.ndarray, most: int) -> tuple[Array, Array]:
        """Halve panels until each is resolved; also whether there were enough of them."""
        ends = np.full((2, most), np.inf)
        ends[0, : len(first) - 1], ends[1, : len(first) - 1] = first[:-1], first[1:]

        def goes_on(carry):
            *_, bad, count, pole = carry
            return (bad > 0) & (count <= most) & ~pole

        start = (*ends, np.asarray(1), np.asarray(len(first) - 1), np.asarray(False))
        start = tuple(self.xp.asarray(v) for v in start)
        left, _, bad, count, pole = self._while(goes_on, self._halved, self._halved(start))
        edges = self.xp.where(self.xp.arange(most) < count, left, np.inf)
        return self.xp.sort(edges), (bad == 0) & (count <= most) & ~pole

    def merge(self, edges: Array, parity: int, breaks: np.ndarray) -> Array:
        """Remove every other edge across which one panel serves, never a break."""
        xp = self.xp
        left, middle, right = edges[:-2], edges[1:-1], edges[2:]
        there = (
            (np.arange(1, len(edges) - 1) % 2 == parity)
            & xp.isfinite(right)
            & ~xp.any(middle[:, None] == breaks[None, :], axis=1)
        )
        whole = (xp.where(there, e, d) for e, d in ((left, 0.0), (middle, 1.0), (right, 2.0)))
        resolved, _ = self._is_resolved(*whole)
        inner = xp.where(there & resolved, np.inf, middle)
        return xp.sort(xp.concatenate([edges[:1], inner, edges[-1:]]))

    def _is_resolved(self, left: Array, middle: Array, right: Array) -> tuple[Array, Array]:
        """Whether splitting panels at `middle` changes no moment, and the largest values there."""
        xp, size = self.xp, self.size
        ends = ((left, right), (left, middle), (middle, right))
        points = xp.concatenate([on_panels(*two)[0] for two in ends], axis=1)
        values, slopes = self.function(points)
        whole = xp.abs(values[:, : len(NODES)])
        here = xp.maximum(xp.min(whole, axis=1), 0.1 * size.typical)
        # what rounding x does to a steep function, as 1 - 1e4 |x - 3|, which no smaller panel mends
        steepest = xp.max(xp.abs(slopes), axis=1)
        rounding = 2 * ROUNDING * xp.maximum(xp.abs(left), xp.abs(right)) * steepest
        rounding = xp.where(right - left < NARROW, rounding, 0.0)
        allowed = xp.maximum(xp.maximum(self.tolerance * here, size.noise), rounding)
        worst = self._largest_change(values, slopes, points, left, middle, right)
        return worst <= allowed, xp.max(whole, axis=1) / size.typical

    def _largest_change(self, values, slopes, points, left, middle, right) -> Array:
        """By how much a moment changes at most when the panel is split."""
        xp = self.xp
        width = (right - left)[:, None]
        half = 0.5 * width
        parts = [
            xp.full_like(width, -1.0),
            (middle - left)[:, None] / width,
            (right - middle)[:, None] / width,
        ]
        signed = xp.concatenate([part * WEIGHTS[None, :] for part in parts], axis=1)
        u = (points - left[:, None]) / half - 1.0
        terms, slope_terms = signed * values, signed * slopes * half
        before, now, worst = xp.zeros_like(u), xp.ones_like(u), xp.zeros_like(left)
        for k in range(HIGHEST_MOMENT + 1):
            changes = [xp.abs(xp.sum(t * now, axis=1)) for t in (terms, slope_terms)]
            worst = xp.maximum(worst, xp.maximum(*changes))
            before, now = now, ((2 * k + 1) * u * now - k * before) / (k + 1)
        return worst

    def _halved(self, carry: tuple[Array, ...]) -> tuple[Array, ...]:
        """The panels that are not resolved are split: ends, how many were bad, how many are."""
        xp = self.xp
        left, right, _, count, _ = carry
        used = np.arange(len(left)) < count
        a, b = xp.where(used, left, 0.0), xp.where(used, right, 1.0)  # harmless where none is
        middle = 0.5 * (a + b)
        resolved, largest = self._is_resolved(a, middle, b)
        finite, small = xp.isfinite(largest), b - a < SMALLEST_PANEL
        far = xp.abs(a) > RADII[1]  # an exponential overflows
        good = ~used | resolved | (small & finite) | (far & ~finite)
        pole = xp.any(used & small & ((largest * SMALLEST_PANEL > LARGEST_SPIKE) | ~finite))
        new = xp.where(good, len(left), count + xp.cumsum(~good) - 1)
        left, right = self._put(left, new, middle), self._put(xp.where(good, right, middle), new, b)
        return left, right, xp.sum(~good), count + xp.sum(~good), pole

    def _put(self, array: Array, index: Array, values: Array) -> Array:
        """The array with other values at some places; those beyond its end are dropped."""
        if self.xp is jnp:
            return array.at[index].set(values, mode="drop")
        longer = np.append(array, np.inf)
        longer[np.minimum(index, len(array))] = values
        return longer[:-1]

    def _while(self, goes_on: Callable, step: Callable, carry: tuple[Array, ...]):
        if self.xp is jnp:
            return lax.while_loop(goes_on, step, carry)
        while goes_on(carry):
            carry = step(carry)
        return carry
