"""Cells around the points of a grid, evenly spaced or not: coloured, hatched."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

LONE = 0.5  # half the width of the cell of a value that has no neighbour
MOST_SHAPES = 10_000
"""Cells that are shapes in a .pdf or .svg; more are pixels there, too."""


def edges(values: np.ndarray) -> np.ndarray:
    """The ends of cells around increasing values: halfway between neighbours."""
    if len(values) == 1:
        return np.array([values[0] - LONE, values[0] + LONE])
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def coloured(ax: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray, **settings: Any) -> Any:
    """A cell around each point; values: (x, y)."""
    are_pixels = values.size > MOST_SHAPES
    return ax.pcolormesh(edges(x), edges(y), values.T, rasterized=are_pixels, **settings)


def hatched(ax: Axes, x: np.ndarray, y: np.ndarray, where: np.ndarray, hatch: str) -> None:
    """Hatches over the cells in which `where`, (x, y), is true."""
    across, up = (np.repeat(edges(v), 2)[1:-1] for v in (x, y))  # a step at each end of a cell
    steps = where.astype(float).repeat(2, axis=0).repeat(2, axis=1)
    ax.contourf(across, up, steps.T, levels=[0.5, 1.5], colors="none", hatches=[hatch])
