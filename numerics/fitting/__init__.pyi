"""Fits of parameters to measured rates: unknowns, priors, motifs, the problem, its minima."""

from .conditions import Condition as Condition
from .coordinates import Coordinates as Coordinates
from .free_states import with_free_states as with_free_states
from .lanes import Lanes as Lanes
from .least_squares import (
    FirstOrder as FirstOrder,
    LevenbergMarquardt as LevenbergMarquardt,
    Minima as Minima,
    Solver as Solver,
)
from .minima import Fit as Fit
from .motif_coordinates import FreeMotifs as FreeMotifs, MotifCoordinates as MotifCoordinates
from .physiology import measured_priors as measured_priors, synaptic_priors as synaptic_priors
from .priors import LogNormal as LogNormal, Normal as Normal, Prior as Prior
from .problem import LARGEST_RESIDUAL as LARGEST_RESIDUAL, Problem as Problem
from .scales import Scale as Scale
from .search import LANES as LANES, fit as fit, solve as solve
from .synapse_tables import read_amplitudes as read_amplitudes, read_connections as read_connections
from .unknowns import PERSISTENCE as PERSISTENCE, Unknown as Unknown, dale as dale
