"""Pools of populations that a recording does not tell apart, such as "PV+SST".

With w_p = alpha_p / sum alpha over the pool, R = sum w_p R_p and
SD^2 = sum w_p (SD_p^2 + R_p^2) - R^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError

SMALLEST = 1e-300  # a variance below it has no derivative of its root


@dataclass(frozen=True)
class Pools:
    """Populations, then pools of them. Make it with `Pools.of`."""

    populations: tuple[str, ...]
    pools: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str], populations: Sequence[str]) -> Pools:
        """The pools among the names that targets have.

        Raises:
            ParameterError: a name is neither a population nor several joined by +.
        """
        found = []
        for name in dict.fromkeys(names):
            if name in populations:
                continue
            parts = [part.strip() for part in name.split("+")]
            strange = [part for part in parts if part not in populations]
            if strange:
                raise ParameterError(
                    f"targets are of the population {name!r}; the network has "
                    f"{', '.join(populations)}, and pools of them such as "
                    f"{'+'.join(populations[:2])!r}"
                )
            if len(set(parts)) < len(parts):
                raise ParameterError(f"the pool {name!r} has a population twice")
            found.append(name)
        return cls(tuple(populations), tuple(found))

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, in the order of `extended`."""
        return (*self.populations, *self.pools)

    def members(self, pool: str) -> np.ndarray:
        """Which populations are in a pool."""
        return np.array([self.populations.index(part.strip()) for part in pool.split("+")])

    def extended(
        self, mean: Float[Array, "*n P"], sd: Float[Array, "*n P"], fractions: Float[Array, " P"]
    ) -> tuple[Array, Array]:
        """Means and standard deviations of populations and pools, each (*n, len(names)); pure."""
        means, sds = [mean], [sd]
        for pool in self.pools:
            own = self.members(pool)
            weights = fractions[own] / jnp.sum(fractions[own])
            whole = (jnp.asarray(mean)[..., own] @ weights)[..., None]
            spread = ((sd[..., own] ** 2 + (mean[..., own] - whole) ** 2) @ weights)[..., None]
            means.append(whole)
            sds.append(jnp.sqrt(jnp.maximum(spread, SMALLEST)))
        return jnp.concatenate(means, axis=-1), jnp.concatenate(sds, axis=-1)
