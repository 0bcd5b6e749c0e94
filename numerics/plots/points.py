"""Fixed points and the eigenvalues of the equations there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..fixed_points import FixedPoint, FixedPoints
from .style import MOST_POPULATIONS, legend_beside, panels, rate_label


def fixed_points(points: FixedPoints | Sequence[FixedPoint]) -> Figure:
    """Where fixed points are, and the eigenvalues of the equations at each.

    Args:
        points: of `fixed_points`, or several of `fixed_point`.

    Returns:
        Mean input and its standard deviation of each population, the number of the point beside
        it, stable ones filled; and eigenvalues by point.
    """
    figure, axes = panels(2, width=4.7, height=3.8)
    left, right = axes[0]
    for k, point in enumerate(points):
        _state(left, point, str(k + 1))
        _eigenvalues(right, point, k)
    right.axvline(0, color="0.3", lw=0.9, ls="--", zorder=0)
    first = points[0] if len(points) else None
    left.set(xlabel="mean input $K$", ylabel=r"its standard deviation $\sqrt{\Delta}$")
    right.set(
        xlabel=rate_label(first, "real part"),
        ylabel=rate_label(first, "imaginary part"),
        title="eigenvalues of the equations",
    )
    for ax in (left, right):
        ax.margins(0.12)
    if len(points):
        left.legend(handles=_legend(points), frameon=False, fontsize="small")
        values = np.concatenate([p.eigenvalues for p in points])
        height = 1.15 * max(np.abs(values.imag).max(), 0.25 * np.abs(values.real).max(), 1e-3)
        right.set_ylim(-height, height)
        legend_beside(right)
    return figure


def _state(ax: Axes, point: FixedPoint, label: str) -> None:
    """Means and standard deviations of a point's populations; the first ones larger."""
    mean = point.dataset["mean"].values[:MOST_POPULATIONS]
    variance = point.dataset["variance"].values[:MOST_POPULATIONS]
    deviation = np.sqrt(np.maximum(variance, 0))
    for p, (x, y) in enumerate(zip(mean.tolist(), deviation.tolist(), strict=True)):
        size = 7 + 2.5 * (len(mean) - 1 - p)
        face = f"C{p}" if point.stable else "w"
        ax.plot(x, y, "o", ms=size, mfc=face, mec=f"C{p}", mew=1.6)
        ax.annotate(label, (x, y), xytext=(8, 5), textcoords="offset points", fontsize="small")


def _eigenvalues(ax: Axes, point: FixedPoint, k: int) -> None:
    values = point.eigenvalues
    ax.plot(
        values.real,
        values.imag,
        "D" if point.kind == "saddle" else "o",
        ms=7,
        color=f"C{k}",
        mfc=f"C{k}" if point.stable else "w",
        mew=1.6,
        ls="none",
        label=f"point {k + 1}: {point.kind}",
    )


def _legend(points: FixedPoints | Sequence[FixedPoint]) -> list[Line2D]:
    names = [str(p) for p in points[0].dataset["population"].values[:MOST_POPULATIONS]]
    handles = [
        Line2D([], [], color=f"C{p}", marker="o", ls="none", label=name)
        for p, name in enumerate(names)
    ]
    if not all(point.stable for point in points):
        empty: dict[str, Any] = {"color": "0.4", "marker": "o", "mfc": "w", "ls": "none"}
        handles.append(Line2D([], [], label="not stable", **empty))
    return handles
