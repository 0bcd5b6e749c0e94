"""Equations as code in other languages, with the numbers of the parameters written in."""

from .numerics.system import julia_module, numpy_module, save_equations as save, xpp_ode

__all__ = ["julia_module", "numpy_module", "save", "xpp_ode"]
