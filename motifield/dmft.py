"""Two-time dynamical mean-field theory: transients, stationary states, the onset of chaos."""

from .numerics.dmft import (
    Onset as Onset,
    Stationary as Stationary,
    onset_of_chaos as onset_of_chaos,
    standard_scores as standard_scores,
    stationary as stationary,
    stationary_networks as stationary_networks,
    transient as transient,
)
