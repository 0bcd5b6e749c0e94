"""Mean-field equations integrated in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from ...errors import ParameterError
from ..parameters import Parameters
from ..precision import require_x64
from ..results import OK, Code, Result, Status, raise_on_failure
from ..tangents import refuse_tracers
from .states import dataset, initial_state, named
from .system import System

LARGEST = 1e12  # a state this large has diverged: currents of networks are of order 1
INTERVALS = 200  # of a trajectory whose times are not given: enough for a smooth picture


@dataclass(frozen=True, repr=False, eq=False)
class Trajectory(Result):
    """Mean-field variables over time; what `integrate` returns.

    Args:
        title: what it is.
        status: "ok", or when and why the solution ended before the last time.
        dataset: `mean` K, `variance` Delta, `rate` R and the other states over (time, population),
            NaN after the end; `attrs` has status, closure and the number of steps.
    """

    title: str
    status: Status
    dataset: xr.Dataset

    def summary(self) -> list[str]:
        """Mean, variance and rate of every population at the last time with finite values."""
        there = self.dataset[["mean", "variance", "rate"]].dropna("time")
        if not there.sizes["time"]:
            return ["no finite values"]
        last = there.isel(time=-1)
        table = last.drop_vars("time").to_dataframe()[["mean", "variance", "rate"]]
        shown = table.to_string(max_rows=8, float_format="%.5g").splitlines()
        return [f"{self.dataset.sizes['time']} times; at t = {float(last['time']):g}:", *shown]


def trajectory(
    system: System,
    parameters: Parameters,
    initial: Any,
    ts: Float[Array, " t"],
    *,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 100_000,
    solver: dfx.AbstractSolver | None = None,
    drive: Any = None,
):
    """States at given times, pure, for jit, vmap and grad.

    Adaptive steps of Tsitouras' method of order 5, which land on the edges of the input. The
    solution stops, with values infinite from there on, when a state exceeds 1e12.

    Args:
        system: the compiled equations.
        parameters: the network's numbers.
        initial: a `system.State`.
        ts: increasing times, shape (t,); the first is the start.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        max_steps: most steps.
        solver: another diffrax solver.
        drive: the external input, `system.drive(parameters)` unless given.

    Returns:
        The states, a diffrax result code, and the number of steps.
    """
    coefficients = system.coefficients(parameters)
    field = system.module.vector_field
    drive = system.drive(parameters) if drive is None else drive

    def right_side(t, state, _):
        return field(state, drive(t), coefficients)

    def too_large(t, y, *_, **__):
        return jnp.max(jnp.stack([jnp.max(jnp.abs(v)) for v in y])) > LARGEST

    controller: Any = dfx.PIDController(rtol=rtol, atol=atol)
    if len(drive.edges):
        controller = dfx.ClipStepSizeController(controller, jump_ts=jnp.asarray(drive.edges))
    solution = dfx.diffeqsolve(
        dfx.ODETerm(right_side),
        solver or dfx.Tsit5(),
        ts[0],
        ts[-1],
        None,
        initial,
        saveat=dfx.SaveAt(ts=ts),
        stepsize_controller=controller,
        max_steps=max_steps,
        event=dfx.Event(too_large),
        throw=False,
    )
    return solution.ys, solution.result, solution.stats["num_steps"]


def courses(
    system: System, parameters: Parameters, initial: Any, ts: Float[Array, " t"], **options: Any
) -> tuple[dict[str, Array], Any, Array]:
    """All variables of a trajectory by name, with the result code and number of steps; pure."""
    states, result, steps = trajectory(system, parameters, initial, ts, **options)
    coefficients = system.coefficients(parameters)
    variance = jax.vmap(lambda s: system.module.variance(s, coefficients))(states)
    rates = jax.vmap(lambda s: system.module.rates(s, coefficients))(states)
    return {**named(system, states), "variance": variance, "rate": rates}, result, steps


@eqx.filter_jit
def _solve(system, parameters, initial, ts, rtol, atol, max_steps):
    values, result, steps = courses(
        system, parameters, initial, ts, rtol=rtol, atol=atol, max_steps=max_steps
    )
    return values, result == dfx.RESULTS.max_steps_reached, steps


def integrate(
    system: System,
    parameters: Parameters,
    t1: float = 50.0,
    *,
    t0: float = 0.0,
    saveat: Any = None,
    initial: Any = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 100_000,
    throw: bool = True,
) -> Trajectory:
    """Integrate the mean-field equations from t0 to t1.

    Time is in the unit in which the architecture's time constants are given; that of the default
    unit, dx/dt = -x + input, is 1. For derivatives use `motifield.pure.trajectory`.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers.
        t1: end time.
        t0: start time.
        saveat: increasing times between t0 and t1, or a number of equal intervals; 200 by default.
        initial: state at t0, a `system.State` or a mapping such as `{"mean": 0.3}` of numbers,
            lists or mappings by population; what is not named starts at 0.
        rtol: relative tolerance of a step; the default keeps trajectories right to about 1e-7.
        atol: absolute tolerance of a step.
        max_steps: most steps.
        throw: raise an error for a solution that diverges or needs too many steps; otherwise it
            is returned with the status that says so.

    Returns:
        Mean input currents, their variances, rates and the other states over (time, population).

    Raises:
        ParameterError: times or states that do not fit, or a call under jit, vmap or grad.
        ArchitectureError: a closure of fixed points alone (`Cavity`).
        SolverError: with `throw`, the solution diverged or the steps ran out.
    """
    refuse_tracers((parameters, t0, t1, initial), "integrate", "motifield.pure.trajectory")
    require_x64()
    system.refuse_static("trajectory")
    system.check(parameters)
    ts = _times(t0, t1, saveat)
    start = initial_state(system, parameters, initial)
    found, exhausted, steps = _solve(
        system, parameters, start, jnp.asarray(ts), rtol, atol, max_steps
    )
    values = {name: np.array(v) for name, v in found.items()}
    finite = [np.isfinite(v.reshape(len(ts), -1)).all(axis=1) for v in values.values()]
    good = np.all(finite, axis=0)
    status = OK if good.all() else _failure(ts, good, bool(exhausted), max_steps)
    for v in values.values() if not good.all() else ():
        v[np.argmin(good) :] = np.nan
    raise_on_failure(status, throw)
    title = f"Trajectory of the {system.mean_field.closure.name} equations"
    attrs = {"status": str(status), "steps": int(steps)}
    data = dataset(system, values, parameters.populations, {"time": ts}, attrs)
    return Trajectory(title, status, data)


def _failure(ts: np.ndarray, good: np.ndarray, exhausted: bool, max_steps: int) -> Status:
    last = "it is not finite at the start"
    if good[0]:
        last = f"the last finite value is at t = {ts[np.argmin(good) - 1]:g}"
    if exhausted:
        return Status(f"stopped: {max_steps} steps were not enough; {last}", Code.NOT_CONVERGED)
    return Status(f"diverged: the solution diverged; {last}", Code.DIVERGED)


def _times(t0: float, t1: float, saveat: Any) -> np.ndarray:
    if not (np.isfinite(t0) and np.isfinite(t1) and t0 < t1):
        raise ParameterError(f"integration needs finite t0 < t1: t0 = {t0}, t1 = {t1}")
    if saveat is None or np.ndim(saveat) == 0:
        intervals = INTERVALS if saveat is None else int(saveat)
        if intervals < 1:
            raise ParameterError(f"saveat = {saveat}: at least one interval is needed")
        return np.linspace(t0, t1, intervals + 1)
    ts = np.asarray(saveat, dtype=float)
    if ts.ndim != 1 or len(ts) < 1 or np.any(np.diff(ts) <= 0) or ts[0] < t0 or ts[-1] > t1:
        raise ParameterError(f"saveat must be increasing times between {t0:g} and {t1:g}")
    # the first time must be the start, so that the solution covers the interval
    return ts if ts[0] == t0 else np.concatenate([[t0], ts])
