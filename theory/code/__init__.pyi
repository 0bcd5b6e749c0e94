"""Generated code: JAX, NumPy, Julia, XPPAUT."""

from .averages import AverageCode as AverageCode
from .functions import (
    function_code as function_code,
    names_of as names_of,
    opaque_functions as opaque_functions,
)
from .to_jax import RUNTIME as RUNTIME, generate as generate
from .to_julia import julia_module as julia_module
from .to_numpy import numpy_module as numpy_module
from .to_xpp import T as T, xpp_ode as xpp_ode
