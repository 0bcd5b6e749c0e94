"""A function of one variable as smooth pieces, with derivatives as generalised functions."""

from __future__ import annotations

CHECKED = (
    60.0  # range in which pieces are compared with the function, and half the number of points
)
POINTS = 1000
