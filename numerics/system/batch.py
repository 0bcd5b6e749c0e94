"""Trajectories of many parameter sets at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from ...keeping import kept
from ...late import xr
from ...numbers import counted
from ...time_units import moment
from ..machine import over_sets
from ..parameters import Parameters, longest_step, require_batch, set_of
from ..precision import require_x64
from ..results import Code, Result, Status, incomplete
from ..tangents import refuse_tracers
from .below_zero import below_zero
from .explicit import LARGEST_STATE
from .output_times import check_span
from .replaced import tabulated_first
from .states import initial_state, numbers
from .stepping import FIRST_STEPS
from .system import System
from .trajectories import MOST_STEPS, Trajectory, _named, _times, followed, integrate


@dataclass(frozen=True, repr=False, eq=False)
class TrajectoryBatch(Result):
    """Trajectories of many parameter sets; make them with `integrate_batch`.

    Args:
        dataset: what `integrate` returns, over (set, time, population), NaN from where a solution
            ended; `status` over (set).
    """

    dataset: xr.Dataset

    @property
    def title(self) -> str:
        """How many sets there are."""
        return f"Trajectories of {counted(self.dataset.sizes['set'], 'parameter set')}"

    @property
    def status(self) -> Status:
        """ "ok", or how many sets have no whole solution."""
        failed = int(np.sum(self.dataset["status"].values != "ok"))
        return incomplete([f"{counted(failed, 'set')} without a whole solution"] if failed else [])

    def rows(self) -> list[dict[str, Any]]:
        """A row per set: the rates at the end, and the status."""
        last, names = self.dataset["rate"].isel(time=-1), self.dataset["population"].values
        own = zip(last.values, self.dataset["status"].values, strict=True)
        return [
            {"set": k, **{f"rate {p}": float(v) for p, v in zip(names, rates, strict=True)}}
            | {"status": str(status)}
            for k, (rates, status) in enumerate(own)
        ]


def integrate_batch(
    system: System,
    batch: Parameters,
    t1: float = 50.0,
    *,
    t0: float = 0.0,
    saveat: Any = None,
    initial: Any = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = MOST_STEPS,
) -> TrajectoryBatch:
    """Integrate the mean-field equations of n parameter sets at once.

    Every set has its own steps, and the whole takes as long as the set with most of them. Sets for
    which 5000 explicit steps are not enough are integrated by themselves, as `integrate` does it.

    Args:
        system: the compiled equations, from `compile`.
        batch: parameters with a leading axis n on every array, as `stacked` makes them. They are
            taken as they are: check them before. Jumps of an input that is a function of time must
            be declared.
        t1, t0: end and start.
        saveat: times, as `integrate` takes them.
        initial: the state at t0, as `integrate` takes it; the same for all sets.
        rtol, atol: relative and absolute tolerance of a step.
        max_steps: most steps of a set that is integrated by itself.

    Returns:
        The trajectories; a set whose solution ends early has a status that says so.

    Raises:
        ParameterError: parameters without a leading axis, times or a state that do not fit, or a
            call under jit, vmap or grad.
        ArchitectureError: a closure of fixed points alone (`Cavity`).
    """
    refuse_tracers((batch, t0, t1, initial), "integrate_batch", "motifield.pure.trajectory")
    require_x64()
    require_batch(batch)
    system.refuse_static("trajectory")
    check_span(t0, t1)
    first = set_of(batch, 0)
    start = initial_state(system, first, initial)
    ts = _times(t0, t1, saveat, system, first)
    options = {"rtol": rtol, "atol": atol, "longest": longest_step(system.drive(first), t0, t1)}

    def run(own: System) -> tuple[dict[str, np.ndarray], Any]:
        values, end = _solve_batch(own, batch, start, ts, np.asarray(FIRST_STEPS), **options)
        return {name: np.array(v) for name, v in values.items()}, end

    values, end = tabulated_first(system, run, lambda found: bool(_are_finite(found[0]).all()))
    status = [_status(system, batch, k, ts, values, end) for k in range(len(batch.N))]
    alone = {"t0": t0, "saveat": ts, "initial": initial, "max_steps": max_steps}
    alone |= {"rtol": rtol, "atol": atol, "throw": False}
    for k in map(int, np.flatnonzero(np.asarray(end.exhausted))):
        status[k] = _by_itself(values, k, integrate(system, set_of(batch, k), t1, **alone))
    coords = {"set": np.arange(len(status)), "time": ts}
    made = numbers(system, values, batch.populations, coords, {}, batch.time_unit).dataset
    return TrajectoryBatch(made.assign(status=("set", np.array([str(s) for s in status]))))


@kept
def _solve_batch(
    system: System, batch: Parameters, start: Any, ts: Float[Array, " t"], most: Array, **options
):
    """Variables by name, (n, t, ...), and where each solution ended."""

    def one(parameters: Parameters):
        found = followed(system, parameters, start, ts, most=most, **options)
        return _named(system, parameters, found.states), found._replace(states=None, state=None)

    return over_sets(one, batch)


def _by_itself(values: dict[str, np.ndarray], k: int, found: Trajectory) -> Status:
    """Put a set's own trajectory into the place of what the batch has of it."""
    for name, own in values.items():
        own[k] = found.numbers[name]
    return found.status


def _are_finite(values: dict[str, np.ndarray]) -> np.ndarray:
    """Which sets are finite at which times, (n, t)."""
    own = [np.isfinite(v.reshape(*v.shape[:2], -1)).all(axis=2) for v in values.values()]
    return np.all(own, axis=0)


def _status(
    system: System, batch: Parameters, k: int, ts: np.ndarray, values: dict[str, Any], end: Any
) -> Status:
    """How the solution of a set ended; its values from the first that is not finite become NaN."""
    own = {name: v[k] for name, v in values.items()}
    good = _are_finite({name: v[None] for name, v in own.items()})[0]
    if not good.all():
        for v in own.values():
            v[np.argmin(good) :] = np.nan
        at = moment(float(end.t[k]), batch.time_unit)
        why = f"a state exceeds {LARGEST_STATE:g}, or changes without bound"
        return Status(f"diverged at {at}: {why}", Code.DIVERGED)
    return below_zero(system.mean_field, set_of(batch, k), ts, own)
