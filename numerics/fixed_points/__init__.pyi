"""Fixed points: one from a start, all of them, of many parameter sets, and their responses."""

from .batch import FixedPointBatch as FixedPointBatch, fixed_points_batch as fixed_points_batch
from .cavity import (
    CavityDistribution as CavityDistribution,
    cavity_distribution as cavity_distribution,
)
from .newton import same_root as same_root
from .point import LARGEST_RESIDUAL as LARGEST_RESIDUAL, FixedPoint as FixedPoint
from .point_batch import (
    FixedPointOfEach as FixedPointOfEach,
    fixed_point_batch as fixed_point_batch,
)
from .points import FixedPoints as FixedPoints, collected as collected
from .responses import Response as Response, response as response
from .search import fixed_points as fixed_points
from .settle import (
    ANYWHERE as ANYWHERE,
    KNOWN as KNOWN,
    NEARBY as NEARBY,
    Search as Search,
    settled as settled,
)
from .slowest_mode import growth as growth
from .solve import (
    check_point as check_point,
    fixed_point as fixed_point,
    pure_fixed_point as pure_fixed_point,
)
