"""Branches of fixed points, bifurcations, limit cycles, curves, and grids of attractors."""

from .numerics.continuation import (
    BifurcationCurves as BifurcationCurves,
    Branch as Branch,
    Branches as Branches,
    LimitCycles as LimitCycles,
    PhaseDiagram as PhaseDiagram,
    SpecialPoint as SpecialPoint,
    bifurcation_curves as bifurcation_curves,
    follow as follow,
    limit_cycles as limit_cycles,
    phase_diagram as phase_diagram,
)
