"""Networks from files and memory, their statistics, and the spectrum of their connectivity."""

from .numerics.networks import (
    Network as Network,
    ReadOptions as ReadOptions,
    StandardErrors as StandardErrors,
    Statistics as Statistics,
    as_network as as_network,
    find_populations as find_populations,
    measure as measure,
    measure_strengths as measure_strengths,
    read_edges as read_edges,
    read_network as read_network,
    spectral_radius as spectral_radius,
    split_by_strength as split_by_strength,
)
from .numerics.stability import connectivity_spectrum as connectivity_spectrum
