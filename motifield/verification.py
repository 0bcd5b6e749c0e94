"""Theory against sampled networks: ensembles, one given network, finite size, ablation."""

from .numerics.verification import (
    Ablation,
    FiniteSize,
    NetworkVerification,
    Verdict,
    Verification,
    ablate,
    finite_size,
    judge,
    verify,
    verify_network,
)

__all__ = [
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
