"""The fixed point that a start leads to: settled by the dynamics, polished by Newton's method."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import SolverError
from ...keeping import kept
from ..parameters import Held, Parameters
from ..precision import require_x64
from ..results import raise_on_failure
from ..system import Autonomous, System, followed, initial_state, tabulated_first
from ..tangents import refuse_tracers
from .newton import newton
from .point import LARGEST_RESIDUAL, FixedPoint, Seen
from .proof import Proof, proof
from .scales import state_scale
from .settle import settled

LARGEST_MISFIT = 1e-6
"""Residual of a point that was found elsewhere, perhaps read from a file of few digits."""


@kept
def _find(system, parameters, start, time, settle, rtol):
    model = Autonomous(system, parameters.P, time)
    y, bounded = reached(model, parameters, start, settle, rtol)
    found = proof(model, parameters, y, state_scale(model, parameters))
    return found.state, seen_at(model, parameters, found), bounded


def reached(
    model: Autonomous, parameters: Parameters, start: Any, settle: Any, rtol: Any
) -> tuple[Array, Array]:
    """Where the dynamics and then Newton's method lead from a state; pure, for jit and vmap.

    Returns:
        The state as a vector, (n,), and whether the dynamics kept within every bound.
    """
    if settle > 0:
        drive = model.system.drive(parameters)(model.time)
        ts, own = jnp.array([0.0, settle]), Held(drive)
        # the tolerances of `integrate`: a basin's border is where trajectories put it
        states = followed(model.system, parameters, start, ts, drive=own).states
        start = jax.tree.map(lambda v: v[-1], states)
    first = model.flat(start)
    y = newton(model.bind(parameters), first, rtol=rtol, atol=rtol, steps=100)
    # at a fold the Jacobian is singular at the start already
    return jnp.where(jnp.all(jnp.isfinite(y)), y, first), jnp.all(jnp.isfinite(first))


def fixed_point(
    system: System,
    parameters: Parameters,
    initial: Any = None,
    *,
    time: float = 0.0,
    settle: float = 100.0,
    rtol: float = 1e-12,
    throw: bool = True,
) -> FixedPoint:
    """The fixed point that the dynamics reach from an initial state, polished by Newton's method.

    The equations are first integrated for `settle` time units with the inputs held, so that the
    result is the attractor of the initial state; `settle=0` is Newton's method alone, and also
    finds unstable fixed points.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers.
        initial: where to begin, a `system.State` or a mapping such as `{"mean": 0.3}` of numbers,
            lists or mappings by population; by default rest, all zero.
        time: when the inputs are held, in units of the unit's time constant.
        settle: how long to follow the dynamics; 100 time constants do, except near bifurcations.
        rtol: tolerance of Newton's method, relative and absolute.
        throw: raise an error where there is no fixed point; otherwise the status says so.

    Returns:
        The point with its residual, Jacobian, eigenvalues, kind, and what its leading mode moves.

    Raises:
        ParameterError: an initial state that does not fit, or a call under jit, vmap or grad.
        SolverError: with `throw`, the dynamics diverge, Newton's method does not converge, a
            variance is negative, or the cavity closure has several solutions. Where a fixed point
            is not proven (beside a fold, or on a curve of fixed points) the status says
            "undecided", and nothing is raised.
    """
    refuse_tracers((parameters, initial, time), "fixed_point", "motifield.pure.fixed_point")
    require_x64()
    system.check(parameters)
    first = initial_state(system, parameters, initial)
    at = jnp.asarray(np.asarray(float(time)))
    y, seen, bounded = tabulated_first(
        system,
        lambda equations: _find(equations, parameters, first, at, float(settle), rtol),
        lambda found: bool(np.isfinite(found[1][0].radius).all()),
    )
    state = Autonomous(system, parameters.P).state(y)
    point = FixedPoint.of(system, parameters, state, Seen(*seen), bool(bounded))
    raise_on_failure(point.status, throw)
    return point


def seen_at(model: Autonomous, parameters: Parameters, found: Proof) -> tuple:
    """What `Seen` holds, at the state of a proof; pure."""
    y = found.state

    def variance(v: Array) -> tuple[Array, dict[str, Array]]:
        seen = model.observables(v, parameters)
        return seen["variance"], seen

    spread, seen = jax.jacfwd(variance, has_aux=True)(y)
    residual = jnp.max(jnp.abs(model.field(y, parameters)))
    return found, residual, spread, seen["variance"], seen["rate"]


def pure_fixed_point(
    system: System,
    parameters: Parameters,
    initial: Any = None,
    *,
    time: float = 0.0,
) -> Any:
    """The state of the fixed point that the dynamics reach, for jax.jit, vmap and grad.

    Pseudo-transient continuation follows the solution from the initial state and ends as Newton's
    method. Derivatives with respect to the parameters are those of the implicit function,
    dy/dtheta = -J^-1 d(dy/dt)/dtheta, in forward and reverse mode. Nothing is checked.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers; derivatives may be taken in all of them.
        initial: where to begin, as for `fixed_point`; it has no derivatives.
        time: when the inputs are held.

    Returns:
        A `system.State`, to which `motifield.pure.rates` gives rates; NaN where no fixed point was
        reached (residual above 1e-9).

    Raises:
        ParameterError: an initial state that does not fit.

    Source: Kelley and Keyes, SIAM J Numer Anal 1998.
    """
    held_at = jnp.asarray(time, dtype=float)
    model = Autonomous(system, parameters.P, held_at)  # type: ignore[arg-type]
    first = model.flat(initial_state(system, parameters, initial))
    y, residual, _ = settled(model, parameters, first)
    return model.state(jnp.where(residual < LARGEST_RESIDUAL, y, jnp.nan))


def solved_near(
    model: Autonomous, parameters: Parameters, start: Float[Array, " n"], *, rtol: float = 1e-12
) -> Float[Array, " n"]:
    """The fixed point that Newton's method (optimistix) reaches from a state nearby.

    Derivatives are those of the implicit function, dy/dtheta = -(dF/dy)^-1 dF/dtheta, whatever
    Newton's method did; pure, for jit, vmap and grad.
    """
    import optimistix as optx  # whose roots have derivatives; no other search needs it

    return optx.root_find(
        lambda y, own: model.field(y, own),
        optx.Newton(rtol=rtol, atol=rtol),
        start,
        args=parameters,
        max_steps=50,
        throw=False,
    ).value


def check_point(
    system: System, parameters: Parameters, point: FixedPoint, time: float = 0.0
) -> None:
    """Raise `SolverError` unless the point is a fixed point of these parameters."""
    if not point.converged:
        raise SolverError(f"the point is no fixed point: {point.status}")
    names = tuple(point.numbers["population"].tolist())
    if names != parameters.populations:
        raise SolverError(
            f"the point is of populations {list(names)}, the parameters of "
            f"{list(parameters.populations)}"
        )
    model = Autonomous(system, parameters.P, jnp.asarray(np.asarray(float(time))))
    residual = float(np.abs(np.asarray(_field(model, model.flat(point.state), parameters))).max())
    if not residual < LARGEST_MISFIT:
        raise SolverError(
            "the point is not a fixed point of these parameters: the residual is "
            f"{residual:.3g}; find it with fixed_points"
        )


_field = kept(Autonomous.field)
