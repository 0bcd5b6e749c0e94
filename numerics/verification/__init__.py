"""Theory against networks: ensembles, one given network, finite size, ablation of motifs."""

from .ablation import ALL, NONE, SECOND_ORDER, TOLD, Ablation, ablate
from .chi_squared import Verdict, judge
from .differences import QUANTITIES
from .ensemble import Verification, verify
from .fluctuations import FiniteSize, finite_size
from .quenched import NetworkVerification, verify_network
from .rate_spread import rates_at_rest
from .sampled import simulate_sample
from .stationary import StationaryNetworks, standard_scores, stationary_networks

__all__ = [
    "ALL",
    "NONE",
    "QUANTITIES",
    "SECOND_ORDER",
    "TOLD",
    "Ablation",
    "FiniteSize",
    "NetworkVerification",
    "StationaryNetworks",
    "Verdict",
    "Verification",
    "ablate",
    "finite_size",
    "judge",
    "rates_at_rest",
    "simulate_sample",
    "standard_scores",
    "stationary_networks",
    "verify",
    "verify_network",
]
