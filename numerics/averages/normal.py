"""Probabilities and densities of a normal variable N(mu, Delta) that keep their digits.

Closed forms are made of them. Differentiable in mu and in the places a, b, c, to any order;
derivatives with respect to Delta are taken by Price's theorem one floor above, never here. At
Delta = 0 a probability takes its value from the right, and a density counts as 0.
"""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.special import erfc
from jaxtyping import Array

Place = float | Array


def standardise(c: Place, mu: Array, Delta: Array) -> Array:
    """(c - mu) / sqrt(Delta); at Delta = 0 minus infinity for c <= mu, else infinity."""
    width = jnp.where(Delta > 0, jnp.sqrt(jnp.where(Delta > 0, Delta, 1.0)), 1.0)
    return jnp.where(Delta > 0, (c - mu) / width, jnp.where(mu >= c, -jnp.inf, jnp.inf))


def probability(a: Place, b: Place, mu: Array, Delta: Array) -> Array:
    """P(a < X < b), without cancellation in either tail."""
    if isinstance(b, (int, float)) and b == math.inf:
        return (
            1.0 + 0.0 * mu
            if isinstance(a, (int, float)) and a == -math.inf
            else _above(_like(a, mu), mu, Delta)
        )
    if isinstance(a, (int, float)) and a == -math.inf:
        return _below(_like(b, mu), mu, Delta)
    return _between(_like(a, mu), _like(b, mu), mu, Delta)


@jax.custom_jvp
def _above(a, mu, Delta):
    return 0.5 * erfc(standardise(a, mu, Delta) / math.sqrt(2))


@jax.custom_jvp
def _below(b, mu, Delta):
    return 0.5 * erfc(-standardise(b, mu, Delta) / math.sqrt(2))


@jax.custom_jvp
def _between(a, b, mu, Delta):
    low, high = (standardise(c, mu, Delta) / math.sqrt(2) for c in (a, b))
    return 0.5 * jnp.where(low > 0, erfc(low) - erfc(high), erfc(-high) - erfc(-low))


@_above.defjvp
def _(primals, tangents):
    return _above(*primals), density(*primals) * (tangents[1] - tangents[0])


@_below.defjvp
def _(primals, tangents):
    return _below(*primals), density(*primals) * (tangents[0] - tangents[1])


@_between.defjvp
def _(primals, tangents):
    a, b, mu, Delta = primals
    da, db, dmu, _ = tangents
    return _between(*primals), density(a, mu, Delta) * (dmu - da) + density(b, mu, Delta) * (
        db - dmu
    )


def density(c: Place, mu: Array, Delta: Array, order: int = 0) -> Array:
    """< delta^(order)(x - c) >: He_order(z) times the normal density at c; 0 at Delta = 0."""
    return _bump(order, -(order + 1), _like(c, mu), mu, Delta)


def scaled_density(c: Place, mu: Array, Delta: Array) -> Array:
    """Delta times the normal density at c."""
    return _bump(0, 1, _like(c, mu), mu, Delta)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _bump(order, power, c, mu, Delta):
    """sigma^power He_order(z) exp(-z^2 / 2) / sqrt(2 pi), z = (c - mu) / sigma."""
    there = Delta > 0
    width = jnp.sqrt(jnp.where(there, Delta, 1.0))
    z = (c - mu) / width
    return jnp.where(
        there,
        width**power * hermite(order, z) * jnp.exp(-0.5 * z * z) / math.sqrt(2 * math.pi),
        0.0,
    )


@_bump.defjvp
def _(order, power, primals, tangents):
    dc, dmu, _ = tangents
    return _bump(order, power, *primals), _bump(order + 1, power - 1, *primals) * (dmu - dc)


def hermite(order: int, z: Array) -> Array:
    """The Hermite polynomial He_order of probability theory."""
    before, now = jnp.zeros_like(z), jnp.ones_like(z)
    for n in range(order):
        before, now = now, z * now - n * before
    return now


def _like(c: Place, mu: Array) -> Array:
    return jnp.broadcast_to(jnp.asarray(c, dtype=mu.dtype), mu.shape)


@jax.custom_jvp
def root(x: Array) -> Array:
    """The square root of a second moment; its slope at 0, where the moment has a minimum, is 0."""
    return jnp.sqrt(jnp.maximum(x, 0.0))


@root.defjvp
def _(primals, tangents):
    (x,), (dx,) = primals, tangents
    value = root(x)
    return value, jnp.where(x > 0, 0.5 / jnp.where(x > 0, value, 1.0), 0.0) * dx
