"""Many starts of Newton's method at once, with those roots divided out that are known."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous

HALVINGS = 14
KNOWN = ("K", "kappa")


class Region(eqx.Module):
    """Where to start and to search: bounds of the mean rates and of the states, and the largest standard deviation of input currents."""

    rates: tuple[Float[Array, " P"], Float[Array, " P"]]
    box: tuple[Float[Array, " n"], Float[Array, " n"]]
    spread: Float[Array, " P"]


def region_of(model: Autonomous, parameters: Parameters, rates: Any, box: Any) -> Region:
    """The largest variance in a box is that in one of its corners: sum of what the largest |state| contributes, an upper estimate."""
    largest = jnp.where(
        jnp.isfinite(box[0]) & jnp.isfinite(box[1]),
        jnp.maximum(jnp.abs(box[0]), jnp.abs(box[1])),
        0.0,
    )
    variance = model.system.module.variance(
        model.state(largest), model.system.coefficients(parameters)
    )
    return Region(rates, box, jnp.sqrt(jnp.maximum(variance, 0.0)))


def open_region(model: Autonomous, parameters: Parameters, growth: float) -> Region:
    """Where nothing bounds the states: mean currents up to `growth` times three times the scale of the input. Pure, for jit and vmap."""
    drive = jax.tree.leaves(model.system.drive(parameters)(model.time))
    width = 3 * growth * (1 + jnp.max(jnp.stack([jnp.max(jnp.abs(v)) for v in drive])))
    is_mean = jnp.array([name == "K" for name, _ in model.latents()])
    box = (jnp.where(is_mean, -width, -jnp.inf), jnp.where(is_mean, width, jnp.inf))
    return Region(
        (jnp.full(model.P, -jnp.inf), jnp.full(model.P, jnp.inf)), box, jnp.full(model.P, width / 2)
    )


def start_states(
    model: Autonomous, parameters: Parameters, region: Region, where: Float[Array, "2P+1"]
) -> Float[Array, " n"]:
    """A state from a point of the unit cube: rates within their bounds with the mean currents that give them, or means and variances within
    theirs with the rates that follow (all scales down to 1/1000 alike where rates are not bounded); the latents of the variability from the
    rates. Pure, for vmap.
    """
    system, P = model.system, model.P
    module, c = system.module, system.coefficients(parameters)
    low, high = model.state(region.box[0]).K, model.state(region.box[1]).K
    extra = (c.transfer,) if hasattr(c, "transfer") else ()
    bounded = jnp.isfinite(region.rates[0]) & jnp.isfinite(region.rates[1])
    shrink = jnp.where(jnp.all(bounded), 1.0, 1000.0 ** -where[2 * P])
    sigma = region.spread * where[P : 2 * P] * shrink
    K_free = (low + (high - low) * where[:P]) * shrink
    first = jnp.where(
        bounded, region.rates[0] + (region.rates[1] - region.rates[0]) * where[:P], 0.0
    )
    by_rates = jnp.all(bounded) & (where[2 * P] < 0.75)
    R = jnp.where(by_rates, first, module.mean_rate(K_free, sigma**2, *extra))
    fraction = parameters.fractions
    rest = system.rest(P)
    fields = {
        name: jnp.broadcast_to(
            {"kappa": fraction * R, "rho": fraction * R, "e": fraction * R}.get(name, jnp.abs(R)),
            value.shape,
        )
        if name in ("kappa", "rho", "e", "s", "v")
        else value
        for name, value in rest._asdict().items()
    }
    state = system.State(**fields)
    Delta = jnp.maximum(module.variance(state, c), 0.0)

    def halve(ends, _):
        middle = (ends[0] + ends[1]) / 2
        below = module.mean_rate(middle, Delta, *extra) < R
        return (jnp.where(below, middle, ends[0]), jnp.where(below, ends[1], middle)), None

    (a, b), _ = jax.lax.scan(halve, (low, high), None, length=HALVINGS)
    return model.flat(state._replace(K=jnp.where(by_rates, (a + b) / 2, K_free)))


def settle_others(
    model: Autonomous, parameters: Parameters, y: Float[Array, " n"]
) -> Float[Array, " n"]:
    """Gauss-Newton steps for all states but K and kappa, with these held: inner states of filters and other latents follow."""
    others = [k for k, (name, _) in enumerate(model.latents()) if name not in KNOWN]
    if not others:
        return y
    places, field = jnp.array(others), model.bind(parameters)
    for _ in range(2):
        F, J = field(y), jax.jacfwd(field)(y)[:, places]
        y = y.at[places].add(-jnp.linalg.solve(J.T @ J + 1e-12 * jnp.eye(len(others)), J.T @ F))
    return y


def roots_from(
    model: Autonomous,
    parameters: Parameters,
    region: Region,
    starts: Float[Array, "k n"],
    known: Float[Array, "m n"],
    scale: Float[Array, " n"],
    *,
    max_steps: int = 40,
):
    """Where Newton's method (optimistix), kept in the box, ends from each start, and the largest |d(state)/dt| there.

    The roots `known` (rows of NaN are none) are divided out: the residual is multiplied by prod_k (1 + 1 / |(y - y_k)/scale|^2), so that
    the same starts find others (Farrell, Birkisson and Funke, SIAM J Sci Comput 2015); the ends are polished on the equations alone.
    """
    field = model.bind(parameters)
    there = jnp.all(jnp.isfinite(known), axis=1)
    at = jnp.where(there[:, None], known, 0.0)

    def deflated(y, _):
        distance = jnp.sum(((y[None, :] - at) / scale[None, :]) ** 2, axis=1)
        return field(y) * jnp.prod(jnp.where(there, 1 + 1 / jnp.maximum(distance, 1e-24), 1.0))

    bounds = {"lower": region.box[0], "upper": region.box[1]}

    def search(y):
        first: Any = optx.root_find(
            deflated,
            optx.Newton(rtol=1e-9, atol=1e-11),
            y,
            max_steps=max_steps,
            options=bounds,
            throw=False,
        )
        end = first.value
        for _ in range(2):
            end = end - jnp.linalg.solve(jax.jacfwd(field)(end), field(end))
        near = (
            jnp.sum(((end - first.value) / scale) ** 2) < 1e-6
        )  # else it left the root that was divided out for another
        end = jnp.where(near, end, first.value)
        return end, jnp.max(jnp.abs(field(end)))

    return jax.vmap(search)(starts)
