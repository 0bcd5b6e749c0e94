"""Pictures of what speaks for a fit: models compared, and profiles of single numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from ..inference import Comparison, Profile

INFORMATION = ("AIC", "AICc", "BIC")
FAR = 200.0
"""Differences beyond which the axis is logarithmic."""


def comparison(found: Comparison) -> Figure:
    """Information criteria of each model above the smallest one, and the errors of predictions of targets that were left out."""
    models, rows = list(found.fits), found.rows()
    folds = len(found.folds) > 0
    figure = Figure(figsize=(9.6 if folds else 5.6, 0.5 * len(models) + 1.6), layout="constrained")
    axes = figure.subplots(1, 2 if folds else 1, squeeze=False, sharey=True)[0]
    for k, name in enumerate(INFORMATION):
        values = np.array([row[name] for row in rows])
        if np.isfinite(values).any():
            least = values[np.isfinite(values)].min()
            there = np.flatnonzero(np.isfinite(values))
            axes[0].barh(
                there + 0.27 * (k - 1), values[there] - least, 0.24, color=f"C{k}", label=name
            )
    if axes[0].get_xlim()[1] > FAR:  # AICc of models with almost as many parameters as targets
        axes[0].set_xscale("symlog", linthresh=10.0)
    axes[0].set(xlabel="above the smallest", title="information criteria")
    axes[0].set_yticks(range(len(models)), models)
    axes[0].set_ylim(len(models) - 0.4, -0.6)
    axes[0].legend(frameon=False, fontsize="small")
    if folds:
        means, errors = (
            np.array([row["cross-validated"] for row in rows]),
            np.array([row["its error"] for row in rows]),
        )
        axes[1].errorbar(means, range(len(models)), xerr=errors, fmt="o", color="0.2", capsize=3)
        axes[1].set(xlabel="mean squared standardised error", title="targets left out, predicted")
        axes[1].set_xlim(left=0)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def profiles(found: Sequence[Profile]) -> Figure:
    """The rise of the loss along numbers that are held while all others adapt; dotted where the interval ends."""
    columns = min(3, len(found))
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(3.6 * columns, 2.9 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax, own in zip(axes.flat, found, strict=False):
        allowed = float(stats.chi2.ppf(own.level, 1))
        ax.plot(own.values, own.rises, "o-", ms=4, lw=1.2)
        ax.axhline(allowed, color="0.5", lw=0.9, ls="--")
        for end in own.interval:
            if np.isfinite(end):
                ax.axvline(end, color="C3", lw=0.9, ls=":")
        seen = own.rises[np.isfinite(own.rises)]
        ax.set_ylim(
            -0.05 * allowed,
            min(float(seen.max()) * 1.05, 4 * allowed)
            if len(seen) and seen.max() > allowed
            else 1.5 * allowed,
        )
        ax.set(xlabel=own.name, ylabel="rise of the loss")
        ax.tick_params(axis="x", labelsize="small")
        ax.locator_params(axis="x", nbins=5)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes.flat[len(found) :]:
        ax.set_axis_off()
    return figure
