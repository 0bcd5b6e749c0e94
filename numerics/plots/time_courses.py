"""Time courses of populations, of theory or of networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .style import (
    LABELS,
    MOST_POPULATIONS,
    legend_beside,
    of_quantities,
    panels,
    time_label,
)

WIDTH, WIDER = 1.3, 1.4


def trajectories(solution: Any) -> Figure:
    """Mean input, its variance and mean rate over time, one curve per population.

    Args:
        solution: a result, or its dataset: `mean`, `variance`, `rate` over (time, population).
    """
    data = getattr(solution, "dataset", solution)
    figure, axes = panels(len(LABELS))
    names = data["population"].values
    for ax, quantity in of_quantities(axes[0]):
        drawn = names[:MOST_POPULATIONS]
        curves = [data[quantity].sel(population=p).values for p in drawn]
        for p, curve, width in zip(drawn, curves, _widths(curves), strict=True):
            ax.plot(data["time"], curve, lw=width, label=str(p))
        ax.set_xlabel(time_label(solution))
    more = f"first {MOST_POPULATIONS} of {len(names)}" if len(names) > MOST_POPULATIONS else None
    legend_beside(axes[0, -1], title=more, title_fontsize="small")
    return figure


def _widths(curves: list[np.ndarray]) -> list[float]:
    """Of lines: wider beneath each later one that is the same, so that both are seen."""
    curves = [np.where(np.isfinite(curve), curve, 0.0) for curve in curves]
    same = 0.005 * max((np.ptp(curve) for curve in curves), default=0.0)
    return [
        WIDTH + WIDER * sum(np.max(np.abs(curve - later)) <= same for later in curves[k + 1 :])
        for k, curve in enumerate(curves)
    ]
