"""The march: a rule for E f(mu + sigma z), z standard normal, for every f, mu and sigma.

Gauss-Legendre on panels in z that are no wider than the normal density and the function's own
panels permit, one after the other until the density is spent.

All arrays have shape (n,); integrands, several at once, are called with x and z, which have one
more axis, that of the nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .envelope import Envelope
from .legendre import on_panels

Integrands = Callable[[Array, Any], tuple[Array, ...]]
HIGHEST_DEGREE = 60  # of a power of x: beyond, sums of float64 have no digits left
SPENT = 38.6  # standard deviations beyond which exp(-z^2 / 2) is 0 in float64
FEW_EDGES = 64  # so many are compared with all at once faster than searched
BLOCK = 64  # entries that are computed together where most of an array needs nothing


@dataclass(frozen=True)
class Rule:
    """Reach and panels of the nodes.

    Args:
        tolerance: of the average, relative to the function's size.
        refinement: 2 halves every panel, which tells the error.
        degree: of the power of x as which the function grows.
    """

    tolerance: float
    refinement: int = 1
    degree: int = 4

    @cached_property
    def reach(self) -> float:
        """Standard deviations beyond which (1 + z^degree) times the density is negligible."""
        z = 4.0
        while math.erfc(z / math.sqrt(2)) * (1 + z**self.degree) > 0.1 * self.tolerance:
            z += 0.05
        return z

    def growing(self, degree: float) -> Rule:
        """The rule for a function that grows at most as this power of x."""
        return replace(self, degree=min(max(4, math.ceil(degree - 0.05)), HIGHEST_DEGREE))

    @property
    def widest_panel(self) -> float:
        """The widest panel in z on which sixteen nodes resolve the normal density.

        To 1e-9 on panels of 4.6 and to rounding on those of 4.
        """
        return (4.6 if self.tolerance >= 1e-9 else 4.0) / self.refinement


def march(
    integrands: Integrands,
    count: int,
    mu: Float[Array, " n"],
    sigma: Float[Array, " n"],
    edges: Array,
    rule: Rule,
    growth: tuple[Array | float, Array | float] = (0.0, 0.0),
    reaches: Envelope | None = None,
) -> tuple[Float[Array, " n"], ...]:
    """E f of several integrands panel by panel; 0 where sigma is 0.

    Args:
        integrands: take x and z, and return `count` values.
        count: how many they are.
        mu: means.
        sigma: standard deviations.
        edges: (m,), or (n, m) for functions that are not all the same; ascending, filled up with
            infinity.
        rule: reach and widest panel.
        growth: exponential rates at which the function grows to the left and to the right;
            exp(b x) moves the density by b sigma^2.
        reaches: of a function that is large somewhere, how many standard deviations away it
            matters.
    """
    there = sigma > 0
    width = jnp.where(there, sigma, 1.0)
    ends = _ends(mu, width, rule, growth, reaches)
    first, last = (jnp.clip(end, -SPENT, SPENT) for end in ends)
    start = _first_panel(edges, mu + first * width)

    def step(carry):
        at, index, totals = carry
        edge = (_edge(edges, index) - mu) / width
        end = jnp.minimum(jnp.minimum(edge, at + rule.widest_panel), last)
        z, weights = on_panels(at, end)
        weights = jnp.where((at < last)[:, None], weights * jnp.exp(-0.5 * z * z), 0.0)
        values = integrands(mu[:, None] + width[:, None] * z, z)
        totals = tuple(
            t + jnp.sum(weights * v, axis=-1) for t, v in zip(totals, values, strict=True)
        )
        return end, index + (end == edge).astype(index.dtype), totals

    carry = (jnp.where(there, first, last), start, (jnp.zeros_like(mu),) * count)
    _, _, totals = lax.while_loop(lambda c: jnp.any(c[0] < last), step, carry)
    return tuple(total / math.sqrt(2 * math.pi) for total in totals)


def _ends(
    mu: Array, width: Array, rule: Rule, growth: tuple, reaches: Envelope | None
) -> tuple[Array, Array]:
    """Where the march begins and ends, in standard deviations from the mean."""
    first, last = -rule.reach - growth[0] * width, rule.reach + growth[1] * width
    if reaches is None:
        return first, last
    ends = (reaches.low, reaches.high)
    near, beyond = ((at[None, :] - mu[:, None]) / width[:, None] for at in ends)
    far = reaches.height if reaches.height.ndim == 2 else reaches.height[None, :]
    left = jnp.where(-beyond < far, jnp.minimum(-near, far), 0.0)
    right = jnp.where(near < far, jnp.minimum(beyond, far), 0.0)
    return jnp.minimum(first, -jnp.max(left, axis=1)), jnp.maximum(last, jnp.max(right, axis=1))


def _first_panel(edges: Array, low: Array) -> Array:
    if edges.ndim == 1:
        method = "compare_all" if len(edges) <= FEW_EDGES else "scan"
        return jnp.searchsorted(edges, low, side="right", method=method)
    return jnp.sum(edges <= low[:, None], axis=-1)


def _edge(edges: Array, index: Array) -> Array:
    if edges.ndim == 1:
        return edges[index]
    return jnp.take_along_axis(edges, index[:, None], axis=1)[:, 0]


def elementwise(function: Callable[..., tuple[Array, ...]]) -> Callable[..., tuple[Array, ...]]:
    """A function of edges, tables and arrays of shape (n,) whose batches become longer arrays.

    Its loops then end when the slowest entry does, and a branch that no entry needs is not taken.
    """

    @jax.custom_batching.custom_vmap
    def flat(edges, tables, *arrays):
        return function(edges, tables, *arrays)

    @flat.def_vmap
    def _(size: int, batched: Any, edges: Any, tables: Any, *arrays: Array):
        on_edges, on_tables, *on = batched
        assert not any(on_tables)  # they are those of one function
        n = arrays[0].shape[-1]
        long = [
            a if b else jnp.broadcast_to(a[None], (size, n))
            for a, b in zip(arrays, on, strict=True)
        ]
        if on_edges and edges.ndim == 2:
            edges = jnp.broadcast_to(edges[:, None, :], (size, n, edges.shape[-1]))
        elif not on_edges and edges.ndim == 2:
            edges = jnp.broadcast_to(edges[None], (size, *edges.shape))
        edges = edges.reshape(size * n, -1) if edges.ndim == 3 else edges
        results = flat(edges, tables, *(a.reshape(-1) for a in long))
        return tuple(r.reshape(size, n) for r in results), (True,) * len(results)

    return flat


def replaced_where(
    needed: Array,
    values: tuple[Array, ...],
    function: Callable[..., tuple[Array, ...]],
    *arrays: Array,
) -> tuple[Array, ...]:
    """Values, with those of an elementwise function where they are needed.

    The function is computed for a block of these entries after the other, so that a few of many
    cost little.

    Args:
        needed: of the entries, (n,).
        values: several arrays, (n,).
        function: of arrays, as many values.
        arrays: its arguments, (n,).
    """
    n = needed.size

    def step(carry):
        left, values = carry
        places = jnp.nonzero(left, size=min(n, BLOCK), fill_value=n)[0]
        found = function(*(a.at[places].get(mode="clip") for a in arrays))
        replaced = (v.at[places].set(f, mode="drop") for v, f in zip(values, found, strict=True))
        return left.at[places].set(False, mode="drop"), tuple(replaced)

    return lax.while_loop(lambda carry: jnp.any(carry[0]), step, (needed, values))[1]
