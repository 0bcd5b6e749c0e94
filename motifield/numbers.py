"""What counts as a number from outside: real, finite, and of a size that arithmetic survives."""

from __future__ import annotations

import math
from typing import Any

LARGEST = 1e50  # the product of six such numbers is still a number of float64
SHOWN = 40  # characters of a value that an error shows


def fault(value: Any) -> str:
    """Why a value is no number, as "is not a finite number"; empty if it is one.

    Texts and truth values are no numbers, also where Python would make numbers of them.
    """
    if isinstance(value, (bool, str, bytes)) or type(value).__name__.startswith("bool"):
        return "is not a number"
    try:
        number = float(value)
    except OverflowError:
        return f"is larger than {LARGEST:g}, the largest number"
    except (TypeError, ValueError):
        return "is not a number"
    if not math.isfinite(number):
        return "is not a finite number"
    return f"is larger than {LARGEST:g}, the largest number" if abs(number) > LARGEST else ""


def counted(count: int, word: str, plural: str = "") -> str:
    """How many there are, in words: 1 network, 2 networks, 2 branches."""
    return f"{count} {word if count == 1 else plural or word + 's'}"


def brief(value: Any) -> str:
    """A value as an error shows it, in few characters."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no integer of more than 4300 digits
        return "an integer of thousands of digits"
    return text if len(text) <= SHOWN + 10 else f"{text[:SHOWN]}..."
