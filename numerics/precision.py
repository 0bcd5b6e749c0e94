"""Double precision: checked where it matters, never switched on behind the user's back."""

import jax

from ..errors import PrecisionError


def require_x64() -> None:
    """Raise `PrecisionError` unless JAX computes in float64."""
    if not jax.config.read("jax_enable_x64"):
        raise PrecisionError(
            "JAX computes in float32 here, which mean-field solutions do not survive; "
            'add `jax.config.update("jax_enable_x64", True)` before the first use of motifield'
        )
