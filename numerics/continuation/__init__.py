"""Branches of fixed points, bifurcations and their curves, limit cycles, grids of attractors."""

from .branches import Branch, Branches
from .curve_results import BifurcationCurves
from .curves import bifurcation_curves
from .cycles import LimitCycles, limit_cycles
from .feasible_range import Feasible
from .grid import PhaseDiagram, phase_diagram
from .special_points import SpecialPoint
from .tracing import follow

__all__ = [
    "BifurcationCurves",
    "Branch",
    "Branches",
    "Feasible",
    "LimitCycles",
    "PhaseDiagram",
    "SpecialPoint",
    "bifurcation_curves",
    "follow",
    "limit_cycles",
    "phase_diagram",
]
