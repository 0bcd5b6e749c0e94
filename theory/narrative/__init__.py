"""The derivation told as an article: text, symbols, references."""

from .narrative import LEVELS, narrate

__all__ = [
    "LEVELS",
    "narrate",
]
