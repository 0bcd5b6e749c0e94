"""Scales without bounds for numbers that have bounds: identity, logarithm, logit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class Scale:
    """An increasing function t(v) from the numbers between two bounds onto all real numbers.

    t = v without bounds, log(v - low), -log(high - v), or log((v - low) / (high - v)).
    """

    low: float = -np.inf
    high: float = np.inf

    @property
    def bounds(self) -> tuple[bool, bool]:
        """Whether there is a lower bound, and an upper one."""
        return bool(np.isfinite(self.low)), bool(np.isfinite(self.high))

    def forward(self, value: Any) -> Any:
        """t(v); pure."""
        below, above = self.bounds
        if not below and not above:
            return value
        return (jnp.log(value - self.low) if below else 0.0) - (
            jnp.log(self.high - value) if above else 0.0
        )

    def backward(self, t: Any) -> Any:
        """v(t); pure."""
        below, above = self.bounds
        if below and above:
            return self.low + (self.high - self.low) / (1 + jnp.exp(-t))
        return self.low + jnp.exp(t) if below else self.high - jnp.exp(-t) if above else t

    def slope(self, value: float) -> float:
        """dt/dv."""
        below, above = self.bounds
        if not below and not above:
            return 1.0
        return (1 / (value - self.low) if below else 0.0) + (
            1 / (self.high - value) if above else 0.0
        )
