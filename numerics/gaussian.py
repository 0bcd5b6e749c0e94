"""All that generated code needs: Gaussian averages, and the functions in their closed forms."""

from .bivariate import bivariate, gated_probability, normal_cdf, scaled_cdf, tilted_probability
from .elementwise import flat, piecewise
from .expectation import Average, ByPopulation, Closed, Prepared, by_population
from .normal import density, probability, root, scaled_density, standardise
from .quadrature import Quadrature
from .siegert import siegert_difference, siegert_rate, siegert_reset

__all__ = [
    "Average",
    "ByPopulation",
    "Closed",
    "Prepared",
    "Quadrature",
    "bivariate",
    "by_population",
    "density",
    "flat",
    "gated_probability",
    "normal_cdf",
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
