"""Distributions of input currents and rates within populations."""

from .currents import UNIT_CLOUD, Cloud, breaks, cloud
from .fixed_nodes import with_fixed_nodes
from .hermite import ORDER, Expansion, Series, product
from .rates import RATE_ORDER, RateDistribution, RateStatistics, bulk_radius_square

__all__ = [
    "ORDER",
    "RATE_ORDER",
    "UNIT_CLOUD",
    "Cloud",
    "Expansion",
    "RateDistribution",
    "RateStatistics",
    "Series",
    "breaks",
    "bulk_radius_square",
    "cloud",
    "product",
    "with_fixed_nodes",
]
