"""Fits of parameters to measured rates: unknowns, free motifs, solvers."""

from .numerics.fitting import (
    FirstOrder,
    Fit,
    FreeMotifs,
    LevenbergMarquardt,
    Problem,
    Unknown,
    dale,
    fit,
    read_amplitudes,
    read_connections,
)
from .numerics.targets import Targets

__all__ = [
    "FirstOrder",
    "Fit",
    "FreeMotifs",
    "LevenbergMarquardt",
    "Problem",
    "Targets",
    "Unknown",
    "dale",
    "fit",
    "read_amplitudes",
    "read_connections",
]
