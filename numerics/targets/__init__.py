"""Measured numbers that a fit is to reproduce: tables, files, recordings of single neurons, covariances."""

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
