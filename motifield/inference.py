"""What targets determine: errors, profiles, posteriors, comparison of models, confirmation."""

from .numerics.inference import (
    Comparison,
    Confirmation,
    Identifiability,
    Profile,
    compare,
    confirm,
    identifiability,
    posterior,
    profile,
)

__all__ = [
    "Comparison",
    "Confirmation",
    "Identifiability",
    "Profile",
    "compare",
    "confirm",
    "identifiability",
    "posterior",
    "profile",
]
