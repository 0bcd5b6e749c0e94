"""Spec files: a network, its parameters and a fit as TOML or JSON."""

from .numerics.spec import (
    FitSpec as FitSpec,
    Spec as Spec,
    load_spec as load_spec,
    save_fitted_spec as save_fitted_spec,
    spec_schema as spec_schema,
)
