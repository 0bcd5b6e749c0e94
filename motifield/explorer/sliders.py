"""Sliders: scalar parameters by name, each with the range over which it moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ..errors import MotifieldError, ParameterError
from ..numerics.parameters import (
    MOTIFS,
    Constant,
    Parameters,
    Scalar,
    check_numbers,
    is_zero,
    scalar,
)
from ..numerics.system import System

STEPS = 400  # of a slider, from end to end: finer than a pointer moves
MOST_DEFAULT = 8  # more do not fit a screen
MOST_INPUTS = 3  # populations up to which each has a slider of its own
LARGEST_FACTOR, LARGEST_SIZE = 2.0, 4.0  # of factors, and of N, of what is given
MOST_MOTIFS = 4.0  # a factor of motifs that many networks do not reach


@dataclass(frozen=True, eq=False)
class Slider:
    """One scalar parameter and the range over which it moves.

    Args:
        scalar: the parameter.
        low: lowest value.
        high: highest value.
        start: the value that the network has, 1 of a factor.
    """

    scalar: Scalar
    low: float
    high: float
    start: float

    @property
    def name(self) -> str:
        """Of the parameter, as `motifield.scalar` takes it."""
        return self.scalar.name

    @property
    def step(self) -> float:
        """The least change: of numbers of neurons 1."""
        return 1.0 if self.name == "N" else float((self.high - self.low) / STEPS)


def sliders_of(
    system: System, parameters: Parameters, ranges: Mapping[str, tuple[float, float]] | None
) -> tuple[Slider, ...]:
    """Sliders for the parameters that are named, or for a choice of them.

    Args:
        system: the equations.
        parameters: the network's numbers, with defaults written out.
        ranges: lowest and highest value by name; None: motifs, means, variances, inputs, parameters
            of transfer functions and N, as far as the network has them, eight at most.

    Returns:
        The sliders, factors last: they multiply what the others set.

    Raises:
        ParameterError: an unknown name, a range that does not hold the network's own value or has
            values that no parameters have, or two sliders that set the same number.
    """
    if ranges is None:
        return tuple(_default(parameters))[:MOST_DEFAULT]
    if not ranges:
        raise ParameterError("an explorer needs one slider at least: name a parameter")
    found = [_slider(system, parameters, name, *ends) for name, ends in ranges.items()]
    for one, other in combinations(found, 2):
        _refuse_common(one.scalar, other.scalar)
    return tuple(sorted(found, key=lambda own: own.scalar.is_factor))


def _slider(system: System, parameters: Parameters, name: str, low: float, high: float) -> Slider:
    own = scalar(name, parameters)
    if not (np.isfinite([low, high]).all() and low < high):
        raise ParameterError(f"the slider {own.name} goes from {low:g} to {high:g}: give LO < HI")
    start = own.get(parameters)
    if not low <= start <= high:
        raise ParameterError(
            f"the slider {own.name} goes from {low:g} to {high:g}, without {start:g}, which the "
            "network has: widen its range"
        )
    for end in (low, high):
        changed = own.set(parameters, end)
        try:
            check_numbers(changed)
            system.check_neurons(changed)
        except MotifieldError as error:
            raise ParameterError(f"the slider {own.name} at {end:g}: {error}") from None
    return Slider(own, float(low), float(high), start)


def _refuse_common(one: Scalar, other: Scalar) -> None:
    """Raise `ParameterError` where two sliders set one number; factors multiply what is set."""
    if one.name == other.name:
        raise ParameterError(f"the slider {one.name} is given twice")
    if one.is_factor or other.is_factor:
        return
    for a in one.parts:
        for b in other.parts:
            if a.name == b.name and np.any(a.where & b.where):
                raise ParameterError(
                    f"the sliders {one.name} and {other.name} set the same numbers of {a.name}: "
                    "leave one out"
                )


def _default(parameters: Parameters) -> Iterator[Slider]:
    """The sliders of a network for which none are named."""
    fixed = parameters.strengths is not None  # components of strengths fix N, g and motifs
    if not fixed and any(np.any(np.asarray(getattr(parameters, m)) != 0) for m in MOTIFS):
        yield _made("factor(motifs)", parameters, 0.0, MOST_MOTIFS)
    yield _made("factor(mean)", parameters, 0.0, LARGEST_FACTOR)
    if not fixed:
        yield _made("factor(g)", parameters, 0.0, LARGEST_FACTOR)
    if isinstance(parameters.input, Constant) and parameters.P <= MOST_INPUTS:
        for name in parameters.populations:
            yield _around(f"input[{name}]", parameters)
    elif not is_zero(parameters.input) and isinstance(parameters.input, Constant):
        yield _made("factor(input)", parameters, 0.0, LARGEST_FACTOR)
    for name, values in parameters.transfer.items():
        if np.ptp(np.asarray(values)) == 0 and np.all(np.asarray(values) > 0):
            value = float(np.ravel(np.asarray(values))[0])
            ends = (value / LARGEST_FACTOR, value * LARGEST_FACTOR)
            yield _made(f"transfer.{name}", parameters, *ends)
        elif np.all(np.asarray(values) != 0):
            ends = (1 / LARGEST_FACTOR, LARGEST_FACTOR)
            yield _made(f"factor(transfer.{name})", parameters, *ends)
    if not fixed:
        N = float(parameters.N)
        ends = (max(round(N / LARGEST_SIZE), parameters.P), round(N * LARGEST_SIZE))
        yield _made("N", parameters, *map(float, ends))


def _made(name: str, parameters: Parameters, low: float, high: float) -> Slider:
    own = scalar(name, parameters)
    return Slider(own, low, high, own.get(parameters))


def _around(name: str, parameters: Parameters) -> Slider:
    """Around a number that may be 0 or negative."""
    own: Any = scalar(name, parameters)
    value = own.get(parameters)
    wide = max(1.0, 2 * abs(value))
    return Slider(own, value - wide, value + wide, value)
