"""Two-time dynamical mean-field theory: transients, stationary states, the onset of chaos."""

from .numerics.dmft import (
    Onset,
    Stationary,
    onset_of_chaos,
    standard_scores,
    stationary,
    stationary_networks,
    transient,
)

__all__ = [
    "Onset",
    "Stationary",
    "onset_of_chaos",
    "standard_scores",
    "stationary",
    "stationary_networks",
    "transient",
]
