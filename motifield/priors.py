"""Priors of unknowns, from values or from synaptic physiology."""

from .numerics.fitting import LogNormal, Normal, Prior, measured_priors, synaptic_priors

__all__ = [
    "LogNormal",
    "Normal",
    "Prior",
    "measured_priors",
    "synaptic_priors",
]
