"""Distributions of input currents and rates within populations."""

from .numerics.distributions import RateDistribution, RateStatistics
from .numerics.fixed_points import cavity_distribution

__all__ = [
    "RateDistribution",
    "RateStatistics",
    "cavity_distribution",
]
