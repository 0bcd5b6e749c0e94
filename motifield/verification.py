"""Theory against sampled networks: ensembles, one given network, finite size, ablation."""

from .numerics.verification import (
    Ablation as Ablation,
    FiniteSize as FiniteSize,
    NetworkVerification as NetworkVerification,
    Verdict as Verdict,
    Verification as Verification,
    ablate as ablate,
    finite_size as finite_size,
    judge as judge,
    verify as verify,
    verify_network as verify_network,
)
