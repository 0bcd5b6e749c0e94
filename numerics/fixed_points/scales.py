"""The network's own units of currents and states: nothing may depend on the user's."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import Autonomous
from .states import with_rates

ROUNDING = 1e-9  # a gain as near to 1 counts as 1, as that of Max(x - 1, 0) far out
CURRENTS = 10.0 ** np.linspace(-30, 30, 241)  # where the strength of recurrence is looked at


def current_scales(
    model: Autonomous, parameters: Parameters
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The smallest and the largest input current that means something to the network; pure.

    Currents x at which recurrent currents are as large as x, if all neurons receive x:
    max_p [sum_q |N alpha_q J_pq phi_q(x)| + sqrt(Delta_p)] = |x|, and the largest external input.
    Both are 1 where there is none, as in a linear network without input.
    """
    system, P = model.system, model.P
    module, c = system.module, system.coefficients(parameters)
    x = jnp.stack([CURRENTS, -CURRENTS], axis=1)
    rates = jnp.stack([system.transfer(x, q, parameters) for q in range(P)], axis=-1)

    def recurrent(R: Array) -> Array:
        spread = jnp.abs(module.variance(with_rates(model, parameters, R), c))
        return jnp.max(jnp.abs(c.mean_coupling) @ jnp.abs(R) + jnp.sqrt(spread))

    excess = jnp.max(jax.vmap(jax.vmap(recurrent))(rates), axis=1) / CURRENTS - 1
    sign = jnp.where(jnp.abs(excess) > ROUNDING, jnp.sign(excess), 0.0)
    middles = np.sqrt(CURRENTS[1:] * CURRENTS[:-1])
    crossed = sign[1:] * sign[:-1] < 0
    drive = jax.tree.leaves(system.drive(parameters)(model.time))
    driven = jnp.max(jnp.stack([jnp.max(jnp.abs(v)) for v in drive]))
    candidates = jnp.append(jnp.where(crossed, middles, 0.0), driven)
    largest = jnp.max(candidates)
    least = jnp.min(jnp.where(candidates > 0, candidates, jnp.inf))
    found = largest > 0
    return jnp.where(found, least, 1.0), jnp.where(found, largest, 1.0)


def state_scale(model: Autonomous, parameters: Parameters) -> Float[Array, " n"]:
    """Sizes of all states at the largest of the network's currents, none of them 0; pure."""
    system = model.system
    _, current = current_scales(model, parameters)
    at = jnp.full((1,), current)
    R = jnp.concatenate([system.transfer(at, q, parameters) for q in range(model.P)])
    R = jnp.where(jnp.isfinite(R), R, current)
    state = with_rates(model, parameters, R)
    y = model.flat(state._replace(K=jnp.full(model.P, current)))
    size = jnp.abs(y)
    size = jnp.where(jnp.isfinite(size), size, 0.0)
    for _, places in _places(model):  # a state that is 0 there is as large as its like
        own = jnp.max(size[places])
        size = size.at[places].set(jnp.where(size[places] > 0, size[places], own))
    return jnp.where(size > 0, size, jnp.max(size))


def _places(model: Autonomous) -> list[tuple[str, np.ndarray]]:
    names = np.array([name for name, _ in model.latents()])
    return [(str(name), np.flatnonzero(names == name)) for name in dict.fromkeys(names)]
