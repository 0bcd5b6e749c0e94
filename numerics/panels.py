"""Where a function needs panel edges so that a Gauss-Legendre rule resolves it, and how wide a normal density may be for a fixed rule:
found from the function, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float
from numpy.polynomial import legendre

NODES, WEIGHTS = legendre.leggauss(16)
HIGHEST_MOMENT = 8
SMALLEST_PANEL = 1e-7
RADII = (1024.0, 64.0)
# Off-centre by an irrational amount, so that a step at a round number does not hide between two panels.
FIRST_EDGES = np.pi / 7 + np.concatenate([-(2.0 ** np.arange(10, 4, -1)), np.arange(-31, 32), 2.0 ** np.arange(5, 11)])

Function = Callable[[Array], Array]


class Panels(NamedTuple):
    """Panel edges in x, ascending, filled up with infinity, between which sixteen nodes integrate a function times a smooth weight.

    resolved: whether it is, everywhere on |x| <= radius
    """

    edges: Float[Array, " m"]
    resolved: Array


def find(function: Function, breaks: Sequence[float], tolerance: float, most: int, radius: float = RADII[0]) -> Panels:
    """Panels on |x| <= radius of a function that is smooth between its breaks, at most `most` of them. Works on traced functions.

    On a panel the rule of 16 nodes gives the function's integrals with the Legendre polynomials up to degree 8 as well as two rules on
    its parts do: to the tolerance, relative to the panel's width and the function's smallest value there, or a tenth of its size.
    """
    inside = [b for b in breaks if abs(b) < radius]
    first = np.unique(np.concatenate([[-radius, radius], inside, FIRST_EDGES[np.abs(FIRST_EDGES) < radius]]))
    size = Size.of(function)
    edges, resolved = _bisect(function, first, size, tolerance, most)
    edges = lax.fori_loop(0, 12, lambda k, e: _merge(function, e, k % 2, np.array(breaks, dtype=float), size, tolerance), edges)
    return Panels(edges, resolved)


class Size(NamedTuple):
    """How large a function is: on |x| <= 2, or further out for a step that is nothing there; and what rounding does to it where it is
    small but made of numbers as large as its plateau, as 1 + tanh(x - 40) at 0.
    """

    typical: Array
    noise: Array

    @classmethod
    def of(cls, function: Function) -> Size:
        def largest(reach):
            values = jnp.abs(function(jnp.linspace(-reach, reach, 129)))
            return jnp.max(jnp.where(jnp.isfinite(values), values, 0.0))

        near, middle, half, far = (largest(reach) for reach in (2.0, 64.0, RADII[0] / 2, RADII[0]))
        noise = jnp.where(half > far / 3, 1e-15 * far, 0.0)
        typical = jnp.where(near > 1e-30, near, jnp.where(middle > 1e-30, middle, far)) + 1e-300
        return cls(typical, noise)


def graded(b: float) -> np.ndarray:
    """Edges that close in on a singularity geometrically, on both sides."""
    steps = 8.0 ** -np.arange(14)
    return np.concatenate([b - steps, [b], b + steps])


def _nodes(left: Array, right: Array) -> Array:
    return 0.5 * (left + right)[:, None] + 0.5 * (right - left)[:, None] * NODES[None, :]


def _is_resolved(function: Function, left: Array, middle: Array, right: Array, size: Size, tolerance: float) -> tuple[Array, Array]:
    """Whether splitting panels at `middle` changes none of the moments; and the largest absolute values there."""
    points = [_nodes(a, b) for a, b in ((left, right), (left, middle), (middle, right))]
    values = function(jnp.concatenate(points))
    whole, *parts = jnp.split(values, 3)
    half = 0.5 * (right - left)[:, None]
    weights = [WEIGHTS[None, :] * (b - a)[:, None] / (2 * half) for a, b in ((left, middle), (middle, right))]
    places = [(x - left[:, None]) / half - 1.0 for x in points[1:]]
    difference = [w * v for w, v in zip([-WEIGHTS[None, :], *weights], [whole, *parts], strict=True)]
    u, terms = jnp.concatenate([jnp.broadcast_to(NODES[None, :], whole.shape), *places], axis=1), jnp.concatenate(difference, axis=1)

    def moment(k, carry):
        before, now, worst = carry
        worst = jnp.maximum(worst, jnp.abs(jnp.sum(terms * now, axis=1)))
        k = jnp.asarray(k, dtype=u.dtype)
        return now, ((2 * k + 1) * u * now - k * before) / (k + 1), worst

    _, _, worst = lax.fori_loop(0, HIGHEST_MOMENT + 1, moment, (jnp.zeros_like(u), jnp.ones_like(u), jnp.zeros_like(left)))
    here = jnp.maximum(jnp.min(jnp.abs(whole), axis=1), 0.1 * size.typical)
    return worst <= jnp.maximum(max(tolerance, 1e-13) * here, size.noise), jnp.max(jnp.abs(whole), axis=1)


def _bisect(function: Function, first: np.ndarray, size: Size, tolerance: float, most: int) -> tuple[Array, Array]:
    """Halve panels until each is resolved; also whether there were enough of them."""
    places = jnp.arange(most)
    ends = np.full((2, most), np.inf)
    ends[0, : len(first) - 1], ends[1, : len(first) - 1] = first[:-1], first[1:]

    def halve(carry):
        left, right, _, count, _ = carry
        used = places < count
        a, b = jnp.where(used, left, 0.0), jnp.where(used, right, 1.0)
        middle = 0.5 * (a + b)
        resolved, largest = _is_resolved(function, a, middle, b, size, tolerance)
        finite, small = jnp.isfinite(largest), b - a < SMALLEST_PANEL
        far = jnp.abs(a) > 64.0  # an exponential overflows
        good = ~used | resolved | (small & finite) | (far & ~finite)
        pole = jnp.any(used & small & ((largest * SMALLEST_PANEL > 1e-6 * size.typical) | ~finite))
        new = jnp.where(good, most, count + jnp.cumsum(~good) - 1)
        left, right = left.at[new].set(middle, mode="drop"), jnp.where(good, right, middle).at[new].set(b, mode="drop")
        return left, right, jnp.sum(~good), count + jnp.sum(~good), pole

    def goes_on(carry):
        *_, bad, count, pole = carry
        return (bad > 0) & (count <= most) & ~pole

    start = (jnp.asarray(ends[0]), jnp.asarray(ends[1]), jnp.asarray(1), jnp.asarray(len(first) - 1), jnp.asarray(False))
    left, _, bad, count, pole = lax.while_loop(goes_on, halve, start)
    return jnp.where(places < count, left, jnp.inf).sort(), (bad == 0) & (count <= most) & ~pole


def _merge(function: Function, edges: Array, parity: Array, breaks: np.ndarray, size: Size, tolerance: float) -> Array:
    """Remove every other edge across which one panel serves, never a break."""
    index = jnp.arange(1, len(edges) - 1)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    candidate = (index % 2 == parity.astype(index.dtype)) & jnp.isfinite(right) & ~jnp.any(middle[:, None] == breaks[None, :], axis=1)
    left, middle, right = (jnp.where(candidate, e, d) for e, d in ((left, 0.0), (middle, 1.0), (right, 2.0)))
    resolved, _ = _is_resolved(function, left, middle, right, size, tolerance)
    return edges.at[1:-1].set(jnp.where(candidate & resolved, jnp.inf, edges[1:-1])).sort()
