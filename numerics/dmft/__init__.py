"""Two-time dynamical mean-field theory: transients, stationary states, the onset of chaos."""

from .long_times import Stationary, stationary
from .networks import standard_scores, stationary_networks
from .onset import Onset, onset_of_chaos
from .two_times import transient

__all__ = [
    "Onset",
    "Stationary",
    "onset_of_chaos",
    "standard_scores",
    "stationary",
    "stationary_networks",
    "transient",
]
