"""Where Newton's method starts: a region of states, and states in it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous
from .region import Region
from .states import settle_others, with_rates
from .unbounded import OpenRegion, open_start

HALVINGS = 14  # a start needs its mean current to 1e-4 of the range, no better
OF_RATES = 0.75  # share of starts by rates; the others are by means and variances


def start_states(
    model: Autonomous, parameters: Parameters, region: Region, where: Float[Array, "2P+1"]
) -> Float[Array, " n"]:
    """A state from a point of the unit cube; pure, for vmap.

    Either rates within their bounds with the mean currents that give them, or means and variances
    within theirs with the rates that follow; the latent variables of the variability follow from
    the rates.
    """
    system, P = model.system, model.P
    module, c = system.module, system.coefficients(parameters)
    low, high = model.state(region.box[0]).K, model.state(region.box[1]).K
    extra = (c.transfer,) if hasattr(c, "transfer") else ()
    sigma = region.spread * where[P : 2 * P]
    K_free = low + (high - low) * where[:P]
    first = region.rates[0] + (region.rates[1] - region.rates[0]) * where[:P]
    by_rates = where[2 * P] < OF_RATES
    R = jnp.where(by_rates, first, module.mean_rate(K_free, sigma**2, *extra))
    state = with_rates(model, parameters, R)
    Delta = jnp.maximum(module.variance(state, c), 0.0)

    def halve(ends, _):
        middle = (ends[0] + ends[1]) / 2
        below = module.mean_rate(middle, Delta, *extra) < R
        return (jnp.where(below, middle, ends[0]), jnp.where(below, ends[1], middle)), None

    (a, b), _ = jax.lax.scan(halve, (low, high), None, length=HALVINGS)
    return model.flat(state._replace(K=jnp.where(by_rates, (a + b) / 2, K_free)))


def starts_in(
    model: Autonomous,
    parameters: Parameters,
    region: Region | OpenRegion,
    points: Float[Array, "k 2P+1"],
) -> Float[Array, "k n"]:
    """States to start from, one for each point of the unit cube; pure."""

    def start(u: Array) -> Array:
        if isinstance(region, OpenRegion):
            y = open_start(model, parameters, region, u)
        else:
            y = start_states(model, parameters, region, u)
        return settle_others(model, parameters, y)

    return jax.vmap(start)(points)
