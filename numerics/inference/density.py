"""The posterior density of the coordinates of a fit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..fitting import Problem


def log_density(
    problem: Problem, u: Float[Array, " n"], states: Array | None = None
) -> Float[Array, ""]:
    """Logarithm of the posterior density of the coordinates, but for a constant; pure, for grad.

    -1/2 sum of squared residuals (targets, priors, the limit on the bulk) + sum_k log|dr_k/du_k|
    over unknowns with a prior, r_k the standardised difference to it: the prior is of values, r_k
    is standard normal under it. Without a prior the density is flat in the coordinate: in log v for
    one bound, in logit for two, in v without. Priors of motifs, and of what is no unknown, multiply
    this density as they are.

    Args:
        problem: targets, equations and unknowns.
        u: coordinates.
        states: near which fixed points are looked for.

    Returns:
        A number; -inf where there is no fixed point.
    """
    residuals, _ = problem.residuals(u, states, reverse=True)
    found = -0.5 * jnp.sum(residuals**2) + _prior_volume(problem, u)
    return jnp.where(jnp.isfinite(found), found, -jnp.inf)


def _prior_volume(problem: Problem, u: Array) -> Array:
    """sum_k log|dr_k/du_k|."""
    coordinates = problem.coordinates
    known = {own.label: k for k, own in enumerate(coordinates.unknowns)}
    mine = [(known[name], prior) for name, prior in coordinates.priors.items() if name in known]
    if not mine:
        return jnp.asarray(0.0)
    # each value depends on its own coordinate alone
    values, slopes = jax.jvp(coordinates.scalar_values, (u,), (jnp.ones_like(u),))
    return sum(
        (
            jnp.log(
                jnp.abs(jax.grad(lambda v, prior=prior: prior.residual(v))(values[k]) * slopes[k])
            )
            for k, prior in mine
        ),
        jnp.asarray(0.0),
    )
