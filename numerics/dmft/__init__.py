"""Two-time dynamical mean-field theory: transients, stationary states, the onset of chaos."""

from .networks import standard_scores, stationary_networks
from .onset import Onset, onset_of_chaos
from .stationary import Stationary, stationary_dmft
from .transient import dmft

__all__ = [
    "Onset",
    "Stationary",
    "dmft",
    "onset_of_chaos",
    "standard_scores",
    "stationary_dmft",
    "stationary_networks",
]
