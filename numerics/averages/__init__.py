"""Gaussian averages <f>(mean, variance) and their derivatives, by closed forms and by quadrature.

Also of neurons that feel their own rate. Free of SymPy: generated code imports this room.
"""

from . import feedback
from .closed_at_defaults import ClosedAtDefaults
from .elementwise import flat, nth_derivative, piecewise
from .expectation import (
    Average,
    ByPopulation,
    Closed,
    Differentiable,
    Prepared,
    by_population,
)
from .inversion import invert
from .joint_probabilities import (
    bivariate,
    gated_probability,
    normal_cdf,
    scaled_cdf,
    tilted_probability,
)
from .legendre import legendre_panels
from .normal import density, hermite, probability, root, scaled_density, standardise
from .quadrature import TOLERANCE, Quadrature
from .rules import Rule
from .siegert import siegert_difference, siegert_rate, siegert_reset

__all__ = [
    "TOLERANCE",
    "Average",
    "ByPopulation",
    "Closed",
    "ClosedAtDefaults",
    "Differentiable",
    "Prepared",
    "Quadrature",
    "Rule",
    "bivariate",
    "by_population",
    "density",
    "feedback",
    "flat",
    "gated_probability",
    "hermite",
    "invert",
    "legendre_panels",
    "normal_cdf",
    "nth_derivative",
    "piecewise",
    "probability",
    "root",
    "scaled_cdf",
    "scaled_density",
    "siegert_difference",
    "siegert_rate",
    "siegert_reset",
    "standardise",
    "tilted_probability",
]
