"""The equations as pure functions of their parameters, for jax.grad, jit and vmap."""

from .numerics.fixed_points import pure_fixed_point as fixed_point
from .numerics.system import pure_rates as rates, pure_trajectory as trajectory

__all__ = ["fixed_point", "rates", "trajectory"]
