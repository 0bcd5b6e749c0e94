"""A page to play with: sliders for a network's numbers, and what its theory says at once."""

from .inline import explore
from .specs import unnumbered
from .subject import Subject, subject_of

__all__ = ["Subject", "explore", "subject_of", "unnumbered"]
