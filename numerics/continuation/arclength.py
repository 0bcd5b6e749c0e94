"""Curves of solutions of m equations in m + 1 unknowns: arclength continuation, Newton's method.

jaxcont's compiled loop follows F(u, p) = 0 in the direction of its parameter p, and stops at one
end of an interval of p only. Here the unknowns x = (u, p) are turned so that its parameter runs
along a given direction: a curve can then start anywhere (at a fold, on the other branch of a branch
point, at a cycle of zero size), continue where a part of it ended, and be watched in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxcont
import numpy as np
import optimistix as optx

TOLERANCE = 1e-7
"""Of the loop, which lengthens steps only when Newton's method needs fewer than 3; every point is
polished afterwards."""
PART = 40  # points between two looks at the curve: few are then thrown away at its end
SHORTEST = 1e-5  # step, relative to the first: a curve that needs shorter ones has ended
FAR = 1e9  # the loop's end of the interval of p, which no curve reaches


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a curve, and why it ended.

    Args:
        points: (k, m + 1).
        tangents: unit tangents along it, (k, m + 1).
        ended: "left", "closed", "steps" (there were no more) or "stalled" (no further point was
            found).
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
        # Householder: the last axis becomes the direction
        return -sign * (z - 2 * mirror * jnp.dot(mirror, z))

    def field(u, p, _=None):
        return equations(start + turned(jnp.append(u, p)))

    # jaxcont compares integers of 32 and 64 bits, which strict promotion refuses
    with jax.numpy_dtype_promotion("standard"):
        found = jaxcont.continuation(
            jaxcont.bif_problem(field, jnp.zeros(len(start) - 1), 0.0),
            p_span=(0.0, FAR),
            settings=jaxcont.ContinuationPar(
                ds=step,
                ds_min=step * SHORTEST,
                ds_max=largest,
                max_steps=steps,
                newton_tol=TOLERANCE,
                newton_max_iter=8,
                compute_stability=False,
            ),
        )
    branch = found.branch
    ends = jnp.concatenate([branch.states, branch.params[:, None]], axis=1)
    points = start[None, :] + jax.vmap(turned)(ends)
    tangents = jax.vmap(turned)(branch.tangents)

    def polished(pair):
        x, tangent = pair
        matrix = jnp.concatenate([jax.jacfwd(equations)(x), tangent[None, :]])
        return x - jnp.linalg.solve(matrix, jnp.append(equations(x), 0.0))

    # the loop reports no failure at its first point
    good = jnp.linalg.norm(field(branch.states[0], branch.params[0])) < TOLERANCE
    for _ in range(2):
        points = jax.lax.map(polished, (points, tangents))
    return points, tangents, found.stats["n_valid"], good


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
    """The curve through a point, until a point is not inside; that one is kept as the last.

    Args:
        equations: a callable pytree x -> residuals.
        start: a point of the curve, or near it.
        direction: in which to go.
        inside: whether a point is one to go on from.
        step: first arclength between points.
        largest: largest arclength between points, in units of the largest entry where that is
            above 1.
        most: points at most.
        first: whether `start` is a point of the curve, or only near one.
        anew: makes equations anew at the end of each part, for those that hold a reference point.
    """
    points: list[np.ndarray] = []
    tangents: list[np.ndarray] = []
    x = np.asarray(start, dtype=float)
    t = np.asarray(direction, dtype=float) / np.linalg.norm(direction)
    begun = x if first else None

    def curve(ended: str) -> Curve:
        shape = (-1, len(x))
        return Curve(np.array(points).reshape(shape), np.array(tangents).reshape(shape), ended)

    while True:
        equations = equations if anew is None else anew(equations, x)
        longest = largest * max(1.0, float(np.abs(x).max()))
        sizes = (jnp.asarray(min(step, longest)), jnp.asarray(longest))
        xs, ts, count, good = _part(equations, jnp.asarray(x), jnp.asarray(t), *sizes, PART)
        count = int(count)
        xs, ts = np.asarray(xs)[:count], np.asarray(ts)[:count]
        if not bool(good) or not np.all(np.isfinite(xs)):
            return curve("stalled")
        begun = xs[0] if begun is None else begun
        for k in range(1 if points else 0, count):
            points.append(xs[k])
            tangents.append(ts[k])
            if not inside(xs[k]):
                return curve("left")
            if len(points) > 5 and _passes(points[-2], points[-1], begun):
                return curve("closed")
            if len(points) >= most:
                return curve("steps")
        if count < 2:
            return curve("stalled")
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
    """A root of as many equations as unknowns, near a start (Newton's method).

    Returns:
        The root, its residual, and whether that is below the tolerance.
    """
    value, residual = map(np.asarray, _root(equations, jnp.asarray(start)))
    return value, float(residual), bool(residual < tolerance and np.all(np.isfinite(value)))


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
    """The point of a curve near `guess` in the plane through `point` normal to `normal`.

    Returns what `root` returns.
    """
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
    close = np.flatnonzero(distance < 0.5 * np.sqrt(length) + tolerance)
    for k in close[np.argsort(distance[close])][:2]:  # two segments meet at a point of the curve
        found, _, good = on_plane(equations, near[k], x, ahead[k] / np.sqrt(length[k]))
        if good and np.linalg.norm(found - x) < tolerance:
            return True
    return False
