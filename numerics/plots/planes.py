"""Bifurcation curves and numbers of attractors in the plane of two parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..continuation import BifurcationCurves, PhaseDiagram
from .bifurcation import MARKS
from .style import BULK_HATCH, BULK_TEXT, HATCH, legend_beside, panels

CURVES = {"fold": ("k", "folds"), "Hopf": ("C3", "Hopf points")}
OSCILLATION = -1
COLOURS = {
    OSCILLATION: "#f4b6a6",
    0: "#ffffff",
    1: "#dfe8f3",
    2: "#9dbfe0",
    3: "#5a8fc4",
    4: "#2c639c",
}
MORE = "#123d6b"
HATCHED = {HATCH: "no network has these statistics", BULK_HATCH: BULK_TEXT}
NAMES = {OSCILLATION: "oscillation (no stable state)", 0: "no state found", 1: "1 stable state"}


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
    handles = {}
    for curve in curves.curves:
        color, label = CURVES[curve.kind]
        x, y = curve.dataset["first"].values, curve.dataset["second"].values
        if "frequency" in curve.dataset:
            y = np.where(np.isfinite(curve.dataset["frequency"].values), y, np.nan)
        (line,) = ax.plot(x, y, color=color, lw=1.6)
        if np.isfinite(y).any():
            handles[label] = line
    for s in curves.special:
        mark, label = MARKS[s.kind]
        (handles[label],) = ax.plot(*s.value, mark, color="k", mfc="w", ms=8, zorder=5)
    if handles:
        legend_beside(ax, list(handles.values()), list(handles))


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
    kinds = np.where(data["oscillating"].values, OSCILLATION, data["attractors"].values)
    first, second = data["first"].values, data["second"].values
    _image(ax, kinds, first, second)
    hatched = {HATCH: ~data["feasible"].values, BULK_HATCH: data["bulk_unstable"].values > 0}
    for hatch, where in hatched.items():
        if where.any():
            half = [0.5, 1.5]
            ax.contourf(first, second, where.T, levels=half, colors="none", hatches=[hatch])
    if diagram.curves is not None:
        draw_curves(ax, diagram.curves)
    _legend(ax, [int(k) for k in np.unique(kinds)], [h for h, w in hatched.items() if w.any()])
    ax.set(
        xlabel=diagram.names[0],
        ylabel=diagram.names[1],
        xlim=(first[0], first[-1]),
        ylim=(second[0], second[-1]),
    )
    return figure


def _image(ax: Axes, kinds: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
    """A pixel around each grid point."""
    image = np.array([[to_rgb(_colour(int(k))) for k in row] for row in kinds.T])
    half = [(v[1] - v[0]) / 2 for v in (first, second)]
    extent = (first[0] - half[0], first[-1] + half[0], second[0] - half[1], second[-1] + half[1])
    ax.imshow(image, origin="lower", extent=extent, aspect="auto", interpolation="nearest")


def _colour(kind: int) -> str:
    return COLOURS.get(kind, MORE)


def _legend(ax: Axes, kinds: list[int], hatches: list[str]) -> None:
    """Beside the entries of the curves, those of the image."""
    own = ax.get_legend()
    handles: list[Any] = list(own.legend_handles) if own is not None else []
    texts = [t.get_text() for t in own.get_texts()] if own is not None else []
    handles += [Patch(facecolor=_colour(k), edgecolor="0.7") for k in kinds]
    texts += [NAMES.get(k, f"{k} stable states") for k in kinds]
    for hatch in hatches:
        handles.append(Patch(facecolor="w", edgecolor="0.4", hatch=hatch))
        texts.append(HATCHED[hatch])
    legend_beside(ax, handles, texts)
