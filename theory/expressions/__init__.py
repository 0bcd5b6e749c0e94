"""Expressions of one variable: parsed from text, cut into smooth pieces, their roots."""

from .affine_form import Affine, affine
from .parser import CONSTANTS, FUNCTIONS, X, parse
from .pieces import Pieces, derivative, split

__all__ = [
    "CONSTANTS",
    "FUNCTIONS",
    "Affine",
    "Pieces",
    "X",
    "affine",
    "derivative",
    "parse",
    "split",
]
