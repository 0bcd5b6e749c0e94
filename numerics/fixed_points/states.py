"""States that follow from the mean currents and rates of a network at rest."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous

HELD = ("K", "kappa")
SENT = ("e", "v")  # from which K and kappa follow at once where a membrane is 1
LEAST = 1e-12  # of a column of the normal equations, so that an empty one has a solution


def with_rates(model: Autonomous, parameters: Parameters, R: Float[Array, " P"]) -> Any:
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
    """Gauss-Newton steps for all states but K and kappa, or what these follow, which are held.

    Inner states of filters and other latent variables follow; pure, for vmap.
    """
    held = HELD if model.moving.all() else (*HELD, *SENT)
    others = [k for k, (name, _) in enumerate(model.latents()) if name not in held]
    if not others:
        return y
    places, field = jnp.array(others), model.bind(parameters)
    for _ in range(2):  # the states that follow do so linearly or nearly so
        F, J = field(y), jax.jacfwd(field)(y)[:, places]
        normal = J.T @ J
        normal = normal + LEAST * jnp.diag(jnp.maximum(jnp.diag(normal), LEAST))
        y = y.at[places].add(-jnp.linalg.solve(normal, J.T @ F))
    return y
