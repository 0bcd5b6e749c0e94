"""Distributions of input currents and rates within populations."""

from .bends import breaks
from .clouds import clouds_at
from .currents import UNIT_CLOUD, Cloud, cloud
from .fixed_nodes import with_fixed_nodes
from .hermite import ORDER, Expansion, Series, product
from .rates import RATE_ORDER, RateDistribution, RateStatistics

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
    "cloud",
    "clouds_at",
    "product",
    "with_fixed_nodes",
]
