"""What targets determine: errors, profiles, posteriors, comparison of models, confirmation by networks."""

from .confirmation import Confirmation, confirm
from .determined import Identifiability, identifiability
from .model_comparison import Comparison, compare
from .nuts import posterior, require_blackjax, summary
from .profiles import Profile, profile

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
    "require_blackjax",
    "summary",
]
