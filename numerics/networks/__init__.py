"""Networks from files and memory, their statistics and the errors of these."""

from .communities import find_populations
from .edges import read_edges
from .files import SUFFIXES
from .jackknife import StandardErrors
from .network import Network, load_network, spectral_radius
from .readers import as_network, read_network
from .statistics import Statistics, load_statistics, measure

__all__ = [
    "SUFFIXES",
    "Network",
    "StandardErrors",
    "Statistics",
    "as_network",
    "find_populations",
    "load_network",
    "load_statistics",
    "measure",
    "read_edges",
    "read_network",
    "spectral_radius",
]
