"""Curves of solutions of m equations in m + 1 unknowns: pseudo-arclength continuation (jaxcont), Newton's method (optimistix).

jaxcont's compiled loop follows F(u, p) = 0 in the direction of its parameter p, and stops at one end of an interval of p only. Here the
unknowns x = (u, p) are turned so that its parameter runs along a given direction: a curve can then start anywhere (at a fold, on the
other branch of a branch point, at a cycle of zero size), continue where a part of it ended, and be watched in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jaxcont.core.scan_continuation import pseudo_arclength_scan

TOLERANCE = 1e-7  # of the loop, which lengthens steps only when Newton's method needs fewer than 3; every point is polished afterwards
PART = 40


@dataclass(frozen=True)
class Curve:
    """Points of a curve, (k, m + 1), unit tangents along it, and why it ended: "left", "closed", "steps" (there were no more) or
    "stalled" (no further point was found).
    """

    points: np.ndarray
    tangents: np.ndarray
    ended: str


@eqx.filter_jit
def _part(equations: Any, start, direction, step, largest, steps: int):
    """Up to `steps` points from `start`, the first step along `direction`."""
    sign = jnp.where(direction[-1] >= 0, 1.0, -1.0)
    mirror = direction.at[-1].add(sign)
    mirror = mirror / jnp.linalg.norm(mirror)

    def turned(z):
        return -sign * (
            z - 2 * mirror * jnp.dot(mirror, z)
        )  # Householder: the last axis becomes the direction

    def field(u, p):
        return equations(start + turned(jnp.append(u, p)))

    zero = jnp.zeros(len(start) - 1)
    found = pseudo_arclength_scan(
        field,
        zero,
        jnp.asarray(0.0),
        jnp.asarray(1e9),
        step,
        step * 1e-5,
        largest,
        jnp.asarray(TOLERANCE),
        steps,
        jnp.asarray(8),
    )
    points = start[None, :] + jax.vmap(turned)(
        jnp.concatenate([found.states, found.params[:, None]], axis=1)
    )

    tangents = jax.vmap(turned)(found.tangents)

    def polished(pair):
        x, tangent = pair
        matrix = jnp.concatenate([jax.jacfwd(equations)(x), tangent[None, :]])
        return x - jnp.linalg.solve(matrix, jnp.append(equations(x), 0.0))

    for _ in range(2):
        points = jax.lax.map(polished, (points, tangents))
    return points, tangents, found.n_valid, found.converged[0]


def trace(
    equations: Any,
    start: np.ndarray,
    direction: np.ndarray,
    *,
    inside: Callable[[np.ndarray], bool],
    step: float,
    largest: float,
    most: int = 600,
    first: bool = True,
    anew: Callable[[Any, np.ndarray], Any] | None = None,
) -> Curve:
    """The curve through `start` in the sense of `direction`, until a point is not `inside` (that point is kept, as the last one).

    equations: a callable pytree x -> residuals; step, largest: first and largest arclength between points, the largest in units of
    the largest entry where that exceeds 1; first: whether `start` is a point of the curve, or only what the first one is corrected from;
    anew: makes equations anew at the end of each part, for those that hold a reference point.
    """
    points: list[np.ndarray] = []
    tangents: list[np.ndarray] = []
    x, t = (
        np.asarray(start, dtype=float),
        np.asarray(direction, dtype=float) / np.linalg.norm(direction),
    )
    begun = x if first else None
    while True:
        if anew is not None:
            equations = anew(equations, x)
        longest = largest * max(1.0, float(np.abs(x).max()))
        xs, ts, count, good = _part(
            equations,
            jnp.asarray(x),
            jnp.asarray(t),
            jnp.asarray(min(step, longest)),
            jnp.asarray(longest),
            PART,
        )
        count = int(count)
        xs, ts = np.asarray(xs)[:count], np.asarray(ts)[:count]
        if not bool(good) or not np.all(np.isfinite(xs)):
            return Curve(
                np.array(points).reshape(-1, len(x)),
                np.array(tangents).reshape(-1, len(x)),
                "stalled",
            )
        begun = xs[0] if begun is None else begun
        for k in range(1 if points else 0, count):
            points.append(xs[k])
            tangents.append(ts[k])
            if not inside(xs[k]):
                return Curve(np.array(points), np.array(tangents), "left")
            if len(points) > 5 and _passes(points[-2], points[-1], begun):
                return Curve(np.array(points), np.array(tangents), "closed")
            if len(points) >= most:
                return Curve(np.array(points), np.array(tangents), "steps")
        if count < 2:
            return Curve(np.array(points), np.array(tangents), "stalled")
        x, t, step = xs[-1], ts[-1], float(np.linalg.norm(xs[-1] - xs[-2]))


def _passes(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> bool:
    """Whether the segment from a to b passes x."""
    ahead = b - a
    along = float((x - a) @ ahead / (ahead @ ahead))
    return 0 <= along <= 1 and float(np.linalg.norm(a + along * ahead - x)) < 0.1 * float(
        np.linalg.norm(ahead)
    )


@eqx.filter_jit
def _root(equations: Any, start):
    found: Any = optx.root_find(
        lambda x, own: own(x),
        optx.Newton(rtol=1e-13, atol=1e-13),
        start,
        args=equations,
        max_steps=40,
        throw=False,
    )
    return found.value, jnp.max(jnp.abs(equations(found.value)))


def root(
    equations: Any, start: np.ndarray, tolerance: float = 1e-9
) -> tuple[np.ndarray, float, bool]:
    """A root near `start` of as many equations as unknowns (Newton's method), its residual, and whether that is below `tolerance`."""
    value, residual = _root(equations, jnp.asarray(start))
    return (
        np.asarray(value),
        float(residual),
        bool(residual < tolerance) and bool(np.all(np.isfinite(np.asarray(value)))),
    )


class Cut(eqx.Module):
    """A curve's equations, and the plane through `point` normal to `normal`."""

    equations: Any
    point: Any
    normal: Any

    def __call__(self, x):
        return jnp.append(self.equations(x), jnp.dot(self.normal, x - self.point))


def on_plane(
    equations: Any, guess: np.ndarray, point: np.ndarray, normal: np.ndarray
) -> tuple[np.ndarray, float, bool]:
    """The point of the curve near `guess` in the plane through `point` normal to `normal`; as `root`."""
    return root(Cut(equations, jnp.asarray(point), jnp.asarray(normal)), guess)


def lies_on(equations: Any, x: np.ndarray, points: np.ndarray, tolerance: float = 1e-6) -> bool:
    """Whether x lies on the curve with these points."""
    if len(points) < 2:
        return False
    a, ahead = points[:-1], np.diff(points, axis=0)
    length = np.maximum(np.sum(ahead**2, axis=1), 1e-300)
    along = np.clip(np.sum((x - a) * ahead, axis=1) / length, 0, 1)
    near = a + along[:, None] * ahead
    distance = np.linalg.norm(near - x, axis=1)
    for k in np.flatnonzero(distance < 0.5 * np.sqrt(length) + tolerance)[
        np.argsort(distance[distance < 0.5 * np.sqrt(length) + tolerance])
    ][:2]:
        found, _, good = on_plane(equations, near[k], x, ahead[k] / np.sqrt(length[k]))
        if good and np.linalg.norm(found - x) < tolerance:
            return True
    return False
