"""Priors of unknowns, from values or from synaptic physiology."""

from .numerics.fitting import (
    LogNormal as LogNormal,
    Normal as Normal,
    Prior as Prior,
    measured_priors as measured_priors,
    synaptic_priors as synaptic_priors,
)
