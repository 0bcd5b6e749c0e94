"""One verb at many points of parameters: grids, samples, tables; in memory or on disk.

Workers give the same numbers, bit for bit, on processors of one kind: they check that versions and
XLA's flags are those of the process that asks. One that dies is replaced by its cluster, and its
block is done again. With `out`, on a disk that all of them share, workers write their blocks
themselves. Any cluster that has a Client will do:

    from dask.distributed import Client, LocalCluster
    from dask_jobqueue import SLURMCluster  # or PBSCluster, LSFCluster, ...
    cluster = SLURMCluster(cores=8, processes=8, memory="32GB", walltime="02:00:00")
    cluster.scale(jobs=10)  # of Kubernetes: dask_kubernetes.operator.KubeCluster(image=...)
    mf.sweep(system, par, over, "fixed_points", scheduler=Client(cluster), out="/shared/a.zarr")

Where JAX has several devices, these share each block, and round a few numbers otherwise in the last
place than one device does.
"""

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
