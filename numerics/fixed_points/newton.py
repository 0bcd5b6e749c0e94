"""Newton's method, and many starts of it at once, with those roots divided out that are known."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous
from .proof import polished
from .region import Region
from .unbounded import OpenRegion

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


def newton(
    function: Callable[[Array], Array],
    start: Float[Array, " n"],
    *,
    rtol: float,
    atol: float,
    steps: int,
    box: tuple[Array, Array] | None = None,
) -> Float[Array, " n"]:
    """Where Newton's method ends; pure, for jit and vmap.

    It ends when the last step is small and the value before it was, when the steps run out, or when
    a state is not finite.

    Args:
        function: of a state, (n,).
        start: where to begin.
        rtol: of the last step, relative to the state.
        atol: of the last step and of the value.
        steps: the most steps.
        box: bounds of the iterates, lower and upper.
    """

    def goes_on(carry: tuple) -> Array:
        _, is_over, k = carry
        return ~is_over & (k < steps)

    def step(carry: tuple) -> tuple:
        y, _, k = carry
        J, F = jax.jacfwd(lambda v: (function(v),) * 2, has_aux=True)(y)
        moved = y - jnp.linalg.solve(J, F)
        moved = moved if box is None else jnp.clip(moved, *box)
        small = jnp.abs(moved - y) < atol + rtol * jnp.abs(moved)
        is_there = jnp.all(small) & (jnp.max(jnp.abs(F)) < atol)
        return moved, is_there | ~jnp.all(jnp.isfinite(moved)), k + 1

    return jax.lax.while_loop(goes_on, step, (start, jnp.asarray(False), 0))[0]


def roots_from(
    model: Autonomous,
    parameters: Parameters,
    region: Region | OpenRegion,
    starts: Float[Array, "k n"],
    known: Float[Array, "m n"],
    scale: Float[Array, " n"],
    *,
    max_steps: int = 40,
) -> tuple[Float[Array, "k n"], Float[Array, " k"]]:
    """Where Newton's method, kept in the box, ends from each start.

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
        The ends and the largest |d(state)/dt| / (scale + |state|) at each.

    Source: Farrell, Birkisson and Funke, SIAM J Sci Comput 2015.
    """
    field = model.bind(parameters)
    there = jnp.all(jnp.isfinite(known), axis=1)
    at = jnp.where(there[:, None], known, 0.0) / scale[None, :]

    def relative(u):
        return field(scale * u) / scale

    def deflated(u):
        distance = jnp.sum((u[None, :] - at) ** 2, axis=1)
        return relative(u) * jnp.prod(jnp.where(there, 1 + 1 / jnp.maximum(distance, 1e-24), 1.0))

    box = region.box[0] / scale, region.box[1] / scale

    def search(u):
        first = newton(deflated, u, rtol=1e-9, atol=1e-11, steps=max_steps, box=box)
        end, F, _ = polished(relative, first, jnp.ones_like(u), jnp.zeros_like(u), 2)
        # else it left the root that was divided out for another
        near = jnp.sum((end - first) ** 2) < 1e-6
        end = jnp.where(near, end, first)
        # far out it is rounding of terms as large as the state
        residual = jnp.where(near, jnp.max(jnp.abs(F) / (1 + jnp.abs(end))), jnp.inf)
        # on a curve of fixed points the Jacobian is singular at the start already
        end = jnp.where(jnp.all(jnp.isfinite(end)), end, u)
        return scale * end, residual

    return jax.vmap(search)(starts / scale[None, :])
