"""Gaussian averages by quadrature, for functions whose averages have no closed form."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ExpressionError
from . import panels, rules
from .elementwise import Elementwise, along_parameter, derivative, like, nth_derivative
from .envelope import Envelope, envelope_of, growth_of, logs_of
from .expectation import Average, Prepared
from .grid import SMOOTH, Grid, find, unresolved
from .normal import density, hermite
from .rules import Rule
from .tables import Table

TOLERANCE = 1e-11  # two digits above what sums of float64 reach
MOST_PANELS_TRACED = 256  # of a function with parameters, for each of whose values they are kept
HIGHEST_TABULATED = 3  # rounding takes too much of derivatives from there on
STEP = 2e-3  # of a limit: its error of fourth order is rounding's, about 1e-11
FINEST = 1e-15  # the tolerance of a check: no sum is better
BESIDE = 1e-4  # of a break, where a function that does its own branching is extrapolated from


class Quadrature(Average):
    """An average by quadrature, right for every mean and variance (see `rules`).

    Args:
        pieces: smooth elementwise JAX functions of (u, *parameters).
        breaks: increasing, where one piece ends and the next begins.
        offset: a constant that is added to the function, kept apart because averaging it takes no
            nodes.
        parameters: the function's parameters by name, with default values.
        inner: the function is one of u = a x + b with (a, b) = inner(*parameters).
        shape: pieces without parameters that have the same panels, where the parameters only
            scale and add; without it, panels are found for the parameters' values, when they are
            prepared.
        opaque: the pieces are one function that does its own branching at the breaks.
        tolerance: of the average and its first derivative, relative to the function's size; sets
            the number of nodes.
    """

    def __init__(
        self,
        pieces: Sequence[Elementwise],
        breaks: Sequence[float] = (),
        *,
        offset: float = 0.0,
        parameters: Mapping[str, Any] = {},
        inner: Callable | None = None,
        shape: Sequence[Elementwise] | None = None,
        opaque: bool = False,
        tolerance: float = TOLERANCE,
    ):
        super().__init__(parameters, inner)
        self.pieces, self.breaks = tuple(pieces), tuple(float(b) for b in breaks)
        self.offset, self.opaque, self.rule = float(offset), opaque, Rule(float(tolerance))
        self.power, self.ends_with_table = 1, False
        # coefficients of the grid's function and its powers; None where parameters set them
        self.in_terms_of_g: tuple[float, ...] | None = None if parameters else (0.0, 1.0)
        shape = self.pieces if shape is None and not parameters else shape
        self.grid = None if shape is None else Grid(shape, self.breaks, self.rule)
        self.singular_order = lambda: (
            (1 if self.breaks else SMOOTH) if self.grid is None else self.grid.singular_order
        )

    @property
    def accuracy(self):
        return self.rule.tolerance

    def squared(self) -> Quadrature:
        """The average of the function's square, on the same panels."""
        return self._with(
            pieces=tuple(partial(_square, piece, self.offset) for piece in self.pieces),
            offset=0.0,
            power=2 if self.grid is not None else 1,
            in_terms_of_g=self.in_terms_of_g and (self.offset**2, 2 * self.offset, 1.0),
        )

    def within_table(self) -> Quadrature:
        """The same average, NaN outside the table; the average itself where it can have none."""
        if self.grid is None or self.breaks:
            return self
        return self._with(ends_with_table=True)

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that averages are from; none where there are no tables."""
        return () if self.grid is None else (self.grid.tables or ())[: self.power]

    def with_tables(self, coefficients: Mapping[int, Any]) -> Quadrature:
        """The same average with others in the place of its tables' coefficients.

        Args:
            coefficients: of tables by their `id`, as JAX traces them.
        """
        if not self.tables:
            return self
        assert self.grid is not None
        return self._with(grid=self.grid.with_tables(coefficients))

    def error(
        self, mu: Float[Array, "*n"], Delta: Float[Array, "*n"], prepared: Prepared | None = None
    ) -> Float[Array, "*n"]:
        """An estimate of the average's error: its difference to the one of `finer`."""
        prepared = self.prepare() if prepared is None else prepared
        return jnp.abs(self(mu, Delta, prepared) - self.finer()(mu, Delta, prepared))

    def finer(self) -> Quadrature:
        """The same average with half the spacing, a quarter of each panel, and a longer reach."""
        return self._with(
            rule=Rule(max(1e-3 * self.rule.tolerance, FINEST), refinement=2),
            grid=self.grid and self.grid.refined(),
        )

    def _with(self, **changes: Any) -> Quadrature:
        made = copy.copy(self)
        for name, value in changes.items():
            setattr(made, name, value)
        return made

    @cache  # noqa: B019
    def varied(self, k):
        return self._with(
            pieces=tuple(along_parameter(piece, k + 1) for piece in self.pieces),
            offset=0.0,
            in_terms_of_g=None,
        )

    def prepare(self, values: Mapping[str, Any] = {}) -> Prepared:
        prepared = super().prepare(values)
        if self.grid is not None:
            return prepared
        parameters = jnp.broadcast_arrays(*prepared.parameters)
        shape = parameters[0].shape

        def one(*p):
            pieces = [lambda u, piece=piece: piece(u, *p) for piece in self.pieces]

            def function(x):
                return tuple(nth_derivative(x, n, pieces, self.breaks) for n in (0, 1))

            tolerance, radius = self.rule.tolerance, panels.RADII[0]
            return find(function, self.breaks, tolerance, MOST_PANELS_TRACED, radius)

        edges, resolved = jax.jit(jax.vmap(one))(*(p.ravel() for p in parameters))
        edges = eqx.error_if(
            edges, ~resolved, unresolved(" with these parameters", MOST_PANELS_TRACED)
        )
        edges = jnp.concatenate([edges, jnp.full((len(edges), 1), jnp.inf)], axis=1)
        return prepared._replace(edges=jax.lax.stop_gradient(edges.reshape(*shape, -1)))

    @property
    def supplied(self):
        return tuple(table.coefficients for table in self.tables)

    def evaluate(self, orders, mu, Delta, parameters, edges, tables):
        if self.grid is not None:
            edges = jnp.asarray(self.grid.edges)
        elif edges is None:
            raise ExpressionError(
                "this average's panels depend on its parameters: prepare it with their values"
            )
        else:
            edges = jnp.broadcast_to(edges, (*mu.shape, edges.shape[-1])).reshape(
                -1, edges.shape[-1]
            )
        flat = [jnp.ravel(v) for v in (mu, Delta, *parameters)]
        if max(orders) > HIGHEST_TABULATED:
            tables = ()
        smooth = rules.elementwise(partial(self._smooth, orders))(edges, tables, *flat)
        values = [
            v.reshape(mu.shape) + self._jumps(order, mu, Delta, parameters)
            for order, v in zip(orders, smooth, strict=True)
        ]
        return tuple(
            v + self.offset if order == 0 else v for order, v in zip(orders, values, strict=True)
        )

    def _jumps(self, order: int, mu: Array, Delta: Array, parameters: tuple[Array, ...]) -> Array:
        """What jumps at the breaks, of the function and lower derivatives, add to the average."""
        total = jnp.zeros_like(mu)
        for n in range(min(order, self.singular_order() - 1)):
            for k, b in enumerate(self.breaks):
                jump = self._one_sided(k + 1, n, b, parameters, 1) - self._one_sided(
                    k, n, b, parameters, -1
                )
                total = total + like(jump, mu) * density(b, mu, Delta, order - 1 - n)
        return total

    def _smooth(
        self,
        orders: tuple[int, ...],
        edges: Array,
        tables: tuple[Array, ...],
        mu: Array,
        Delta: Array,
        *parameters: Array,
    ) -> tuple[Array, ...]:
        """The averages without what the jumps at the breaks add."""
        if not tables:
            return self._by_quadrature(orders, edges, mu, Delta, *parameters)
        found = self._tabulated(tables, orders, mu, Delta, *parameters)
        if self.ends_with_table:
            return found
        lost = jnp.isnan(found[0]) & jnp.isfinite(mu) & jnp.isfinite(Delta)
        exact = partial(self._by_quadrature, orders, edges)
        return rules.replaced_where(lost, found, exact, mu, Delta, *parameters)

    def _by_quadrature(
        self, orders: tuple[int, ...], edges: Array, mu: Array, Delta: Array, *parameters: Array
    ) -> tuple[Array, ...]:
        sigma = jnp.sqrt(Delta)
        own = [p[:, None] for p in parameters]
        pieces = [lambda u, piece=piece: piece(u, *own) for piece in self.pieces]

        def function(x, n):
            return nth_derivative(x, n, pieces, self.breaks)

        def integrands(x, z):
            return tuple(
                self._by_parts(function, n, mu, sigma, x, z)
                if n >= self.singular_order()
                else function(x, n)
                for n in orders
            )

        values = rules.march(integrands, len(orders), mu, sigma, edges, *self._reach(function, mu))
        return tuple(
            jnp.where(sigma > 0, v, self._there(function, n, mu))
            for n, v in zip(orders, values, strict=True)
        )

    def _tabulated(
        self,
        tables: tuple[Array, ...],
        orders: tuple[int, ...],
        mu: Array,
        Delta: Array,
        *parameters: Array,
    ) -> tuple[Array, ...]:
        """From the tables of g and g^2, as c_0 + c_1 g + c_2 g^2 of the grid's function g."""
        c: Sequence[Any] | None = self.in_terms_of_g
        if c is None:
            assert self.grid is not None
            at, to_coefficients = self.grid.places(self.power + 1)
            values = [like(self.pieces[0](jnp.full_like(mu, u), *parameters), mu) for u in at]
            c = [_weighted(row, values) for row in to_coefficients]
        powers = [
            table.averages(orders, mu, Delta, coefficients)
            for table, coefficients in zip(self.tables, tables, strict=True)
        ]
        totals = [_weighted(c[1:], of_order) for of_order in zip(*powers, strict=True)]
        return tuple(v if n else v + c[0] for n, v in zip(orders, totals, strict=True))

    def _reach(self, function: Callable, mu: Array) -> tuple[Rule, Any, Envelope | None]:
        """How far nodes reach: the rule, exponential rates of growth, and how far it matters."""
        if self.grid is None:
            logs = logs_of(lambda x: function(x[:, None], 0)[:, 0], mu)
            # of the pieces, which are squares where this is the average of one
            reaches = envelope_of(logs).reaches(1, 1.0, self.rule.tolerance)
            return self.rule, growth_of(logs), reaches
        growth = tuple(self.power * rate for rate in self.grid.growth)
        rule = self.rule.growing(self.power * self.grid.degree)
        return rule, growth, self.grid.reaches(self.power, self.rule.tolerance)

    def _there(self, function: Callable, n: int, mu: Array) -> Array:
        """The derivative of order n at mu itself: the average where the variance is 0."""

        # at a break a power law may be 0 times infinity, its limit from the right is not;
        # x / (1 - exp(-x)) is 0 / 0 at 0
        if self.breaks:
            exact, limit = function(mu[:, None] + np.array([[0.0, 1e-150]]), n).T
        else:
            steps = STEP * np.array([[0.0, 1.0, -1.0, 2.0, -2.0]])
            exact, *(a, b, c, d) = function(mu[:, None] + steps, n).T
            limit = (4 * (a + b) - (c + d)) / 6
        return jnp.where(jnp.isfinite(exact), exact, limit)

    def _by_parts(
        self, function: Callable, order: int, mu: Array, sigma: Array, x: Array, z: Array
    ) -> Array:
        """Near a singular break, derivatives by Stein's lemma: <D^m g> = <g He_m(z)> / sigma^m.

        g is the last derivative that is finite.
        """
        lower = self.singular_order() - 1
        steps = order - lower
        nearest = jnp.min(jnp.abs(mu[None, :] - np.array(self.breaks)[:, None]), axis=0)
        near = (nearest <= self.rule.reach * sigma)[:, None]
        width = jnp.where(sigma > 0, sigma, 1.0)[:, None]
        return jnp.where(
            near, function(x, lower) * hermite(steps, z) / width**steps, function(x, order)
        )

    def _one_sided(
        self, k: int, order: int, b: float, parameters: tuple[Array, ...], side: int
    ) -> Array:
        """The derivative of piece k at its end b."""
        slope = derivative(lambda u: like(self.pieces[k](u, *parameters), u), order)
        at = [jnp.full_like(parameters[0], b) if parameters else jnp.asarray(b)]
        if not self.opaque:
            return slope(at[0])
        # extrapolated to the break: the function itself has there the value from one side only
        one, two, three = (slope(at[0] + side * k * BESIDE) for k in (1, 2, 3))
        return 3 * (one - two) + three


def _weighted(weights: Iterable[Any], values: Iterable[Array]) -> Array:
    products = (w * v for w, v in zip(weights, values, strict=True))
    return sum(products, start=jnp.zeros(()))


def _square(piece: Elementwise, offset: float, u: Array, *parameters: Array) -> Array:
    return (offset + like(piece(u, *parameters), u)) ** 2
