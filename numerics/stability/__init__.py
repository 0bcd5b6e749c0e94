"""Stability of networks: the bulk of the spectrum, its outliers, and the verdict."""

from .eigenvalues import Spectrum, spectrum
from .gains import bulk_gains
from .predictions import Spectral, Stability
from .verdict import connectivity_spectrum, stability

__all__ = [
    "Spectral",
    "Spectrum",
    "Stability",
    "bulk_gains",
    "connectivity_spectrum",
    "spectrum",
    "stability",
]
