"""Roots of many parameter sets: Newton's method in chunks of one shape, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...keeping import kept
from ..machine import over_sets
from ..parameters import Parameters
from ..system import Autonomous
from .described import Described, described, some
from .neighbours import Neighbours
from .newton import roots_from, same_root
from .point import LARGEST_RESIDUAL
from .region import Region, region_of, state_box
from .scales import state_scale
from .search import GROWTHS
from .starts import starts_in
from .unbounded import OpenRegion, open_region

CHUNK = 64  # rows of starts at once: more leave the processor's memory
PAIRS = 256  # starts at once, each with parameters of its own
STEPS = (8, 40)
"""Newton's steps for all starts, and for those that are not there yet."""
STARTS = 32  # of a row: more of them are several rows
FEW = 2  # random starts of sets that start from those nearby, 32 in the room of an anchor
SLACK = 1e-6  # roots may lie this far beyond the box, whose bounds they can touch


@kept
def _starts(model: Autonomous, batch: Parameters, ends: Any, points: Any, is_bounded: bool):
    def of_one(own, limits, cube):
        region = _region(model, own, limits, is_bounded)
        return starts_in(model, own, region, cube), region, state_scale(model, own)

    return over_sets(of_one, batch, ends, points)


def _region(
    model: Autonomous, own: Parameters, limits: Any, is_bounded: bool
) -> Region | OpenRegion:
    if is_bounded:
        bounds = tuple(limits)
        return region_of(model, own, bounds[:2], state_box(model, own, bounds))
    return open_region(model, own, GROWTHS[1])


@kept
def _newton(model: Autonomous, batch: Parameters, where: Any, starts: Any, steps: Any):
    """Ends and residuals; where: the regions, and the scales of the states."""
    none = jnp.full((1, model.size), jnp.nan)

    def of_one(own, region, scale, y):
        return roots_from(model, own, region, y, none, scale, max_steps=steps)

    regions, scales = where
    return over_sets(of_one, batch, regions, scales, starts)


@dataclass(frozen=True)
class Given:
    """The sets that are searched.

    Args:
        model: the equations with the inputs held.
        batch: parameters with a leading axis, arrays of NumPy.
        ends: bounds of the transfer functions, (n, 4, P).
        is_bounded: whether these are finite.
    """

    model: Autonomous
    batch: Parameters
    ends: np.ndarray
    is_bounded: bool

    def starts(self, rows: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, _Chunk]:
        """States to start from, (rows, k, d), from points of the unit cube, (rows, k, 2P + 1)."""
        own = some(self.batch, rows)
        made = _starts(self.model, own, self.ends[rows], points, self.is_bounded)
        states, *where = jax.tree.map(np.asarray, made)
        return states, _Chunk(self.model, own, where)


@dataclass(frozen=True)
class _Chunk:
    """Some sets, with their regions and the scales of their states."""

    model: Autonomous
    own: Parameters
    where: Any

    def ends(self, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where Newton's method ends, and residuals, of as many starts of every set."""
        made = _newton(self.model, self.own, self.where, starts, np.asarray(STEPS[0]))
        roots, residuals = (np.array(v) for v in made)
        late = np.argwhere(~(residuals < LARGEST_RESIDUAL)).T
        self._finish(late[0], (starts, roots, residuals), (late[0], late[1]))
        return roots, residuals

    def ends_of_pairs(self, k: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same of starts of which each says whose it is, (pairs,) and (pairs, d)."""
        roots, residuals = starts.copy(), np.full(len(k), np.inf)
        self._finish(k, (starts, roots, residuals), (np.arange(len(k)),), STEPS[0])
        return roots, residuals

    def _finish(self, k: np.ndarray, known: Any, at: Any, steps: int = STEPS[1]) -> None:
        """More steps for some starts, each with its own parameters; k: whose they are."""
        starts, roots, residuals = known
        for begin in range(0, len(k), PAIRS):
            which = np.resize(np.arange(begin, min(begin + PAIRS, len(k))), PAIRS)
            own = tuple(v[which] for v in at)
            ys = np.where(np.isfinite(roots[own]), roots[own], starts[own])
            sets, where = (some(v, k[which]) for v in (self.own, self.where))
            made = _newton(self.model, sets, where, ys[:, None], np.asarray(steps))
            roots[own], residuals[own] = (np.asarray(v)[:, 0] for v in made)

    def good(self, k: np.ndarray, roots: np.ndarray, residuals: np.ndarray) -> np.ndarray:
        """Which ends are roots within the region of their set."""
        (low, high), size = self.where[0].box, self.where[1][k]
        low, high = low[k], high[k]
        with np.errstate(invalid="ignore"):
            above = roots > low - SLACK * (size + abs(low))
            below = roots < high + SLACK * (size + abs(high))
            return (residuals < LARGEST_RESIDUAL) & np.all(above & below, axis=-1)


def searched(
    found: Roots,
    given: Given,
    which: np.ndarray,
    points: np.ndarray,
    say: Callable[[float], None],
) -> None:
    """Search some of the parameter sets from one set of starts, in chunks of one shape.

    Args:
        found: takes the roots.
        given: all sets.
        which: the sets to search.
        points: of the unit cube, (k, 2P + 1); each gives a start.
        say: called with the part that is done.
    """
    width = min(STARTS, len(points))
    cubes = points.reshape(-1, width, points.shape[1])
    several, of_sets = len(cubes), max(CHUNK // len(cubes), 1)
    every = np.tile(cubes, (of_sets, 1, 1))
    for begin in range(0, len(which), of_sets):
        say(begin / len(which))
        rows = which[begin : begin + of_sets]
        starts, chunk = given.starts(np.repeat(np.resize(rows, of_sets), several), every)
        roots, residuals = chunk.ends(starts)
        good, m = chunk.good(np.arange(len(every))[:, None], roots, residuals), len(rows)
        found.scale[rows] = chunk.where[1][::several][:m]
        whole = roots.reshape(of_sets, len(points), -1), good.reshape(of_sets, -1)
        found.add(rows, whole[0][:m], whole[1][:m])


def continued(
    found: Roots, given: Given, near: Neighbours, points: np.ndarray, say: Callable[[float], None]
) -> None:
    """Search sets from the roots of those nearby, and from a few starts of their own each.

    Args:
        found: has the roots of the anchors, takes those of the other sets.
        given: all sets.
        near: which are near which.
        points: of the unit cube, (k, 2P + 1), of which each set has `FEW`.
        say: called with the part that is done.
    """
    few = min(FEW, len(points))
    cubes = points[: len(points) // few * few].reshape(-1, few, points.shape[1])
    for begin in range(0, len(near.others), CHUNK):
        say(begin / len(near.others))
        rows = near.others[begin : begin + CHUNK]
        m, turn = len(rows), np.arange(begin, begin + CHUNK) % len(cubes)
        free, chunk = given.starts(np.resize(rows, CHUNK), cubes[turn])
        known = found.roots[near.nearest[begin : begin + m]].reshape(m, -1, free.shape[2])
        each = [_from(chunk, own) for own in (known, free[:m])]  # the first ends in fewer steps
        roots, good = (np.concatenate(v, axis=1) for v in zip(*each, strict=True))
        found.scale[rows] = chunk.where[1][:m]
        found.add(rows, roots, good)


def _from(chunk: _Chunk, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where starts end, (m, k, d), and which of these are roots; those of NaN are none."""
    there = np.isfinite(starts).all(axis=2)
    k, _ = np.nonzero(there)
    ends, residuals = chunk.ends_of_pairs(k, starts[there])
    roots, good = np.full(starts.shape, np.nan), np.zeros(there.shape, dtype=bool)
    roots[there], good[there] = ends, chunk.good(k, ends, residuals)
    return roots, good


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
        self, model: Autonomous, batch: Parameters, *, prove: bool, which: Any = slice(None)
    ) -> tuple[np.ndarray, np.ndarray, Described]:
        """Set and place of each root, of some sets or all, and what there is at it."""
        there = np.zeros(self.hits.shape, dtype=bool)
        there[which] = np.isfinite(self.roots[which][..., 0])
        sets, points = np.nonzero(there)
        states = self.roots[sets, points]
        return sets, points, described(model, batch, sets, states, self.scale, prove=prove)

    def doubtful(self, given: Given, which: np.ndarray) -> np.ndarray:
        """Those of some sets in which a point may be missing."""
        sets, _, seen = self.values(given.model, given.batch, prove=False, which=which)
        signs = np.linalg.slogdet(-seen.jacobian)[0]
        index = np.bincount(sets, signs, minlength=len(self.count))
        wrong = (index != 1) if given.is_bounded else (self.count == 0)
        return which[(np.any(self.hits == 1, axis=1) | wrong)[which]]
