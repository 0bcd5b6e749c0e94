"""Fits of parameters to measured rates: unknowns, priors, motifs, the problem, its minima."""

from .conditions import Condition
from .coordinates import Coordinates
from .free_states import with_free_states
from .lanes import Lanes
from .least_squares import FirstOrder, LevenbergMarquardt, Minima, Solver
from .minima import Fit
from .motif_coordinates import FreeMotifs, MotifCoordinates
from .physiology import measured_priors, synaptic_priors
from .priors import LogNormal, Normal, Prior
from .problem import LARGEST_RESIDUAL, Problem
from .scales import Scale
from .search import LANES, fit, solve
from .synapse_tables import read_amplitudes, read_connections
from .unknowns import PERSISTENCE, Unknown, dale

__all__ = [
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
