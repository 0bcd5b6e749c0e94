"""Fixed points: one from a start, all of them, many parameter sets at once, and responses to parameters."""

from .batch import fixed_points_batch
from .cavity import cavity_distribution
from .point import FixedPoint, check_point, fixed_point
from .responses import Response, response
from .search import FixedPoints, collected, fixed_points
from .settle import ANYWHERE, KNOWN, NEARBY, Search, settled
from .slowest_mode import growth

__all__ = [
    "ANYWHERE",
    "KNOWN",
    "NEARBY",
    "FixedPoint",
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
    "response",
    "settled",
]
