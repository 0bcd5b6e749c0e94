"""Hermite series of transfer functions of a Gaussian input: every average over a pair of inputs.

For x = m + sqrt(v) z, phi(x) = sum_n a_n He_n(z) / sqrt(n!), and for a pair (x, y) with
correlation rho, by Mehler's formula,

    < phi(x) phi(y) > = sum_n a_n(x) a_n(y) rho^n,
    d<phi phi>/dCov(x, y) = < phi'(x) phi'(y) >  (Price).

At rho = 1 the sum is <phi^2>, which is known; what a sum of finitely many terms lacks there is put
into one term of the next power.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..parameters import Parameters
from ..system import System, refuse_components
from .bends import breaks
from .fixed_nodes import nodes_of

REACH, PANELS, NODES = 10.0, 40, 16  # so that a polynomial of degree 95 is resolved, tails too
ORDER = 96  # terms: rho^96 < 5e-5 at correlations below .9, and `product` adds what is missing
SMALLEST = 1e-300  # in place of 0 under a root


class Series(NamedTuple):
    """The Hermite series of a function, for each of P populations.

    Args:
        terms: a_n, (n, ...).
        square: mean of the function's square, (...).
    """

    terms: Array
    square: Array

    @property
    def mean(self) -> Array:
        """The average."""
        return self.terms[0]

    @property
    def rest(self) -> Array:
        """What the square has beyond the terms, at least 0."""
        return jnp.maximum(self.square - jnp.sum(self.terms**2, axis=0), 0.0)


def product(first: Series, second: Series, rho: Array) -> Array:
    """< f(x) f(y) > at given correlations.

    Args:
        first: series of f at x, of P populations or of all that rho has.
        second: series of f at y.
        rho: correlations of x and y, (..., P).
    """
    first, second = (
        Series(
            jnp.broadcast_to(_expanded(s.terms, rho.ndim), (len(s.terms), *rho.shape)),
            jnp.broadcast_to(_expanded(s.square[None], rho.ndim)[0], rho.shape),
        )
        for s in (first, second)
    )
    powers, _ = jax.lax.scan(
        lambda s, ab: (s * rho + ab[0] * ab[1], None),
        jnp.zeros_like(rho),
        (first.terms, second.terms),
        reverse=True,
        unroll=16,
    )
    # of a polynomial there is no rest, and the root of 0 has no derivative
    rest = jnp.sqrt(jnp.maximum(first.rest * second.rest, SMALLEST))
    return powers + rest * jnp.maximum(rho, 0.0) ** len(first.terms)


def _expanded(terms: Array, ndim: int) -> Array:
    return terms.reshape(len(terms), *(1,) * (ndim + 1 - terms.ndim), *terms.shape[1:])


class Expansion(eqx.Module):
    """The transfer functions of P populations as Hermite series; make it with `Expansion.of`.

    Args:
        system: the compiled equations.
        parameters: the network's numbers.
        cuts: where phi_p bends, (P, n), nan where there are fewer than n.
        order: number of terms.
        panels: of the quadrature.
    """

    system: System = eqx.field(static=True)
    parameters: Parameters
    cuts: Float[Array, "P n"]
    order: int = eqx.field(static=True)
    panels: int = eqx.field(static=True)

    @classmethod
    def of(
        cls, system: System, parameters: Parameters, order: int = ORDER, panels: int = PANELS
    ) -> Expansion:
        """The series at parameters that are known.

        Raises:
            ParameterError: a transfer function that jumps.
            ArchitectureError: strengths with components.
        """
        refuse_components(system, "dynamical mean-field theory")
        each = [breaks(system, parameters, p) for p in range(parameters.P)]
        most = max(map(len, each))
        return cls(
            system,
            parameters,
            jnp.asarray([[*b, *[np.nan] * (most - len(b))] for b in each]).reshape(
                parameters.P, most
            ),
            order,
            panels,
        )

    def __call__(
        self, mean: Float[Array, " P"], variance: Float[Array, " P"]
    ) -> tuple[Series, Series]:
        """Series of phi and of its derivative; pure, for jit and grad in the mean."""
        made = [self._of(p, mean[p], variance[p]) for p in range(len(mean))]
        phi, slope = (
            Series(jnp.stack([m[k][0] for m in made], axis=1), jnp.stack([m[k][1] for m in made]))
            for k in (0, 1)
        )
        return phi, slope

    def _of(self, p: int, mean: Array, variance: Array) -> list[tuple[Array, Array]]:
        z: Any
        weights: Any
        table: Any
        width = jnp.sqrt(jnp.maximum(variance, SMALLEST))
        if self.cuts.shape[1]:
            z, weights = nodes_of((self.cuts[p] - mean) / width, self.panels, REACH, NODES)
            table = polynomials(z, self.order)
        else:
            z, weights, table = _fixed(self.order, self.panels)
        x = mean + width * z
        value, slope = self.system.transfer_and_slope(x, p, self.parameters)
        return [(table @ (weights * f), jnp.sum(weights * f**2)) for f in (value, slope)]


@lru_cache(maxsize=8)
def _fixed(order: int, panels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, weights and polynomials where no function has breaks."""
    with jax.ensure_compile_time_eval():
        z, weights = nodes_of(jnp.zeros(0), panels, REACH, NODES)
        return np.asarray(z), np.asarray(weights), np.asarray(polynomials(z, order))


def polynomials(z: Array, order: int) -> Array:
    """He_n(z) / sqrt(n!), (order, len(z))."""

    def step(pair, n):
        before, now = pair
        return (now, (z * now - jnp.sqrt(n) * before) / jnp.sqrt(n + 1)), before

    start = (jnp.ones_like(z), z)
    return jax.lax.scan(step, start, jnp.arange(1.0, order + 1), unroll=16)[1]
