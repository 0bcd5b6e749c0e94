"""Arrays of finite real numbers from what a user gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ParameterError
from ...numbers import LARGEST, brief, fault

DEEPEST = 4  # nested lists: of pairs of populations and pairs of features


def reals(value: Any, what: str, names: Sequence[str] = ()) -> np.ndarray:
    """A float64 array from a number, an array or nested lists of numbers.

    Args:
        value: what was given; texts and truth values are no numbers.
        what: how an error calls it.
        names: of the populations that index it, for errors.

    Raises:
        ParameterError: something that is no number, is not finite or is too large.
    """
    if strange := _strange(value, DEEPEST):
        inside = "" if strange[0] == brief(value) else f": {strange[0]}"
        raise ParameterError(f"{what} = {brief(value)}{inside} is not a number")
    try:
        array = np.asarray(value, dtype=float)
    except OverflowError:
        raise ParameterError(
            f"{what} = {brief(value)} is larger than {LARGEST:g}, the largest number"
        ) from None
    except (TypeError, ValueError):
        raise ParameterError(f"{what} = {brief(value)} is not an array of numbers") from None
    wrong = ~(np.abs(array) <= LARGEST)
    if np.any(wrong):
        index = np.argwhere(wrong)[0].tolist()
        at = ",".join(names[k] if k < len(names) else str(k) for k in index)
        number = float(array[wrong].flat[0])
        raise ParameterError(f"{what}{f'[{at}]' if at else ''} = {number:g} {fault(number)}")
    return array


def real(value: Any, what: str) -> float:
    """One finite number.

    Raises:
        ParameterError: anything else.
    """
    array = reals(value, what)
    if array.ndim:
        raise ParameterError(f"{what} = {brief(value)} is not one number")
    return float(array)


def _strange(value: Any, depth: int) -> tuple[str, ...]:
    """What among nested lists is no number, as an error shows it; empty if there is nothing."""
    if isinstance(value, (list, tuple)):
        if depth == 0:
            return (brief(value),)
        return next((found for v in value if (found := _strange(v, depth - 1))), ())
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    texts = isinstance(value, (bool, str, bytes)) or value is None or kind in ("b", "U", "S", "c")
    return (brief(value),) if texts else ()
