"""Compiled equations: the vector field, trajectories, units with filters, exports to other languages."""

from .autonomous import Autonomous, held
from .exports import write
from .one_average import Averaged, average, curves
from .system import OPTIONAL_INPUTS, System, compile
from .trajectories import STATE_NAMES, dataset, initial_state, integrate, named, trajectory
from .units import Units

__all__ = [
    "OPTIONAL_INPUTS",
    "STATE_NAMES",
    "Autonomous",
    "Averaged",
    "System",
    "Units",
    "average",
    "compile",
    "curves",
    "dataset",
    "held",
    "initial_state",
    "integrate",
    "named",
    "trajectory",
    "write",
]
