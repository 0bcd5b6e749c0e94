"""Many starts of Newton's method at once, with those roots divided out that are known."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous

MERGE = 1e-6
"""Roots nearer than this, relative to the size of the states, are one: Newton's method ends with
errors of 1e-9 at simple roots, and of about a square root of rounding near folds."""
HALVINGS = 14  # a start needs its mean current to 1e-4 of the range, no better
OF_RATES = 0.75  # share of starts by rates; the others are by means and variances
SPAN = 1000.0  # of starts on all scales, where nothing bounds the rates
HELD = ("K", "kappa")


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


class Region(eqx.Module):
    """Where to start and to search.

    Args:
        rates: bounds of the mean rates, (P,) each.
        box: bounds of the states, (n,) each.
        spread: largest standard deviation of the input currents, (P,).
    """

    rates: tuple[Float[Array, " P"], Float[Array, " P"]]
    box: tuple[Float[Array, " n"], Float[Array, " n"]]
    spread: Float[Array, " P"]


def region_of(model: Autonomous, parameters: Parameters, rates: Any, box: Any) -> Region:
    """A region from bounds of rates and states.

    The largest variance in a box is that in one of its corners, the sum of what the largest |state|
    contributes: an upper estimate.
    """
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
    """Where nothing bounds the states: mean currents up to `growth` times three times the input.

    Pure, for jit and vmap.
    """
    drive = jax.tree.leaves(model.system.drive(parameters)(model.time))
    width = 3 * growth * (1 + jnp.max(jnp.stack([jnp.max(jnp.abs(v)) for v in drive])))
    is_mean = jnp.array([name == "K" for name, _ in model.latents()])
    box = (jnp.where(is_mean, -width, -jnp.inf), jnp.where(is_mean, width, jnp.inf))
    rates = (jnp.full(model.P, -jnp.inf), jnp.full(model.P, jnp.inf))
    return Region(rates, box, jnp.full(model.P, width / 2))


def start_states(
    model: Autonomous, parameters: Parameters, region: Region, where: Float[Array, "2P+1"]
) -> Float[Array, " n"]:
    """A state from a point of the unit cube; pure, for vmap.

    Either rates within their bounds with the mean currents that give them, or means and variances
    within theirs with the rates that follow (all scales down to 1/1000 alike where rates are not
    bounded); the latent variables of the variability follow from the rates.
    """
    system, P = model.system, model.P
    module, c = system.module, system.coefficients(parameters)
    low, high = model.state(region.box[0]).K, model.state(region.box[1]).K
    extra = (c.transfer,) if hasattr(c, "transfer") else ()
    bounded = jnp.isfinite(region.rates[0]) & jnp.isfinite(region.rates[1])
    shrink = jnp.where(jnp.all(bounded), 1.0, SPAN ** -where[2 * P])
    sigma = region.spread * where[P : 2 * P] * shrink
    K_free = (low + (high - low) * where[:P]) * shrink
    first = jnp.where(
        bounded, region.rates[0] + (region.rates[1] - region.rates[0]) * where[:P], 0.0
    )
    by_rates = jnp.all(bounded) & (where[2 * P] < OF_RATES)
    R = jnp.where(by_rates, first, module.mean_rate(K_free, sigma**2, *extra))
    state = _with_rates(model, parameters, R)
    Delta = jnp.maximum(module.variance(state, c), 0.0)

    def halve(ends, _):
        middle = (ends[0] + ends[1]) / 2
        below = module.mean_rate(middle, Delta, *extra) < R
        return (jnp.where(below, middle, ends[0]), jnp.where(below, ends[1], middle)), None

    (a, b), _ = jax.lax.scan(halve, (low, high), None, length=HALVINGS)
    return model.flat(state._replace(K=jnp.where(by_rates, (a + b) / 2, K_free)))


def _with_rates(model: Autonomous, parameters: Parameters, R: Float[Array, " P"]) -> Any:
    """The rest state with the latent variables of the variability at their values for rates R."""
    rest, filtered = model.system.rest(model.P), parameters.fractions * R
    along = {"kappa": filtered, "rho": filtered, "e": filtered, "s": jnp.abs(R), "v": jnp.abs(R)}
    fields = {
        name: jnp.broadcast_to(along[name], value.shape) if name in along else value
        for name, value in rest._asdict().items()
    }
    return model.system.State(**fields)


def settle_others(
    model: Autonomous, parameters: Parameters, y: Float[Array, " n"]
) -> Float[Array, " n"]:
    """Gauss-Newton steps for all states but K and kappa, which are held.

    Inner states of filters and other latent variables follow; pure, for vmap.
    """
    others = [k for k, (name, _) in enumerate(model.latents()) if name not in HELD]
    if not others:
        return y
    places, field = jnp.array(others), model.bind(parameters)
    for _ in range(2):  # the states that follow do so linearly or nearly so
        F, J = field(y), jax.jacfwd(field)(y)[:, places]
        y = y.at[places].add(-jnp.linalg.solve(J.T @ J + 1e-12 * jnp.eye(len(others)), J.T @ F))
    return y


def starts_in(
    model: Autonomous, parameters: Parameters, region: Region, points: Float[Array, "k 2P+1"]
) -> Float[Array, "k n"]:
    """States to start from, one for each point of the unit cube; pure."""

    def start(u: Array) -> Array:
        return settle_others(model, parameters, start_states(model, parameters, region, u))

    return jax.vmap(start)(points)


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
        scale: size of each state.
        max_steps: of each start.

    Returns:
        The ends and the largest |d(state)/dt| at each.

    Source: Farrell, Birkisson and Funke, SIAM J Sci Comput 2015.
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
        # else it left the root that was divided out for another
        near = jnp.sum(((end - first.value) / scale) ** 2) < 1e-6
        end = jnp.where(near, end, first.value)
        return end, jnp.max(jnp.abs(field(end)))

    return jax.vmap(search)(starts)
