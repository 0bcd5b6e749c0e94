"""Generated code: JAX, NumPy, Julia, XPPAUT."""

from .averages import AverageCode
from .functions import function_code, names_of, opaque_functions
from .to_jax import RUNTIME, generate
from .to_julia import julia_module
from .to_numpy import numpy_module
from .to_xpp import T, xpp_ode

__all__ = [
    "RUNTIME",
    "AverageCode",
    "T",
    "function_code",
    "generate",
    "julia_module",
    "names_of",
    "numpy_module",
    "opaque_functions",
    "xpp_ode",
]
