"""Time courses of populations, of theory or of networks."""

from __future__ import annotations

from typing import Any

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
    figure, axes = panels(len(LABELS))
    names = data["population"].values
    for ax, quantity in of_quantities(axes[0]):
        for p in names[:MOST_POPULATIONS]:
            ax.plot(data["time"], data[quantity].sel(population=p), lw=1.3, label=str(p))
        ax.set_xlabel(time_label(solution))
    more = first_of(MOST_POPULATIONS, names)
    legend_beside(axes[0, -1], title=more, title_fontsize="small")
    uncover(*axes[0])
    return figure
