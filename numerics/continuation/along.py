"""The vector field as a function of its state and of one or two parameters, scaled.

A point is x = (u, s): u = state / scale, s = (value - low) / width, so that every entry is of order
one and s runs from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError, SolverError
from ..fixed_points import LARGEST_RESIDUAL, FixedPoint, fixed_point
from ..parameters import Parameters, Scalar, scalar
from ..precision import require_x64
from ..system import Autonomous, System, held
from ..tangents import refuse_tracers

BATCH = 16  # points evaluated at once: fewer leave the processor idle, more gain nothing
LEAST_SIZE = 0.1  # of a state, relative to the largest one and to 1: states can pass zero


class Named:
    """A scalar that can be compared and hashed, for jit."""

    def __init__(self, scalar: Scalar):
        self.scalar = scalar
        self.key = (
            scalar.name,
            scalar.is_factor,
            tuple((part.name, part.where.shape, part.where.tobytes()) for part in scalar.parts),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class Along(eqx.Module):
    """d(state)/dt along one or two parameters, scaled: a function of x with n values.

    Args:
        model: the equations with the inputs held.
        names: the parameters that vary.
        parameters: all numbers of the network.
        low: lowest values of those that vary, (k,).
        width: highest less lowest, (k,).
        scale: size of each state, (n,).
    """

    model: Autonomous
    names: tuple[Named, ...] = eqx.field(static=True)
    parameters: Parameters
    low: Float[Array, " k"]
    width: Float[Array, " k"]
    scale: Float[Array, " n"]

    @property
    def n(self) -> int:
        """Number of states."""
        return len(self.scale)

    def at(self, values: Any) -> Parameters:
        """The parameters with these values of those that vary."""
        made = self.parameters
        for k, own in enumerate(self.names):
            made = own.scalar.set(made, values[k])
        return made

    def values(self, x: Any) -> Any:
        """The values at a point."""
        return self.low + self.width * x[self.n : self.n + len(self.names)]

    def state(self, x: Any) -> Any:
        """The state at a point."""
        return self.scale * x[: self.n]

    def point(self, y: Any, values: Any) -> np.ndarray:
        """The point of a state and values."""
        s = (np.asarray(values) - np.asarray(self.low)) / np.asarray(self.width)
        return np.concatenate([np.asarray(y) / np.asarray(self.scale), s])

    def field(self, y: Any, values: Any) -> Any:
        """dy/dt, not scaled."""
        return self.model.field(y, self.at(values))

    def __call__(self, x: Any) -> Any:
        return self.field(self.state(x), self.values(x)) / self.scale

    def jacobian(self, x: Any) -> Any:
        """The derivative with respect to u and s, (n, n + k)."""
        return jax.jacfwd(self)(x[: self.n + len(self.names)])


@eqx.filter_jit
def _jacobian(equations: Any, x):
    return jax.jacfwd(equations)(x)


def jacobian(equations: Any, x: np.ndarray) -> np.ndarray:
    """The derivative of equations at a point; compiled once per kind of equations."""
    return np.asarray(_jacobian(equations, jnp.asarray(x)))


@eqx.filter_jit
def _evaluated(along: Along, xs):
    def one(x):
        seen = along.model.observables(along.state(x), along.at(along.values(x)))
        return along.jacobian(x), seen

    return jax.lax.map(one, xs, batch_size=BATCH)


def evaluated(along: Along, xs: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Jacobians (k, n, n + 1) and observables (k, P) at points."""
    count = len(xs)
    # compiled for multiples of 64 points
    padded = np.concatenate([xs, np.repeat(xs[-1:], -count % 64, axis=0)])
    jacobians, seen = _evaluated(along, jnp.asarray(padded))
    return np.asarray(jacobians)[:count], {name: np.asarray(v)[:count] for name, v in seen.items()}


def prepared(
    system: System,
    parameters: Parameters,
    time: float,
    verb: str,
    what: str,
    varied: Sequence[str | Scalar],
) -> Parameters:
    """The parameters with inputs held and defaults written out, checked.

    Args:
        system: the equations.
        parameters: the network's numbers.
        time: when the inputs are held.
        verb: what the user called.
        what: needs the dynamics, and not only fixed points.
        varied: the numbers that vary.
    """
    refuse_tracers((parameters, time), verb, "motifield.pure.fixed_point")
    require_x64()
    system.refuse_static(what)
    system.check(parameters)
    return held(system.complete(parameters, varied), time)


def check_bounds(name: str, bounds: Any, value: float | None) -> None:
    """Raise `ParameterError` unless bounds are two increasing numbers that hold the value."""
    if len(bounds) != 2 or not np.all(np.isfinite(bounds)) or not bounds[0] < bounds[1]:
        raise ParameterError(f"bounds of {name} are two increasing numbers: {bounds!r}")
    if value is not None and not bounds[0] <= value <= bounds[1]:
        raise ParameterError(
            f"{name} = {value:g} here, outside of the bounds {bounds[0]:g} to {bounds[1]:g}: widen "
            "them, or change the parameters"
        )


def two_numbers(names: Sequence[str | Scalar], own: Parameters) -> tuple[Scalar, Scalar]:
    """Two different scalars of the parameters, by name. Raises `ParameterError`."""
    first, second = (scalar(name, own) for name in names)
    if first.name == second.name:
        raise ParameterError(f"two different numbers are needed, not {first.name!r} twice")
    return first, second


def along_of(
    system: System,
    own: Parameters,
    numbers: Sequence[Scalar],
    bounds: Sequence[tuple[float, float]],
    states: Sequence[Any],
) -> Along:
    """The equations along one or two scalars, scaled by the size of the states."""
    size = np.max(np.abs(np.array(states)), axis=0)
    scale = np.maximum(size, LEAST_SIZE * max(size.max(), LEAST_SIZE))
    low, high = np.array(bounds, dtype=float).T
    return Along(
        Autonomous(system, own.P),
        tuple(Named(n) for n in numbers),
        own,
        jnp.asarray(low),
        jnp.asarray(high - low),
        jnp.asarray(scale),
    )


def starting_states(system: System, parameters: Parameters, initial: Any) -> list[np.ndarray]:
    """States of the given fixed points, as vectors, polished by Newton's method."""
    model = Autonomous(system, parameters.P)
    alone = isinstance(initial, FixedPoint) or not isinstance(initial, Sequence)
    found = []
    for point in [initial] if alone else list(initial):
        first = point.state if hasattr(point, "state") else point
        polished = fixed_point(system, parameters, first, settle=0.0, throw=False)
        if not polished.residual < LARGEST_RESIDUAL:  # a negative variance is marked, not refused
            raise SolverError(
                "a start is no fixed point of these parameters: Newton's method ends with a "
                f"residual of {polished.residual:.3g}"
            )
        found.append(np.asarray(model.flat(polished.state)))
    if not found:
        raise SolverError("there is no fixed point to start from")
    return found
