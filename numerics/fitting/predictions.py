"""Predictions of every quantity that targets can be about: a small class for each of them.

A prediction of a quantity belongs to some of the targets. It says what it needs (`series`,
`rising`), what it cannot do (`over_time`, `pooled`), and finds its values in `Seen`, the statistics
of the rates in every condition.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import norm

from ...errors import ParameterError
from ..distributions import RateDistribution, RateStatistics
from ..parameters import Parameters
from ..targets import Pools, Targets
from .course import Course


class Seen(NamedTuple):
    """What the equations say in all conditions.

    Attributes:
        rest: statistics of the rates at the fixed point of each condition.
        parameters: those of each condition.
        mean, sd: of rates, a row as in `Rows`, a column for each population and pool.
        persistence: (P,), correlation between conditions of the static offsets of inputs.
    """

    rest: Mapping[str, RateStatistics]
    parameters: Mapping[str, Parameters]
    mean: Float[Array, "rows names"]
    sd: Float[Array, "rows names"]
    persistence: Float[Array, " P"]


class Rows:
    """Rows of the moments: each condition at rest, then each of its times, by condition.

    Args:
        courses: by condition, in the order of the conditions.
        pools: populations and pools, the columns.
    """

    def __init__(self, courses: Mapping[str, Course], pools: Pools):
        self.courses, self.pools = dict(courses), pools
        self._numbers: dict[tuple[str, float | None], int] = {}
        self._numbers |= {(name, None): k for k, name in enumerate(self.courses)}
        for name, course in self.courses.items():
            for time in course.times.tolist():
                self._numbers[name, time] = len(self._numbers)

    def of(self, condition: str, time: float) -> int:
        """The row of a condition at a time; at rest for NaN."""
        return self._numbers[condition, float(time) if np.isfinite(time) else None]

    def moments(
        self,
        rest: Mapping[str, RateStatistics],
        over_time: Mapping[str, RateStatistics],
        parameters: Mapping[str, Parameters],
    ) -> tuple[Float[Array, "rows names"], Float[Array, "rows names"]]:
        """Means and standard deviations of rates, pools included; pure."""
        seen = [(name, rest[name]) for name in self.courses]
        seen += [(name, over_time[name]) for name in self.courses if name in over_time]
        both = [
            self.pools.extended(at.rate_mean, at.rate_sd, parameters[name].fractions)
            for name, at in seen
        ]
        mean, sd = (jnp.concatenate([jnp.atleast_2d(pair[k]) for pair in both]) for k in (0, 1))
        return mean, sd


class Prediction(ABC):
    """A quantity of some of the targets, as the equations predict it.

    Args:
        targets: all of them.
        own: which of them are about this quantity.
        rows: where moments stand.

    Raises:
        ParameterError: a target has a time, or a pooled population, for which there is no
            prediction of this quantity.
    """

    over_time: ClassVar[bool] = True  # whether there are predictions along time courses
    pooled: ClassVar[bool] = True  # whether there are predictions for pools of populations
    series: ClassVar[bool] = False  # whether the Hermite series of the rates is needed
    rising: ClassVar[bool] = False  # whether transfer functions must not fall

    def __init__(self, targets: Targets, own: Sequence[int], rows: Rows):
        self.own = np.asarray(own)
        for k in own:
            if not self.over_time and np.isfinite(targets.time[k]):
                raise ParameterError(
                    f"{targets.label(k)}: {targets.quantity[k]} is fitted at fixed points, not at "
                    "times; leave its time empty"
                )
            if not self.pooled and targets.population[k] in rows.pools.pools:
                raise ParameterError(
                    f"{targets.label(k)}: of pooled populations there are rate_mean, rate_sd and "
                    "rate_change"
                )
        self.columns = np.array([rows.pools.names.index(targets.population[k]) for k in own])

    @abstractmethod
    def __call__(self, seen: Seen, distribution: RateDistribution) -> Float[Array, " own"]:
        """The values; pure."""


class Mean(Prediction):
    """The mean rate of a population or pool, R = < phi(x) >."""

    def __init__(self, targets: Targets, own: Sequence[int], rows: Rows):
        super().__init__(targets, own, rows)
        self.rows = np.array([rows.of(targets.condition[k], targets.time[k]) for k in own])

    def __call__(self, seen: Seen, distribution: RateDistribution) -> Array:
        return seen.mean[self.rows, self.columns]


class Deviation(Mean):
    """The standard deviation of rates across neurons, sqrt(< phi(x)^2 > - R^2)."""

    def __call__(self, seen: Seen, distribution: RateDistribution) -> Array:
        return seen.sd[self.rows, self.columns]


class Change(Mean):
    """The difference of mean rates between two conditions, at the same time in both."""

    def __init__(self, targets: Targets, own: Sequence[int], rows: Rows):
        super().__init__(targets, own, rows)
        self.others = np.array([rows.of(targets.against[k], targets.time[k]) for k in own])

    def __call__(self, seen: Seen, distribution: RateDistribution) -> Array:
        return super().__call__(seen, distribution) - seen.mean[self.others, self.columns]


class Correlation(Prediction):
    """The correlation across neurons of the rates in two conditions, from the joint currents."""

    over_time, pooled, series = False, False, True

    def __init__(self, targets: Targets, own: Sequence[int], rows: Rows):
        super().__init__(targets, own, rows)
        wanted = [(targets.condition[k], targets.against[k]) for k in own]
        self.pairs = list(dict.fromkeys(wanted))
        self.rows = np.array([self.pairs.index(pair) for pair in wanted])
        self.starts = {name: course.start for name, course in rows.courses.items()}

    def __call__(self, seen: Seen, distribution: RateDistribution) -> Array:
        def one(name: str) -> tuple[RateStatistics, Parameters, float]:
            return seen.rest[name], seen.parameters[name], self.starts[name]

        found = [distribution.correlation(one(a), one(b), seen.persistence) for a, b in self.pairs]
        return jnp.stack(found)[self.rows, self.columns]


class Quantile(Prediction):
    """A quantile of the rates, phi(K + sqrt(Delta) z) where phi does not fall."""

    over_time, pooled, rising = False, False, True

    def __init__(self, targets: Targets, own: Sequence[int], rows: Rows):
        super().__init__(targets, own, rows)
        self.levels = np.unique(targets.level[self.own])
        self.depth = np.searchsorted(self.levels, targets.level[self.own])
        self.conditions = list(dict.fromkeys(targets.condition[k] for k in own))
        self.rows = np.array([self.conditions.index(targets.condition[k]) for k in own])

    def __call__(self, seen: Seen, distribution: RateDistribution) -> Array:
        z: Any = norm.ppf(self.levels)
        found = [
            distribution.quantiles(seen.rest[name].currents, seen.parameters[name], z)
            for name in self.conditions
        ]
        return jnp.stack(found)[self.rows, self.columns, self.depth]


QUANTITIES: dict[str, type[Prediction]] = {
    "rate_mean": Mean,
    "rate_sd": Deviation,
    "rate_change": Change,
    "rate_correlation": Correlation,
    "rate_quantile": Quantile,
}


class Predictions:
    """Predictions of all targets.

    Args:
        targets: measured numbers.
        courses: of all conditions, by name.
        populations: of the network.

    Raises:
        ParameterError: there is no prediction for some target.
    """

    def __init__(self, targets: Targets, courses: Mapping[str, Course], populations: Sequence[str]):
        self.rows = Rows(courses, Pools.of(targets.population, populations))
        self.count = len(targets)
        quantity = np.array(targets.quantity)
        self.parts = [
            QUANTITIES[name](targets, np.flatnonzero(quantity == name).tolist(), self.rows)
            for name in dict.fromkeys(targets.quantity)
        ]

    @property
    def series(self) -> bool:
        """Whether some quantity needs the Hermite series of the rates."""
        return any(part.series for part in self.parts)

    @property
    def rising(self) -> bool:
        """Whether some quantity needs transfer functions that do not fall."""
        return any(part.rising for part in self.parts)

    def __call__(
        self,
        rest: Mapping[str, RateStatistics],
        over_time: Mapping[str, RateStatistics],
        parameters: Mapping[str, Parameters],
        persistence: Array,
        distribution: RateDistribution,
    ) -> Float[Array, " targets"]:
        """The values of all targets, in their order; pure.

        Args:
            rest: statistics at the fixed point of each condition.
            over_time: those at all times of the conditions that have times.
            parameters: of each condition.
            persistence: (P,), correlation between conditions of the offsets of inputs.
            distribution: of the rates of the system.
        """
        mean, sd = self.rows.moments(rest, over_time, parameters)
        seen = Seen(rest, parameters, mean, sd, persistence)
        values = jnp.zeros(self.count)
        for part in self.parts:
            values = values.at[part.own].set(part(seen, distribution))
        return values


def times_of(targets: Targets, condition: str) -> np.ndarray:
    """Times at which targets look at a condition, increasing; as second condition too."""
    own = (np.array(targets.condition) == condition) | (np.array(targets.against) == condition)
    return np.unique(targets.time[own & np.isfinite(targets.time)])
