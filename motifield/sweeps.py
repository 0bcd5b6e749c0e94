"""One verb at many points of parameters: grids, samples, tables; in memory or on disk."""

from .numerics.fixed_points import (
    FixedPointOfEach as FixedPointOfEach,
    fixed_point_batch as fixed_point_batch,
)
from .numerics.sweeps import (
    VERBS as VERBS,
    Sweep as Sweep,
    open_sweep as open_sweep,
    sweep_progress as sweep_progress,
    sweep_rate as sweep_rate,
    whole as whole,
)
from .numerics.system import (
    TrajectoryBatch as TrajectoryBatch,
    integrate_batch as integrate_batch,
)
