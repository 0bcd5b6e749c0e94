"""Gaussian averages by quadrature, for functions whose averages have no closed form."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property, partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ExpressionError
from . import panels, rules
from .elementwise import Elementwise, along_parameter, derivative, like, nth_derivative, piecewise
from .expectation import Average, Prepared
from .normal import density, hermite
from .rules import Rule

TOLERANCE = 1e-11
MOST_PANELS = 2048
MOST_PANELS_TRACED = 256
STEP = 2e-3  # of a limit


class Grid:
    """What quadrature needs to know of a function without parameters: the edges of its panels, and how wide a density may be for the
    bell rule. Found when they are first asked for.
    """

    def __init__(self, pieces: Sequence[Elementwise], breaks: Sequence[float], rule: Rule):
        self.pieces, self.breaks, self.rule = tuple(pieces), tuple(breaks), rule

    @cached_property
    def function(self) -> Callable[[Array], Array]:
        """The function, compiled."""
        return jax.jit(lambda x: piecewise(x, self.pieces, self.breaks))

    @cached_property
    def edges(self) -> np.ndarray:
        """Edges in u, ascending, ending with infinity."""
        slope = jax.jit(lambda x: nth_derivative(x, 1, self.pieces, self.breaks))
        with jax.ensure_compile_time_eval():
            self._refuse_infinite()
            for radius in panels.RADII:
                edges, resolved = find(
                    self.function, slope, self.breaks, self.rule.tolerance, MOST_PANELS, radius
                )
                if resolved:
                    break
            else:
                raise ExpressionError(_unresolved("", MOST_PANELS))
        found = np.unique(np.asarray(edges))[:-1]
        if radius < panels.RADII[0]:
            warnings.warn(
                f"a Gaussian average is checked only where |mean| + 9 sqrt(variance) < {radius:g}: beyond, its function is "
                f"taken to vary as fast as there (it needs more than {MOST_PANELS} panels)",
                stacklevel=2,
            )
            ahead = np.arange(1, 1000)
            found = np.concatenate(
                [
                    found[0] - ahead[::-1] * (found[1] - found[0]),
                    found,
                    found[-1] + ahead * (found[-1] - found[-2]),
                ]
            )
        else:
            found = found[np.abs(found) < radius]
        return np.append(found, np.inf)

    def _refuse_infinite(self) -> None:
        places = np.linspace(-63.7, 63.3, 257)
        for x, y in zip(places, np.asarray(self.function(jnp.asarray(places))), strict=True):
            if not np.isfinite(y):
                what = f"at x = {x:.4g} the function is " + (
                    "not a real number" if np.isnan(y) else "infinite, or its average diverges"
                )
                raise ExpressionError(
                    f"the Gaussian average cannot be computed to tolerance: {what}"
                )

    def refined(self) -> Grid:
        """The same with every panel split into four."""
        made = copy.copy(self)
        edges = self.edges[:-1]
        inner = (
            edges[:-1, None] + np.diff(edges)[:, None] * np.array([0.0, 0.25, 0.5, 0.75])
        ).ravel()
        made.__dict__["edges"] = np.concatenate([inner, edges[-1:], [np.inf]])
        made.__dict__["widest_bell"] = self.widest_bell
        return made

    @cached_property
    def widest_bell(self) -> tuple[float, float]:
        """The largest standard deviations for which the bell rule serves, of the function and of its square; 0 where there are breaks."""
        if self.breaks:
            return 0.0, 0.0
        with jax.ensure_compile_time_eval():
            own = [self.rule.growing(power * self.degree) for power in (1, 2)]
            widest = rules.widest_bell(self.function, self.edges, own, 0.1 * self.size)
        limit = 0.125 / max(
            *self.growth, 1e-9
        )  # twice as wide, and squared, it still is within the reach
        return min(widest[0], limit), min(widest[1], limit)

    @cached_property
    def size(self) -> float:
        with jax.ensure_compile_time_eval():
            return float(panels.Size.of(self.function).typical)

    @cached_property
    def _logs(self) -> rules.Logs:
        with jax.ensure_compile_time_eval():
            left, right = rules.logs_of(self.function, jnp.zeros(1))
            return [np.asarray(v) for v in left], [np.asarray(v) for v in right]

    @cached_property
    def growth(self) -> tuple[float, float]:
        """Exponential rates at which the function grows to the left and to the right."""
        with jax.ensure_compile_time_eval(), np.errstate(invalid="ignore"):
            left, right = rules.growth_of(self._logs)
            return float(left[0]), float(right[0])

    @cached_property
    def degree(self) -> float:
        """The power of x as which the function grows, if it grows no faster."""
        with np.errstate(invalid="ignore"):
            steps = [
                float((side[-1] - side[-2])[0]) / np.log(2)
                for side, rate in zip(self._logs, self.growth, strict=True)
                if rate < 0.1
            ]
        return max([0.0, *(s for s in steps if np.isfinite(s))])

    @cached_property
    def envelope(self) -> rules.Envelope:
        """How large the function is, on intervals that grow with their distance from 0."""
        ends = np.array([0.0, *(2.0 ** (0.5 * np.arange(-2, 20))), np.inf])
        edges = np.unique(np.concatenate([self.edges[:-1], *(s * ends[:-1] for s in (-1, 1))]))
        points = 0.5 * (edges[1:] + edges[:-1])[:, None] + 0.5 * np.diff(edges)[:, None] * np.array(
            [-1.0, *panels.NODES, 1.0]
        )
        with jax.ensure_compile_time_eval(), np.errstate(divide="ignore"):
            padded = np.resize(
                points, (-(-len(points) // 64) * 64, points.shape[1])
            )  # few different shapes
            log = np.log(np.abs(np.asarray(self.function(jnp.asarray(padded)))))
        log = np.where(np.isfinite(log), log, -700.0)[: len(points)]
        low, high = np.concatenate([-ends[1:], ends[:-1]]), np.concatenate([-ends[:-1], ends[1:]])
        log = np.concatenate([log, [log[0], log[-1]]])  # beyond the last edge as there
        points = np.concatenate(
            [points, [np.full(points.shape[1], -1e9), np.full(points.shape[1], 1e9)]]
        )
        inside = (points[None] >= low[:, None, None]) & (points[None] <= high[:, None, None])
        return rules.Envelope(low, high, np.max(np.where(inside, log[None], -700.0), axis=(1, 2)))

    def reaches(self, power: int, tolerance: float) -> rules.Envelope | None:
        """How many standard deviations away the function matters, by intervals; None where it does not grow beyond x^2."""
        own = self.envelope
        nearest = np.minimum(np.abs(own.low), np.abs(own.high))
        near = np.max(own.height[nearest < 2.0])
        if np.all(power * own.height <= max(0.0, power * near) + np.log(2 + nearest**2)):
            return None
        with jax.ensure_compile_time_eval():
            found = own.reaches(power, self.size, tolerance)
            return found._replace(height=np.asarray(found.height))

    @cached_property
    def singular_order(self) -> int:
        """The lowest order of a derivative that is infinite at a break, as 2 for x^1.5 at 0; 99 when there is none up to 4."""
        with jax.ensure_compile_time_eval():
            orders = [
                order
                for b, *sides in zip(self.breaks, self.pieces[:-1], self.pieces[1:], strict=True)
                for side in sides
                for order in range(1, 5)
                if not jnp.isfinite(derivative(side, order)(jnp.asarray(b)))
            ]
        return min(orders, default=99)


def find(
    function: Elementwise,
    slope: Elementwise,
    breaks: Sequence[float],
    tolerance: float,
    most: int,
    radius: float,
) -> panels.Panels:
    """The panels of a function with breaks; around these they close in, because a derivative may be singular there."""
    edges, resolved = panels.find(function, slope, breaks, tolerance, most, radius)
    return panels.Panels(
        jnp.concatenate([edges, *(panels.graded(b) for b in breaks)]).sort(), resolved
    )


class Quadrature(Average):
    """An average by quadrature, right for every mean and variance (see `rules`).

    pieces: smooth elementwise JAX functions of (u, *parameters); breaks: increasing, where one piece ends and the next begins
    offset: a constant that is added to the function, kept apart because averaging it takes no nodes
    shape: pieces without parameters that have the same panels, where the parameters only scale and add; without it, panels are
    found for the parameters' values, when they are prepared
    opaque: the pieces are one function that does its own branching at the breaks
    tolerance: of the average and its first derivative, relative to the function's size; sets the number of nodes
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
        self.offset, self.opaque, self.rule, self.power = (
            float(offset),
            opaque,
            Rule(float(tolerance)),
            1,
        )
        shape = self.pieces if shape is None and not parameters else shape
        self.grid = None if shape is None else Grid(shape, self.breaks, self.rule)
        self.singular_order = lambda: (
            (1 if self.breaks else 99) if self.grid is None else self.grid.singular_order
        )

    def squared(self) -> Quadrature:
        """The average of the function's square, on the same panels."""
        return self._with(
            pieces=tuple(partial(_square, piece, self.offset) for piece in self.pieces),
            offset=0.0,
            power=2 if self.grid is not None else 1,
        )

    def error(
        self, mu: Float[Array, "*n"], Delta: Float[Array, "*n"], prepared: Prepared | None = None
    ) -> Float[Array, "*n"]:
        """An estimate of the average's error: its difference to the one of `finer`."""
        prepared = self.prepare() if prepared is None else prepared
        return jnp.abs(self(mu, Delta, prepared) - self.finer()(mu, Delta, prepared))

    def finer(self) -> Quadrature:
        """The same average with every spacing of the nodes halved, panels split into four, and a reach for a smaller tolerance."""
        return self._with(
            rule=Rule(max(1e-3 * self.rule.tolerance, 1e-15), refinement=2),
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
            pieces=tuple(along_parameter(piece, k + 1) for piece in self.pieces), offset=0.0
        )

    def prepare(self, values: Mapping[str, Any] = {}) -> Prepared:
        prepared = super().prepare(values)
        if self.grid is not None:
            return prepared
        parameters = jnp.broadcast_arrays(*prepared.parameters)
        shape = parameters[0].shape

        def one(*p):
            pieces = [lambda u, piece=piece: piece(u, *p) for piece in self.pieces]
            function, slope = (
                lambda x, n=n: nth_derivative(x, n, pieces, self.breaks) for n in (0, 1)
            )
            return find(
                function,
                slope,
                self.breaks,
                self.rule.tolerance,
                MOST_PANELS_TRACED,
                panels.RADII[0],
            )

        edges, resolved = jax.jit(jax.vmap(one))(*(p.ravel() for p in parameters))
        edges = eqx.error_if(
            edges, ~resolved, _unresolved(" with these parameters", MOST_PANELS_TRACED)
        )
        edges = jnp.concatenate([edges, jnp.full((len(edges), 1), jnp.inf)], axis=1)
        return prepared._replace(edges=jax.lax.stop_gradient(edges.reshape(*shape, -1)))

    def evaluate(self, orders, mu, Delta, parameters, edges):
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
        flat = [jnp.ravel(v) for v in (mu, jnp.sqrt(Delta), *parameters)]
        smooth = rules.elementwise(partial(self._smooth, orders))(edges, *flat)
        values = [
            v.reshape(mu.shape) + self._jumps(order, mu, Delta, parameters)
            for order, v in zip(orders, smooth, strict=True)
        ]
        return tuple(
            v + self.offset if order == 0 else v for order, v in zip(orders, values, strict=True)
        )

    def _jumps(self, order: int, mu: Array, Delta: Array, parameters: tuple[Array, ...]) -> Array:
        """What the jumps of a function and its lower derivatives at the breaks add to the average of a derivative."""
        total = jnp.zeros_like(mu)
        for n in range(min(order, self.singular_order() - 1)):
            for k, b in enumerate(self.breaks):
                jump = self._one_sided(k + 1, n, b, parameters, 1) - self._one_sided(
                    k, n, b, parameters, -1
                )
                total = total + like(jump, mu) * density(b, mu, Delta, order - 1 - n)
        return total

    def _smooth(
        self, orders: tuple[int, ...], edges: Array, mu: Array, sigma: Array, *parameters: Array
    ) -> tuple[Array, ...]:
        """The averages without what the jumps at the breaks add."""
        own = [p[:, None] for p in parameters]

        def function(x, n):
            return nth_derivative(
                x, n, [lambda u, piece=piece: piece(u, *own) for piece in self.pieces], self.breaks
            )

        def direct(x, z):
            return tuple(function(x, n) for n in orders)

        def with_singularities(x, z):
            return tuple(
                self._by_parts(function, n, mu, sigma, x, z)
                if n >= self.singular_order()
                else function(x, n)
                for n in orders
            )

        reaches: rules.Envelope | None
        if self.grid is None:
            logs = rules.logs_of(lambda x: function(x[:, None], 0)[:, 0], mu)
            growth: Any = rules.growth_of(
                logs
            )  # of the pieces, which are squares where this is the average of one
            rule, reaches = self.rule, rules.envelope_of(logs).reaches(1, 1.0, self.rule.tolerance)
        else:
            growth = tuple(self.power * rate for rate in self.grid.growth)
            rule = self.rule.growing(self.power * self.grid.degree)
            reaches = self.grid.reaches(self.power, self.rule.tolerance)
            widest = self.grid.widest_bell[0] if self.power == 1 else min(self.grid.widest_bell)
            if widest > 0:
                return self._smooth_everywhere(
                    direct, len(orders), mu, sigma, edges, rule, growth, reaches, widest
                )
        wide = rules.march(with_singularities, len(orders), mu, sigma, edges, rule, growth, reaches)

        def there(n):
            def at(x):
                return function(x[:, None], n)[:, 0]

            # at a break a power law may be 0 times infinity, its limit from the right is not; x / (1 - exp(-x)) is 0 / 0 at 0
            exact, right = at(mu), at(mu + 1e-150)
            limit = (
                right
                if self.breaks
                else (4 * (at(mu + STEP) + at(mu - STEP)) - at(mu + 2 * STEP) - at(mu - 2 * STEP))
                / 6
            )
            return jnp.where(jnp.isfinite(exact), exact, limit)

        return tuple(jnp.where(sigma > 0, v, there(n)) for n, v in zip(orders, wide, strict=True))

    def _smooth_everywhere(
        self,
        integrands: Callable,
        count: int,
        mu: Array,
        sigma: Array,
        edges: Array,
        rule: Rule,
        growth: Any,
        reaches: rules.Envelope | None,
        widest: float,
    ) -> tuple[Array, ...]:
        """For a function without breaks: the bell rule, with twice as many nodes where one is too few, and the march beyond."""

        def where_any(wanted, compute):
            return jax.lax.cond(jnp.any(wanted), compute, lambda: (jnp.zeros_like(mu),) * count)

        narrow, wide = sigma <= widest, sigma > 2 * widest
        coarse = rules.bell(integrands, mu, sigma, rule)
        between = where_any(~narrow, lambda: rules.bell(integrands, mu, sigma, rule, between=True))
        far = where_any(
            wide,
            lambda: rules.march(
                integrands, count, mu, jnp.where(wide, sigma, 0.0), edges, rule, growth, reaches
            ),
        )
        return tuple(
            jnp.where(narrow, a, jnp.where(wide, c, 0.5 * (a + b)))
            for a, b, c in zip(coarse, between, far, strict=True)
        )

    def _by_parts(
        self, function: Callable, order: int, mu: Array, sigma: Array, x: Array, z: Array
    ) -> Array:
        """Near a singular break Stein's lemma takes the derivatives: <D^m g> = <g He_m(z)> / sigma^m, g the last finite one."""
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
        one, two, three = (slope(at[0] + side * step) for step in (1e-4, 2e-4, 3e-4))
        return (
            3 * (one - two) + three
        )  # extrapolated to the break: the function itself has there the value from one side only


def _unresolved(what: str, most: int) -> str:
    return (
        f"the Gaussian average cannot be computed to tolerance{what}: the function needs more than {most} panels (does it "
        "oscillate, or is it not finite?)"
    )


def _square(piece: Elementwise, offset: float, u: Array, *parameters: Array) -> Array:
    return (offset + like(piece(u, *parameters), u)) ** 2
