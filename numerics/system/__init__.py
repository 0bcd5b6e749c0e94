"""Compiled equations: vector field, trajectories, units with filters, exports, averages."""

from .autonomous import Autonomous, held, held_inputs
from .average_curves import AverageCurves, curves
from .checks import OPTIONAL_INPUTS
from .exports import julia_module, numpy_module, save_equations, xpp_ode
from .one_average import Averaged, average
from .pure import pure_rates, pure_trajectory
from .states import STATE_NAMES, dataset, initial_state, named
from .system import System, compile
from .trajectories import Trajectory, integrate, trajectory
from .units import Units

__all__ = [
    "OPTIONAL_INPUTS",
    "STATE_NAMES",
    "Autonomous",
    "AverageCurves",
    "Averaged",
    "System",
    "Trajectory",
    "Units",
    "average",
    "compile",
    "curves",
    "dataset",
    "held",
    "held_inputs",
    "initial_state",
    "integrate",
    "julia_module",
    "named",
    "numpy_module",
    "pure_rates",
    "pure_trajectory",
    "save_equations",
    "trajectory",
    "xpp_ode",
]
