"""The attractor that equations reach from a state: implicit steps in time, ever longer ones."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous

LONGEST_STEP = 1e10  # 1/h is then below rounding: Newton's method
TOLERANCE = 1e-11  # of |dy/dt|, two orders below what counts as converged


class Search(NamedTuple):
    """How to follow the dynamics to a fixed point.

    Args:
        first: the first step in time, in that of the equations.
        steps: the most steps.
    """

    first: float = 0.3
    steps: int = 150


ANYWHERE = Search()
"""From any state: along the trajectory at first."""
NEARBY = Search(first=3.0, steps=16)
"""From the fixed point of parameters nearby; what needs more steps is not nearby."""
KNOWN = Search(first=1e4, steps=30)
"""From what is all but a fixed point, stable or not: Newton's method."""


def settled(
    model: Autonomous, parameters: Parameters, start: Float[Array, " n"], search: Search = ANYWHERE
) -> tuple[Float[Array, " n"], Float[Array, ""], Float[Array, "n n"]]:
    """The fixed point reached from a state; pure, for jit, vmap and grad.

    Pseudo-transient continuation, y += (1/h - J)^-1 dy/dt with h growing as |dy/dt| falls: it
    follows the solution from `start` while h is small, and ends as Newton's method. Derivatives
    with respect to the parameters are those of the implicit function,
    dy/dtheta = -J^-1 d(dy/dt)/dtheta.

    Args:
        model: the equations with the inputs held.
        parameters: the network's numbers.
        start: the state to begin at, (n,); it has no derivatives.
        search: the first step and the most steps.

    Returns:
        The state, (n,); the largest |d(state)/dt| relative to 1 + the largest entry of the state,
        above 1e-9 where the search has reached no fixed point; and there the Jacobian
        J = d(dy/dt)/dy, (n, n), without derivatives.

    Source: Kelley and Keyes, SIAM J Numer Anal 1998.
    """
    frozen = jax.lax.stop_gradient(parameters)
    field = model.bind(frozen)
    slope = jax.jacfwd(field)
    eye = jnp.eye(len(start))

    def size(y: Array, change: Array) -> Array:
        return jnp.max(jnp.abs(change)) / (1 + jnp.max(jnp.abs(y)))

    def goes_on(carry: tuple) -> Array:
        y, change, _, k = carry
        error = size(y, change)
        return (error > TOLERANCE) & jnp.isfinite(error) & (k < search.steps)

    def step(carry: tuple) -> tuple:
        y, change, h, k = carry
        moved = y + jnp.linalg.solve(eye / h - slope(y), change)
        after = field(moved)
        ratio = jnp.max(jnp.abs(change)) / jnp.maximum(jnp.max(jnp.abs(after)), 1e-300)
        # a step must not grow so fast that the search jumps to another attractor
        return moved, after, jnp.minimum(h * jnp.clip(ratio, 0.3, 5.0), LONGEST_STEP), k + 1

    begin = jax.lax.stop_gradient(start)
    y, change, _, _ = jax.lax.while_loop(
        goes_on, step, (begin, field(begin), jnp.asarray(search.first, dtype=begin.dtype), 0)
    )
    found = jax.lax.stop_gradient(y)
    matrix = jax.lax.stop_gradient(slope(found))
    exact = found - jnp.linalg.solve(matrix, model.field(found, parameters))
    return exact, jax.lax.stop_gradient(size(y, change)), matrix
