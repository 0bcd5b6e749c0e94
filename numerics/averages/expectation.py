"""Gaussian averages <f>(mu, Delta) = E f(mu + sqrt(Delta) z), and how they differentiate.

d<f>/dmu = <f'> and d<f>/dDelta = <f''>/2 (heat equation, Price's theorem), to any order, so that
Jacobians and gradients are finite at Delta = 0 wherever f is smooth; and d<f>/dtheta =
<df/dtheta> for a parameter of f. At a break of f the convention at Delta = 0 is the value from the
right, and a delta function there counts as 0.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float

from ...errors import ParameterError
from .elementwise import Elementwise, along_parameter, derivative, like

ROUNDING = 1e-14  # of a formula of some tens of terms


class Prepared(NamedTuple):
    """What an average needs besides mean and variance.

    Args:
        parameters: of its function, in the order of `Average.parameters`.
        edges: of the panels that were found for them.
    """

    parameters: tuple[Array, ...] = ()
    edges: Array | None = None


class Differentiable(ABC):
    """Averages as a function of mean and variance, which their derivatives define."""

    @property
    @abstractmethod
    def accuracy(self) -> float:
        """Relative to the size of the function."""

    @abstractmethod
    def derivatives(
        self, mu: Any, Delta: Any, prepared: Any = None, *, orders: tuple[int, ...] = (0, 1)
    ) -> tuple[Array, ...]:
        """Averages of several derivatives at once, by default of functions and slopes."""

    def __call__(
        self, mu: Float[Array, "*n"], Delta: Float[Array, "*n"], prepared: Any = None
    ) -> Float[Array, "*n"]:
        return self.derivatives(mu, Delta, prepared, orders=(0,))[0]

    def derivative(self, order: int = 1) -> Callable[..., Array]:
        """The averages of derivatives, as a function of the same arguments."""
        return lambda mu, Delta, prepared=None: self.derivatives(
            mu, Delta, prepared, orders=(order,)
        )[0]


class Average(Differentiable):
    """The Gaussian average of one function and of its derivatives.

    `average(mu, Delta, prepared)` is elementwise, for jit, vmap and grad.

    Args:
        parameters: the function's parameters by name, with default values.
        inner: the function is one of u = a x + b with (a, b) = inner(*parameters), so that u is
            normal, too.
    """

    def __init__(self, parameters: Mapping[str, Any] = {}, inner: Callable | None = None):
        self.parameters, self.inner = dict(parameters), inner

    @abstractmethod
    def evaluate(
        self,
        orders: tuple[int, ...],
        mu: Array,
        Delta: Array,
        parameters: tuple[Array, ...],
        edges: Array | None,
        tables: tuple[Any, ...],
    ) -> tuple[Array, ...]:
        """Averages of derivatives with respect to u, in the sense of generalised functions."""

    @property
    def supplied(self) -> tuple[Any, ...]:
        """Tables that `evaluate` takes, as arguments wherever JAX traces it."""
        return ()

    @cache  # noqa: B019
    def traced(self, orders: tuple[int, ...]) -> Callable[..., tuple[Array, ...]]:
        """`evaluate` of these orders, which JAX traces once for each shape, however often the
        equations call it.
        """
        return jax.jit(partial(self.evaluate, orders))

    @abstractmethod
    def varied(self, k: int) -> Average:
        """The average of the derivative with respect to parameter k."""

    def prepare(self, values: Mapping[str, Any] = {}) -> Prepared:
        """The parameters, ready for many evaluations of the average.

        Args:
            values: by name, where they are not the defaults.

        Raises:
            ParameterError: a name that the function does not have.
        """
        unknown = [name for name in values if name not in self.parameters]
        if unknown:
            raise ParameterError(
                f"the averaged function has no parameter {unknown[0]!r}: it has "
                f"{', '.join(self.parameters) or 'none'}"
            )
        return Prepared(
            tuple(
                jnp.asarray(values.get(name, default), dtype=float)
                for name, default in self.parameters.items()
            )
        )

    def derivatives(
        self,
        mu: Float[Array, "*n"],
        Delta: Float[Array, "*n"],
        prepared: Prepared | None = None,
        *,
        orders: tuple[int, ...] = (0, 1),
    ) -> tuple[Float[Array, "*n"], ...]:
        """Averages of several derivatives at once, by default of the function and its slope."""
        prepared = self.prepare() if prepared is None else prepared
        mu, Delta, *parameters = jnp.broadcast_arrays(mu, Delta, *prepared.parameters)
        if self.inner is None:
            return _average(
                self, orders, mu, Delta, tuple(parameters), prepared.edges, self.supplied
            )
        a, b = self.inner(*parameters)
        a = like(a, mu)
        u = (a * mu + b, a * a * Delta)
        values = _average(self, orders, *u, tuple(parameters), prepared.edges, self.supplied)
        return tuple(
            a**order * value if order else value
            for order, value in zip(orders, values, strict=True)
        )


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _average(
    average: Average,
    orders: tuple[int, ...],
    mu: Array,
    Delta: Array,
    parameters: tuple[Array, ...],
    edges: Array | None,
    tables: tuple[Any, ...],
):
    # constant averages, such as the slope of a line, must depend on mu for jax: its rule for vmap
    # in nested derivatives fails otherwise
    return tuple(
        jnp.where(jnp.isnan(mu), mu, value)
        for value in average.traced(orders)(mu, Delta, parameters, edges, tables)
    )


def _price(average, orders, primals, tangents):
    mu, *_ = primals
    d_mu, d_Delta, d_parameters, *_ = tangents
    steps = [
        (n, factor, t)
        for n, factor, t in ((1, 1.0, d_mu), (2, 0.5, d_Delta))
        if not isinstance(t, SymbolicZero)
    ]
    wanted = sorted({*orders, *(order + n for n, _, _ in steps for order in orders)})
    values = dict(zip(wanted, _average(average, tuple(wanted), *primals), strict=True))
    changes = [
        sum((factor * values[order + n] * t for n, factor, t in steps), jnp.zeros_like(mu))
        for order in orders
    ]
    for k, t in enumerate(d_parameters):
        if not isinstance(t, SymbolicZero):
            changes = [
                c + slope * t
                for c, slope in zip(
                    changes, _average(average.varied(k), orders, *primals), strict=True
                )
            ]
    return tuple(values[order] for order in orders), tuple(changes)


_average.defjvp(_price, symbolic_zeros=True)


class Closed(Average):
    """An average with a closed form, whose derivatives are the formula's own.

    Args:
        formula: of (mu, Delta, *parameters), in terms of u.
        parameters: as in `Average`.
        inner: as in `Average`.
    """

    def __init__(
        self,
        formula: Elementwise,
        parameters: Mapping[str, Any] = {},
        inner: Callable | None = None,
    ):
        super().__init__(parameters, inner)
        self.formula = formula

    @property
    def accuracy(self):
        return ROUNDING

    def evaluate(self, orders, mu, Delta, parameters, edges, tables):
        return tuple(
            derivative(lambda m: like(self.formula(m, Delta, *parameters), m), order)(mu)
            for order in orders
        )

    @cache  # noqa: B019
    def varied(self, k):
        return Closed(along_parameter(self.formula, k + 2), self.parameters)


class ByPopulation(Differentiable):
    """One average per population, on arrays whose last axis is the population.

    Args:
        averages: the distinct ones.
        index: population p has averages[index[p]].
    """

    def __init__(self, averages: Sequence[Any], index: Sequence[int]):
        self.averages = tuple(averages)
        self.groups = [np.flatnonzero(np.asarray(index) == k) for k in range(len(averages))]

    @property
    def accuracy(self):
        return max(average.accuracy for average in self.averages)

    def with_averages(self, averages: Sequence[Any]) -> ByPopulation:
        """The same populations with other averages."""
        made = copy.copy(self)
        made.averages = tuple(averages)
        return made

    def prepare(self, values: Mapping[str, Any] = {}) -> tuple[Prepared, ...]:
        """Each average with the parameters, by name, of its own populations."""
        P = sum(map(len, self.groups))

        def own(average: Any, group: np.ndarray) -> dict[str, Array]:
            given = {
                name: jnp.asarray(values[name], dtype=float)
                for name in average.parameters
                if name in values
            }
            return {
                name: (jnp.broadcast_to(v, (P,)) if v.ndim == 0 else v)[..., group]
                for name, v in given.items()
            }

        return tuple(a.prepare(own(a, g)) for a, g in zip(self.averages, self.groups, strict=True))

    def derivatives(
        self,
        mu: Array,
        Delta: Array,
        prepared: Sequence[Prepared] | None = None,
        *,
        orders: tuple[int, ...] = (0, 1),
    ) -> tuple[Array, ...]:
        """Averages of several derivatives at once; by default of functions and slopes."""
        prepared = self.prepare() if prepared is None else prepared
        groups = zip(self.averages, self.groups, prepared, strict=True)
        values = [
            a.derivatives(mu[..., g], Delta[..., g], own, orders=orders) for a, g, own in groups
        ]
        places = np.argsort(np.concatenate(self.groups))
        return tuple(
            jnp.concatenate(of_order, axis=-1)[..., places]
            for of_order in zip(*values, strict=True)
        )


def by_population(
    averages: Sequence[Differentiable], index: Sequence[int] | None
) -> Differentiable:
    """The average of each population's own function; index None means one function for all."""
    return averages[0] if index is None or len(averages) == 1 else ByPopulation(averages, index)
