"""All fixed points of many parameter sets at once, for sweeps and phase diagrams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import jax
import numpy as np
import xarray as xr

from ...errors import ParameterError
from ...numbers import counted
from ...time_units import measured
from ..parameters import Parameters, require_batch, set_of
from ..precision import require_x64
from ..results import Code, Result, Status, incomplete, raise_on_failure
from ..system import Autonomous, System
from ..tangents import refuse_tracers
from .batch_roots import Given, Roots, continued, searched
from .neighbours import Neighbours, lattice_places, neighbours
from .point import HYPERBOLIC, LARGEST_RESIDUAL
from .region import TransferBounds, transfer_bounds
from .sobol import sobol

MORE = 8  # times as many starts, for sets in which a point may be missing


@dataclass(frozen=True, repr=False, eq=False)
class FixedPointBatch(Result):
    """Fixed points of many parameter sets; make them with `fixed_points_batch`.

    Args:
        dataset: over (set): `count`, `overflow` (more points than fit were found), `index_sum` (of
            the signs of det(-Jacobian)), `least_hits` (starts that reached the point that was
            reached least), `status`; over (set, point), by mean rate, NaN beyond `count`: `stable`
            (1, 0), `residual`; `mean`, `variance`, `rate` over (set, point, population);
            `eigenvalues` over (set, point, mode), by descending real part.
    """

    dataset: xr.Dataset

    @property
    def title(self) -> str:
        """How many sets there are."""
        return f"Fixed points of {counted(self.dataset.sizes['set'], 'parameter set')}"

    @property
    def status(self) -> Status:
        """ "ok", or in how many sets a point may be missing; each set has its own, too."""
        return incomplete(self.doubts("sets"))

    def doubts(self, of: str) -> tuple[str, ...]:
        """In how many sets something is open, a text for each kind; of: what sets are called."""
        own = self.dataset["status"].values
        kinds, counts = np.unique(own, return_counts=True)
        return tuple(
            f"{n} of {len(own)} {of}: {kind}"
            for kind, n in zip(kinds, counts, strict=True)
            if not str(kind).startswith("ok")
        )

    def rows(self) -> list[dict[str, Any]]:
        """A row per set: how many points, how many of them are stable, status."""
        d = self.dataset
        stable = (d["stable"] == 1).sum("point").values
        columns = (d["count"].values, stable, d["index_sum"].values, d["status"].values)
        names = ("fixed points", "stable", "index", "status")
        return [
            {"set": k, **dict(zip(names, (int(c), int(s), int(i), str(text)), strict=True))}
            for k, (c, s, i, text) in enumerate(zip(*columns, strict=True))
        ]


class BatchOptions(TypedDict, total=False):
    """Options of `fixed_points_batch`, as keyword arguments."""

    starts: int
    seed: int
    most: int


def fixed_points_batch(
    system: System,
    batch: Parameters,
    *,
    time: float = 0.0,
    throw: bool = True,
    progress: Callable[[str, float], None] | None = None,
    places: Any = None,
    **options: Unpack[BatchOptions],
) -> FixedPointBatch:
    """The fixed points of n parameter sets at once.

    Newton's method from the same kind of starts as `fixed_points`; sets whose indices do not sum to
    1 although the transfer functions are bounded, or with a point that was reached once only, are
    searched with eight times as many starts. There is no deflation: see `fixed_points` for one set.

    With `places`, one set in sixteen is searched in that way, and the others from the points of
    those nearby and four random starts. Again from all starts are searched sets in which a point
    may be missing, and sets beside ones with another number of points.

    Args:
        system: the compiled equations, from `compile`.
        batch: parameters with a leading axis n on every array, as `stacked` makes them. They are
            taken as they are: check them before.
        time: when the inputs are held.
        throw: raise an error where no set has a fixed point.
        progress: called with what is being done and the part, 0 to 1, that is done.
        places: coordinates of the sets, (n, k), such as the values of what varies; only their order
            along each counts. None: every set is searched by itself.
        options: starts, random ones of each set, 32 by default, rounded up to a power of two; seed
            of the starts, 0; most, the points that fit for each set, 8: three or five are the most
            that is usually found.

    Returns:
        Points of every set. Sets in which one may be missing are named in the status and do not
        raise.

    Raises:
        ParameterError: parameters without a leading axis, or a call under jit, vmap or grad.
        SolverError: with `throw`, no set has a fixed point.
    """
    refuse_tracers((batch, time), "fixed_points_batch", "motifield.pure.fixed_point")
    require_x64()
    require_batch(batch)
    model = Autonomous(system, len(batch.populations), float(time))
    say = progress or (lambda text, part: None)
    made, count = _searched(model, batch, say, places, **options)
    if not count.any():
        raise_on_failure(Status(made.status.message, Code.NOT_CONVERGED), throw)
    return made


def _searched(
    model: Autonomous,
    batch: Parameters,
    say: Callable[[str, float], None],
    places: Any,
    *,
    starts: int = 32,
    seed: int = 0,
    most: int = 8,
) -> tuple[FixedPointBatch, np.ndarray]:
    """The points of every set, and how many were found in each, those left out among them."""
    n, P = int(np.shape(batch.N)[0]), len(batch.populations)
    batch = jax.tree.map(np.asarray, batch)
    given = Given(model, batch, *_ends(model.system, batch, n))
    found, count, points = Roots(n, most, model.size), _power(starts), sobol(2 * P + 1, seed)
    cubes = points(count), points(MORE * count)
    if places is None:
        _in_full(found, given, np.arange(n), cubes, say)
    else:
        _from_neighbours(found, given, neighbours(lattice_of(places, n)), cubes, say)
    say("eigenvalues", 0.9)
    return FixedPointBatch(_dataset(found, given)), found.count


def lattice_of(places: Any, n: int) -> np.ndarray:
    """Steps between sets, (n, K), from their coordinates."""
    values = np.asarray(places, dtype=float)
    if values.ndim != 2 or len(values) != n or not np.isfinite(values).all():
        raise ParameterError(
            f"places has shape {values.shape}: it needs finite coordinates of each set, ({n}, k)"
        )
    return lattice_places(values)


def _in_full(
    found: Roots, given: Given, which: np.ndarray, cubes: Any, say: Callable[[str, float], None]
) -> None:
    """All starts, and more of them for sets in which a point may be missing."""
    searched(found, given, which, cubes[0], lambda v: say("starts", 0.7 * v))
    doubtful = found.doubtful(given, which)
    searched(found, given, doubtful, cubes[1], lambda v: say("more starts", 0.7 + 0.2 * v))


def _from_neighbours(
    found: Roots, given: Given, near: Neighbours, cubes: Any, say: Callable[[str, float], None]
) -> None:
    """The anchors in full, the others from them; in full where these differ from one another.

    Where the number of points changes from one set to the next, both are searched in full: beside
    a fold, neighbours say nothing.
    """
    _in_full(found, given, near.anchors, cubes, lambda text, v: say(text, 0.3 * v))
    continued(found, given, near, cubes[0], lambda v: say("neighbours", 0.3 + 0.3 * v))
    is_full = np.zeros(len(found.count), dtype=bool)
    is_full[near.anchors] = True
    which = found.doubtful(given, near.others)
    while True:
        changes = near.beside[np.ptp(found.count[near.beside], axis=1) > 0]
        which = np.unique([*which, *changes.ravel()]).astype(int)
        which = which[~is_full[which]]
        if not len(which):
            return
        _in_full(found, given, which, cubes, lambda text, v: say(text, 0.6 + 0.3 * v))
        is_full[which] = True


def _power(starts: int) -> int:
    return 1 << max(int(np.ceil(np.log2(max(starts, 2)))), 1)


def _ends(system: System, batch: Parameters, n: int) -> tuple[np.ndarray, bool]:
    """Bounds of the transfer functions of every set, and whether all are finite."""
    bounds = _bounds(system, batch, n)
    is_bounded = all(b.are_finite for b in bounds) and not system.mean_field.is_static
    each, P = np.stack([b.rows for b in bounds]), len(batch.populations)
    if not is_bounded:
        nowhere = np.array([-np.inf, np.inf, -np.inf, np.inf])
        each = np.broadcast_to(nowhere[:, None], (len(bounds), 4, P))
    return np.broadcast_to(each, (n, 4, P)), is_bounded


def _bounds(system: System, batch: Parameters, n: int) -> list[TransferBounds]:
    """Of each set, or of all at once where the transfer functions have the same parameters."""
    own = [np.asarray(v) for v in batch.transfer.values()]
    if all(np.all(v == v[:1]) for v in own):
        return [transfer_bounds(system, set_of(batch, 0))]
    rows = np.concatenate([v.reshape(n, -1) for v in own], axis=1)
    _, first, back = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    each = [transfer_bounds(system, set_of(batch, int(k))) for k in first]
    return [each[k] for k in back.ravel()]


def _dataset(found: Roots, given: Given) -> xr.Dataset:
    """Points of every set by mean rate, those with a negative variance left out."""
    model, batch, is_bounded = given.model, given.batch, given.is_bounded
    sets, points, seen = found.values(model, batch, prove=True)
    jacobians, rate, variance = seen.jacobian, seen.rate, seen.variance
    proven = seen.proven.astype(bool)
    n, most = found.hits.shape
    eigenvalues = sorted_eigenvalues(model, jacobians)
    signs = np.linalg.slogdet(-jacobians)[0]
    index = np.bincount(sets[proven], signs[proven], minlength=n).astype(int)
    negative = -LARGEST_RESIDUAL * np.max(np.abs(variance), axis=1, initial=0.0)
    physical = np.all(variance >= negative[:, None], axis=1) & proven
    order = np.lexsort((points, np.where(physical, rate.mean(axis=1), np.inf), sets))
    place = np.arange(len(sets)) - np.searchsorted(sets[order], sets[order])
    kept = physical[order]
    own, place, order = sets[order][kept], place[kept], order[kept]

    def filled(values, dtype=float):
        whole = np.full((n, most, *values.shape[1:]), np.nan, dtype=dtype)
        whole[own, place] = values[order]
        return whole

    count = np.bincount(own, minlength=n)
    undecided = np.bincount(sets, ~proven, minlength=n) > 0
    stable = stable_of(model, eigenvalues)
    where, by = ("set", "point"), ("set", "point", "population")
    data: dict[str, Any] = {
        "count": ("set", count),
        "overflow": ("set", found.overflow),
        "index_sum": ("set", index),
        "least_hits": ("set", found.least_hits),
        "status": ("set", _status(found, count, index, undecided, is_bounded)),
        "mean": (by, filled(seen.mean)),
        "variance": (by, filled(variance)),
        "rate": (by, filled(rate)),
        "stable": (where, filled(stable)),
        "residual": (where, filled(seen.residual)),
        "eigenvalues": ((*where, "mode"), filled(eigenvalues, complex)),
    }
    coords = {"population": list(batch.populations)}
    made = xr.Dataset(data, coords=coords, attrs={"is_bounded": int(is_bounded)})
    return measured(made, batch.time_unit)


def sorted_eigenvalues(model: Autonomous, jacobians: np.ndarray) -> np.ndarray:
    """Of the states' dynamics at n states, by descending real part, (n, modes)."""
    if not len(jacobians):
        return np.zeros((0, model.moving.sum()), dtype=complex)
    found = np.linalg.eigvals(model.of_states(jacobians)).astype(complex)
    return np.take_along_axis(found, np.argsort(-found.real, axis=1, kind="stable"), axis=1)


def stable_of(model: Autonomous, eigenvalues: np.ndarray) -> np.ndarray:
    """1 where all real parts are negative, 0 where one is not; NaN for equations without time."""
    if model.system.mean_field.is_static:
        return np.full(len(eigenvalues), np.nan)
    negative = eigenvalues.real.max(axis=1, initial=-np.inf) < 0
    return (negative & ~_degenerate(eigenvalues)).astype(float)


def _degenerate(eigenvalues: np.ndarray) -> np.ndarray:
    """Which points have an eigenvalue whose real part is 0 to rounding."""
    least = np.min(np.abs(eigenvalues.real), axis=1, initial=np.inf)
    return least <= HYPERBOLIC * np.max(np.abs(eigenvalues), axis=1, initial=0.0)


def _status(
    found: Roots, count: np.ndarray, index: np.ndarray, undecided: np.ndarray, is_bounded: bool
) -> np.ndarray:
    """A text for every set."""
    status = np.where(found.overflow, "more points than fit", "ok").astype(object)
    status[undecided & (status == "ok")] = "undecided: a fixed point is not proven"
    if is_bounded:
        missing = (index != 1) & ~undecided & ~found.overflow
        status[missing] = "incomplete: the indices do not sum to 1"
    status[(count == 0) & (status == "ok")] = "none found"
    return status.astype(str)
