"""Targets of fits: tables and files of measured numbers, single neurons, covariances."""

from .covariance import whitened, whitening, without
from .neuron_tables import read_cells
from .pools import Pools
from .targets import Targets

__all__ = [
    "Pools",
    "Targets",
    "read_cells",
    "whitened",
    "whitening",
    "without",
]
