"""Equations as code in other languages, with the numbers of the parameters written in."""

from .numerics.system import write

__all__ = [
    "write",
]
