"""Fixed points: one from a start, all of them, of many parameter sets, and their responses."""

from .batch import FixedPointBatch, fixed_points_batch
from .cavity import CavityDistribution, cavity_distribution
from .newton import same_root
from .point import LARGEST_RESIDUAL, FixedPoint
from .points import FixedPoints, collected
from .responses import Response, response
from .search import fixed_points
from .settle import ANYWHERE, KNOWN, NEARBY, Search, settled
from .slowest_mode import growth
from .solve import check_point, fixed_point, pure_fixed_point

__all__ = [
    "ANYWHERE",
    "KNOWN",
    "LARGEST_RESIDUAL",
    "NEARBY",
    "CavityDistribution",
    "FixedPoint",
    "FixedPointBatch",
    "FixedPoints",
    "Response",
    "Search",
    "cavity_distribution",
    "check_point",
    "collected",
    "fixed_point",
    "fixed_points",
    "fixed_points_batch",
    "growth",
    "pure_fixed_point",
    "response",
    "same_root",
    "settled",
]
