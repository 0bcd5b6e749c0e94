"""Steps of an integration: how many, how short they may become, and whether a system is stiff."""

from __future__ import annotations

from typing import Any

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from ...errors import ParameterError

SOLVERS = ("auto", "explicit", "implicit")
SHORTEST = 16 * np.finfo(float).eps  # step relative to the time: its ends hardly differ
MOST_SHORT = 50  # so many of those in a row are no landing on an edge of the input
FIRST_STEPS = 5_000  # after which "auto" asks whether the system is stiff
BOUNDARY = 2.0  # step times decay rate: steps that accuracy limits are mostly shorter
METHODS = {"explicit": dfx.Tsit5(), "implicit": dfx.Kvaerno5()}


def check_solver(solver: object) -> None:
    """Raise `ParameterError` for an unknown one."""
    if solver not in SOLVERS:
        raise ParameterError(f"solver = {solver!r} is unknown: use one of {', '.join(SOLVERS)}")


class Bounded(dfx.AbstractAdaptiveStepSizeController):
    """A step size controller that stops after a number of steps, and where steps shrink to nothing.

    Before a singularity, or where d(state)/dt is not finite, steps become as short as the rounding
    of the time: the solution goes no further.

    Args:
        controller: the one that chooses the steps.
        most: steps, rejected ones included; may be traced.
    """

    controller: Any
    most: Any

    @property  # type: ignore[misc]
    def rtol(self):  # type: ignore[override]
        return self.controller.rtol

    @property  # type: ignore[misc]
    def atol(self):  # type: ignore[override]
        return self.controller.atol

    @property  # type: ignore[misc]
    def norm(self):  # type: ignore[override]
        return self.controller.norm

    def wrap(self, direction):
        return eqx.tree_at(lambda b: b.controller, self, self.controller.wrap(direction))

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order):
        first, inner = self.controller.init(terms, t0, t1, y0, dt0, args, func, error_order)
        return first, (inner, jnp.asarray(0), jnp.asarray(0))

    def adapt_step_size(self, t0, t1, y0, y1_candidate, args, y_error, error_order, state):
        inner, count, short = state
        *chosen, inner, result = self.controller.adapt_step_size(
            t0, t1, y0, y1_candidate, args, y_error, error_order, inner
        )
        is_short = t1 - t0 < SHORTEST * jnp.maximum(jnp.abs(t1), 1e-300)
        count, short = count + 1, jnp.where(is_short, short + 1, 0)
        result = dfx.RESULTS.where(
            (count >= self.most) & (result == dfx.RESULTS.successful),
            dfx.RESULTS.max_steps_reached,
            result,
        )
        result = dfx.RESULTS.where(short > MOST_SHORT, dfx.RESULTS.dt_min_reached, result)
        return (*chosen, (inner, count, short), result)


@eqx.filter_jit
def _slopes(system: Any, parameters: Any, state: Any, t: Array) -> Array:
    flat, unravel = ravel_pytree(state)
    drive, coefficients = system.drive(parameters)(t), system.coefficients(parameters)
    return jax.jacfwd(
        lambda y: ravel_pytree(system.module.vector_field(unravel(y), drive, coefficients))[0]
    )(flat)


def stiffness(system: Any, parameters: Any, state: Any, t: float, step: float) -> float:
    """The fastest decay rate where it limits explicit steps of this length, else 0.

    Explicit steps are stable for decay rates up to about 3 per step. Fast oscillations are followed
    by implicit steps no longer, and do not count.

    Args:
        system: the equations.
        parameters: the network's numbers.
        state: a state on the solution.
        t: its time.
        step: mean length of the steps there.
    """
    slopes = np.asarray(_slopes(system, parameters, state, jnp.asarray(t)))
    if not np.all(np.isfinite(slopes)):
        return 0.0
    values = np.linalg.eigvals(slopes)
    decaying = values[(values.real < 0) & (np.abs(values.imag) <= -values.real)]
    fastest = float(np.max(np.abs(decaying), initial=0.0))
    return fastest if fastest * step > BOUNDARY else 0.0
