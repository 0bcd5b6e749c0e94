"""Mean-field equations integrated in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from ...errors import ParameterError
from ...keeping import kept
from ...late import xr
from ...numbers import counted
from ...time_units import moment
from ..parameters import Parameters, longest_step, with_all_inputs, with_jumps
from ..precision import require_x64
from ..results import Code, Numbers, Result, Status, raise_on_failure
from ..tangents import refuse_tracers
from .below_zero import below_zero
from .explicit import LARGEST_STATE, explicit_course
from .output_times import check_span, dense_times, even_times
from .replaced import tabulated_first
from .states import initial_state, named, numbers
from .stepping import FIRST_STEPS, check_solver, stiffness
from .system import System
from .units import Units

MOST_STEPS = 100_000


@dataclass(frozen=True, repr=False, eq=False)
class Trajectory(Result):
    """Mean-field variables over time; what `integrate` returns.

    Args:
        title: what it is.
        status: "ok", or when and why the solution ended before the last time.
        numbers: those of the dataset.
    """

    title: str
    status: Status
    numbers: Numbers

    @property
    def dataset(self) -> xr.Dataset:
        """`mean` K, `variance` Delta, `rate` R and the other states over (time, population).

        They are NaN after the end; `attrs` has status, closure, solver and the number of steps.
        """
        return self.numbers.dataset

    def summary(self) -> list[str]:
        """Mean, variance and rate of every population at the last time with finite values."""
        there = self.dataset[["mean", "variance", "rate"]].dropna("time")
        if not there.sizes["time"]:
            return ["no finite values"]
        last = there.isel(time=-1)
        table = last.drop_vars("time").to_dataframe()[["mean", "variance", "rate"]]
        shown = table.to_string(max_rows=8, float_format="%.5g").splitlines()
        at = moment(float(last["time"]), self.time_unit)
        return [f"{counted(self.dataset.sizes['time'], 'time')}; at {at}:", *shown]


class Solved(NamedTuple):
    """What a solver returns: states at the given times, and how and where it ended.

    Args:
        states: over time, infinite from where the solution ended.
        exhausted: whether the steps ran out.
        steps: how many, rejected ones included.
        accepted: how many were not rejected.
        t: the time of the end.
        state: the state there.
    """

    states: Any
    exhausted: Array
    steps: Array
    accepted: Array
    t: Array
    state: Any


def trajectory(
    system: System,
    parameters: Parameters,
    initial: Any,
    ts: Float[Array, " t"],
    **options: Any,
) -> tuple[Any, Any, Array]:
    """States at given times, pure, for jit, vmap and grad.

    Adaptive steps of Tsitouras' method of order 5, which land on the edges of the input. The
    solution stops, with values infinite from there on, when a state exceeds 1e12, or steps become
    as short as the rounding of the time.

    Args:
        system: the compiled equations.
        parameters: the network's numbers.
        initial: a `system.State`.
        ts: increasing times, shape (t,); the first is the start.
        options: as `solved` takes them.

    Returns:
        The states, whether the steps ran out, and the number of steps.
    """
    found = solved(system, parameters, initial, ts, **options)
    return found.states, found.exhausted, found.steps


def solved(
    system: System,
    parameters: Parameters,
    initial: Any,
    ts: Float[Array, " t"],
    *,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = MOST_STEPS,
    first_steps: Any = None,
    method: str = "explicit",
    drive: Any = None,
    longest: float | None = None,
) -> Solved:
    """The trajectory with where it ended; the other arguments are those of `trajectory`.

    Args:
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        max_steps: most steps.
        first_steps: fewer of them, which may be traced.
        method: "explicit" or "implicit".
        drive: the external input, `system.drive(parameters)` unless given.
        longest: the longest step; None for any.
    """
    import diffrax as dfx

    from .differentiable import METHODS, Bounded

    coefficients = system.coefficients(parameters)
    drive = system.drive(parameters) if drive is None else drive

    def right_side(t, state, _):
        return system.module.vector_field(state, drive(t), coefficients)

    def too_large(t, y, *_, **__):
        return jnp.max(jnp.stack([jnp.max(jnp.abs(v)) for v in y])) > LARGEST_STATE

    controller: Any = dfx.PIDController(rtol=rtol, atol=atol, dtmax=longest)
    if len(drive.edges):
        controller = dfx.ClipStepSizeController(controller, jump_ts=jnp.asarray(drive.edges))
    most = max_steps if first_steps is None else first_steps
    bounded = Bounded(controller=controller, most=most)  # type: ignore[call-arg]
    span = (ts[0], ts[-1], None)
    solution = dfx.diffeqsolve(
        dfx.ODETerm(right_side),
        METHODS[method],
        *span,
        initial,
        saveat=dfx.SaveAt(subs=[dfx.SubSaveAt(ts=ts), dfx.SubSaveAt(t1=True)]),
        stepsize_controller=bounded,
        max_steps=max_steps,
        event=dfx.Event(too_large),
        throw=False,
    )
    (_, end), (states, last) = solution.ts, solution.ys
    steps, accepted = (solution.stats[name] for name in ("num_steps", "num_accepted_steps"))
    states = system.follow_all(states, ts, drive, coefficients)
    exhausted = solution.result == dfx.RESULTS.max_steps_reached
    return Solved(states, exhausted, steps, accepted, end[0], jax.tree.map(lambda v: v[0], last))


def followed(
    system: System,
    parameters: Parameters,
    initial: Any,
    ts: Float[Array, " t"],
    *,
    rtol: Any = 1e-8,
    atol: Any = 1e-10,
    most: Any = MOST_STEPS,
    drive: Any = None,
    longest: float | None = None,
) -> Solved:
    """The trajectory by explicit steps, without derivatives backwards: it compiles much faster.

    Args:
        system: the compiled equations.
        parameters: the network's numbers.
        initial: a `system.State`.
        ts: increasing times, shape (t,); the first is the start.
        rtol: relative tolerance of a step.
        atol: absolute tolerance of a step.
        most: steps, which may be traced.
        drive: the external input, `system.drive(parameters)` unless given.
        longest: the longest step; None for any.
    """
    coefficients = system.coefficients(parameters)
    drive = system.drive(parameters) if drive is None else drive
    start, back = ravel_pytree(initial)
    change = jax.jit(system.module.vector_field)  # traced once for all that shares it

    def field(t: Array, y: Array) -> Array:
        return ravel_pytree(change(back(y), drive(t), coefficients))[0]

    options = {"rtol": rtol, "atol": atol, "most": most, "longest": longest}
    found = explicit_course(field, start, ts, drive.edges, **options)
    states = system.follow_all(jax.vmap(back)(found.states), ts, drive, coefficients)
    return Solved(states, *found[1:5], back(found.state))


def courses(
    system: System, parameters: Parameters, initial: Any, ts: Float[Array, " t"], **options: Any
) -> dict[str, Array]:
    """All variables of a trajectory by name; pure."""
    return _named(system, parameters, solved(system, parameters, initial, ts, **options).states)


def _named(system: System, parameters: Parameters, states: Any) -> dict[str, Array]:
    coefficients = system.coefficients(parameters)
    variance = jax.vmap(lambda s: system.module.variance(s, coefficients))(states)
    rates = jax.vmap(lambda s: system.module.rates(s, coefficients))(states)
    return {**named(system, states), "variance": variance, "rate": rates}


@kept
def _solve(system, parameters, initial, ts, method, most, compiled, **options):
    """By a method, of which implicit steps are compiled for a number of them."""
    if method == "explicit":
        found = followed(system, parameters, initial, ts, most=most, **options)
    else:
        options |= {"first_steps": most, "method": method, "max_steps": compiled}
        found = solved(system, parameters, initial, ts, **options)
    return _named(system, parameters, found.states), found._replace(states=None)


@dataclass(frozen=True)
class _Run:
    """A solution in numbers: by which method, how many steps, and whether and why it ended early.

    Args:
        values: by name, over time.
        method: "explicit" or "implicit".
        steps: how many, rejected ones included.
        exhausted: whether the steps ran out.
        t: where it ended.
        fastest: the decay rate that limits explicit steps, 0 where none does or none was sought.
    """

    values: dict[str, np.ndarray]
    method: str
    steps: int
    exhausted: bool
    t: float
    fastest: float = 0.0

    def is_finite(self) -> bool:
        return all(np.isfinite(v).all() for v in self.values.values())


def _run(system, parameters, start, ts, solver, max_steps, **options) -> _Run:
    """By explicit steps, and by implicit ones where these are limited by a fast decay."""

    compiled = max(max_steps, MOST_STEPS)  # for which JAX compiles; fewer cost no compilation

    def solve(method, most):
        own = (system, parameters, start, ts, method, np.asarray(most))
        return _solve(*own, compiled, **options)

    def run(method, found, fastest=0.0):
        values, end = found
        arrays = {name: np.array(v) for name, v in values.items()}
        return _Run(arrays, method, int(end.steps), bool(end.exhausted), float(end.t), fastest)

    if solver == "implicit":
        return run(solver, solve(solver, max_steps))
    most = min(FIRST_STEPS, max_steps) if solver == "auto" else max_steps
    found = solve("explicit", most)
    end = found[1]
    if not end.exhausted:
        return run("explicit", found)
    step = float(end.t - ts[0]) / max(int(end.accepted), 1)
    fastest = stiffness(system, parameters, end.state, float(end.t), step)
    if fastest and solver == "auto":
        return run("implicit", solve("implicit", max_steps), fastest)
    if most < max_steps:
        found = solve("explicit", max_steps)
    return run("explicit", found, fastest)


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
    max_steps: int = MOST_STEPS,
    solver: str = "auto",
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
        saveat: increasing times between t0 and t1, or a number of equal intervals; by default 200,
            and denser times behind the start and behind jumps of the inputs.
        initial: state at t0, a `system.State` or a mapping such as `{"mean": 0.3}` of numbers,
            lists or mappings by population; what is not named starts at 0.
        rtol: relative tolerance of a step; the default keeps trajectories right to about 1e-7.
        atol: absolute tolerance of a step.
        max_steps: most steps.
        solver: "explicit", Tsitouras' method of order 5; "implicit", Kvaerno's of order 5, for
            stiff systems, whose time constants differ by orders of magnitude; or "auto", explicit
            unless 5000 steps are not enough and a fast decay limits them. The result's attribute
            `solver` says which was used.
        throw: raise an error for a solution that diverges or needs too many steps; otherwise it
            is returned with the status that says so.

    Returns:
        Mean input currents, their variances, rates and the other states over (time, population).

    Raises:
        ParameterError: times or states that do not fit, an unknown solver, or a call under jit,
            vmap or grad.
        ArchitectureError: a closure of fixed points alone (`Cavity`).
        InfeasibleStatisticsError: motifs that make the variance of currents negative.
        SolverError: with `throw`, the solution diverged, the steps ran out, or a variance is
            negative at the end; where one was negative before, the status says "undecided".
    """
    refuse_tracers((parameters, t0, t1, initial), "integrate", "motifield.pure.trajectory")
    require_x64()
    start = _start(system, parameters, initial, (t0, t1), solver)
    own = _probed(parameters, t0, t1)
    ts, longest = _times(t0, t1, saveat, system, own), longest_step(system.drive(own), t0, t1)
    options = {"rtol": rtol, "atol": atol, "longest": longest}
    given = (own, start, ts, solver, max_steps)
    run = tabulated_first(system, lambda s: _run(s, *given, **options), _Run.is_finite)
    status = _judged(system, own, ts, run, max_steps)
    raise_on_failure(status, throw)
    return _trajectory(system, own, ts, run, status)


def _start(
    system: System, parameters: Parameters, initial: Any, span: tuple[float, float], solver: str
) -> Any:
    """The state at the start, after everything that is given has been checked."""
    check_solver(solver)
    system.refuse_static("trajectory")
    system.check(parameters)
    check_span(*span)
    return initial_state(system, parameters, initial)


def _probed(parameters: Parameters, t0: float, t1: float) -> Parameters:
    """Parameters whose inputs declare all jumps that probing finds."""
    return with_all_inputs(parameters, lambda given, name: with_jumps(given, t0, t1, name))


def _judged(
    system: System, parameters: Parameters, ts: np.ndarray, run: _Run, max_steps: int
) -> Status:
    """How the run ended; values from the first time on that is not finite become NaN."""
    finite = [np.isfinite(v.reshape(len(ts), -1)).all(axis=1) for v in run.values.values()]
    good = np.all(finite, axis=0)
    if good.all():
        return below_zero(system.mean_field, parameters, ts, run.values)
    for v in run.values.values():
        v[np.argmin(good) :] = np.nan
    return _failure(ts, good, run, max_steps, parameters.time_unit)


def _trajectory(
    system: System, parameters: Parameters, ts: np.ndarray, run: _Run, status: Status
) -> Trajectory:
    title = f"Trajectory of the {system.mean_field.closure.name} equations"
    attrs = {"status": str(status), "steps": run.steps, "solver": run.method}
    own = (run.values, parameters.populations, {"time": ts}, attrs, parameters.time_unit)
    return Trajectory(title, status, numbers(system, *own))


def _failure(ts: np.ndarray, good: np.ndarray, run: _Run, max_steps: int, unit: str) -> Status:
    last = "it is not finite at the start"
    if good[0]:
        last = f"the last finite value is at {moment(ts[np.argmin(good) - 1], unit)}"
    if not run.exhausted:
        why = f"a state exceeds {LARGEST_STATE:g}, or changes without bound"
        return Status(f"diverged at {moment(run.t, unit)}: {why}; {last}", Code.DIVERGED)
    stopped = f"stopped: {max_steps} {run.method} steps were not enough; {last}"
    if run.fastest and run.method == "explicit":
        stopped += (
            f"; the system is stiff, for it has a decay rate of {run.fastest:.3g}: use "
            'solver="implicit"'
        )
    return Status(stopped, Code.NOT_CONVERGED)


def _times(t0: float, t1: float, saveat: Any, system: System, parameters: Parameters) -> np.ndarray:
    if saveat is None:
        units = Units.of(system.mean_field.architecture, parameters)
        edges = np.asarray(system.drive(parameters).edges, dtype=float).tolist()
        return dense_times(t0, t1, edges, units.shortest)
    if np.ndim(saveat) == 0:
        return even_times(t0, t1, int(saveat))
    ts = np.asarray(saveat, dtype=float)
    if ts.ndim != 1 or len(ts) < 1 or np.any(np.diff(ts) <= 0) or ts[0] < t0 or ts[-1] > t1:
        raise ParameterError(f"saveat must be increasing times between {t0:g} and {t1:g}")
    # the first time must be the start, so that the solution covers the interval
    return ts if ts[0] == t0 else np.concatenate([[t0], ts])
