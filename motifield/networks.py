"""Networks from files and memory, their statistics, and the spectrum of their connectivity."""

from .numerics.networks import (
    Network,
    StandardErrors,
    Statistics,
    as_network,
    find_populations,
    load_network,
    load_statistics,
    measure,
    read_edges,
    read_network,
    spectral_radius,
)
from .numerics.stability import connectivity_spectrum

__all__ = [
    "Network",
    "StandardErrors",
    "Statistics",
    "as_network",
    "connectivity_spectrum",
    "find_populations",
    "load_network",
    "load_statistics",
    "measure",
    "read_edges",
    "read_network",
    "spectral_radius",
]
