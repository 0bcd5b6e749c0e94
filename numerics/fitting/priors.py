"""Priors of parameters: normal and log-normal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import ndtri

from ...errors import ParameterError


@dataclass(frozen=True)
class Normal:
    """value ~ N(mean, sd^2).

    Raises:
        ParameterError: a number is not finite, or sd is not positive.
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.mean) and np.isfinite(self.sd) and self.sd > 0):
            raise ParameterError(
                f"Normal(mean={self.mean}, sd={self.sd}): both must be finite, sd positive"
            )

    def residual(self, value: Float[Array, " *shape"]) -> Float[Array, " *shape"]:
        """(value - mean) / sd; half its square is -log(density), but for a constant. Pure."""
        return (value - self.mean) / self.sd

    def sample(self, key: Array | np.random.Generator, n: int) -> Any:
        """n independent values, from a JAX key or a NumPy generator."""
        return self.mean + self.sd * _standard_normal(key, n)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The central interval of this probability."""
        half = self.sd * _half_width(level)
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class LogNormal:
    """log(sign value) ~ N(log median, sigma^2): a quantity of one sign.

    Args:
        median: of |value|, positive.
        sigma: standard deviation of log |value|.
        sign: 1, or -1 for inhibition.

    Raises:
        ParameterError: median or sigma is not positive, or the sign is neither.
    """

    median: float
    sigma: float
    sign: int = 1

    def __post_init__(self) -> None:
        if not (
            np.isfinite(self.median)
            and self.median > 0
            and np.isfinite(self.sigma)
            and self.sigma > 0
        ):
            raise ParameterError(
                f"LogNormal(median={self.median}, sigma={self.sigma}): both must be finite and "
                "positive; the sign is apart, sign=-1"
            )
        if self.sign not in (1, -1):
            raise ParameterError(f"LogNormal(sign={self.sign}): the sign is 1 or -1")

    def residual(self, value: Float[Array, " *shape"]) -> Float[Array, " *shape"]:
        """(log(sign value) - log median) / sigma. Pure.

        Half its square is -log(density) of log(sign value), but for a constant. Not finite for 0
        and for the other sign.
        """
        return (jnp.log(self.sign * value) - float(np.log(self.median))) / self.sigma

    def sample(self, key: Array | np.random.Generator, n: int) -> Any:
        """n independent values, from a JAX key or a NumPy generator."""
        exponent = self.sigma * _standard_normal(key, n)
        return (
            self.sign
            * self.median
            * (np.exp(exponent) if isinstance(key, np.random.Generator) else jnp.exp(exponent))
        )

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The interval of this probability, with as much below it as above."""
        factor = float(np.exp(self.sigma * _half_width(level)))
        ends = self.sign * self.median / factor, self.sign * self.median * factor
        return min(ends), max(ends)


Prior = Normal | LogNormal


def _standard_normal(key: Any, n: int) -> Any:
    return (
        key.standard_normal(n)
        if isinstance(key, np.random.Generator)
        else jax.random.normal(key, (n,))
    )


def _half_width(level: float) -> float:
    if not 0 < level < 1:
        raise ParameterError(f"level = {level} of an interval must lie between 0 and 1")
    return float(ndtri(0.5 + level / 2))
