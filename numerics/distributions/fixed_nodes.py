"""Gaussian averages with a fixed number of nodes: for transfer functions whose shape parameters change all the time, as in a fit.

`Quadrature` finds panels for each value of such a parameter, to full accuracy, which takes far longer than the average itself. Here panels are
fixed in standard deviations, and cut where the function bends: accurate as long as the function varies smoothly over a standard deviation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..averages import Average, ByPopulation, Quadrature, hermite, nth_derivative
from ..system import System

REACH, PANELS, NODES = 8.5, 12, 12


def nodes_of(
    cuts: Array, panels: int = PANELS, reach: float = REACH, nodes_each: int = NODES
) -> tuple[Array, Array]:
    """Nodes and weights for averages over a standard normal variable of functions that bend at `cuts`, (n,), nan where there is none.

    Of a function without cuts: equidistant, which converges faster than panels do.
    """
    if not len(cuts):
        z = jnp.linspace(-reach, reach, 2 * panels * nodes_each // 3)
        w = jnp.exp(-(z**2) / 2)
        return z, w / jnp.sum(w)
    nodes, weights = np.polynomial.legendre.leggauss(nodes_each)
    cuts = jnp.clip(jnp.where(jnp.isnan(cuts), reach, cuts), -reach, reach)
    edges = jnp.sort(jnp.concatenate([jnp.linspace(-reach, reach, panels + 1), cuts]))
    half = jnp.diff(edges)[:, None] / 2
    z = (edges[:-1, None] + half * (1 + nodes)[None]).ravel()
    w = (half * weights[None]).ravel() * jnp.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return z, w / jnp.sum(w)


class FixedNodes(Quadrature):
    """The average of a `Quadrature` whose panels depend on parameters, with fixed nodes instead; make it with `FixedNodes.of`."""

    @classmethod
    def of(cls, average: Quadrature) -> FixedNodes:
        """The same function's average."""
        made = cls.__new__(cls)
        made.__dict__.update(average.__dict__)
        return made

    def prepare(self, values=None):
        """The parameters by name, where they are not the defaults."""
        return Average.prepare(self, values or {})

    def evaluate(self, orders, mu, Delta, parameters, edges):
        shape = mu.shape
        mu, sigma, *own = (jnp.ravel(v) for v in (mu, jnp.sqrt(Delta), *parameters))
        width = jnp.where(sigma > 0, sigma, 1.0)
        cuts = (jnp.asarray(self.breaks)[None] - mu[:, None]) / width[:, None]
        z, weights = jnp.vectorize(nodes_of, signature="(k)->(n),(n)")(cuts)
        x = mu[:, None] + width[:, None] * z
        columns = [p[:, None] for p in own]

        def function(u, n):
            return nth_derivative(
                u,
                n,
                [lambda v, piece=piece: piece(v, *columns) for piece in self.pieces],
                self.breaks,
            )

        # derivatives by Stein's lemma where the function bends nearby: <D^n f> = <f He_n(z)> / sigma^n
        near = (
            jnp.any(jnp.abs(cuts) <= REACH, axis=1)[:, None]
            if self.breaks
            else jnp.zeros((len(mu), 1), dtype=bool)
        )
        found = []
        for n in orders:
            spread = (
                jnp.where(
                    near, function(x, 0) * hermite(n, z) / width[:, None] ** n, function(x, n)
                )
                if n
                else function(x, 0)
            )
            there = function(mu[:, None], n)[:, 0]
            value = jnp.where(
                sigma > 0,
                jnp.sum(weights * spread, axis=1),
                jnp.where(jnp.isfinite(there), there, 0.0),
            )
            found.append((value + (self.offset if n == 0 else 0.0)).reshape(shape))
        return tuple(found)


def with_fixed_nodes(system: System) -> System:
    """The same equations, with fixed nodes where a function bends or its panels depend on parameters; the system itself where none does."""
    module = system.loaded(system.module.__name__ + "_fixed")
    changed = {
        name: made
        for name, value in module.__dict__.items()
        if (made := _replaced(value)) is not value
    }
    if not changed:
        return system
    module.__dict__.update(changed)
    return replace(system, module=module)


def _replaced(value: Any) -> Any:
    if isinstance(value, Quadrature) and (value.grid is None or value.breaks) and not value.opaque:
        return FixedNodes.of(value)
    if isinstance(value, ByPopulation):
        own = tuple(_replaced(average) for average in value.averages)
        if any(a is not b for a, b in zip(own, value.averages, strict=True)):
            made = ByPopulation.__new__(ByPopulation)
            made.averages, made.groups = own, value.groups
            return made
    return value
