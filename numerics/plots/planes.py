"""The plane of two parameters: kinds of states, hatches, bifurcation curves, contours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..continuation import BifurcationCurves, PhaseDiagram
from .bifurcation import MARKS
from .cells import hatched
from .kinds import attractors
from .style import BULK_HATCH, BULK_TEXT, HATCH, NO_NETWORK, legend_beside, panels

CURVES = {"fold": ("k", "folds"), "Hopf": ("C3", "Hopf points")}
HATCHED = {HATCH: NO_NETWORK, BULK_HATCH: BULK_TEXT}
Handles = dict[str, Any]
"""Entries of a legend by their texts."""


def curves_diagram(curves: BifurcationCurves) -> Figure:
    """Curves of folds and Hopf points, with cusps and Bogdanov-Takens points.

    Args:
        curves: of `bifurcation_curves`.
    """
    figure, axes = panels(1, width=5.6, height=3.8)
    draw_curves(axes[0, 0], curves)
    (xlabel, ylabel), (xlim, ylim) = curves.names, curves.bounds
    axes[0, 0].set(xlabel=xlabel, ylabel=ylabel, xlim=xlim, ylim=ylim)
    return figure


def draw_curves(ax: Axes, curves: BifurcationCurves) -> None:
    """The curves on given axes; neutral saddles beyond a Bogdanov-Takens point are left out.

    Args:
        ax: axes of Matplotlib.
        curves: of `bifurcation_curves`.
    """
    handles = curve_lines(ax, curves)
    if handles:
        legend_beside(ax, list(handles.values()), list(handles))


def curve_lines(ax: Axes, curves: BifurcationCurves, across: bool = False) -> Handles:
    """The curves, and the entries of their legend; across: the first parameter is upward."""
    handles: Handles = {}
    turn = -1 if across else 1
    for curve in curves.curves:
        color, label = CURVES[curve.kind]
        x, y = curve.dataset["first"].values, curve.dataset["second"].values
        if "frequency" in curve.dataset:
            y = np.where(np.isfinite(curve.dataset["frequency"].values), y, np.nan)
        (line,) = ax.plot(*(x, y)[::turn], color=color, lw=1.6)
        if np.isfinite(y).any():
            handles[label] = line
    for s in curves.special:
        mark, label = MARKS[s.kind]
        at = tuple(s.value)[::turn]
        (handles[label],) = ax.plot(*at, mark, color="k", mfc="w", ms=8, zorder=5, ls="none")
    return handles


def phase_picture(diagram: PhaseDiagram) -> Figure:
    """The number of attractors as an image, with the curves of folds and Hopf points on top.

    Where there are states, but none is stable, activity oscillates: a colour of its own. Where the
    bulk of the network's spectrum makes one of the attractors unstable, there are dots.

    Args:
        diagram: of `phase_diagram`.
    """
    data = diagram.dataset
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    ax = figure.subplots()
    first, second = data["first"].values, data["second"].values
    failed = without_numbers(data["status"].values)
    counts = np.where(failed, np.nan, data["attractors"].values)
    kinds = attractors(counts, data["oscillating"].values, wrong(data["status"].values[failed]))
    kinds.draw(ax, first, second)
    handles: Handles = {}
    if diagram.curves is not None:
        handles = curve_lines(ax, diagram.curves)
    where = {HATCH: ~data["feasible"].values & ~failed}
    where[BULK_HATCH] = data["bulk_unstable"].values > 0
    handles |= {**kinds.handles(), **hatches(ax, first, second, where)}
    legend_beside(ax, list(handles.values()), list(handles))
    names, ends = diagram.names, [(v[0], v[-1]) for v in (first, second)]
    ax.set(xlabel=names[0], ylabel=names[1], xlim=ends[0], ylim=ends[1])
    return figure


FAILED = ("not permitted", "failed", "no number", "not computed")
"""How statuses begin of points without numbers."""


def without_numbers(statuses: np.ndarray) -> np.ndarray:
    """Which points have none."""
    own = [str(text).startswith(FAILED) for text in statuses.ravel()]
    return np.array(own, dtype=bool).reshape(statuses.shape)


def wrong(statuses: np.ndarray) -> str:
    """What a legend says of points without numbers."""
    kinds = sorted({str(text).split(":")[0] for text in statuses.ravel()} - {"no number"})
    return ": ".join(["no number", ", ".join(kinds)]) if kinds else "no number"


def hatches(ax: Axes, x: np.ndarray, y: np.ndarray, where: Mapping[str, np.ndarray]) -> Handles:
    """Cells (x, y) that are hatched, and the entries of their legend."""
    handles: Handles = {}
    for own, there in where.items():
        if there.any():
            hatched(ax, x, y, there, own)
            handles[HATCHED[own]] = Patch(facecolor="w", edgecolor="0.4", hatch=own)
    return handles
