"""Targets of fits: tables and files of measured numbers, single neurons, covariances."""

from .covariance import whitened, whitening, without
from .pools import Pools
from .targets import Targets

__all__ = [
    "Pools",
    "Targets",
    "whitened",
    "whitening",
    "without",
]
