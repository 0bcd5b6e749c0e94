"""Distributions of input currents and rates within populations."""

from .numerics.distributions import (
    Currents as Currents,
    RateDistribution as RateDistribution,
    RateStatistics as RateStatistics,
    rate_quantiles as rate_quantiles,
    rate_sd as rate_sd,
    within as within,
)
from .numerics.fixed_points import cavity_distribution as cavity_distribution
from .numerics.verification import rates_at_rest as rates_at_rest
