"""Fits of parameters to measured rates: unknowns, free motifs, solvers."""

from .numerics.fitting import (
    FirstOrder as FirstOrder,
    Fit as Fit,
    FreeMotifs as FreeMotifs,
    LevenbergMarquardt as LevenbergMarquardt,
    Problem as Problem,
    Unknown as Unknown,
    dale as dale,
    fit as fit,
    read_amplitudes as read_amplitudes,
    read_connections as read_connections,
    solve as solve,
)
from .numerics.targets import Targets as Targets
