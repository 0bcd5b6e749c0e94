"""Evidence for a fit: models compared, profiles of single numbers, sampled networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from ...numbers import counted
from ..inference import Comparison, Confirmation, Profile
from .fit_targets import deviations
from .style import open_frame

INFORMATION = ("AIC", "AICc", "BIC")
FAR = 200.0
"""Differences beyond which the axis is logarithmic."""


def comparison(found: Comparison) -> Figure:
    """Information criteria of each model, and the errors of predictions of left-out targets.

    Args:
        found: of `compare`.
    """
    models = list(found.fits)
    folds = len(found.folds) > 0
    figure = Figure(figsize=(9.6 if folds else 5.6, 0.5 * len(models) + 1.6), layout="constrained")
    axes = figure.subplots(1, 2 if folds else 1, squeeze=False, sharey=True)[0]
    _information(axes[0], found, models)
    if folds:
        _cross_validation(axes[1], found)
    for ax in axes:
        open_frame(ax)
    return figure


def _information(ax: Axes, found: Comparison, models: list[str]) -> None:
    """Each criterion above its smallest value."""
    rows = found.rows()
    for k, name in enumerate(INFORMATION):
        values = np.array([row[name] for row in rows])
        there = np.flatnonzero(np.isfinite(values))
        if len(there):
            above = values[there] - values[there].min()
            ax.barh(there + 0.27 * (k - 1), above, 0.24, color=f"C{k}", label=name)
    if ax.get_xlim()[1] > FAR:  # AICc of models with almost as many parameters as targets
        ax.set_xscale("symlog", linthresh=10.0)
        ax.locator_params(axis="x", numticks=6)
    ax.set(xlabel="above the smallest", title="information criteria")
    ax.set_yticks(range(len(models)), models)
    ax.set_ylim(len(models) - 0.4, -0.6)
    ax.legend(frameon=False, fontsize="small")


def _cross_validation(ax: Axes, found: Comparison) -> None:
    rows = found.rows()
    means = np.array([row["cross-validated"] for row in rows])
    errors = np.array([row["its error"] for row in rows])
    ax.errorbar(means, range(len(rows)), xerr=errors, fmt="o", color="0.2", capsize=3)
    ax.set(xlabel="mean squared standardised error", title="targets left out, predicted")
    ax.set_xlim(left=0)


def profiles(found: Sequence[Profile]) -> Figure:
    """The rise of the loss along each number while all others adapt; dotted: its interval.

    Args:
        found: of `profile`, one for each number.
    """
    columns = min(3, len(found))
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(3.6 * columns, 2.9 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax, own in zip(axes.flat, found, strict=False):
        _profile(open_frame(ax), own)
    for ax in axes.flat[len(found) :]:
        ax.set_axis_off()
    return figure


def _profile(ax: Axes, own: Profile) -> None:
    allowed = float(stats.chi2.ppf(own.level, 1))
    values, rises = _with_ends(own, allowed)
    ax.plot(values, rises, "o-", ms=4, lw=1.2)
    ax.axhline(allowed, color="0.5", lw=0.9, ls="--")
    for end in own.interval:
        if np.isfinite(end):
            ax.axvline(end, color="C3", lw=0.9, ls=":")
    highest = float(np.max(own.rises[np.isfinite(own.rises)], initial=0.0))
    above = min(1.05 * highest, 4 * allowed) if highest > allowed else 1.5 * allowed
    ax.set(ylim=(-0.05 * allowed, above), xlabel=own.name, ylabel="rise of the loss")
    seen = values[rises <= above]
    pad = 0.08 * float(np.ptp(seen)) or 0.1 * abs(float(seen[0])) or 0.1
    ax.set_xlim(seen.min() - pad, seen.max() + pad)
    ax.tick_params(axis="x", labelsize="small")
    ax.locator_params(axis="x", nbins=5)


def _with_ends(own: Profile, allowed: float) -> tuple[np.ndarray, np.ndarray]:
    """Values and rises, with the ends of the interval where the rise passes what is allowed."""
    values, rises = own.values, own.rises
    for end in own.interval:
        k = int(np.searchsorted(values, end))
        if 0 < k < len(values) and values[k] != end:
            low, high = sorted(rises[k - 1 : k + 1])
            if low < allowed < high:
                values, rises = np.insert(values, k, end), np.insert(rises, k, allowed)
    return values, rises


def confirmation(found: Confirmation) -> Figure:
    """Theory minus the mean of sampled networks, in standard errors, for each target.

    Args:
        found: of `confirm`.
    """
    colours = ["C2" if agrees else "C3" for agrees in found.agrees]
    labels = list(found.fit.problem.targets.labels)
    figure = deviations(labels, found.z, np.zeros(len(labels)), colours, found.threshold)
    title = f"{counted(len(found.finite), 'network')} of {found.N} neurons"
    figure.axes[0].set(xlabel="(theory - networks) / standard error", title=title)
    return figure
