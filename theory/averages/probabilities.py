"""What closed forms of Gaussian averages are written in: probabilities of normal variables.

Every node has `explicit()` (erf, exp, Phi_2 and Owen's T), derivatives with respect to mean and
variance, digits by mpmath, and LaTeX.
"""

from __future__ import annotations

import sympy as sp

from .bivariate import BivariateProbability, GatedProbability, OwenT
from .intervals import Probability, TiltedProbability
from .nodes import DensityMoment, NormalCDF, ScaledCDF, ScaledDensity

NODES = (
    NormalCDF,
    ScaledCDF,
    Probability,
    ScaledDensity,
    DensityMoment,
    TiltedProbability,
    BivariateProbability,
    GatedProbability,
    OwenT,
)


def explicit(expression: sp.Expr) -> sp.Expr:
    """Write the nodes of a closed form in erf, exp, Phi_2 and Owen's T."""
    written = expression.replace(lambda e: isinstance(e, NODES), lambda e: e.explicit())
    return written.replace(
        NormalCDF, lambda h: NormalCDF(h).explicit()
    )  # of a bivariate probability with an infinite limit
