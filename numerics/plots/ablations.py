"""Pictures of ablations; each function returns a Matplotlib figure."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..verification import ALL, NONE, Ablation

LABELS = {"rate": "error of the mean rates (%)", "variance": "error of the variances (%)"}
COLOURS = {ALL: "C3", NONE: "0.65"}
MOST_POPULATIONS = 30


def ablation(result: Ablation) -> Figure:
    """Error of rates and of variances for every variant of the theory, averaged over populations (bars), and of each population (dots)."""
    figure = Figure(figsize=(8.6, 3.6), layout="constrained")
    variants = [str(v) for v in result.dataset["variant"].values]
    for ax, (name, label) in zip(figure.subplots(1, 2), LABELS.items(), strict=True):
        errors = 100 * result.dataset[f"{name}_error"].values
        ax.bar(
            range(len(variants)),
            errors.mean(axis=1),
            0.62,
            color=[COLOURS.get(v, "C0") for v in variants],
            alpha=0.85,
        )
        if 1 < errors.shape[1] <= MOST_POPULATIONS:
            across = np.arange(len(variants))[:, None] + np.linspace(-0.24, 0.24, errors.shape[1])
            ax.plot(across.ravel(), errors.ravel(), ".", color="k", ms=3.5, alpha=0.6)
        ax.set_xticks(
            range(len(variants)),
            [v.replace("without ", "without\n") for v in variants],
            fontsize="small",
            rotation=35,
            ha="right",
        )
        ax.set_ylabel(label)
        ax.spines[["top", "right"]].set_visible(False)
    return figure
