"""What targets determine: errors, profiles, posteriors, comparison of models, confirmation."""

from .numerics.inference import (
    Comparison as Comparison,
    Confirmation as Confirmation,
    Identifiability as Identifiability,
    Posterior as Posterior,
    Profile as Profile,
    compare as compare,
    confirm as confirm,
    identifiability as identifiability,
    posterior as posterior,
    profile as profile,
)
