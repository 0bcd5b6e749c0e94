"""Expressions of one variable: parsed from text, cut into smooth pieces, their roots."""

from .affine_form import Affine, affine
from .parser import CONSTANTS, FUNCTIONS, X, parse, tame
from .pieces import Pieces, derivative, split
from .values import NoValueError, finite_value, value

__all__ = [
    "CONSTANTS",
    "FUNCTIONS",
    "Affine",
    "NoValueError",
    "Pieces",
    "X",
    "affine",
    "derivative",
    "finite_value",
    "parse",
    "split",
    "tame",
    "value",
]
