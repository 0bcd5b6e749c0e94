"""Roots of many parameter sets: Newton's method in chunks of one shape, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..parameters import Parameters
from ..system import Autonomous
from .newton import roots_from, same_root
from .point import LARGEST_RESIDUAL
from .proof import proof
from .region import Region, region_of, state_box
from .scales import state_scale
from .search import GROWTHS
from .starts import starts_in
from .unbounded import OpenRegion, open_region

CHUNK = 512  # sets of 32 starts at once: a few hundred megabytes for four populations
STEPS = (8, 40)
"""Newton's steps for all starts, and for those that are not there yet."""
SLACK = 1e-6  # roots may lie this far beyond the box, whose bounds they can touch


def _some(batch: Any, rows: np.ndarray) -> Any:
    return jax.tree.map(lambda v: v[rows], batch)


@eqx.filter_jit
def _starts(model: Autonomous, batch: Parameters, ends: Any, points: Any, is_bounded: bool):
    def of_one(own, limits):
        region = _region(model, own, limits, is_bounded)
        return starts_in(model, own, region, points), region, state_scale(model, own)

    return jax.vmap(of_one)(batch, ends)


def _region(
    model: Autonomous, own: Parameters, limits: Any, is_bounded: bool
) -> Region | OpenRegion:
    if is_bounded:
        bounds = tuple(limits)
        return region_of(model, own, bounds[:2], state_box(model, own, bounds))
    return open_region(model, own, GROWTHS[1])


@eqx.filter_jit
def _newton(model: Autonomous, batch: Parameters, where: Any, starts: Any, steps: int):
    """Ends and residuals; where: the regions, and the scales of the states."""
    none = jnp.full((1, model.size), jnp.nan)

    def of_one(own, region, scale, y):
        return roots_from(model, own, region, y, none, scale, max_steps=steps)

    regions, scales = where
    return jax.vmap(of_one)(batch, regions, scales, starts)


def searched(
    found: Roots,
    model: Autonomous,
    given: tuple[Parameters, Any, bool],
    which: np.ndarray,
    points: np.ndarray,
    say: Callable[[float], None],
) -> None:
    """Search some of the parameter sets from one set of starts, in chunks of one shape.

    Args:
        found: takes the roots.
        model: the equations with the inputs held.
        given: the batch, bounds of the transfer functions (n, 4, P), and whether these are finite.
        which: the sets to search.
        points: of the unit cube, (k, 2P + 1); each gives a start.
        say: called with the part that is done.
    """
    batch, ends, is_bounded = given
    width = max(CHUNK * 32 // len(points), 1)
    for begin in range(0, len(which), width):
        say(begin / len(which))
        rows = which[begin : begin + width]
        padded = np.resize(rows, width)
        own = _some(batch, padded)
        starts, *where = _starts(model, own, ends[padded], jnp.asarray(points), is_bounded)
        first = _newton(model, own, where, starts, STEPS[0])
        roots, residuals = (np.array(v) for v in first)
        _finish(model, own, where, np.asarray(starts), roots, residuals)
        low, high = (np.asarray(v)[:, None] for v in where[0].box)
        size = np.asarray(where[1])
        with np.errstate(invalid="ignore"):
            above = roots > low - SLACK * (size[:, None] + abs(low))
            below = roots < high + SLACK * (size[:, None] + abs(high))
            good = (residuals < LARGEST_RESIDUAL) & np.all(above & below, axis=2)
        found.scale[rows] = size[: len(rows)]
        found.add(rows, roots[: len(rows)], good[: len(rows)])


def _finish(
    model: Autonomous,
    own: Parameters,
    where: Any,
    starts: np.ndarray,
    roots: np.ndarray,
    residuals: np.ndarray,
) -> None:
    """More steps for each start that is not there yet, with its own parameters."""
    late, pairs = np.argwhere(~(residuals < LARGEST_RESIDUAL)), residuals.size // 8
    for at in range(0, len(late), pairs):
        k, j = np.resize(late[at : at + pairs], (pairs, 2)).T
        ys = jnp.asarray(np.where(np.isfinite(roots[k, j]), roots[k, j], starts[k, j]))
        ends = _newton(model, _some(own, k), _some(where, k), ys[:, None], STEPS[1])
        roots[k, j], residuals[k, j] = (np.asarray(v)[:, 0] for v in ends)


class Roots:
    """Roots of every set, (n, most, d), NaN where there is none, and how often each was reached."""

    def __init__(self, n: int, most: int, size: int):
        self.roots, self.hits = np.full((n, most, size), np.nan), np.zeros((n, most), dtype=int)
        self.count, self.overflow = np.zeros(n, dtype=int), np.zeros(n, dtype=bool)
        self.scale = np.ones((n, size))

    @property
    def least_hits(self) -> np.ndarray:
        """How often the root that was reached least was reached, (n,); 0 without roots."""
        hits = np.where(self.hits > 0, self.hits, np.iinfo(int).max)
        return np.where(self.count > 0, np.min(hits, axis=1), 0)

    def add(self, rows: np.ndarray, ends: np.ndarray, good: np.ndarray) -> None:
        """Merge the ends of starts with what is known, one new root of each set at a time.

        Args:
            rows: which sets, (m,).
            ends: where their starts ended, (m, k, d).
            good: which of these are roots, (m, k).
        """
        most = self.roots.shape[1]
        waiting = good.copy()
        for j in range(most):
            self._take(rows, ends, waiting, j, self.count[rows] > j)
        while waiting.any():
            full = self.count[rows] >= most
            self.overflow[rows[full & waiting.any(1)]] = True
            waiting[full] = False
            has = waiting.any(1)
            if not has.any():
                break
            own, first = np.flatnonzero(has), np.argmax(waiting[has], axis=1)
            slots = self.count[rows[own]]
            self.roots[rows[own], slots] = ends[own, first]
            self.count[rows[own]] += 1
            for j in np.unique(slots):
                self._take(rows, ends, waiting, int(j), has & (self.count[rows] == j + 1))

    def _take(
        self, rows: np.ndarray, ends: np.ndarray, waiting: np.ndarray, j: int, which: np.ndarray
    ) -> None:
        """Count those ends that are root j."""
        scale = self.scale[rows][:, None]
        same = same_root(ends / scale, self.roots[rows, j][:, None] / scale)
        same &= waiting & which[:, None]
        self.hits[rows, j] += same.sum(axis=1)
        waiting[same] = False

    def values(
        self, model: Autonomous, batch: Parameters, *, prove: bool
    ) -> tuple[np.ndarray, ...]:
        """Rows (set, point) of the roots, and there: residual, whether they are proven (if that is
        wanted), Jacobian, K, Delta, R.
        """
        sets, points = np.nonzero(np.isfinite(self.roots[..., 0]))
        width, parts = CHUNK * 4, []
        for at in range(0, len(sets), width):
            which = np.resize(np.arange(at, min(at + width, len(sets))), width)
            states = jnp.asarray(self.roots[sets[which], points[which]])
            scale = jnp.asarray(self.scale[sets[which]])
            own = _describe(model, _some(batch, sets[which]), states, scale, prove)
            parts.append([np.asarray(v)[: min(width, len(sets) - at)] for v in own])
        size, P = model.size, model.P
        shapes = ((0,), (0,), (0, size, size), (0, P), (0, P), (0, P))
        if not parts:
            return sets, points, *(np.zeros(s) for s in shapes)
        return sets, points, *(np.concatenate(v) for v in zip(*parts, strict=True))

    def doubtful(self, model: Autonomous, batch: Parameters, is_bounded: bool) -> np.ndarray:
        """Sets in which a point may be missing."""
        sets, _, _, _, jacobians, *_ = self.values(model, batch, prove=False)
        index = np.bincount(sets, np.linalg.slogdet(-jacobians)[0], minlength=len(self.count))
        once = np.any(self.hits == 1, axis=1)
        return once | ((index != 1) if is_bounded else (self.count == 0))


@eqx.filter_jit
def _describe(model: Autonomous, batch: Parameters, ys: Any, scales: Any, prove: bool):
    def one(own, y, scale):
        proven, J = jnp.asarray(True), None
        if prove:
            y, radius, _, J = proof(model, own, y, scale)
            proven = jnp.all(jnp.isfinite(radius))
        seen = model.observables(y, own)
        return (
            jnp.max(jnp.abs(model.field(y, own))),
            proven,
            model.jacobian(y, own) if J is None else J,
            seen["mean"],
            seen["variance"],
            seen["rate"],
        )

    return jax.vmap(one)(batch, ys, scales)
