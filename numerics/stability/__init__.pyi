"""Stability of networks: the bulk of the spectrum, its outliers, and the verdict."""

from .eigenvalues import Spectrum as Spectrum, spectrum as spectrum
from .gains import bulk_gains as bulk_gains
from .predictions import Spectral as Spectral, Stability as Stability
from .verdict import connectivity_spectrum as connectivity_spectrum, stability as stability
