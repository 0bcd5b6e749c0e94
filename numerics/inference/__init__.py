"""Inference from fits: identifiability, profiles, posteriors, comparison, confirmation."""

from .confirmation import Confirmation, confirm
from .determined import Identifiability, identifiability
from .draws import Posterior, require_arviz
from .model_comparison import Comparison, compare
from .nuts import posterior, require_blackjax
from .profiles import Profile, profile

__all__ = [
    "Comparison",
    "Confirmation",
    "Identifiability",
    "Posterior",
    "Profile",
    "compare",
    "confirm",
    "identifiability",
    "posterior",
    "profile",
    "require_arviz",
    "require_blackjax",
]
