"""Theory against networks: ensembles, one given network, finite size, ablation of motifs."""

from .ablation import ALL, NONE, Ablation, ablate
from .chi_squared import Verdict, judge
from .differences import QUANTITIES
from .ensemble import Verification, verify
from .fluctuations import FiniteSize, finite_size
from .quenched import NetworkVerification, verify_network

__all__ = [
    "ALL",
    "NONE",
    "QUANTITIES",
    "Ablation",
    "FiniteSize",
    "NetworkVerification",
    "Verdict",
    "Verification",
    "ablate",
    "finite_size",
    "judge",
    "verify",
    "verify_network",
]
