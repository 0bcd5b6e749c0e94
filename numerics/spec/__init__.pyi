"""Spec files: a network, its parameters and a fit as TOML or JSON."""

from .fit import FitSpec as FitSpec
from .fitted import save_fitted_spec as save_fitted_spec
from .schema import arguments_of as arguments_of, spec_schema as spec_schema
from .spec import (
    Spec as Spec,
    closure_of as closure_of,
    equations_of as equations_of,
    load_spec as load_spec,
)
