"""The static state of a network, and how far its bulk is from instability."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
from jaxtyping import Array, Float

from ..distributions import Expansion
from ..linear import bulk_radius_square
from ..parameters import Couplings

RELAXATION = 0.1  # part of the way in one step: strong inhibition overshoots with more
SETTLE = 3000  # steps, 300 time constants
LARGEST_RESIDUAL = (
    1e-8  # what Newton's method leaves where it converges is orders of magnitude less
)

Inputs = tuple[Array, Array, Array]
"""I_p, h_p and the spread of the inputs, held, (P,) each."""


@eqx.filter_jit
def static_state(
    expansion: Expansion, terms: Couplings, inputs: Inputs, start: Array
) -> tuple[Float[Array, "3 P"], Float[Array, ""]]:
    """The attractor from a state without fluctuations, by relaxation and Newton's method.

    Args:
        expansion: averages over the inputs.
        terms: how populations act on each other.
        inputs: held.
        start: mean, kappa and variance, (3, P).

    Returns:
        Mean, kappa and variance, (3, P), and the residual; infinite where there is none.
    """
    I, h, z = inputs

    def field(y, _=None):
        K, kappa, variance = y
        phi, slope = expansion(K, jnp.maximum(variance, 0.0))
        made = (
            terms.mean_field(phi.mean, slope.mean, kappa, z) + I,
            terms.fractions * phi.mean + h,
            terms.frozen(kappa, z, kappa, z) + terms.residual @ phi.square,
        )
        return jnp.stack(made) - y

    settled = jax.lax.fori_loop(0, SETTLE, lambda _, y: y + RELAXATION * field(y), start)
    newton: Any = optx.Newton(rtol=1e-12, atol=1e-12)
    solution: Any = optx.root_find(field, newton, settled, max_steps=100, throw=False)
    residual = jnp.max(jnp.abs(field(solution.value)))
    return solution.value, jnp.where(jnp.isfinite(residual), residual, jnp.inf)


def static_radius(expansion: Expansion, terms: Couplings, y: Any) -> float:
    """Radius of the bulk of the Jacobian at mean, kappa and variance (3, P): chaos beyond 1."""
    if not np.all(np.isfinite(np.asarray(y))):
        return float("nan")
    return float(np.sqrt(bulk_radius_square(terms.residual, _squares(expansion, jnp.asarray(y)))))


@eqx.filter_jit
def _squares(expansion: Expansion, y: Array) -> Array:
    return expansion(y[0], y[2])[1].square
