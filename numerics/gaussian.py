"""Gaussian averages in JAX: <f>(mu, Delta) = E f(mu + sqrt(Delta) z).

An average differentiates by d<f>/dmu = <f'> and d<f>/dDelta = <f''>/2 (heat equation, Price's theorem), to any order, so that
Jacobians and gradients are finite at Delta = 0 wherever f is smooth; and by d<f>/dtheta = <df/dtheta> for a parameter of f. At a
break of f the convention at Delta = 0 is the value from the right, and a delta function there counts as 0.

This module is all that generated code needs.
"""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property, partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float

from ..errors import ExpressionError
from . import panels, quadrature
from .bivariate import bivariate, gated_probability, normal_cdf, scaled_cdf, tilted_probability  # noqa: F401  (for generated code)
from .normal import density, hermite, probability, root, scaled_density, standardise  # noqa: F401
from .siegert import siegert_difference, siegert_rate, siegert_reset  # noqa: F401

Elementwise = Callable[..., Array]
TOLERANCE = 1e-11
MOST_PANELS = 2048
MOST_PANELS_TRACED = 256


class Prepared(NamedTuple):
    """What an average needs besides mean and variance: its function's parameters, and the panels found for them."""

    parameters: tuple[Array, ...] = ()
    edges: Array | None = None


class Average(ABC):
    """The Gaussian average of one function and of its derivatives; `average(mu, Delta, prepared)` is elementwise.

    parameters: the function's parameters by name, with default values; inner: the function is one of u = a x + b with
    (a, b) = inner(*parameters), so that u is normal, too
    """

    def __init__(self, parameters: Mapping[str, Any] = {}, inner: Callable | None = None):
        self.parameters, self.inner = dict(parameters), inner

    @abstractmethod
    def evaluate(self, order: int, mu: Array, Delta: Array, parameters: tuple[Array, ...], edges: Array | None) -> Array:
        """The average of the derivative of the given order with respect to u, in the sense of generalised functions."""

    @abstractmethod
    def varied(self, k: int) -> Average:
        """The average of the derivative with respect to parameter k."""

    def prepare(self, values: Mapping[str, Any] = {}) -> Prepared:
        """The parameters by name, where they are not the defaults, ready for the average; once for many evaluations."""
        return Prepared(tuple(jnp.asarray(values.get(name, default), dtype=float) for name, default in self.parameters.items()))

    def __call__(self, mu: Float[Array, "*n"], Delta: Float[Array, "*n"], prepared: Prepared | None = None) -> Float[Array, "*n"]:
        return self._of_order(0, mu, Delta, prepared)

    def derivative(self, order: int = 1) -> Callable[..., Array]:
        """The average of the function's derivative, as a function of the same arguments."""
        return partial(self._of_order, order)

    def _of_order(self, order, mu, Delta, prepared=None):
        prepared = self.prepare() if prepared is None else prepared
        mu, Delta, *parameters = jnp.broadcast_arrays(mu, Delta, *prepared.parameters)
        if self.inner is None:
            return _average(self, order, mu, Delta, tuple(parameters), prepared.edges)
        a, b = self.inner(*parameters)
        a = _like(a, mu)
        value = _average(self, order, a * mu + b, a * a * Delta, tuple(parameters), prepared.edges)
        return a**order * value if order else value


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _average(average: Average, order: int, mu: Array, Delta: Array, parameters: tuple[Array, ...], edges: Array | None) -> Array:
    return average.evaluate(order, mu, Delta, parameters, edges)


def _price(average, order, primals, tangents):
    mu, Delta, parameters, edges = primals
    changes = [(average, order + 1, 1.0, tangents[0]), (average, order + 2, 0.5, tangents[1])]
    changes += [(average.varied(k), order, 1.0, tangent) for k, tangent in enumerate(tangents[2])]
    total = jnp.zeros_like(mu)
    for of, n, factor, tangent in changes:
        if not isinstance(tangent, SymbolicZero):
            total = total + factor * _average(of, n, mu, Delta, parameters, edges) * tangent
    return _average(average, order, mu, Delta, parameters, edges), total


_average.defjvp(_price, symbolic_zeros=True)


class Closed(Average):
    """An average with a closed form, `formula(mu, Delta, *parameters)` in terms of u; derivatives are the formula's own."""

    def __init__(self, formula: Elementwise, parameters: Mapping[str, Any] = {}, inner: Callable | None = None):
        super().__init__(parameters, inner)
        self.formula = formula

    def evaluate(self, order, mu, Delta, parameters, edges):
        return _derivative(lambda m: _like(self.formula(m, Delta, *parameters), m), order)(mu)

    @cache  # noqa: B019  (a few per average)
    def varied(self, k):
        def slope(mu, Delta, *parameters):
            def along(value):
                return _like(self.formula(mu, Delta, *parameters[:k], value, *parameters[k + 1 :]), mu)

            return jax.jvp(along, (parameters[k],), (jnp.ones_like(parameters[k]),))[1]

        return Closed(slope, self.parameters)


class Grid:
    """What quadrature needs to know of a function without parameters: the edges of its panels, and how wide a density may be for the
    bell rule. Found when they are first asked for.
    """

    def __init__(self, pieces: Sequence[Elementwise], breaks: Sequence[float], rule: quadrature.Rule):
        self.pieces, self.breaks, self.rule = tuple(pieces), tuple(breaks), rule

    @cached_property
    def edges(self) -> np.ndarray:
        """Edges in u, ascending, ending with infinity."""
        with jax.ensure_compile_time_eval():
            for radius in panels.RADII:
                edges, resolved = jax.jit(partial(find, self.pieces, self.breaks, self.rule.tolerance, MOST_PANELS, radius))()
                if resolved:
                    break
            else:
                raise ExpressionError(_unresolved("", MOST_PANELS))
        found = np.unique(np.asarray(edges))[:-1]
        if radius < panels.RADII[0]:
            warnings.warn(f"a Gaussian average is checked only where |mean| + 9 sqrt(variance) < {radius:g}: beyond, its function is "
                          f"taken to vary as fast as there (it needs more than {MOST_PANELS} panels)", stacklevel=2)  # fmt: skip
            ahead = np.arange(1, 1000)
            found = np.concatenate(
                [found[0] - ahead[::-1] * (found[1] - found[0]), found, found[-1] + ahead * (found[-1] - found[-2])]
            )
        else:
            found = found[np.abs(found) < radius]
        return np.append(found, np.inf)

    @cached_property
    def widest_bell(self) -> float:
        """The largest standard deviation for which the bell rule serves; 0 where there are breaks."""
        if self.breaks:
            return 0.0
        with jax.ensure_compile_time_eval():
            return quadrature.widest_bell(
                jax.jit(self.pieces[0]), self.edges, self.rule, 0.1 * float(panels.Size.of(self.pieces[0]).typical)
            )

    @cached_property
    def singular_order(self) -> int:
        """The lowest order of a derivative that is infinite at a break, as 2 for x^1.5 at 0; 99 when there is none up to 4."""
        with jax.ensure_compile_time_eval():
            orders = [order for b, *sides in zip(self.breaks, self.pieces[:-1], self.pieces[1:], strict=True)
                      for side in sides for order in range(1, 5) if not jnp.isfinite(_derivative(side, order)(jnp.asarray(b)))]  # fmt: skip
        return min(orders, default=99)


def find(pieces: Sequence[Elementwise], breaks: Sequence[float], tolerance: float, most: int, radius: float) -> panels.Panels:
    """The panels of a function with breaks; around these they close in, because a derivative may be singular there."""
    edges, resolved = panels.find(lambda x: piecewise(x, pieces, breaks), breaks, tolerance, most, radius)
    return panels.Panels(jnp.concatenate([edges, *(panels.graded(b) for b in breaks)]).sort(), resolved)


class Quadrature(Average):
    """An average by quadrature, right for every mean and variance (see `quadrature`).

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
        self.offset, self.opaque, self.rule = float(offset), opaque, quadrature.Rule(float(tolerance))
        shape = self.pieces if shape is None and not parameters else shape
        self.grid = None if shape is None else Grid(shape, self.breaks, self.rule)
        self.singular_order = lambda: 1 if self.grid is None else self.grid.singular_order

    def squared(self) -> Quadrature:
        """The average of the function's square, on the same panels."""
        return self._with(pieces=tuple(partial(_square, piece, self.offset) for piece in self.pieces), offset=0.0)

    def error(self, mu: Float[Array, "*n"], Delta: Float[Array, "*n"], prepared: Prepared | None = None) -> Float[Array, "*n"]:
        """An estimate of the average's error: its difference to the average with every spacing of the nodes halved."""
        prepared = self.prepare() if prepared is None else prepared
        finer = self._with(rule=quadrature.Rule(self.rule.tolerance, refinement=2))
        return jnp.abs(self(mu, Delta, prepared) - finer(mu, Delta, prepared))

    def _with(self, **changes: Any) -> Quadrature:
        made = copy.copy(self)
        for name, value in changes.items():
            setattr(made, name, value)
        return made

    @cache  # noqa: B019  (a few per average)
    def varied(self, k):
        return self._with(pieces=tuple(partial(_along_parameter, piece, k) for piece in self.pieces), offset=0.0)

    def prepare(self, values: Mapping[str, Any] = {}) -> Prepared:
        prepared = super().prepare(values)
        if self.grid is not None:
            return prepared
        parameters = jnp.broadcast_arrays(*prepared.parameters)
        shape = parameters[0].shape

        def one(*p):
            return find([lambda u, piece=piece: piece(u, *p) for piece in self.pieces], self.breaks, self.rule.tolerance,
                        MOST_PANELS_TRACED, panels.RADII[0])  # fmt: skip

        edges, resolved = jax.vmap(one)(*(p.ravel() for p in parameters))
        edges = eqx.error_if(edges, ~resolved, _unresolved(" with these parameters", MOST_PANELS_TRACED))
        edges = jnp.concatenate([edges, jnp.full((len(edges), 1), jnp.inf)], axis=1)
        return prepared._replace(edges=jax.lax.stop_gradient(edges.reshape(*shape, -1)))

    def evaluate(self, order, mu, Delta, parameters, edges):
        if self.grid is not None:
            edges = jnp.asarray(self.grid.edges)
        elif edges is None:
            raise ExpressionError("this average's panels depend on its parameters: prepare it with their values")
        else:
            edges = jnp.broadcast_to(edges, (*mu.shape, edges.shape[-1])).reshape(-1, edges.shape[-1])
        flat = [jnp.ravel(v) for v in (mu, jnp.sqrt(Delta), *parameters)]
        total = quadrature.elementwise(partial(self._smooth, order))(edges, *flat).reshape(mu.shape)
        for n in range(min(order, self.singular_order() - 1)):
            for k, b in enumerate(self.breaks):
                jump = self._one_sided(k + 1, n, b, parameters, 1) - self._one_sided(k, n, b, parameters, -1)
                total = total + _like(jump, mu) * density(b, mu, Delta, order - 1 - n)
        return total + self.offset if order == 0 else total

    def _smooth(self, order: int, edges: Array, mu: Array, sigma: Array, *parameters: Array) -> Array:
        """The average without what the jumps at the breaks add."""
        own = [p[:, None] for p in parameters]

        def function(x, n=order):
            return piecewise(x, [_derivative(lambda u, piece=piece: piece(u, *own), n) for piece in self.pieces], self.breaks)

        def direct(x, z):
            return function(x)

        if self.grid is not None and self.grid.widest_bell > 0:
            narrow = sigma <= self.grid.widest_bell
            rest = jax.lax.cond(jnp.all(narrow), lambda: jnp.zeros_like(mu),
                                lambda: quadrature.march(direct, mu, jnp.where(narrow, 0.0, sigma), edges, self.rule))  # fmt: skip
            return jnp.where(narrow, quadrature.bell(direct, mu, sigma, self.rule), rest)
        integrand = self._by_parts(function, order, mu, sigma) if order >= self.singular_order() else direct
        return jnp.where(sigma > 0, quadrature.march(integrand, mu, sigma, edges, self.rule), function(mu[:, None])[:, 0])

    def _by_parts(self, function, order, mu, sigma):
        """Near a singular break Stein's lemma takes the derivatives: <D^m g> = <g He_m(z)> / sigma^m, g the last finite one."""
        lower = self.singular_order() - 1
        steps = order - lower
        nearest = jnp.min(jnp.abs(mu[None, :] - np.array(self.breaks)[:, None]), axis=0)
        near = (nearest <= self.rule.reach * sigma)[:, None]
        width = jnp.where(sigma > 0, sigma, 1.0)[:, None]

        def integrand(x, z):
            return jnp.where(near, function(x, lower) * hermite(steps, z) / width**steps, function(x))

        return integrand

    def _one_sided(self, k: int, order: int, b: float, parameters: tuple[Array, ...], side: int) -> Array:
        """The derivative of piece k at its end b."""
        derivative = _derivative(lambda u: _like(self.pieces[k](u, *parameters), u), order)
        at = [jnp.full_like(parameters[0], b) if parameters else jnp.asarray(b)]
        if not self.opaque:
            return derivative(at[0])
        one, two, three = (derivative(at[0] + side * step) for step in (1e-4, 2e-4, 3e-4))
        return 3 * (one - two) + three  # extrapolated to the break: the function itself has there the value from one side only


def _unresolved(what: str, most: int) -> str:
    return (f"the Gaussian average cannot be computed to tolerance{what}: the function needs more than {most} panels (does it "
            "oscillate, or is it not finite?)")  # fmt: skip


def _square(piece: Elementwise, offset: float, u: Array, *parameters: Array) -> Array:
    return (offset + _like(piece(u, *parameters), u)) ** 2


def _along_parameter(piece: Elementwise, k: int, u: Array, *parameters: Array) -> Array:
    """The derivative of a piece with respect to its parameter k."""
    p = [jnp.broadcast_to(value, u.shape) for value in parameters]
    return jax.jvp(lambda value: _like(piece(u, *p[:k], value, *p[k + 1 :]), u), (p[k],), (jnp.ones_like(u),))[1]


class ByPopulation:
    """One average per population, `averages[index[p]]` for population p, on arrays whose last axis is the population."""

    def __init__(self, averages: Sequence[Average], index: Sequence[int]):
        self.averages = tuple(averages)
        self.groups = [np.flatnonzero(np.asarray(index) == k) for k in range(len(averages))]

    def prepare(self, values: Mapping[str, Any] = {}) -> tuple[Prepared, ...]:
        """Each average with the parameters, by name, of its own populations."""
        P = sum(map(len, self.groups))

        def own(average: Average, group: np.ndarray) -> dict[str, Array]:
            given = {name: jnp.asarray(values[name], dtype=float) for name in average.parameters if name in values}
            return {name: (jnp.broadcast_to(v, (P,)) if v.ndim == 0 else v)[..., group] for name, v in given.items()}

        return tuple(a.prepare(own(a, g)) for a, g in zip(self.averages, self.groups, strict=True))

    def __call__(self, mu: Array, Delta: Array, prepared: Sequence[Prepared] | None = None) -> Array:
        return self._of_order(0, mu, Delta, prepared)

    def derivative(self, order: int = 1) -> Callable[..., Array]:
        """The averages of the functions' derivatives."""
        return partial(self._of_order, order)

    def _of_order(self, order, mu, Delta, prepared=None):
        prepared = self.prepare() if prepared is None else prepared
        values = [a.derivative(order)(mu[..., g], Delta[..., g], own)
                  for a, g, own in zip(self.averages, self.groups, prepared, strict=True)]  # fmt: skip
        return jnp.concatenate(values, axis=-1)[..., np.argsort(np.concatenate(self.groups))]


def by_population(averages: Sequence[Average], index: Sequence[int] | None) -> Average | ByPopulation:
    """The average of each population's own function; `index=None` means one function for all, however many there are."""
    return averages[0] if index is None or len(averages) == 1 else ByPopulation(averages, index)


def piecewise(x: Array, pieces: Sequence[Elementwise], breaks: Sequence[float], *parameters: Array) -> Array:
    """The function that is pieces[k] from breaks[k - 1] (included) to breaks[k]."""
    value = _like(pieces[0](x, *parameters), x)
    for b, piece in zip(breaks, pieces[1:], strict=True):
        value = jnp.where(x >= b, piece(x, *parameters), value)
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
