"""Stability of networks: the bulk of the spectrum, its outliers, and the verdict."""

from .bulk import spectral_radius
from .eigenvalues import Spectrum, spectrum
from .verdict import Spectral, Stability, connectivity_spectrum, stability

__all__ = [
    "Spectral",
    "Spectrum",
    "Stability",
    "connectivity_spectrum",
    "spectral_radius",
    "spectrum",
    "stability",
]
