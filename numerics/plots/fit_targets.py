"""Targets of a fit with their predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from ..fitting import Fit
from ..inference import Identifiability
from .style import open_frame, time_label

QUANTITIES = {
    "rate_mean": "mean rate",
    "rate_sd": "SD of rates across neurons",
    "rate_correlation": "correlation of rates across neurons",
    "rate_quantile": "quantile of rates",
    "rate_change": "change of the mean rate",
}
NOT_NEGATIVE = ("rate_mean", "rate_sd", "rate_quantile")
LETTERS = 100
"""Letters of labels side by side across a whole picture; of more, labels are slanted."""
USUAL = 2.0
"""Standard errors within which 95 % of normal deviations are."""
ROW = 2.9
"""Height of a row of panels, in inches."""

Canvas = Figure | SubFigure


def predictions(fit: Fit) -> Figure:
    """Targets with their errors and what the fit gives, populations by colour.

    Args:
        fit: of `fit`.

    Returns:
        Targets as dots, open where they are held out; the fit as bars, or curves over time.
    """
    figure = Figure(figsize=(11.5, ROW * rows_of(fit)), layout="constrained")
    draw_predictions(figure, fit)
    return figure


def held_out(fit: Fit, found: Identifiability | None = None) -> Figure:
    """Held-out targets: how many of their standard errors the predictions are off.

    Args:
        fit: of `fit`.
        found: of `identifiability`, for bars with the standard errors of the predictions.
    """
    which = np.flatnonzero(fit.problem.held_out)
    t = fit.problem.targets
    z = (fit.predictions - t.value)[which] / t.error[which]
    bars = np.zeros(len(z))
    if found is not None:
        bars = np.array([row["prediction error"] for row in found.held_out_rows()])
        bars = bars / t.error[which]
    labels = [fit.problem.label(int(k)) for k in which]
    names = _names(fit)
    colours = [f"C{names.index(t.population[k])}" for k in which]
    figure = deviations(labels, z, bars, colours)
    figure.axes[0].set(xlabel="(prediction - measured) / standard error", title="held out")
    return figure


def deviations(
    labels: list[str],
    z: np.ndarray,
    bars: np.ndarray,
    colours: list[str],
    usual: float = USUAL,
) -> Figure:
    """A row for each label with its deviation in standard errors, over a band of usual ones."""
    reach = 1.15 * float(np.max(np.abs(z) + np.where(np.isfinite(bars), bars, 0.0), initial=0.0))
    reach = max(reach, 1.5 * usual)
    figure = Figure(figsize=(6.6, 0.26 * len(labels) + 1.4), layout="constrained")
    ax = open_frame(figure.subplots())
    ax.axvspan(-usual, usual, color="0.93", zorder=0, label=f"{usual:.2g} standard errors")
    ax.axvline(0, color="0.3", lw=0.8)
    for k, (value, bar, colour) in enumerate(zip(z, bars, colours, strict=True)):
        ax.errorbar(value, k, xerr=min(bar, 10 * reach), fmt="o", ms=6, lw=1.2, color=colour)
    ax.set_yticks(range(len(labels)), labels, fontsize="small")
    ax.set(ylim=(len(labels) - 0.4, -0.6), xlim=(-reach, reach))
    return figure


def _names(fit: Fit) -> tuple[str, ...]:
    """Populations, then pools of them; each has a colour."""
    own = fit.problem.coordinates.parameters.populations
    return (*own, *dict.fromkeys(p for p in fit.problem.targets.population if p not in own))


def _panels(fit: Fit) -> dict[tuple[str, str], list[int]]:
    """Targets drawn together: at fixed points by quantity, over time by condition as well."""
    t = fit.problem.targets
    found: dict[tuple[str, str], list[int]] = {}
    for k in range(len(t)):
        over_time = np.isfinite(t.time[k])
        found.setdefault((t.quantity[k], _circumstance(fit, k) if over_time else ""), []).append(k)
    return found


def _circumstance(fit: Fit, k: int) -> str:
    """Condition, and the second one or the level, in words."""
    t = fit.problem.targets
    second = (
        f" - {t.against[k]}"
        if t.quantity[k] == "rate_change"
        else f", {t.against[k]}"
        if t.against[k]
        else ""
    )
    return (
        t.condition[k] + second + (f", {100 * t.level[k]:g} %" if np.isfinite(t.level[k]) else "")
    )


def _columns(fit: Fit) -> int:
    panels = _panels(fit)
    most = max((len(where) for (_, over), where in panels.items() if not over), default=0)
    return min(3 if most <= 12 else 2 if most <= 24 else 1, len(panels))


def rows_of(fit: Fit) -> int:
    """How many rows of panels the targets of a fit take."""
    return -(-len(_panels(fit)) // _columns(fit))


def draw_predictions(canvas: Canvas, fit: Fit) -> None:
    """Panels of targets and predictions, with a legend above them."""
    panels, columns = _panels(fit), _columns(fit)
    axes = canvas.subplots(rows_of(fit), columns, squeeze=False)
    for ax, ((quantity, over), which) in zip(axes.flat, panels.items(), strict=False):
        open_frame(ax).set_title(
            QUANTITIES[quantity] + (f", {over}" if over else ""), fontsize="medium"
        )
        ax.margins(y=0.1)
        if over:
            _course(ax, fit, which)
        else:
            _stationary(ax, fit, which, LETTERS // columns)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    _legend(canvas, fit)


def _stationary(ax: Axes, fit: Fit, which: list[int], letters: int) -> None:
    """Targets at fixed points, grouped by condition, a place for each population."""
    t, names = fit.problem.targets, _names(fit)
    groups = list(dict.fromkeys(_circumstance(fit, k) for k in which))
    there = [p for p in names if any(t.population[k] == p for k in which)]
    width = 0.8 / len(there)
    for k in which:
        place = there.index(t.population[k]) - (len(there) - 1) / 2
        x = groups.index(_circumstance(fit, k)) + place * width
        colour = f"C{names.index(t.population[k])}"
        face = "w" if t.held_out[k] else colour
        style: dict[str, Any] = {"fmt": "o", "ms": 5, "lw": 1.2, "capsize": 2}
        ax.errorbar(x, t.value[k], t.error[k], color=colour, mfc=face, **style)
        bar = [x - 0.42 * width, x + 0.42 * width]
        ax.plot(bar, [fit.predictions[k]] * 2, color="k", lw=2, zorder=3)
    crowded = len(groups) * max(map(len, groups)) > letters
    turned: dict[str, Any] = {"rotation": 25, "ha": "right"} if crowded else {}
    ax.set_xticks(range(len(groups)), groups, fontsize="small", **turned)
    ax.set_xlim(-0.6, len(groups) - 0.4)
    if all(t.quantity[k] in NOT_NEGATIVE for k in which):
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    else:
        ax.axhline(0, color="0.7", lw=0.8, zorder=0)


def _course(ax: Axes, fit: Fit, which: list[int]) -> None:
    t, names = fit.problem.targets, _names(fit)
    for p in dict.fromkeys(t.population[k] for k in which):
        own = np.array(sorted((k for k in which if t.population[k] == p), key=lambda k: t.time[k]))
        colour, held = f"C{names.index(p)}", t.held_out[own]
        ax.errorbar(
            t.time[own], t.value[own], t.error[own], fmt="none", ecolor=colour, alpha=0.4, lw=1
        )
        for part, face in ((own[~held], colour), (own[held], "w")):
            ax.plot(t.time[part], t.value[part], "o", ms=3.5, color=colour, mfc=face, alpha=0.75)
        ax.plot(t.time[own], fit.predictions[own], color="w", lw=3)
        ax.plot(t.time[own], fit.predictions[own], color=colour, lw=1.6)
    ax.set_xlabel(time_label(fit))


def _legend(canvas: Canvas, fit: Fit) -> None:
    t, names = fit.problem.targets, _names(fit)
    handles = [
        Line2D([], [], color=f"C{names.index(p)}", marker="o", ls="none", label=p)
        for p in names
        if p in t.populations
    ]
    if np.isfinite(t.time).any():
        handles.append(Line2D([], [], color="0.4", lw=1.6, label="fit over time"))
    if not np.isfinite(t.time).all():
        handles.append(Line2D([], [], color="k", lw=2, label="fit"))
    if t.held_out.any():
        handles.append(
            Line2D([], [], color="0.4", marker="o", mfc="w", ls="none", label="held out")
        )
    canvas.legend(
        handles=handles,
        loc="outside upper center",
        ncols=len(handles),
        frameon=False,
        fontsize="small",
    )
