"""Branches of fixed points, bifurcations, limit cycles, curves of bifurcations, grids of attractors."""

from .branches import Branch, Branches
from .curves import BifurcationCurves, bifurcation_curves
from .cycles import LimitCycles, limit_cycles
from .grid import PhaseDiagram, phase_diagram
from .special_points import SpecialPoint
from .tracing import follow

__all__ = [
    "BifurcationCurves",
    "Branch",
    "Branches",
    "LimitCycles",
    "PhaseDiagram",
    "SpecialPoint",
    "bifurcation_curves",
    "follow",
    "limit_cycles",
    "phase_diagram",
]
