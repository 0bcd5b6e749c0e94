"""Fits of parameters to measured rates: unknowns, priors, motifs, the problem, its minima."""

from .free_states import with_free_states
from .least_squares import FirstOrder, Lanes, LevenbergMarquardt, Minima, Solver
from .minima import LANES, Fit, fit, solve
from .motif_coordinates import CLASSES, FreeMotifs, MotifCoordinates
from .priors import LogNormal, Normal, Prior, measured_priors, synaptic_priors
from .problem import LARGEST_RESIDUAL, Problem
from .scales import Scale
from .synapse_tables import read_amplitudes, read_connections
from .unknowns import PERSISTENCE, Condition, Coordinates, Unknown, dale

__all__ = [
    "CLASSES",
    "LANES",
    "LARGEST_RESIDUAL",
    "PERSISTENCE",
    "Condition",
    "Coordinates",
    "FirstOrder",
    "Fit",
    "FreeMotifs",
    "Lanes",
    "LevenbergMarquardt",
    "LogNormal",
    "Minima",
    "MotifCoordinates",
    "Normal",
    "Prior",
    "Problem",
    "Scale",
    "Solver",
    "Unknown",
    "dale",
    "fit",
    "measured_priors",
    "read_amplitudes",
    "read_connections",
    "solve",
    "synaptic_priors",
    "with_free_states",
]
