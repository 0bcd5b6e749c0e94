"""Two-time dynamical mean-field theory: transients, stationary states, the onset of chaos."""

from .numerics.dmft import (
    Onset as Onset,
    Stationary as Stationary,
    Transient as Transient,
    onset_of_chaos as onset_of_chaos,
    stationary as stationary,
    transient as transient,
)
from .numerics.verification import (
    StationaryNetworks as StationaryNetworks,
    standard_scores as standard_scores,
    stationary_networks as stationary_networks,
)
