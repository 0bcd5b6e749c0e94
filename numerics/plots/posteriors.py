"""Draws of a posterior: the histogram of each number, by chain."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..inference import Posterior
from .style import panels

BINS = 40  # of a few thousand draws: each holds enough to be smooth
COLUMNS = 3


def histograms(found: Posterior) -> Figure:
    """The draws of each number, a line for each chain; dotted: the central 95 % interval.

    Args:
        found: of `posterior`.
    """
    rows, value = found.rows(), found["value"]
    figure, axes = panels(min(COLUMNS, len(rows)), -(-len(rows) // COLUMNS))
    for ax, row in zip(axes.flat, rows, strict=False):
        own = value.sel(parameter=row["parameter"])
        bins = np.linspace(float(own.min()), float(own.max()), BINS + 1)
        for k, chain in enumerate(own.values):
            ax.hist(chain, bins, density=True, histtype="step", color=f"C{k % 10}", lw=0.9)
        for end in (row["low"], row["high"]):
            ax.axvline(end, color="0.4", ls=":", lw=1)
        ax.set(xlabel=row["parameter"], ylabel="density")
    for ax in axes.flat[len(rows) :]:
        ax.set_axis_off()
    return figure
