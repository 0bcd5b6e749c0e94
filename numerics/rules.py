"""Two rules for E f(mu + sigma z), z standard normal, of which each is right where the other is expensive.

The bell rule: the trapezoidal rule in z, whose error falls exponentially where f is analytic and wide compared to sigma.
The march: Gauss-Legendre on panels in z that are no wider than the normal density and the function's own panels permit, one after
the other until the density is spent.

All arrays have shape (n,); integrands, several at once, are called with x and z, which have one more axis, that of the nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from .panels import NODES, WEIGHTS

Integrands = Callable[[Array, Any], tuple[Array, ...]]


@dataclass(frozen=True)
class Rule:
    """Reach and spacing of the nodes, set by a tolerance; refinement 2 halves every spacing, which tells the error."""

    tolerance: float
    refinement: int = 1

    @cached_property
    def reach(self) -> float:
        """Standard deviations from the mean beyond which (1 + z^4) times the density is negligible."""
        z = 4.0
        while math.erfc(z / math.sqrt(2)) * (1 + z**4) > 0.1 * self.tolerance:
            z += 0.05
        return z

    @property
    def spacing(self) -> float:
        """Distance of the bell rule's nodes in z."""
        return 1 / 7 / self.refinement

    @cached_property
    def bell(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and weights of the bell rule in z."""
        count = math.ceil(self.reach / self.spacing)
        return _normalised(self.spacing * np.arange(-count, count + 1))

    @cached_property
    def between(self) -> tuple[np.ndarray, np.ndarray]:
        """The same half a spacing further: the mean of both rules has half the spacing."""
        z, _ = self.bell
        return _normalised(z[1:] - 0.5 * self.spacing)

    @property
    def widest_panel(self) -> float:
        """The widest panel in z on which sixteen nodes resolve the normal density."""
        return (4.6 if self.tolerance >= 1e-9 else 4.0) / self.refinement


def _normalised(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weights = np.exp(-0.5 * z * z)
    return z, weights / weights.sum()


def bell(
    integrands: Integrands, mu: Float[Array, " n"], sigma: Float[Array, " n"], rule: Rule, *, between: bool = False
) -> tuple[Float[Array, " n"], ...]:
    """E f by the trapezoidal rule, or by the one half a spacing further."""
    z, weights = (v[None, :] for v in (rule.between if between else rule.bell))
    return tuple(jnp.sum(weights * values, axis=-1) for values in integrands(mu[:, None] + sigma[:, None] * z, z))


def march(integrands: Integrands, count: int, mu: Float[Array, " n"], sigma: Float[Array, " n"], edges: Array, rule: Rule,
          growth: tuple[Array | float, Array | float] = (0.0, 0.0)) -> tuple[Float[Array, " n"], ...]:  # fmt: skip
    """E f of `count` integrands panel by panel; 0 where sigma is 0.

    edges: (m,), or (n, m) for functions that are not all the same; ascending, filled up with infinity. growth: exponential rates at
    which the function grows to the left and to the right; exp(b x) moves the density by b sigma^2.
    """
    there = sigma > 0
    width = jnp.where(there, sigma, 1.0)
    first, last = -rule.reach - growth[0] * width, rule.reach + growth[1] * width
    low = mu + first * width
    if edges.ndim == 1:
        start = jnp.searchsorted(edges, low, side="right", method="compare_all" if len(edges) <= 64 else "scan")
    else:
        start = jnp.sum(edges <= low[:, None], axis=-1)

    def next_edge(index):
        x = edges[index] if edges.ndim == 1 else jnp.take_along_axis(edges, index[:, None], axis=1)[:, 0]
        return (x - mu) / width

    def step(carry):
        at, index, totals = carry
        edge = next_edge(index)
        end = jnp.minimum(jnp.minimum(edge, at + rule.widest_panel), last)
        half = 0.5 * (end - at)
        z = 0.5 * (end + at)[:, None] + half[:, None] * NODES[None, :]
        weights = jnp.where((at < last)[:, None], half[:, None] * WEIGHTS[None, :] * jnp.exp(-0.5 * z * z), 0.0)
        values = integrands(mu[:, None] + width[:, None] * z, z)
        totals = tuple(t + jnp.sum(weights * v, axis=-1) for t, v in zip(totals, values, strict=True))
        return end, index + (end == edge).astype(index.dtype), totals

    carry = (jnp.where(there, first, last), start, (jnp.zeros_like(mu),) * count)
    _, _, totals = lax.while_loop(lambda c: jnp.any(c[0] < last), step, carry)
    return tuple(total / math.sqrt(2 * math.pi) for total in totals)


def widest_bell(function: Callable[[Array], Array], edges: np.ndarray, rule: Rule, floor: float) -> float:
    """The largest sigma up to which the bell rule averages a function and its first derivative to the tolerance, the third to a
    hundred times that.

    Two trapezoidal sums, one moved by half a spacing, differ by twice their error. It oscillates in mu, so that k derivatives
    multiply it by (2 pi / (spacing sigma))^k. It falls like exp(-c / sigma), so that what rounding hides is known from a wider sigma.
    """
    h = rule.spacing
    z = h * np.arange(-math.ceil(9.0 / h), math.ceil(9.0 / h) + 1)  # so far that where the sums end makes no difference
    moved = z[1:] - 0.5 * h
    finite = np.unique(np.clip(edges[np.isfinite(edges)], -64.0, 64.0))
    spots = np.unique(np.concatenate([finite, 0.5 * (finite[1:] + finite[:-1]), np.linspace(-4.0, 4.0, 9)]))
    spots = np.pad(spots, (0, -len(spots) % 64), mode="edge")  # few different shapes, so that little is compiled
    sigmas = 2.0 ** np.arange(-12.0, 7.1, 0.25)
    widths = sigmas[:, None, None]
    mu = spots[None, :, None] + h * widths * np.array([0.0, 0.25])[None, None, :]
    mu = mu.reshape(len(sigmas), -1, 1)

    def total(nodes):
        values, w = function(jnp.asarray(mu + widths * nodes[None, None, :])), np.exp(-0.5 * nodes**2) * h / math.sqrt(2 * math.pi)
        return jnp.sum(w[None, None, :] * values, axis=-1), jnp.sum(w[None, None, :] * jnp.abs(values), axis=-1)

    (one, size), (other, _) = total(z), total(moved)
    error = jnp.maximum(jnp.abs(one - other) - 1e-14 * (size + floor), 0.0) / jnp.maximum(jnp.abs(one), floor)
    worst = np.max(np.where(np.isfinite(error), error, np.inf), axis=1)
    octave = 2  # steps of the ladder to sqrt(2) sigma
    worst = np.maximum(worst[:-octave], worst[octave:] ** math.sqrt(2))
    growth = np.maximum(2 * np.pi / (h * sigmas[:-octave]), 1.0)
    good = (worst * growth <= 0.1 * rule.tolerance) & (worst * growth**3 <= 100 * rule.tolerance)
    return float(np.max(sigmas[:-octave], where=np.cumprod(good).astype(bool), initial=0.0))


def growth_of(function: Callable[[Array], Array], like: Array) -> tuple[Array, Array]:
    """Exponential rates at which |f| grows to the left and to the right, from its values up to |x| = 64; for each entry of `like`."""

    def rate(side):
        logs = [jnp.log(jnp.abs(function(jnp.full_like(like, side * reach)))) for reach in (4.0, 8.0, 16.0, 32.0, 64.0)]
        found = jnp.zeros_like(like)
        for before, after, reach in zip(logs[:-1], logs[1:], (4.0, 8.0, 16.0, 32.0), strict=True):
            now = (after - before) / reach
            # a power of x in front of the exponential adds a term in 1 / reach
            found = jnp.where(jnp.isfinite(now), jnp.maximum(now, 2 * now - found), found)
        return jnp.maximum(found, 0.0)

    return rate(-1.0), rate(1.0)


def elementwise(function: Callable[..., tuple[Array, ...]]) -> Callable[..., tuple[Array, ...]]:
    """`function(edges, *arrays of shape (n,))`, with results of shape (n,), whose batches become longer arrays, so that its loops end
    when the slowest entry does and a branch that no entry needs is not taken.
    """

    @jax.custom_batching.custom_vmap
    def flat(edges, *arrays):
        return function(edges, *arrays)

    @flat.def_vmap
    def _(size: int, batched: Any, edges: Array, *arrays: Array):
        on_edges, *on = batched
        n = arrays[0].shape[-1]
        long = [a if b else jnp.broadcast_to(a[None], (size, n)) for a, b in zip(arrays, on, strict=True)]
        if on_edges and edges.ndim == 2:
            edges = jnp.broadcast_to(edges[:, None, :], (size, n, edges.shape[-1]))
        elif not on_edges and edges.ndim == 2:
            edges = jnp.broadcast_to(edges[None], (size, *edges.shape))
        edges = edges.reshape(size * n, -1) if edges.ndim == 3 else edges
        results = flat(edges, *(a.reshape(-1) for a in long))
        return tuple(r.reshape(size, n) for r in results), (True,) * len(results)

    return flat
