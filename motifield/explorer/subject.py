"""What is explored: equations, the network's numbers, and the sliders that change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np

from ..errors import MotifieldError
from ..numerics.continuation import Feasible
from ..numerics.parameters import Parameters, check_feasible, check_numbers, violations
from ..numerics.system import System
from .sliders import Slider, sliders_of

INTERVALS, BISECTIONS = 24, 14
"""Of a slider, for the range at which statistics can be: its ends to 1e-5 of the whole, in 60
checks, which take a few hundredths of a second."""


@dataclass(frozen=True, eq=False)
class Subject:
    """The network of a page, at every position of its sliders.

    Args:
        system: the compiled equations.
        parameters: the network's numbers at the start, with defaults written out.
        sliders: what can be moved.
        title: what is explored.
        initial: where time courses begin, as `integrate` takes it.
        t1: where they end.
        settings: further options of `integrate`.
        spec: the spec as plain data, without its numbers; None where there is no spec.
    """

    system: System
    parameters: Parameters
    sliders: tuple[Slider, ...]
    title: str = ""
    initial: Any = None
    t1: float = 50.0
    settings: Mapping[str, Any] | None = None
    spec: Mapping[str, Any] | None = None

    @cached_property
    def _set(self) -> Any:
        """Base and values to parameters, compiled once: both are arguments."""

        def changed(parameters: Parameters, values: Any) -> Parameters:
            for k, own in enumerate(self.sliders):
                parameters = own.scalar.set(parameters, values[k])
            return parameters

        return jax.jit(changed)

    def at(self, values: Sequence[float]) -> Parameters:
        """The parameters at a position of the sliders, in NumPy's arrays; not checked."""
        made = self._set(self.parameters, np.asarray(values, dtype=float))
        return jax.tree.map(np.asarray, made)

    @cached_property
    def is_measured(self) -> bool:
        """Whether the numbers are beyond the bounds of an ensemble from the start.

        Statistics measured on a given network can be, by the errors of an estimate.
        """
        return bool(violations(self.parameters))

    def why_not(self, values: Sequence[float]) -> str:
        """Why no network has these numbers; "" where one has."""
        own = self.at(values)
        try:
            check_numbers(own)
            self.system.check(own)
            if not self.is_measured:
                check_feasible(own)
        except MotifieldError as error:
            return str(error)
        return ""

    def ranges(self, values: Sequence[float], k: int) -> list[tuple[float, float]]:
        """The ranges of the k-th slider at which a network has the numbers, the others as given."""
        own = self.sliders[k]

        def why_not(value: float) -> str:
            return self.why_not([*values[:k], value, *values[k + 1 :]])

        options = {"intervals": INTERVALS, "bisections": BISECTIONS}
        return Feasible(why_not, own.low, own.high, **options).ranges


def subject_of(
    system: System,
    parameters: Parameters,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    **about: Any,
) -> Subject:
    """The subject with the sliders of these ranges; its other arguments by name.

    Raises:
        ArchitectureError: a closure of fixed points alone.
        ParameterError: parameters that do not fit the equations, or sliders as `sliders_of` has it.
    """
    system.refuse_static("trajectory to show")
    system.check(parameters)
    own = system.complete(parameters, tuple(ranges or ()))
    return Subject(system, own, sliders_of(system, own, ranges), **about)
