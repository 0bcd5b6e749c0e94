"""Tests of every displayed equality on random numbers and random neurons."""

from .checks import Report, check
from .displayed import Equality, equalities

__all__ = [
    "Equality",
    "Report",
    "check",
    "equalities",
]
