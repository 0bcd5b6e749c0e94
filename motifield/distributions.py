"""Distributions of input currents and rates within populations."""

from .numerics.distributions import (
    RateDistribution as RateDistribution,
    RateStatistics as RateStatistics,
)
from .numerics.fixed_points import cavity_distribution as cavity_distribution
