"""Distributions of input currents and rates within populations."""

from .bends import breaks as breaks
from .clouds import clouds_at as clouds_at
from .components import (
    LEVELS as LEVELS,
    components_at as components_at,
    joined as joined,
    rate_quantiles as rate_quantiles,
    rate_sd as rate_sd,
    within as within,
)
from .currents import UNIT_CLOUD as UNIT_CLOUD, Cloud as Cloud, cloud as cloud
from .fixed_nodes import with_fixed_nodes as with_fixed_nodes
from .hermite import ORDER as ORDER, Expansion as Expansion, Series as Series, product as product
from .mixtures import Currents as Currents
from .rates import (
    RATE_ORDER as RATE_ORDER,
    RateDistribution as RateDistribution,
    RateStatistics as RateStatistics,
)
