"""The attractor that equations reach from a state: implicit steps in time, which lengthen as the state comes to rest."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous

LONGEST_STEP, TOLERANCE = 1e10, 1e-11


class Search(NamedTuple):
    """first: the first step in time, in that of the equations; steps: at most."""

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
    """The fixed point reached from `start`, the largest |d(state)/dt| relative to 1 + the largest entry of the state, and there the Jacobian
    J = d(dy/dt)/dy, without derivatives; pure, for jit and vmap.

    Pseudo-transient continuation, y += (1/h - J)^-1 dy/dt with h growing as |dy/dt| falls (Kelley and Keyes, SIAM J Numer Anal 1998): it follows
    the solution from `start` while h is small, and ends as Newton's method. A residual above 1e-9 means that the search has reached none.
    Derivatives with respect to the parameters are those of the implicit function, dy/dtheta = -J^-1 d(dy/dt)/dtheta.
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
        return moved, after, jnp.minimum(h * jnp.clip(ratio, 0.3, 5.0), LONGEST_STEP), k + 1

    begin = jax.lax.stop_gradient(start)
    y, change, _, _ = jax.lax.while_loop(
        goes_on, step, (begin, field(begin), jnp.asarray(search.first, dtype=begin.dtype), 0)
    )
    found = jax.lax.stop_gradient(y)
    matrix = jax.lax.stop_gradient(slope(found))
    exact = found - jnp.linalg.solve(matrix, model.field(found, parameters))
    return exact, jax.lax.stop_gradient(size(y, change)), matrix
