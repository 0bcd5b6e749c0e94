"""How fast a small deviation from a fixed point grows in the equations, with derivatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous

LARGEST = 1e8
"""Eigenvectors that are worse conditioned have no useful derivatives."""


def growth(
    model: Autonomous, y: Float[Array, " n"], parameters: Parameters, J: Float[Array, "n n"]
) -> Float[Array, ""]:
    """The largest real part of the eigenvalues of the Jacobian; pure, for jit, vmap and grad.

    Its derivative is Re(l^T dJ r) with the left and right eigenvectors, l^T r = 1, and 0 where
    these are all but orthogonal, as where two eigenvalues meet.

    Args:
        model: the equations with the inputs held.
        y: the state, (n,).
        parameters: the network's numbers.
        J: d(dy/dt)/dy at y, (n, n).

    Returns:
        The growth rate, in that of the equations; NaN where J is not finite.
    """
    there = jnp.all(jnp.isfinite(J))
    states = np.flatnonzero(model.moving)
    own = J[states][:, states]
    values, right = jnp.linalg.eig(jax.lax.stop_gradient(jnp.where(there, own, -jnp.eye(len(own)))))
    left = jnp.linalg.inv(right)
    k = jnp.argmax(values.real)
    none = jnp.zeros(len(J), dtype=right.dtype)  # of what follows, on which nothing depends
    row, column = none.at[states].set(left[k]), none.at[states].set(right[:, k])
    usable = jnp.all(jnp.isfinite(row)) & (jnp.max(jnp.abs(row)) < LARGEST)
    row, column = (jax.lax.stop_gradient(jnp.where(usable, v, 0.0)) for v in (row, column))
    field = model.bind(parameters)

    moved = jax.vmap(lambda direction: jax.jvp(field, (y,), (direction,))[1])(
        jnp.stack([column.real, column.imag])
    )
    change = row.real @ moved[0] - row.imag @ moved[1]
    still = jax.lax.stop_gradient(values[k].real - change)
    return jnp.where(there, change + still, jnp.nan)
