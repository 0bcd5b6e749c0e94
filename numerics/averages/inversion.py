"""The input current x of a neuron that feels its own rate: x - Gamma phi(x) = h, by bisection."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

BISECTIONS = 45  # from a panel's width of order 1 down to rounding of its ends


def invert(function: Callable[[Array], Array], targets: Array, low: Array, high: Array) -> Array:
    """Where a function that rises between `low` and `high` has given values.

    Args:
        function: elementwise, such as x -> x - Gamma phi(x).
        targets: values h, any shape.
        low: where the function is below the targets, of that shape.
        high: where it is above, of that shape.

    Returns:
        x, of that shape.
    """

    def halve(_, ends):
        low, high = ends
        middle = 0.5 * (low + high)
        above = function(middle) > targets
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    low, high = lax.fori_loop(0, BISECTIONS, halve, (low, high))
    return 0.5 * (low + high)
