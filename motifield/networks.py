"""Networks from files and memory, their statistics, and the spectrum of their connectivity."""

from .numerics.networks import (
    Network,
    ReadOptions,
    StandardErrors,
    Statistics,
    as_network,
    find_populations,
    measure,
    read_edges,
    read_network,
    spectral_radius,
)
from .numerics.stability import connectivity_spectrum

__all__ = [
    "Network",
    "ReadOptions",
    "StandardErrors",
    "Statistics",
    "as_network",
    "connectivity_spectrum",
    "find_populations",
    "measure",
    "read_edges",
    "read_network",
    "spectral_radius",
]
