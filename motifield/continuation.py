"""Branches of fixed points, bifurcations, limit cycles, curves, and grids of attractors."""

from .numerics.continuation import (
    BifurcationCurves,
    Branch,
    Branches,
    LimitCycles,
    PhaseDiagram,
    SpecialPoint,
    bifurcation_curves,
    follow,
    limit_cycles,
    phase_diagram,
)

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
