"""Tests of every displayed equality on random numbers and random neurons."""

from .checks import Report, check
from .displayed import Equality, closed_averages, equalities

__all__ = [
    "Equality",
    "Report",
    "check",
    "closed_averages",
    "equalities",
]
