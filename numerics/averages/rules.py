"""Two rules for E f(mu + sigma z), z standard normal, of which each is right where the other is expensive.

The bell rule: the trapezoidal rule in z, whose error falls exponentially where f is analytic and wide compared to sigma.
The march: Gauss-Legendre on panels in z that are no wider than the normal density and the function's own panels permit, one after
the other until the density is spent.

All arrays have shape (n,); integrands, several at once, are called with x and z, which have one more axis, that of the nodes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from .panels import NODES, WEIGHTS

Integrands = Callable[[Array, Any], tuple[Array, ...]]
Logs = tuple[list[Any], list[Any]]  # of |f| at places on the left and on the right


@dataclass(frozen=True)
class Rule:
    """Reach and spacing of the nodes, set by a tolerance; refinement 2 halves every spacing, which tells the error.

    degree: of the power of x as which the function grows
    """

    tolerance: float
    refinement: int = 1
    degree: int = 4

    @cached_property
    def reach(self) -> float:
        """Standard deviations from the mean beyond which (1 + z^degree) times the density is negligible."""
        z = 4.0
        while math.erfc(z / math.sqrt(2)) * (1 + z**self.degree) > 0.1 * self.tolerance:
            z += 0.05
        return z

    def growing(self, degree: float) -> Rule:
        """The rule for a function that grows at most as this power of x."""
        return replace(self, degree=min(max(4, math.ceil(degree - 0.05)), 60))

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
    integrands: Integrands,
    mu: Float[Array, " n"],
    sigma: Float[Array, " n"],
    rule: Rule,
    *,
    between: bool = False,
) -> tuple[Float[Array, " n"], ...]:
    """E f by the trapezoidal rule, or by the one half a spacing further."""
    z, weights = (v[None, :] for v in (rule.between if between else rule.bell))
    return tuple(
        jnp.sum(weights * values, axis=-1)
        for values in integrands(mu[:, None] + sigma[:, None] * z, z)
    )


class Envelope(NamedTuple):
    """Upper bounds of a function on intervals of x: log |f| <= height on low < x < high. Arrays of shape (m,), or heights (n, m)."""

    low: np.ndarray
    high: np.ndarray
    height: Array | np.ndarray

    def reaches(self, power: int, scale: float, tolerance: float) -> Envelope:
        """As height the number of standard deviations beyond which f^power times the density is below the tolerance."""
        log = power * self.height - math.log(0.1 * tolerance) - power * min(0.0, math.log(scale))
        return self._replace(height=jnp.sqrt(2 * jnp.where(log < 2e3, jnp.maximum(log, 0.0), 0.0)))


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
    """E f of `count` integrands panel by panel; 0 where sigma is 0.

    edges: (m,), or (n, m) for functions that are not all the same; ascending, filled up with infinity. growth: exponential rates at
    which the function grows to the left and to the right; exp(b x) moves the density by b sigma^2. reaches: of a function that is large
    somewhere, how many standard deviations away it matters.
    """
    there = sigma > 0
    width = jnp.where(there, sigma, 1.0)
    first, last = -rule.reach - growth[0] * width, rule.reach + growth[1] * width
    if reaches is not None:
        near, beyond = (
            (at[None, :] - mu[:, None]) / width[:, None] for at in (reaches.low, reaches.high)
        )
        far = reaches.height if reaches.height.ndim == 2 else reaches.height[None, :]
        first = jnp.minimum(
            first, -jnp.max(jnp.where(-beyond < far, jnp.minimum(-near, far), 0.0), axis=1)
        )
        last = jnp.maximum(
            last, jnp.max(jnp.where(near < far, jnp.minimum(beyond, far), 0.0), axis=1)
        )
    low = mu + first * width
    if edges.ndim == 1:
        start = jnp.searchsorted(
            edges, low, side="right", method="compare_all" if len(edges) <= 64 else "scan"
        )
    else:
        start = jnp.sum(edges <= low[:, None], axis=-1)

    def next_edge(index):
        x = (
            edges[index]
            if edges.ndim == 1
            else jnp.take_along_axis(edges, index[:, None], axis=1)[:, 0]
        )
        return (x - mu) / width

    def step(carry):
        at, index, totals = carry
        edge = next_edge(index)
        end = jnp.minimum(jnp.minimum(edge, at + rule.widest_panel), last)
        half = 0.5 * (end - at)
        z = 0.5 * (end + at)[:, None] + half[:, None] * NODES[None, :]
        weights = jnp.where(
            (at < last)[:, None], half[:, None] * WEIGHTS[None, :] * jnp.exp(-0.5 * z * z), 0.0
        )
        values = integrands(mu[:, None] + width[:, None] * z, z)
        totals = tuple(
            t + jnp.sum(weights * v, axis=-1) for t, v in zip(totals, values, strict=True)
        )
        return end, index + (end == edge).astype(index.dtype), totals

    carry = (jnp.where(there, first, last), start, (jnp.zeros_like(mu),) * count)
    _, _, totals = lax.while_loop(lambda c: jnp.any(c[0] < last), step, carry)
    return tuple(total / math.sqrt(2 * math.pi) for total in totals)


def widest_bell(
    function: Callable[[Array], Array], edges: np.ndarray, rules: Sequence[Rule], floor: float
) -> tuple[float, ...]:
    """The largest sigma up to which the bell rule averages a function and its first derivative to the tolerance, the third to a
    hundred times that; and the same for its powers, for each of which there is a rule.

    Two trapezoidal sums, one moved by half a spacing, differ by twice their error. It oscillates in mu, so that k derivatives
    multiply it by (2 pi / (spacing sigma))^k. It falls like exp(-c / sigma), so that what rounding hides is known from a wider sigma.
    """
    h, reach = rules[0].spacing, max(9.0, *(rule.reach + 1.0 for rule in rules))
    z = h * np.arange(
        -math.ceil(reach / h), math.ceil(reach / h) + 1
    )  # so far that where the sums end makes no difference
    finite = np.unique(np.clip(edges[np.isfinite(edges)], -64.0, 64.0))
    spots = np.unique(
        np.concatenate([finite, 0.5 * (finite[1:] + finite[:-1]), np.linspace(-4.0, 4.0, 9)])
    )
    spots = np.pad(
        spots, (0, -len(spots) % 64), mode="edge"
    )  # few different shapes, so that little is compiled
    sigmas = 2.0 ** np.arange(-12.0, 7.1, 0.25)
    widths = sigmas[:, None, None]
    mu = spots[None, :, None] + h * widths * np.array([0.0, 0.25])[None, None, :]
    mu = mu.reshape(len(sigmas), -1, 1)

    def at(nodes):
        return np.asarray(function(jnp.asarray(mu + widths * nodes[None, None, :]))), np.exp(
            -0.5 * nodes**2
        ) * h / math.sqrt(2 * math.pi)

    (values, w), (moved, moved_w) = at(z), at(z[1:] - 0.5 * h)
    octave = 2  # steps of the ladder to sqrt(2) sigma
    found = []
    with np.errstate(over="ignore", invalid="ignore"):
        for power, rule in enumerate(rules, 1):
            own, least = values**power, floor**power
            one, size, other = own @ w, np.abs(own) @ w, moved**power @ moved_w
            cut = np.abs(own) @ np.where(np.abs(z) > rule.reach, w, 0.0)
            error = np.maximum(np.abs(one - other) - 1e-14 * (size + least), 0.0) / np.maximum(
                np.abs(one), least
            )
            lost = np.max(
                np.nan_to_num(cut / np.maximum(np.abs(one), min(least, 1.0)), nan=np.inf), axis=1
            )
            lost = lost[np.minimum(np.arange(len(sigmas)) + 4, len(sigmas) - 1)][
                :-octave
            ]  # at 2 sigma, to which two rules serve
            worst = np.max(np.where(np.isfinite(error), error, np.inf), axis=1)
            worst = np.maximum(worst[:-octave], worst[octave:] ** math.sqrt(2))
            growth = np.maximum(2 * np.pi / (h * sigmas[:-octave]), 1.0)
            good = (
                (worst * growth <= 0.1 * rule.tolerance)
                & (worst * growth**3 <= 100 * rule.tolerance)
                & (lost <= rule.tolerance)
            )
            found.append(
                float(np.max(sigmas[:-octave], where=np.cumprod(good).astype(bool), initial=0.0))
            )
    return tuple(found)


FAR = (4.0, 8.0, 16.0, 32.0, 64.0)


def logs_of(function: Callable[[Array], Array], like: Array) -> Logs:
    """log |f| at -4, -8, ... -64 and at 4, 8, ... 64, for each entry of `like`."""

    def side(sign):
        return [jnp.log(jnp.abs(function(jnp.full_like(like, sign * x)))) for x in FAR]

    return side(-1.0), side(1.0)


def growth_of(logs: Logs) -> tuple[Array, Array]:
    """Exponential rates at which |f| grows to the left and to the right, from its logarithms."""

    def rate(side):
        found = jnp.zeros_like(side[0])
        for before, after, x in zip(side[:-1], side[1:], FAR, strict=False):
            now = (after - before) / x
            # a power of x in front of the exponential adds a term in 1 / x
            found = jnp.where(jnp.isfinite(now), jnp.maximum(now, 2 * now - found), found)
        return jnp.maximum(found, 0.0)

    return rate(logs[0]), rate(logs[1])


def envelope_of(logs: Logs) -> Envelope:
    """Bounds of a function that is monotonic between the places of its logarithms and beyond the last goes on as a power of x."""
    ends = np.array([0.0, *FAR, 128.0, 256.0, 512.0, np.inf])
    heights = []
    for side in logs:
        known = [jnp.where(jnp.isfinite(v), v, -700.0) for v in side]
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
        long = [
            a if b else jnp.broadcast_to(a[None], (size, n))
            for a, b in zip(arrays, on, strict=True)
        ]
        if on_edges and edges.ndim == 2:
            edges = jnp.broadcast_to(edges[:, None, :], (size, n, edges.shape[-1]))
        elif not on_edges and edges.ndim == 2:
            edges = jnp.broadcast_to(edges[None], (size, *edges.shape))
        edges = edges.reshape(size * n, -1) if edges.ndim == 3 else edges
        results = flat(edges, *(a.reshape(-1) for a in long))
        return tuple(r.reshape(size, n) for r in results), (True,) * len(results)

    return flat
