"""Equations as code in other languages, with the numbers of the parameters written in."""

from .numerics.system import julia_module, numpy_module, xpp_ode
from .numerics.system import save_equations as save

__all__ = [
    "julia_module",
    "numpy_module",
    "save",
    "xpp_ode",
]
