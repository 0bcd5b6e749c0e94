"""Averages that have a closed form as long as some parameters of the function are not given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxtyping import Array

from .expectation import ByPopulation, Closed, Differentiable, Prepared


class ClosedAtDefaults(Differentiable):
    """A closed form where some parameters have their default values, else quadrature.

    Max(x, 0)^n has a closed form for n = 2 and none for every n. Which of the two is used depends
    on the names of the parameters that are given, never on their values: it is decided when JAX
    traces, and a parameter that is given stays differentiable.

    Args:
        closed: the averages for the defaults, functions of the other parameters.
        general: the average as a function of all parameters.
    """

    def __init__(self, closed: Closed | ByPopulation, general: Any):
        self.closed, self.general = closed, general
        averages = closed.averages if isinstance(closed, ByPopulation) else (closed,)
        self.own = {name for average in averages for name in average.parameters}

    def with_general(self, general: Differentiable) -> ClosedAtDefaults:
        """The same closed form, with another average beside it."""
        return ClosedAtDefaults(self.closed, general)

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters by name, with default values."""
        return self.general.parameters

    @property
    def accuracy(self) -> float:
        """Relative to the size of the function, whichever of the two is used."""
        return max(self.closed.accuracy, self.general.accuracy)

    def prepare(self, values: Mapping[str, Any] = {}) -> Any:
        """The parameters, ready for many evaluations.

        Args:
            values: by name, where they are not the defaults.

        Raises:
            ParameterError: a name that the function does not have.
        """
        average = self.closed if self.own.issuperset(values) else self.general
        return average.prepare(values)

    def derivatives(
        self, mu: Any, Delta: Any, prepared: Any = None, *, orders: tuple[int, ...] = (0, 1)
    ) -> tuple[Array, ...]:
        prepared = self.prepare() if prepared is None else prepared
        whole = isinstance(prepared, Prepared) and len(prepared.parameters) == len(self.parameters)
        average = self.general if whole else self.closed
        return average.derivatives(mu, Delta, prepared, orders=orders)
