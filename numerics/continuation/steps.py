"""How far and how many steps curves of fixed points and of bifurcations are followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


class StepOptions(TypedDict, total=False):
    """Options of `follow` and `bifurcation_curves`, as keyword arguments."""

    largest_step: float
    most_steps: int


@dataclass(frozen=True)
class Steps:
    """The steps along a curve.

    Args:
        largest_step: in arclength, states in units of their size and parameters in units of their
            bounds' width. At 2 % a curve is smooth in a picture.
        most_steps: of one curve in one direction.
    """

    largest_step: float = 0.02
    most_steps: int = 600
