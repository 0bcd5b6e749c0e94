"""Gaussian averages as symbols, their derivatives and closed forms."""

from .gaussian import GaussianAverage
from .probabilities import (
    NODES,
    BivariateProbability,
    GatedProbability,
    OwenT,
    Probability,
    ScaledCDF,
    TiltedProbability,
    tilt,
)

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
