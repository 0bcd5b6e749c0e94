"""The scale on which a fitted number has no bounds: the number itself, the logarithm of its distance from one bound, the logit between two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from .unknowns import Coordinates


@dataclass(frozen=True)
class Scale:
    """t(v), increasing: v; log(v - low); -log(high - v); log((v - low) / (high - v)). An unknown's coordinate, but for sign, origin and unit."""

    low: float = -np.inf
    high: float = np.inf

    @classmethod
    def of(cls, coordinates: Coordinates, name: str) -> Scale:
        """Of a number of a fit: between its bounds; of shares of motifs between 0 and 1, of other motifs between -1 and 1."""
        k = coordinates.names.index(name)
        if k < len(coordinates.unknowns):
            return cls(coordinates.unknowns[k].low, coordinates.unknowns[k].high)
        family, _, index = name.rstrip("]").partition("[")
        parts = index.split(",")
        return cls(0.0 if family in ("tau_con", "tau_div") and parts[1] == parts[2] else -1.0, 1.0)

    def forward(self, value: Any) -> Any:
        """t(v); pure."""
        below, above = np.isfinite(self.low), np.isfinite(self.high)
        if not below and not above:
            return value
        return (jnp.log(value - self.low) if below else 0.0) - (
            jnp.log(self.high - value) if above else 0.0
        )

    def backward(self, t: Any) -> Any:
        """v(t); pure."""
        below, above = np.isfinite(self.low), np.isfinite(self.high)
        if below and above:
            return self.low + (self.high - self.low) / (1 + jnp.exp(-t))
        return self.low + jnp.exp(t) if below else self.high - jnp.exp(-t) if above else t

    def slope(self, value: float) -> float:
        """dt/dv."""
        below, above = np.isfinite(self.low), np.isfinite(self.high)
        if not below and not above:
            return 1.0
        return (1 / (value - self.low) if below else 0.0) + (
            1 / (self.high - value) if above else 0.0
        )
