"""Averages over neurons that feel their own rate: x = h + Gamma phi(x), h ~ N(mu, Delta).

This is the cavity method (`docs/theory.md`, section 2.1). By the change of variables from h to x,
<F(x)> is the integral of F(x) (1 - Gamma phi'(x)) n(x - Gamma phi(x); mu, Delta) over x, n the
normal density: no equation is solved at the nodes, no derivative of phi beyond the first appears,
and a kink of phi is an edge of panels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from .elementwise import nth_derivative, piecewise
from .expectation import ByPopulation, Prepared
from .inversion import invert
from .legendre import legendre_panels
from .panels import RADII
from .quadrature import Quadrature

REACH = 9.0  # standard deviations of h: beyond, the density is rounding
STEPS = np.linspace(-REACH, REACH, 37)  # half a standard deviation: 16 nodes resolve the density
SMALLEST = 1e-11  # variance of h: averages at less are off by half of it times a second derivative


class Moments(NamedTuple):
    """<phi(x)>, <phi'(x) / (1 - Gamma phi'(x))> and <phi(x)^2>."""

    rate: Array
    susceptibility: Array
    square: Array


class Feedback:
    """The averages of one transfer function; arguments are broadcast.

    Exact where 1 - Gamma phi' > 0 within nine standard deviations of h (`validity`); NaN where x
    leaves |x| < 1024, as far as panels reach.

    Args:
        average: the quadrature that knows the function's pieces and panels.
    """

    def __init__(self, average: Quadrature):
        self.average = average

    @property
    def parameters(self) -> dict[str, Any]:
        return self.average.parameters

    @property
    def accuracy(self) -> float:
        return self.average.accuracy

    def prepare(self, values: Mapping[str, Any] | None = None) -> Prepared:
        """The parameters of the function, and the panels found for them, as `Average.prepare`."""
        return self.average.prepare(values or {})

    def __call__(
        self,
        mu: Float[Array, "*n"],
        Delta: Float[Array, "*n"],
        Gamma: Float[Array, "*n"],
        prepared: Prepared | None = None,
    ) -> Moments:
        return Moments(*self._mapped(self._moments, mu, Delta, Gamma, prepared))

    def validity(
        self, mu: Array, Delta: Array, Gamma: Array, prepared: Prepared | None = None
    ) -> Array:
        """The smallest 1 - Gamma phi'(x) where h is within nine standard deviations of its mean."""
        return self._mapped(self._validity, mu, Delta, Gamma, prepared)

    def _mapped(self, function, mu, Delta, Gamma, prepared):
        prepared = self.prepare() if prepared is None else prepared
        mu, Delta, Gamma, *parameters = jnp.broadcast_arrays(mu, Delta, Gamma, *prepared.parameters)
        shape = mu.shape
        own = prepared.edges
        if own is not None:
            own = jnp.broadcast_to(own, (*shape, own.shape[-1])).reshape(-1, own.shape[-1])
        flat = [v.ravel() for v in (mu, Delta, Gamma, *parameters)]
        each = jax.vmap(function, in_axes=(0, 0, 0, 0, None if own is None else 0))
        values = each(*flat[:3], tuple(flat[3:]), own)
        return jax.tree.map(lambda v: v.reshape(shape), values)

    def _function(self, x: Array, parameters: Sequence[Array]) -> tuple[Array, Array]:
        """phi and phi' at x."""
        a, b = (
            (jnp.ones(()), jnp.zeros(()))
            if self.average.inner is None
            else self.average.inner(*parameters)
        )
        u = a * x + b
        pieces = [lambda v, piece=piece: piece(v, *parameters) for piece in self.average.pieces]
        breaks = self.average.breaks
        return self.average.offset + piecewise(u, pieces, breaks), a * nth_derivative(
            u, 1, pieces, breaks
        )

    def _edges(self, parameters: Sequence[Array], own: Array | None) -> Array:
        """Edges of the panels of the function, ascending in x."""
        edges = (
            jnp.asarray(self.average.grid.edges)
            if own is None and self.average.grid is not None
            else own
        )
        assert edges is not None
        largest = jnp.maximum(RADII[0], jnp.max(jnp.where(jnp.isfinite(edges), edges, -jnp.inf)))
        edges = jnp.concatenate(
            [jnp.minimum(edges[:1], -RADII[0]), jnp.where(jnp.isfinite(edges), edges, largest)]
        )
        if self.average.inner is None:
            return edges
        a, b = self.average.inner(*parameters)
        return jnp.sort((edges - b) / a)

    def _panels(self, mu, Delta, Gamma, parameters, own):
        """Edges in x that resolve the function and the density of h, and the function's own.

        NaN where they do not reach.
        """
        mu, Delta, Gamma, parameters, own = lax.stop_gradient((mu, Delta, Gamma, parameters, own))
        edges = self._edges(parameters, own)

        def field(x):
            return x - Gamma * self._function(x, parameters)[0]

        targets, at = mu + jnp.sqrt(Delta) * STEPS, field(edges)
        cell = jnp.clip(jnp.searchsorted(at, targets), 1, len(edges) - 1)

        there = jnp.sort(invert(field, targets, edges[cell - 1], edges[cell]))
        inside = (targets[0] > at[0]) & (targets[-1] < at[-1])
        merged = jnp.sort(jnp.concatenate([there, jnp.clip(edges, there[0], there[-1])]))
        return lax.stop_gradient(jnp.where(inside, merged, jnp.nan)), edges

    def _moments(self, mu, Delta, Gamma, parameters, own):
        """The three integrals; a variance below the smallest counts as that, with its slopes."""
        Delta = Delta + lax.stop_gradient(jnp.maximum(Delta, SMALLEST) - Delta)
        edges, _ = self._panels(mu, Delta, Gamma, parameters, own)
        x, weights = legendre_panels(edges)
        phi, slope = self._function(x, parameters)
        weights = weights * _normal(x - Gamma * phi, mu, Delta)
        stretched = weights * (1 - Gamma * slope)
        return jnp.sum(stretched * phi), jnp.sum(weights * slope), jnp.sum(stretched * phi**2)

    def _validity(self, mu, Delta, Gamma, parameters, own):
        Delta = jnp.maximum(Delta, SMALLEST)
        merged, edges = self._panels(mu, Delta, Gamma, parameters, own)
        x = jnp.concatenate([legendre_panels(merged)[0].ravel(), legendre_panels(edges)[0].ravel()])
        phi, slope = self._function(x, parameters)
        felt = jnp.abs(x - Gamma * phi - mu) <= REACH * jnp.sqrt(Delta)
        return jnp.min(jnp.where(felt, 1 - Gamma * slope, jnp.inf))


def _normal(h: Array, mu: Array, Delta: Array) -> Array:
    return jnp.exp(-((h - mu) ** 2) / (2 * Delta)) / jnp.sqrt(2 * jnp.pi * Delta)


class ByPopulationFeedback(ByPopulation):
    """One for each population, on arrays whose last axis is the population."""

    def __call__(self, mu, Delta, Gamma, prepared=None) -> Moments:  # type: ignore[override]
        own = self._own(mu, Delta, Gamma, prepared)
        values = [
            average(*arguments) for average, arguments in zip(self.averages, own, strict=True)
        ]
        return Moments(*(self._placed(of_one) for of_one in zip(*values, strict=True)))

    def validity(self, mu, Delta, Gamma, prepared=None) -> Array:
        """As `Feedback.validity`."""
        own = self._own(mu, Delta, Gamma, prepared)
        return self._placed(
            [
                average.validity(*arguments)
                for average, arguments in zip(self.averages, own, strict=True)
            ]
        )

    def _own(self, mu, Delta, Gamma, prepared):
        prepared = self.prepare() if prepared is None else prepared
        return [
            (mu[..., g], Delta[..., g], Gamma[..., g], of_it)
            for g, of_it in zip(self.groups, prepared, strict=True)
        ]

    def _placed(self, values: Sequence[Array]) -> Array:
        return jnp.concatenate(list(values), axis=-1)[..., np.argsort(np.concatenate(self.groups))]


def by_population(
    averages: Sequence[Feedback], index: Sequence[int] | None
) -> Feedback | ByPopulationFeedback:
    """The averages of each population's own function; `index=None` means one function for all."""
    return (
        averages[0]
        if index is None or len(averages) == 1
        else ByPopulationFeedback(averages, index)
    )
