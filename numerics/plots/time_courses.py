"""Time courses of populations, of theory or of networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .covered import uncover
from .style import (
    LABELS,
    MOST_POPULATIONS,
    first_of,
    legend_beside,
    of_quantities,
    panels,
    time_label,
)


def trajectories(solution: Any) -> Figure:
    """Mean input, its variance and mean rate over time, one curve per population.

    Args:
        solution: a result, or its dataset: `mean`, `variance`, `rate` over (time, population).
    """
    data = getattr(solution, "dataset", solution)

    def draw(ax: Axes, quantity: str, p: str, colour: str) -> None:
        course = data[quantity].sel(population=p)
        ax.plot(data["time"], course, color=colour, lw=1.3, label=str(p))

    return time_courses(solution, data["population"].values, draw)


def time_courses(
    shown: Any,
    names: Sequence[str] | np.ndarray,
    draw: Callable[[Axes, str, str, str], None],
    title: str = "",
) -> Figure:
    """A panel for each quantity, with the populations in their colours.

    Args:
        shown: names the unit of time.
        names: of all populations; the first ones are drawn.
        draw: draws the lines of one: of axes, quantity, population and colour.
        title: of the legend.
    """
    figure, axes = panels(len(LABELS))
    for ax, quantity in of_quantities(axes[0]):
        for k, p in enumerate(names[:MOST_POPULATIONS]):
            draw(ax, quantity, p, f"C{k}")
        ax.set_xlabel(time_label(shown))
    if more := first_of(MOST_POPULATIONS, names):
        title = f"{title}\n({more})" if title else more
    legend_beside(axes[0, -1], title=title or None, title_fontsize="small")
    uncover(*axes[0])
    return figure
