"""Errors of theories without a class of motifs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..verification import ALL, NONE, SECOND_ORDER, TOLD, Ablation
from .rate_spreads import Rates, draw_rates
from .style import legend_beside, open_frame

ERRORS = {
    "rate": "error of the mean rates (%)",
    "variance": "error of the variances (%)",
    "rate_sd": "error of the SDs of rates (%)",
}
COLOURS = {ALL: "C3", SECOND_ORDER: "C0", NONE: "0.65"}
NETWORK, RATES = "network", ("rate", "rate_sd", "rate_quantile")
FAR, LEAST = 100, 0.1
"""Errors beyond this many medians, as of a saturated population, are on a logarithmic axis, which
begins at the second, in per cent."""
MOST_DOTS = 30
"""Populations up to which each has a dot on the bar; of more, dots cover each other."""


def ablation(result: Ablation) -> Figure:
    """Errors of rates, variances and SDs of rates for every variant of the theory, and the rates.

    Args:
        result: of `ablate`.

    Returns:
        Bars of errors for the average over populations, dots for each population; below, quantiles
        of the rates of the network and of the theory with everything, with second-order statistics
        alone, and without motifs.
    """
    variants = [str(v) for v in result.dataset["variant"].values]
    width = len(ERRORS) * (0.9 + 0.55 * len(variants))
    figure = Figure(figsize=(width, 7.2), layout="constrained")
    grid = figure.add_gridspec(2, len(ERRORS))
    _draw_errors([figure.add_subplot(grid[0, k]) for k in range(len(ERRORS))], result, variants)
    _draw_rates(figure.add_subplot(grid[1, :]), result, variants)
    return figure


def _draw_rates(ax: Axes, result: Ablation, variants: list[str]) -> None:
    d = result.dataset
    seen = d[[f"network_{name}" for name in RATES]].rename({f"network_{n}": n for n in RATES})
    found = {NETWORK: Rates.of(seen, seen["rate"])}
    for name in COLOURS:
        if name in variants:
            own = d[list(RATES)].sel(variant=name)
            found[name] = Rates.of(own, own["rate"])
    populations = [str(p) for p in d["population"].values]
    draw_rates(ax, found, populations, {NETWORK: "k", **COLOURS})
    legend_beside(ax)


def _draw_errors(axes: list[Axes], result: Ablation, variants: list[str]) -> None:
    for ax, (name, label) in zip(axes, ERRORS.items(), strict=True):
        open_frame(ax)
        errors = 100 * result.dataset[f"{name}_error"].values
        colours = [COLOURS.get(v, "C0") for v in variants]
        means = 100 * np.array([row[f"{TOLD[name]} error"] for row in result.rows()])
        known = np.where(np.isfinite(means), means, np.nan)
        errors = np.where(np.isfinite(errors), errors, np.nan)
        ax.bar(range(len(variants)), known, 0.62, color=colours, alpha=0.85)
        for k in np.flatnonzero(
            np.isnan(known)
        ).tolist():  # of a network at 0, or a theory that failed
            text = r"$\infty$" if np.isinf(means[k]) else "failed"
            where = ax.get_xaxis_transform()
            ax.text(k, 0.03, text, transform=where, ha="center", rotation=90, fontsize="small")
        if 1 < errors.shape[1] <= MOST_DOTS:
            across = np.arange(len(variants))[:, None] + np.linspace(-0.24, 0.24, errors.shape[1])
            ax.plot(across.ravel(), errors.ravel(), ".", color="k", ms=3.5, alpha=0.6)
        there = errors[np.isfinite(errors)]
        if len(there) and there.max() > FAR * max(float(np.median(there)), LEAST):
            ax.set_yscale("log")
            ax.set_ylim(bottom=LEAST)
        ticks = [v.replace("without ", "without\n").replace("statistics ", "\n") for v in variants]
        ax.set_xticks(range(len(variants)), ticks, fontsize="small", rotation=35, ha="right")
        ax.set_ylabel(label)
