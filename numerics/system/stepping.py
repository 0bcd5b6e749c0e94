"""Whether a system is stiff, and which solver it needs."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from ...errors import ParameterError

SOLVERS = ("auto", "explicit", "implicit")
FIRST_STEPS = 5_000  # after which "auto" asks whether the system is stiff
BOUNDARY = 2.0  # step times decay rate: steps that accuracy limits are mostly shorter


def check_solver(solver: object) -> None:
    """Raise `ParameterError` for an unknown one."""
    if solver not in SOLVERS:
        raise ParameterError(f"solver = {solver!r} is unknown: use one of {', '.join(SOLVERS)}")


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
