"""Where a function needs panel edges so that a Gauss-Legendre rule resolves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

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

Function = Callable[[Array], Array]


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
    slope: Function,
    breaks: Sequence[float],
    tolerance: float,
    most: int,
    radius: float = RADII[0],
) -> Panels:
    """Panels of a function that is smooth between its breaks. Works on traced functions.

    On a panel the rule of 16 nodes gives the integrals of the function and of its slope, times
    Legendre polynomials up to degree 8, as well as two rules on the panel's parts do: to the
    tolerance, relative to the panel's width (for the slope: to 1) and the function's smallest
    value there, or a tenth of its size.

    Args:
        function: elementwise.
        slope: its derivative.
        breaks: where it is not smooth.
        tolerance: of the integrals.
        most: number of panels at most.
        radius: panels are on |x| <= radius.
    """
    inside = [b for b in breaks if abs(b) < radius]
    first = np.unique(
        np.concatenate([[-radius, radius], inside, FIRST_EDGES[np.abs(FIRST_EDGES) < radius]])
    )

    def both(x: Array) -> tuple[Array, Array]:
        return function(x), slope(x)

    criterion = partial(_is_resolved, both, Size.of(function), tolerance)
    edges, resolved = _bisect(criterion, first, most)
    for _ in range(MERGES):
        edges = _merge(criterion, edges, 0, np.array(breaks, dtype=float))
        edges = _merge(criterion, edges, 1, np.array(breaks, dtype=float))
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
    def of(cls, function: Function) -> Size:
        def largest(reach):
            values = jnp.abs(function(jnp.linspace(-reach, reach, PLACES)))
            return jnp.max(jnp.where(jnp.isfinite(values), values, 0.0))

        near, middle, half, far = (largest(reach) for reach in (2.0, 64.0, RADII[0] / 2, RADII[0]))
        noise = jnp.where(half > far / 3, ROUNDING * far, 0.0)
        typical = jnp.where(near > NOTHING, near, jnp.where(middle > NOTHING, middle, far)) + TINY
        return cls(typical, noise)


def graded(b: float) -> np.ndarray:
    """Edges that close in on a singularity geometrically, on both sides."""
    steps = 8.0 ** -np.arange(14)
    return np.concatenate([b - steps, [b], b + steps])


def _is_resolved(
    both: Callable, size: Size, tolerance: float, left: Array, middle: Array, right: Array
) -> tuple[Array, Array]:
    """Whether splitting panels at `middle` changes no moment, and the largest values there."""
    points = _points(left, middle, right)
    return _judge(*both(points), points, left, middle, right, size, max(tolerance, MOST_PRECISE))


@jax.jit
def _points(left: Array, middle: Array, right: Array) -> Array:
    """Nodes on whole panels and on their two parts."""
    panels = ((left, right), (left, middle), (middle, right))
    return jnp.concatenate([on_panels(*ends)[0] for ends in panels], axis=1)


@jax.jit
def _judge(values, slopes, points, left, middle, right, size, tolerance):
    width, half = (right - left)[:, None], 0.5 * (right - left)[:, None]
    parts = [
        jnp.full_like(width, -1.0),
        (middle - left)[:, None] / width,
        (right - middle)[:, None] / width,
    ]
    signed = jnp.concatenate([part * WEIGHTS[None, :] for part in parts], axis=1)
    u = (points - left[:, None]) / half - 1.0
    terms, slope_terms = signed * values, signed * slopes * half
    before, now, worst = jnp.zeros_like(u), jnp.ones_like(u), jnp.zeros_like(left)
    for k in range(HIGHEST_MOMENT + 1):
        changes = [jnp.abs(jnp.sum(t * now, axis=1)) for t in (terms, slope_terms)]
        worst = jnp.maximum(worst, jnp.maximum(*changes))
        before, now = now, ((2 * k + 1) * u * now - k * before) / (k + 1)
    whole = jnp.abs(values[:, : len(NODES)])
    here = jnp.maximum(jnp.min(whole, axis=1), 0.1 * size.typical)
    # what rounding x does to a steep function, as 1 - 1e4 |x - 3|, which no smaller panel mends
    rounding = (
        2 * ROUNDING * jnp.maximum(jnp.abs(left), jnp.abs(right)) * jnp.max(jnp.abs(slopes), axis=1)
    )
    rounding = jnp.where(right - left < NARROW, rounding, 0.0)
    return worst <= jnp.maximum(jnp.maximum(tolerance * here, size.noise), rounding), jnp.max(
        whole, axis=1
    ) / size.typical


def _bisect(criterion: Callable, first: np.ndarray, most: int) -> tuple[Array, Array]:
    """Halve panels until each is resolved; also whether there were enough of them."""
    ends = np.full((2, most), np.inf)
    ends[0, : len(first) - 1], ends[1, : len(first) - 1] = first[:-1], first[1:]

    def halve(carry):
        left, right, _, count, _ = carry
        thirds = _thirds(left, right, count)
        return _split_bad(left, right, count, *thirds, *criterion(*thirds))

    def goes_on(carry):
        *_, bad, count, pole = carry
        return (bad > 0) & (count <= most) & ~pole

    start = (
        jnp.asarray(ends[0]),
        jnp.asarray(ends[1]),
        jnp.asarray(1),
        jnp.asarray(len(first) - 1),
        jnp.asarray(False),
    )
    left, _, bad, count, pole = _while(goes_on, halve, halve(start))
    return jnp.where(jnp.arange(most) < count, left, jnp.inf).sort(), (bad == 0) & (
        count <= most
    ) & ~pole


@jax.jit
def _thirds(left: Array, right: Array, count: Array) -> tuple[Array, Array, Array]:
    """Ends and middles, harmless where there is no panel."""
    used = jnp.arange(len(left)) < count
    a, b = jnp.where(used, left, 0.0), jnp.where(used, right, 1.0)
    return a, 0.5 * (a + b), b


@jax.jit
def _split_bad(left, right, count, a, middle, b, resolved, largest):
    used = jnp.arange(len(left)) < count
    finite, small = jnp.isfinite(largest), b - a < SMALLEST_PANEL
    far = jnp.abs(a) > RADII[1]  # an exponential overflows
    good = ~used | resolved | (small & finite) | (far & ~finite)
    pole = jnp.any(used & small & ((largest * SMALLEST_PANEL > LARGEST_SPIKE) | ~finite))
    new = jnp.where(good, len(left), count + jnp.cumsum(~good) - 1)
    left, right = (
        left.at[new].set(middle, mode="drop"),
        jnp.where(good, right, middle).at[new].set(b, mode="drop"),
    )
    return left, right, jnp.sum(~good), count + jnp.sum(~good), pole


def _while(goes_on: Callable, step: Callable, carry: tuple[Array, ...]) -> tuple[Array, ...]:
    """A loop; of concrete arrays in Python, which spares compiling it for every function."""
    if any(isinstance(v, jax.core.Tracer) for v in carry):
        return lax.while_loop(goes_on, step, carry)
    while goes_on(carry):
        carry = step(carry)
    return carry


def _merge(criterion: Callable, edges: Array, parity: int, breaks: np.ndarray) -> Array:
    """Remove every other edge across which one panel serves, never a break."""
    candidate, *thirds = _candidates(edges, parity, breaks)
    resolved, _ = criterion(*thirds)
    return _remove(edges, candidate & resolved)


@jax.jit
def _candidates(edges: Array, parity: Array | int, breaks: Array) -> tuple[Array, ...]:
    index = jnp.arange(1, len(edges) - 1)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    there = (
        (index % 2 == parity)
        & jnp.isfinite(right)
        & ~jnp.any(middle[:, None] == breaks[None, :], axis=1)
    )
    return there, *(jnp.where(there, e, d) for e, d in ((left, 0.0), (middle, 1.0), (right, 2.0)))


@jax.jit
def _remove(edges: Array, which: Array) -> Array:
    return edges.at[1:-1].set(jnp.where(which, jnp.inf, edges[1:-1])).sort()
