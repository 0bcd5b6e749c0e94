"""Curves that others cover: what is equal is drawn beneath, wider and paler, so that it is seen."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.lines import Line2D

WIDER = 1.4
"""Points by which each curve above widens the one beneath."""
PALE = 0.5
"""Opacity of what is beneath, so that a curve above is seen in the same colour, too."""
SAME = 0.005
"""Part of the axes' height by which curves that look the same differ."""


def uncover(*axes: Axes) -> None:
    """Widen each line whose course later ones have, too, which hide it.

    Args:
        axes: on which all lines are drawn. Legends were made before, so that they show colours and
            dashes as they are elsewhere.
    """
    for ax in axes:
        _uncover(ax)


def _uncover(ax: Axes) -> None:
    """What counts is what is seen: on a logarithmic axis, other curves look equal."""
    ax.get_xlim(), ax.get_ylim()  # limits that follow what is drawn
    lines = [line for line in ax.get_lines() if line.get_linestyle() != "None"]
    courses = [_seen(ax, line) for line in lines]
    for k, line in enumerate(lines):
        above = sum(
            _hides(lines[j], line) and _is_along(courses[j], courses[k])
            for j in range(k + 1, len(lines))
        )
        if above:
            width, opacity = line.get_linewidth(), line.get_alpha() or 1.0
            line.set(linewidth=width + WIDER * above, alpha=min(opacity, PALE))


def _seen(ax: Axes, line: Line2D) -> np.ndarray:
    """Where a line goes, in parts of the axes' width and height, (point, 2)."""
    pixels = line.get_transform().transform(line.get_xydata())
    places = ax.transAxes.inverted().transform(pixels)
    return places[np.isfinite(places).all(axis=1)]


def _hides(above: Line2D, line: Line2D) -> bool:
    """Whether a line on the same course cannot be told from the one above.

    Through the gaps between dashes another colour is seen.
    """
    dashes = {own.get_linestyle() for own in (above, line)}
    same_colour = same_color(above.get_color(), line.get_color())
    return above.get_linestyle() == "-" or len(dashes) == 1 or same_colour


def _is_along(above: np.ndarray, course: np.ndarray) -> bool:
    """Whether a course follows the one above everywhere."""
    if len(course) < 2 or len(above) < 2:
        return False
    x, y = course.T
    if np.array_equal(x, above[:, 0]):
        there = above[:, 1]
    elif np.all(np.diff(above[:, 0]) > 0):
        there = np.interp(x, above[:, 0], above[:, 1], left=np.nan, right=np.nan)
    else:
        return False
    return bool(np.all(np.abs(there - y) <= SAME))
