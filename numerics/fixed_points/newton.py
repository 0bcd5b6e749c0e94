"""Many starts of Newton's method at once, with those roots divided out that are known."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous
from .proof import polished
from .region import Region

MERGE = 1e-6
"""Roots nearer than this, relative to the size of the states, are one: Newton's method ends with
errors of 1e-9 at simple roots, and of about a square root of rounding near folds."""


def same_root(y: np.ndarray, root: np.ndarray, tolerance: float = MERGE) -> np.ndarray:
    """Whether y is the root: max |y - root| < tolerance (1 + max |root|), over the last axis.

    Args:
        y: states (..., n), real or complex; NaN is no root.
        root: states that broadcast with these.
        tolerance: relative to the size of the root.

    Returns:
        Truth values, (...).
    """
    with np.errstate(invalid="ignore"):
        distance, size = np.max(np.abs(y - root), axis=-1), np.max(np.abs(root), axis=-1)
        return distance < tolerance * (1 + size)


def roots_from(
    model: Autonomous,
    parameters: Parameters,
    region: Region,
    starts: Float[Array, "k n"],
    known: Float[Array, "m n"],
    scale: Float[Array, " n"],
    *,
    max_steps: int = 40,
) -> tuple[Float[Array, "k n"], Float[Array, " k"]]:
    """Where Newton's method (optimistix), kept in the box, ends from each start.

    The roots `known` are divided out: the residual is multiplied by
    prod_k (1 + 1 / |(y - y_k)/scale|^2), so that the same starts find others; the ends are polished
    on the equations alone. Pure.

    Args:
        model: the equations with the inputs held.
        parameters: the network's numbers.
        region: its box bounds the iterates.
        starts: states.
        known: roots to divide out; rows of NaN are none.
        scale: size of each state, (n,).
        max_steps: of each start.

    Returns:
        The ends and the largest |d(state)/dt| / scale at each.

    Source: Farrell, Birkisson and Funke, SIAM J Sci Comput 2015.
    """
    field = model.bind(parameters)
    there = jnp.all(jnp.isfinite(known), axis=1)
    at = jnp.where(there[:, None], known, 0.0) / scale[None, :]

    def relative(u):
        return field(scale * u) / scale

    def deflated(u, _):
        distance = jnp.sum((u[None, :] - at) ** 2, axis=1)
        return relative(u) * jnp.prod(jnp.where(there, 1 + 1 / jnp.maximum(distance, 1e-24), 1.0))

    bounds = {"lower": region.box[0] / scale, "upper": region.box[1] / scale}
    newton: Any = optx.Newton(rtol=1e-9, atol=1e-11)

    def search(u):
        first: Any = optx.root_find(
            deflated, newton, u, max_steps=max_steps, options=bounds, throw=False
        )
        end, F, _ = polished(relative, first.value, jnp.ones_like(u), jnp.zeros_like(u), 2)
        # else it left the root that was divided out for another
        near = jnp.sum((end - first.value) ** 2) < 1e-6
        end = jnp.where(near, end, first.value)
        residual = jnp.where(near, jnp.max(jnp.abs(F)), jnp.inf)
        # on a curve of fixed points the Jacobian is singular at the start already
        end = jnp.where(jnp.all(jnp.isfinite(end)), end, u)
        return scale * end, residual

    return jax.vmap(search)(starts / scale[None, :])
