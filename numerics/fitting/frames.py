"""Coordinates of single unknowns: the unbounded scale with an origin and a unit; random starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ParameterError
from .scales import Scale
from .unknowns import Unknown

FAR = 1.5
"""Random starts of a one-sided unknown without prior are within a factor of e^1.5 = 4.5 of its
value: about what guesses of synaptic strengths are worth."""
INSIDE = 0.05  # of the distance between two bounds, left out at each end by random starts
EDGE = 1e-6  # of the span of starts: a start at a bound has no finite coordinate
TRIES = 20  # draws from a prior for each start: enough where 1 in 10 is within the bounds


@dataclass(frozen=True)
class Frame:
    """The coordinate u of an unknown: t(v) = centre + unit u on its scale t.

    With one bound, or two, the centre is 0 and the unit 1 (-1 for an upper bound alone, so that u
    is the logarithm of the distance); without bounds, centre and unit come from the values between
    which starts lie, or from the value that the parameters have.
    """

    unknown: Unknown
    given: float
    centre: float
    unit: float

    @classmethod
    def of(cls, unknown: Unknown, given: float) -> Frame:
        """The frame of an unknown whose value in the parameters is `given`."""
        below, above = unknown.scale.bounds
        if below or above:
            return cls(unknown, given, 0.0, 1.0 if below else -1.0)
        if unknown.start is not None:
            low, high = unknown.start
            return cls(unknown, given, 0.5 * (low + high), 0.5 * (high - low))
        return cls(unknown, given, given, abs(given) or 1.0)

    @property
    def scale(self) -> Scale:
        """On which the unknown has no bounds."""
        return self.unknown.scale

    def value(self, u: Any) -> Any:
        """v(u); pure."""
        return self.scale.backward(self.centre + self.unit * u)

    def coordinate(self, value: float) -> float:
        """u(v). Raises `ParameterError` for a value that is not between the bounds."""
        own = self.unknown
        if not own.low < value < own.high:
            raise ParameterError(
                f"{own.label} = {value:g} is not between its bounds {own.low:g} and {own.high:g}: "
                "give the parameters a value inside, or other bounds"
            )
        return (float(self.scale.forward(value)) - self.centre) / self.unit

    def random(self, generator: np.random.Generator, n: int) -> np.ndarray:
        """n random starts: from `start`, the prior, the bounds, or near the given value."""
        own = self.unknown
        if own.start is not None:
            return self._between(generator, n, *own.start)
        if own.prior is not None:
            return self._from_prior(generator, n)
        if all(self.scale.bounds):
            part = generator.uniform(INSIDE, 1 - INSIDE, n)
            return self._coordinates(own.low + (own.high - own.low) * part)
        return self.coordinate(self.given) + generator.uniform(-FAR, FAR, n)

    def _between(
        self, generator: np.random.Generator, n: int, low: float, high: float
    ) -> np.ndarray:
        own, both = self.unknown, all(self.scale.bounds)
        edge = EDGE * ((own.high - own.low) if both else high - low)

        def inside(values: Any) -> np.ndarray:
            return np.clip(values, own.low + edge, own.high - edge)

        if both:
            return self._coordinates(inside(generator.uniform(low, high, n)))
        ends = self._coordinates(inside([low, high]))
        return generator.uniform(ends.min(), ends.max(), n)

    def _from_prior(self, generator: np.random.Generator, n: int) -> np.ndarray:
        own = self.unknown
        assert own.prior is not None
        drawn = np.asarray(own.prior.sample(generator, TRIES * n))
        values = drawn[(drawn > own.low) & (drawn < own.high)][:n]
        if len(values) < n:
            raise ParameterError(
                f"{own.label}: the prior is almost nowhere within the bounds {own.low:g} and "
                f"{own.high:g}"
            )
        return self._coordinates(values)

    def _coordinates(self, values: Any) -> np.ndarray:
        return np.array([self.coordinate(float(v)) for v in values])
