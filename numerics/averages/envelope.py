"""How a function grows, and so how far from the mean it matters to a Gaussian average.

Of NumPy arrays or of JAX arrays: `xp` is the module whose arrays are meant.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

Logs = tuple[list[Any], list[Any]]  # of |f| at places on the left and on the right
FAR = (4.0, 8.0, 16.0, 32.0, 64.0)  # places, by octaves: beyond, an exponential overflows soon
NOTHING = -700.0  # the logarithm of about the smallest number in float64
LARGEST = 2e3  # a logarithm this large is of infinity: nodes there would not help


class Envelope(NamedTuple):
    """Upper bounds of a function on intervals: log |f(x)| <= height for low < x < high.

    Arrays of shape (m,), or heights (n, m) of n functions.
    """

    low: np.ndarray
    high: np.ndarray
    height: Array | np.ndarray

    def reaches(self, power: int, scale: float, tolerance: float, xp: Any = jnp) -> Envelope:
        """As height the standard deviations beyond which f^power times the density is nothing."""
        log = power * self.height - math.log(0.1 * tolerance) - power * min(0.0, math.log(scale))
        return self._replace(height=xp.sqrt(2 * xp.where(log < LARGEST, xp.maximum(log, 0.0), 0.0)))


def logs_of(function: Callable[[Any], Any], like: Any, xp: Any = jnp) -> Logs:
    """log |f| at -4, -8, ... -64 and at 4, 8, ... 64, for each entry of `like`."""

    def side(sign):
        return [xp.log(xp.abs(function(xp.full_like(like, sign * x)))) for x in FAR]

    return side(-1.0), side(1.0)


def growth_of(logs: Logs, xp: Any = jnp) -> tuple[Any, Any]:
    """Exponential rates at which |f| grows to the left and to the right, from its logarithms."""

    def rate(side):
        found = xp.zeros_like(side[0])
        for before, after, x in zip(side[:-1], side[1:], FAR, strict=False):
            now = (after - before) / x
            # a power of x in front of the exponential adds a term in 1 / x
            found = xp.where(xp.isfinite(now), xp.maximum(now, 2 * now - found), found)
        return xp.maximum(found, 0.0)

    return rate(logs[0]), rate(logs[1])


def envelope_of(logs: Logs) -> Envelope:
    """Bounds of a function that is monotonic between the places of its logarithms.

    Beyond the last place it goes on as a power of x.
    """
    ends = np.array([0.0, *FAR, 128.0, 256.0, 512.0, np.inf])
    heights = []
    for side in logs:
        known = [jnp.where(jnp.isfinite(v), v, NOTHING) for v in side]
        octave = jnp.maximum(known[-1] - known[-2], 0.0)
        beyond = [known[-1] + k * octave for k in (1, 2, 3, 4)]
        values = [known[0], *known, *beyond]
        heights.append(
            jnp.stack([jnp.maximum(a, b) for a, b in itertools.pairwise(values)], axis=-1)
        )
    return Envelope(
        np.concatenate([-ends[1:], ends[:-1]]),
        np.concatenate([-ends[:-1], ends[1:]]),
        jnp.concatenate(heights, axis=-1),
    )
