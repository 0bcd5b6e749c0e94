"""Time courses of the mean-field equations."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from ..verification import QUANTITIES
from .verification import LABELS, _figure


def trajectories(solution: xr.Dataset) -> Figure:
    """Mean input, its variance and mean rate over time, one curve per population."""
    figure, axes = _figure(len(QUANTITIES))
    for ax, quantity in zip(axes[0], QUANTITIES, strict=True):
        for p in solution["population"].values:
            ax.plot(solution["time"], solution[quantity].sel(population=p), lw=1.3, label=str(p))
        ax.set(xlabel="time", ylabel=LABELS[quantity])
    axes[0, 0].legend(frameon=False, fontsize="small")
    return figure
