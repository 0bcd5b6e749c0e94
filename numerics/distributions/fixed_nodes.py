"""Gaussian averages with a fixed number of nodes, for functions whose parameters vary.

`Quadrature` finds panels for each value of a shape parameter, to full accuracy, which takes far
longer than the average itself. Here, as in a fit, panels are fixed in standard deviations, and cut
where the function bends: accurate as long as the function varies smoothly over a standard
deviation.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from ..averages import (
    Average,
    Quadrature,
    hermite,
    legendre_panels,
    nth_derivative,
)
from ..system import System, with_averages

# Panels of 1.4 standard deviations with 12 nodes each: averages of power laws to 1e-10; beyond 8.5
# the normal density is below rounding.
REACH, PANELS, NODES = 8.5, 12, 12

KEPT = 64  # systems, so that fits of equal equations share what JAX compiled for them


def nodes_of(
    cuts: Array, panels: int = PANELS, reach: float = REACH, nodes_each: int = NODES
) -> tuple[Array, Array]:
    """Nodes and weights for averages over a standard normal variable.

    Args:
        cuts: where the function bends, (n,), nan where there are fewer; without any, nodes are
            equidistant, which converges faster than panels do.
        panels: before the cuts.
        reach: largest |z|.
        nodes_each: nodes in each panel.

    Returns:
        z and weights that sum to 1.
    """
    if not len(cuts):
        z = jnp.linspace(-reach, reach, 2 * panels * nodes_each // 3)
        w = jnp.exp(-(z**2) / 2)
        return z, w / jnp.sum(w)
    cuts = jnp.clip(jnp.where(jnp.isnan(cuts), reach, cuts), -reach, reach)
    edges = jnp.sort(jnp.concatenate([jnp.linspace(-reach, reach, panels + 1), cuts]))
    z, w = (v.ravel() for v in legendre_panels(edges, nodes_each))
    w = w * jnp.exp(-(z**2) / 2)
    return z, w / jnp.sum(w)


class FixedNodes(Quadrature):
    """The average of a `Quadrature` with fixed nodes instead of panels; make it with `of`."""

    @classmethod
    def of(cls, average: Quadrature) -> FixedNodes:
        """The same function's average."""
        made = cls.__new__(cls)
        made.__dict__.update(average.__dict__)
        return made

    def prepare(self, values=None):
        """The parameters by name, where they are not the defaults."""
        return Average.prepare(self, values or {})

    @property
    def tables(self):
        """None: nodes do without."""
        return ()

    def evaluate(self, orders, mu, Delta, parameters, edges, tables):
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

        # where the function bends nearby, derivatives by Stein's lemma:
        # <D^n f> = <f He_n(z)> / sigma^n
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


@lru_cache(maxsize=KEPT)
def with_fixed_nodes(system: System) -> System:
    """The same equations with fixed nodes where functions bend or panels depend on parameters.

    Args:
        system: the compiled equations.

    Returns:
        A system for fits, to about 1e-8; the given one where no average needs it.
    """
    return with_averages(system, "fixed", _fixed)


def _fixed(average: Any) -> Any:
    is_quadrature = isinstance(average, Quadrature) and not average.opaque
    if is_quadrature and (average.grid is None or average.breaks):
        return FixedNodes.of(average)
    return average
