"""Gaussian averages in JAX: <f>(mu, Delta) = E f(mu + sqrt(Delta) z).

An average differentiates by d<f>/dmu = <f'> and d<f>/dDelta = <f''>/2 (heat equation, Price's theorem), to any order, so that
Jacobians and gradients are finite at Delta = 0 wherever f is smooth. At a break of f the convention at Delta = 0 is the value
from the right, and a delta function there counts as 0.

This module is all that generated code needs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erfc
from jaxtyping import Array, Float

from . import panels

Elementwise = Callable[[Array], Array]
REACH = 8.5  # standard deviations: the mass beyond is 2e-17
PANELS = 5


class Average(ABC):
    """The Gaussian average of one function and of its derivatives; `average(mu, Delta)` is elementwise."""

    @abstractmethod
    def evaluate(self, order: int, mu: Array, Delta: Array) -> Array:
        """The average of the derivative of the given order, in the sense of generalised functions."""

    def __call__(self, mu: Float[Array, "*n"], Delta: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return _average(self, 0, *jnp.broadcast_arrays(mu, Delta))

    def derivative(self, order: int = 1) -> Callable[[Array, Array], Array]:
        """The average of the function's derivative, as a function of (mu, Delta)."""
        return lambda mu, Delta: _average(self, order, *jnp.broadcast_arrays(mu, Delta))


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _average(average: Average, order: int, mu: Array, Delta: Array) -> Array:
    return average.evaluate(order, mu, Delta)


@_average.defjvp
def _price(average, order, primals, tangents):
    mu, Delta = primals
    slope, curvature = (_average(average, order + n, mu, Delta) for n in (1, 2))
    return _average(average, order, mu, Delta), slope * tangents[0] + 0.5 * curvature * tangents[1]


class Closed(Average):
    """An average with a closed form, `formula(mu, Delta)`; its derivatives are the formula's own with respect to mu."""

    def __init__(self, formula: Callable[[Array, Array], Array]):
        self.formula = formula

    def evaluate(self, order, mu, Delta):
        return _derivative(lambda m: _like(self.formula(m, Delta), m), order)(mu)


class Quadrature(Average):
    """An average by Gauss-Legendre quadrature on panels that resolve both the function and the normal density.

    pieces: smooth elementwise JAX functions; breaks: increasing, where one piece ends and the next begins; offset: a constant that
    is added to the function, kept apart because averaging it takes no nodes.
    """

    def __init__(self, pieces: Sequence[Elementwise], breaks: Sequence[float] = (), offset: float = 0.0):
        self.pieces, self.breaks, self.offset = tuple(pieces), tuple(float(b) for b in breaks), float(offset)

    @cached_property
    def edges(self) -> np.ndarray:
        """Panel edges in x, found from the function."""
        function = jax.jit(partial(piecewise, pieces=self.pieces, breaks=self.breaks))

        def concrete(x):
            # few different shapes, so that little is compiled
            padded = np.resize(x, max(256, 1 << (x.size - 1).bit_length()))
            with jax.ensure_compile_time_eval():
                return np.asarray(function(padded))[: x.size].reshape(x.shape)

        edges = panels.find_edges(concrete, self.breaks)
        singular = [b for b, *sides in zip(self.breaks, self.pieces[:-1], self.pieces[1:], strict=True) if _is_singular(b, sides)]
        return np.unique(np.concatenate([edges, *(panels.graded(b) for b in singular)]))

    def evaluate(self, order, mu, Delta):
        z, weights = self.nodes(mu, Delta)
        x = mu[..., None, None] + jnp.sqrt(Delta)[..., None, None] * z
        derivatives = [_derivative(piece, order) for piece in self.pieces]
        total = jnp.sum(weights * piecewise(x, derivatives, self.breaks), axis=(-2, -1))
        total = total + self.offset if order == 0 else total
        for b, left, right in zip(self.breaks, self.pieces[:-1], self.pieces[1:], strict=True):
            for n in range(order):
                jump = _derivative(right, n)(jnp.asarray(b)) - _derivative(left, n)(jnp.asarray(b))
                total = total + jump * density(b, mu, Delta, order - 1 - n)
        return total

    def nodes(self, mu: Float[Array, "*n"], Delta: Float[Array, "*n"]) -> tuple[Float[Array, "*n j k"], Float[Array, "*n j k"]]:
        """Standardised nodes and weights by panel: E f = sum_jk weights_jk f(mu + sqrt(Delta) z_jk)."""
        grid, own = (_repeat(e, mu.shape) for e in (np.linspace(-REACH, REACH, PANELS + 1), self.edges))
        own = jnp.clip(standardise(own, mu[..., None], Delta[..., None]), -REACH, REACH)
        edges = jnp.sort(jnp.concatenate([grid, own], axis=-1), axis=-1)
        half = 0.5 * jnp.diff(edges)[..., None]
        rule = [_repeat(v, half.shape[:-1]) for v in (panels.NODES, panels.WEIGHTS)]
        z = 0.5 * (edges[..., :-1] + edges[..., 1:])[..., None] + half * rule[0]
        return z, half * rule[1] * jnp.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _repeat(constant: np.ndarray, shape: tuple[int, ...]) -> Array:
    # a NumPy constant: computed with JAX, it keeps XLA from seeing that two averages share their nodes
    return jnp.broadcast_to(constant, (*shape, len(constant)))


def _is_singular(b: float, sides: Sequence[Elementwise]) -> bool:
    """Whether a derivative of low order is infinite at a break, as that of x^1.5 at 0."""
    with jax.ensure_compile_time_eval():
        values = [_derivative(side, order)(jnp.asarray(float(b))) for side in sides for order in (1, 2, 3)]
        return not bool(jnp.all(jnp.isfinite(jnp.stack(values))))


class ByPopulation(Average):
    """One average per population, `averages[index[p]]` for population p, on arrays whose last axis is the population."""

    def __init__(self, averages: Sequence[Average], index: Sequence[int]):
        self.averages, self.index = tuple(averages), np.asarray(index)

    def evaluate(self, order, mu, Delta):
        groups = [np.flatnonzero(self.index == k) for k in range(len(self.averages))]
        values = [average.evaluate(order, mu[..., group], Delta[..., group])
                  for average, group in zip(self.averages, groups, strict=True)]  # fmt: skip
        return jnp.concatenate(values, axis=-1)[..., np.argsort(np.concatenate(groups))]


def by_population(averages: Sequence[Average], index: Sequence[int] | None) -> Average:
    """The average of each population's own function; `index=None` means one function for all, however many there are."""
    return averages[0] if index is None or len(averages) == 1 else ByPopulation(averages, index)


def piecewise(x: Array, pieces: Sequence[Elementwise], breaks: Sequence[float]) -> Array:
    """The function that is pieces[k] from breaks[k - 1] (included) to breaks[k]."""
    value = _like(pieces[0](x), x)
    for b, piece in zip(breaks, pieces[1:], strict=True):
        value = jnp.where(x >= b, piece(x), value)
    return value


def _derivative(function: Elementwise, order: int) -> Elementwise:
    for _ in range(order):
        function = _slope(function)
    return function


def _slope(function: Elementwise) -> Elementwise:
    return lambda x: jax.jvp(lambda v: _like(function(v), v), (x,), (jnp.ones_like(x),))[1]


def _like(value: Any, x: Array) -> Array:
    """A value, perhaps a plain number, as an array of the shape of x."""
    return jnp.broadcast_to(jnp.asarray(value, dtype=x.dtype), x.shape)


def standardise(c: float | Array, mu: Array, Delta: Array) -> Array:
    """(c - mu) / sqrt(Delta); at Delta = 0 minus infinity for c <= mu, else infinity."""
    width = jnp.where(Delta > 0, jnp.sqrt(jnp.where(Delta > 0, Delta, 1.0)), 1.0)
    return jnp.where(Delta > 0, (c - mu) / width, jnp.where(mu >= c, -jnp.inf, jnp.inf))


def probability(a: float, b: float, mu: Array, Delta: Array) -> Array:
    """P(a < X < b), X ~ N(mu, Delta), without cancellation in either tail; differentiable in mu."""
    return _probability(a, b, mu, Delta)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _probability(a, b, mu, Delta):
    low, high = (standardise(c, mu, Delta) / math.sqrt(2) for c in (a, b))
    if b == math.inf:
        return 0.5 * erfc(low)
    if a == -math.inf:
        return 0.5 * erfc(-high)
    return 0.5 * jnp.where(low > 0, erfc(low) - erfc(high), erfc(-high) - erfc(-low))


@_probability.defjvp
def _(a, b, primals, tangents):
    ends = [(a, 1.0), (b, -1.0)]
    slope = sum(sign * density(c, *primals) for c, sign in ends if math.isfinite(c))
    return _probability(a, b, *primals), slope * tangents[0]


def density(c: float, mu: Array, Delta: Array, order: int = 0) -> Array:
    """< delta^(order)(x - c) >: He_order(z) times the normal density at c; 0 at Delta = 0."""
    return _bump(c, order, -(order + 1), mu, Delta)


def scaled_density(c: float, mu: Array, Delta: Array) -> Array:
    """Delta times the normal density at c."""
    return _bump(c, 0, 1, mu, Delta)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _bump(c, order, power, mu, Delta):
    """sigma^power He_order(z) exp(-z^2 / 2) / sqrt(2 pi), z = (c - mu) / sigma."""
    there = Delta > 0
    width = jnp.sqrt(jnp.where(there, Delta, 1.0))
    z = (c - mu) / width
    before, now = jnp.zeros_like(z), jnp.ones_like(z)
    for n in range(order):
        before, now = now, z * now - n * before
    return jnp.where(there, width**power * now * jnp.exp(-0.5 * z * z) / math.sqrt(2 * math.pi), 0.0)


@_bump.defjvp
def _(c, order, power, primals, tangents):
    return _bump(c, order, power, *primals), _bump(c, order + 1, power - 1, *primals) * tangents[0]


@jax.custom_jvp
def root(x: Array) -> Array:
    """The square root of a second moment; its slope at 0, where the moment has a minimum, is 0."""
    return jnp.sqrt(jnp.maximum(x, 0.0))


@root.defjvp
def _(primals, tangents):
    (x,), (dx,) = primals, tangents
    value = root(x)
    return value, jnp.where(x > 0, 0.5 / jnp.where(x > 0, value, 1.0), 0.0) * dx
