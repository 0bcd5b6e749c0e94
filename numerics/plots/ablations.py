"""Errors of theories without a class of motifs."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..verification import ALL, NONE, Ablation
from .style import panels

ERRORS = {
    "rate": "error of the mean rates (%)",
    "variance": "error of the variances (%)",
    "rate_sd": "error of the SDs of rates (%)",
}
COLOURS = {ALL: "C3", NONE: "0.65"}
FAR, LEAST = 100, 0.1
"""Errors beyond this many medians, as of a saturated population, are on a logarithmic axis, which
begins at the second, in per cent."""
MOST_DOTS = 30
"""Populations up to which each has a dot on the bar; of more, dots cover each other."""


def ablation(result: Ablation) -> Figure:
    """Errors of rates, variances and SDs of rates for every variant of the theory.

    Args:
        result: of `ablate`.

    Returns:
        Bars for the average over populations, dots for each population.
    """
    variants = [str(v) for v in result.dataset["variant"].values]
    figure, axes = panels(len(ERRORS), width=0.9 + 0.55 * len(variants), height=3.8)
    for ax, (name, label) in zip(axes[0], ERRORS.items(), strict=True):
        errors = 100 * result.dataset[f"{name}_error"].values
        colours = [COLOURS.get(v, "C0") for v in variants]
        ax.bar(range(len(variants)), errors.mean(axis=1), 0.62, color=colours, alpha=0.85)
        if 1 < errors.shape[1] <= MOST_DOTS:
            across = np.arange(len(variants))[:, None] + np.linspace(-0.24, 0.24, errors.shape[1])
            ax.plot(across.ravel(), errors.ravel(), ".", color="k", ms=3.5, alpha=0.6)
        if np.nanmax(errors, initial=0) > FAR * max(float(np.nanmedian(errors)), LEAST):
            ax.set_yscale("log")
            ax.set_ylim(bottom=LEAST)
        ticks = [v.replace("without ", "without\n").replace("statistics ", "\n") for v in variants]
        ax.set_xticks(range(len(variants)), ticks, fontsize="small", rotation=35, ha="right")
        ax.set_ylabel(label)
    return figure
