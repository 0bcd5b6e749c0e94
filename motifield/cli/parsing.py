"""Values of options: numbers, ranges, and names with values."""

from __future__ import annotations

from typing import Any

from ..errors import SpecError
from ..numbers import fault


def listed(option: str, text: str) -> list[float]:
    """Numbers separated by commas. Raises `SpecError` for anything else."""
    try:
        values = [float(v) for v in text.split(",")]
    except ValueError:
        raise SpecError(
            f"{option} {text!r} is not a number, or numbers separated by commas"
        ) from None
    if wrong := [reason for v in values if (reason := fault(v))]:
        raise SpecError(f"{option} {text!r} {wrong[0]}: give finite numbers")
    return values


def per_population(option: str, text: str) -> Any:
    """One number for all populations, or a list with one for each."""
    values = listed(option, text)
    return values[0] if len(values) == 1 else values


def span_of(option: str, text: str) -> tuple[float, float]:
    """Two different numbers."""
    ends = listed(option, text)
    if len(ends) != 2 or ends[0] == ends[1]:
        raise SpecError(f"{option} {text!r} must be two different numbers, LO,HI")
    return ends[0], ends[1]


def setting(text: str) -> tuple[str, float]:
    """Name and value of `--set`."""
    name, _, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        raise SpecError(
            f"--set {text!r} is not NAME=VALUE with a number as value, as gain=2"
        ) from None
    if reason := fault(number):
        raise SpecError(f"--set {text!r}: the value {reason}")
    return name.strip(), number


def varied(
    texts: list[str], option: str = "--vary"
) -> tuple[tuple[str, ...], tuple[tuple[float, float], ...]]:
    """Names and ranges of `--vary`, or of another option."""
    names: list[str] = []
    spans: list[tuple[float, float]] = []
    for text in texts:
        name, sign, ends = text.rpartition("=")
        if not sign:
            raise SpecError(f"{option} {text!r} is not NAME=LO,HI, as 'input=-.6,.6'")
        names.append(name.strip())
        first, last = span_of(option, ends)
        spans.append((min(first, last), max(first, last)))
    return tuple(names), tuple(spans)


def sizes_of(text: str) -> list[int]:
    """Network sizes of `--sizes`."""
    try:
        return [int(v) for v in text.split(",")]
    except ValueError:
        raise SpecError(f"--sizes {text!r} are not integers separated by commas") from None
