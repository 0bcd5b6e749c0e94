"""Two-time dynamical mean-field theory: transients, stationary states, the onset of chaos."""

from .long_times import Stationary, stationary
from .onset import Onset, onset_of_chaos
from .terms import require_dmft
from .two_times import Transient, transient

__all__ = [
    "Onset",
    "Stationary",
    "Transient",
    "onset_of_chaos",
    "require_dmft",
    "stationary",
    "transient",
]
