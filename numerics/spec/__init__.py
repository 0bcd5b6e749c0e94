"""Spec files: a network, its parameters and a fit as TOML or JSON."""

from .fit import FitSpec
from .fitted import save_fitted_spec
from .spec import Spec, closure_of, load_spec

__all__ = [
    "FitSpec",
    "Spec",
    "closure_of",
    "load_spec",
    "save_fitted_spec",
]
