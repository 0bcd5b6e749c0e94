"""Gaussian averages as symbols, their derivatives and closed forms."""

from .bivariate import BivariateProbability, GatedProbability, OwenT
from .gaussian import GaussianAverage
from .intervals import Probability, TiltedProbability, tilt
from .nodes import ScaledCDF
from .probabilities import NODES

__all__ = [
    "NODES",
    "BivariateProbability",
    "GatedProbability",
    "GaussianAverage",
    "OwenT",
    "Probability",
    "ScaledCDF",
    "TiltedProbability",
    "tilt",
]
