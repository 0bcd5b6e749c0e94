"""Networks from files and memory, their statistics and the errors of these."""

from .communities import find_populations
from .composition import anatomy
from .edges import read_edges
from .files import SUFFIXES
from .jackknife import StandardErrors
from .network import Network, as_seed
from .options import ReadOptions
from .radius import spectral_radius
from .readers import read_network
from .sources import as_network
from .statistics import Statistics, measure

__all__ = [
    "SUFFIXES",
    "Network",
    "ReadOptions",
    "StandardErrors",
    "Statistics",
    "anatomy",
    "as_network",
    "as_seed",
    "find_populations",
    "measure",
    "read_edges",
    "read_network",
    "spectral_radius",
]
