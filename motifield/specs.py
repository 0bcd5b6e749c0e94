"""Spec files: a network, its parameters and a fit as TOML or JSON."""

from .numerics.spec import FitSpec, Spec, load_spec, save_fitted_spec

__all__ = [
    "FitSpec",
    "Spec",
    "load_spec",
    "save_fitted_spec",
]
