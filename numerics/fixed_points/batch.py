"""All fixed points of many parameter sets at once, for sweeps and phase diagrams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from scipy.stats import qmc

from ...errors import ParameterError
from ..parameters import Parameters
from ..precision import require_x64
from ..system import Autonomous, System
from .newton import Region, open_region, region_of, roots_from, settle_others, start_states
from .point import HYPERBOLIC, LARGEST_RESIDUAL
from .region import TransferBounds, state_box, transfer_bounds
from .search import GROWTHS, MERGE

CHUNK = 512
STEPS = (8, 40)
"""Newton's steps for all starts, and for those that are not there yet."""


def fixed_points_batch(
    system: System,
    batch: Parameters,
    *,
    starts: int = 32,
    seed: int = 0,
    time: float = 0.0,
    most: int = 8,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """The fixed points of n parameter sets: `batch` has a leading axis n on every array, as `vary.stacked` makes it.

    Over (set): `count`, `overflow` (more points than `most` were found), `index_sum` (of the signs of det(-Jacobian)), `least_hits` (starts that
    reached the point that was reached least), `status`; over (set, point), by mean rate, NaN beyond `count`: `stable` (1, 0), `residual`;
    `mean`, `variance`, `rate` over (set, point, population); `eigenvalues` over (set, point, mode), by descending real part. Newton's
    method from the same kind of starts as `fixed_points`; sets whose indices do not sum to 1 although the transfer functions are bounded, or
    with a point that was reached once only, are searched with eight times as many starts. No deflation: see `fixed_points` for one set.
    Parameters are taken as they are: check them before. Raises `ParameterError` for a batch that is none.
    """
    require_x64()
    if np.ndim(batch.N) != 1:
        raise ParameterError(
            "a batch of parameters has a leading axis on every array: make it with vary.stacked"
        )
    n, P = int(np.shape(batch.N)[0]), len(batch.populations)
    model = Autonomous(system, P, float(time))
    bounds = _bounds(system, batch, n)
    is_bounded = all(b.are_finite for b in bounds) and not system.mean_field.is_static
    each = np.stack([[b.low, b.high, b.least_slope, b.largest_slope] for b in bounds])
    if not is_bounded:
        each = np.broadcast_to(
            np.array([-np.inf, np.inf, -np.inf, np.inf])[:, None], (len(bounds), 4, P)
        )
    ends = jnp.asarray(np.broadcast_to(each, (n, 4, P)))
    found = _Found(n, most, model.size)
    every = np.arange(n)
    sobol = qmc.Sobol(2 * P + 1, rng=seed)
    say = progress or (lambda what, part: None)
    _search(
        found,
        model,
        batch,
        ends,
        every,
        sobol.random(_power(starts)),
        is_bounded,
        lambda part: say("starts", 0.7 * part),
    )
    doubtful = every[found.doubtful(model, batch, is_bounded)]
    if len(doubtful):
        _search(
            found,
            model,
            batch,
            ends,
            doubtful,
            sobol.random(8 * _power(starts)),
            is_bounded,
            lambda part: say("more starts", 0.7 + 0.2 * part),
        )
    say("eigenvalues", 0.9)
    return found.dataset(model, batch, is_bounded)


def _power(starts: int) -> int:
    return 1 << max(int(np.ceil(np.log2(max(starts, 2)))), 1)


def _bounds(system: System, batch: Parameters, n: int) -> list[TransferBounds]:
    """Of each set, or of all at once where the parameters of the transfer functions are the same."""
    own = [np.asarray(v) for v in batch.transfer.values()]
    if all(np.all(v == v[:1]) for v in own):
        return [transfer_bounds(system, _one(batch, 0))]
    rows = np.concatenate([v.reshape(n, -1) for v in own], axis=1)
    _, first, back = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    each = [transfer_bounds(system, _one(batch, int(k))) for k in first]
    return [each[k] for k in back.ravel()]


def _one(batch: Parameters, k: int) -> Parameters:
    return jax.tree.map(lambda v: v[k], batch)


def _some(batch: Any, rows: np.ndarray) -> Any:
    return jax.tree.map(lambda v: v[rows], batch)


@eqx.filter_jit
def _starts(model: Autonomous, batch: Parameters, ends: Any, points: Any, is_bounded: bool):
    def of_one(own, limits):
        region = _region(model, own, limits, is_bounded)
        return jax.vmap(lambda u: settle_others(model, own, start_states(model, own, region, u)))(
            points
        ), region

    return jax.vmap(of_one)(batch, ends)


def _region(model: Autonomous, own: Parameters, limits: Any, is_bounded: bool) -> Region:
    if is_bounded:
        bounds = tuple(limits)
        return region_of(model, own, bounds[:2], state_box(model, own, bounds))
    return open_region(model, own, GROWTHS[1])


@eqx.filter_jit
def _newton(model: Autonomous, batch: Parameters, regions: Region, starts: Any, steps: int):
    none = jnp.full((1, model.size), jnp.nan)

    def of_one(own, region, y):
        return roots_from(model, own, region, y, none, jnp.ones(model.size), max_steps=steps)

    return jax.vmap(of_one)(batch, regions, starts)


def _search(
    found: _Found,
    model: Autonomous,
    batch: Parameters,
    ends: Any,
    which: np.ndarray,
    points: np.ndarray,
    is_bounded: bool,
    say: Callable[[float], None],
) -> None:
    """One set of starts for some of the parameter sets, in chunks of one shape."""
    k, width = len(points), max(CHUNK * 32 // len(points), 1)
    for begin in range(0, len(which), width):
        say(begin / len(which))
        rows = which[begin : begin + width]
        padded = np.resize(rows, width)
        own, limits = _some(batch, padded), ends[padded]
        starts, regions = _starts(model, own, limits, jnp.asarray(points), is_bounded)
        roots, residuals = (np.array(v) for v in _newton(model, own, regions, starts, STEPS[0]))
        open_, pairs = np.argwhere(~(residuals < LARGEST_RESIDUAL)), width * k // 8
        for at in range(
            0, len(open_), pairs
        ):  # each start that is not there yet, with its own parameters
            late = np.resize(open_[at : at + pairs], (pairs, 2))
            ys = jnp.asarray(
                np.where(
                    np.isfinite(roots[late[:, 0], late[:, 1]]),
                    roots[late[:, 0], late[:, 1]],
                    np.asarray(starts)[late[:, 0], late[:, 1]],
                )
            )
            own_late, region_late = _some(own, late[:, 0]), _some(regions, late[:, 0])
            r, e = _newton(model, own_late, region_late, ys[:, None], STEPS[1])
            roots[late[:, 0], late[:, 1]], residuals[late[:, 0], late[:, 1]] = (
                np.asarray(r)[:, 0],
                np.asarray(e)[:, 0],
            )
        low, high = (np.asarray(v)[:, None] for v in regions.box)
        with np.errstate(invalid="ignore"):
            good = (residuals < LARGEST_RESIDUAL) & np.all(
                (roots > low - 1e-6 * (1 + abs(low))) & (roots < high + 1e-6 * (1 + abs(high))),
                axis=2,
            )
        found.add(rows, roots[: len(rows)], good[: len(rows)])


class _Found:
    """Roots of every set, (n, most, d), NaN where there is none, with how often they were reached."""

    def __init__(self, n: int, most: int, size: int):
        self.roots, self.hits = np.full((n, most, size), np.nan), np.zeros((n, most), dtype=int)
        self.count, self.overflow = np.zeros(n, dtype=int), np.zeros(n, dtype=bool)

    def add(self, rows: np.ndarray, ends: np.ndarray, good: np.ndarray) -> None:
        """Merge the ends of starts, (rows, k, d), with what is known; one new root of each set at a time."""
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
        root = self.roots[rows, j][:, None, :]
        with np.errstate(invalid="ignore"):
            same = np.max(np.abs(ends - root), axis=2) < MERGE * (1 + np.max(np.abs(root), axis=2))
        same &= waiting & which[:, None]
        self.hits[rows, j] += same.sum(axis=1)
        waiting[same] = False

    def values(self, model: Autonomous, batch: Parameters) -> tuple[np.ndarray, ...]:
        """Rows (set, point) of the roots, and there: residual, Jacobian, K, Delta, R."""
        sets, points = np.nonzero(np.isfinite(self.roots[..., 0]))
        width, parts = CHUNK * 4, []
        for at in range(0, len(sets), width):
            which = np.resize(np.arange(at, min(at + width, len(sets))), width)
            own = _describe(
                model,
                _some(batch, sets[which]),
                jnp.asarray(self.roots[sets[which], points[which]]),
            )
            parts.append([np.asarray(v)[: min(width, len(sets) - at)] for v in own])
        size, P = model.size, model.P
        shapes = ((0,), (0, size, size), (0, P), (0, P), (0, P))
        seen = (
            [np.concatenate(v) for v in zip(*parts, strict=True)]
            if parts
            else [np.zeros(s) for s in shapes]
        )
        return sets, points, *seen

    def doubtful(self, model: Autonomous, batch: Parameters, is_bounded: bool) -> np.ndarray:
        """Sets in which a point may be missing."""
        sets, _, _, jacobians, *_ = self.values(model, batch)
        index = np.bincount(sets, np.sign(np.linalg.det(-jacobians)), minlength=len(self.count))
        once = np.any(self.hits == 1, axis=1)
        return once | ((index != 1) if is_bounded else (self.count == 0))

    def dataset(self, model: Autonomous, batch: Parameters, is_bounded: bool) -> xr.Dataset:
        sets, points, residual, jacobians, mean, variance, rate = self.values(model, batch)
        n, most = self.hits.shape
        eigenvalues = (
            np.linalg.eigvals(jacobians) if len(sets) else np.zeros((0, model.size), dtype=complex)
        )
        eigenvalues = np.take_along_axis(
            eigenvalues, np.argsort(-eigenvalues.real, axis=1, kind="stable"), axis=1
        ).astype(complex)
        signs = np.sign(np.linalg.det(-jacobians))
        index = np.bincount(sets, signs, minlength=n).astype(int)
        degenerate = np.min(
            np.abs(eigenvalues.real), axis=1, initial=np.inf
        ) <= HYPERBOLIC * np.max(np.abs(eigenvalues), axis=1, initial=0.0)
        undecided = np.bincount(sets, degenerate, minlength=n) > 0
        physical = np.all(variance >= -LARGEST_RESIDUAL, axis=1)
        order = np.lexsort((points, np.where(physical, rate.mean(axis=1), np.inf), sets))
        place = np.arange(len(sets)) - np.searchsorted(sets[order], sets[order])
        kept = physical[order]
        own, place, order = sets[order][kept], place[kept], order[kept]

        def filled(values, dtype=float):
            whole = np.full((n, most, *values.shape[1:]), np.nan, dtype=dtype)
            whole[own, place] = values[order]
            return whole

        where, by = ("set", "point"), ("set", "point", "population")
        status = np.where(self.overflow, "more points than fit", "ok").astype(object)
        status[undecided & (status == "ok")] = "ok, a point is degenerate"
        if is_bounded:
            status[(index != 1) & ~undecided & ~self.overflow] = (
                "incomplete: the indices do not sum to 1"
            )
        count = np.bincount(own, minlength=n)
        status[(count == 0) & (status == "ok")] = "none found"
        least = np.where(
            self.count > 0, np.min(np.where(self.hits > 0, self.hits, np.iinfo(int).max), axis=1), 0
        )
        stable = (eigenvalues.real.max(axis=1, initial=-np.inf) < 0).astype(float)
        if model.system.mean_field.is_static:
            stable[:] = np.nan
        return xr.Dataset(
            {
                "count": ("set", count),
                "overflow": ("set", self.overflow),
                "index_sum": ("set", index),
                "least_hits": ("set", least),
                "status": ("set", status.astype(str)),
                "mean": (by, filled(mean)),
                "variance": (by, filled(variance)),
                "rate": (by, filled(rate)),
                "stable": (where, filled(stable)),
                "residual": (where, filled(residual)),
                "eigenvalues": ((*where, "mode"), filled(eigenvalues, complex)),
            },
            coords={"population": list(batch.populations)},
            attrs={"is_bounded": int(is_bounded)},
        )


@eqx.filter_jit
def _describe(model: Autonomous, batch: Parameters, ys: Any):
    def one(own, y):
        seen = model.observables(y, own)
        return (
            jnp.max(jnp.abs(model.field(y, own))),
            model.jacobian(y, own),
            seen["mean"],
            seen["variance"],
            seen["rate"],
        )

    return jax.vmap(one)(batch, ys)
