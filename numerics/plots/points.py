"""Pictures of fixed points; each function returns a Matplotlib figure."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..fixed_points import FixedPoint, FixedPoints

MOST_POPULATIONS = 6


def fixed_points(points: FixedPoints) -> Figure:
    """Where the points are, mean input and its standard deviation of each population with the number of the point beside it, stable ones filled;
    and the eigenvalues of the equations at each, by kind.
    """
    figure = Figure(figsize=(9.4, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    shown = min(len(points.populations), MOST_POPULATIONS)
    for k, point in enumerate(points):
        deviation = np.sqrt(np.maximum(point.dataset["variance"].values, 0))
        for p in range(shown):
            x, y = float(point.dataset["mean"].values[p]), float(deviation[p])
            left.plot(
                x,
                y,
                "o",
                ms=7 + 2.5 * (shown - 1 - p),
                mfc=f"C{p}" if point.stable else "w",
                mec=f"C{p}",
                mew=1.6,
            )
            left.annotate(
                str(k + 1), (x, y), xytext=(8, 5), textcoords="offset points", fontsize="small"
            )
        values = point.eigenvalues
        right.plot(
            values.real,
            values.imag,
            _mark(point),
            ms=7,
            color=f"C{k}",
            mfc=f"C{k}" if point.stable else "w",
            mew=1.6,
            ls="none",
            label=f"point {k + 1}: {point.kind}",
        )
    right.axvline(0, color="0.3", lw=0.9, ls="--", zorder=0)
    handles = [
        Line2D([], [], color=f"C{p}", marker="o", ls="none", label=name)
        for p, name in enumerate(points.populations[:MOST_POPULATIONS])
    ]
    handles.append(Line2D([], [], color="0.4", marker="o", mfc="w", ls="none", label="not stable"))
    left.legend(handles=handles, frameon=False, fontsize="small")
    left.set(xlabel="mean input $K$", ylabel=r"its standard deviation $\sqrt{\Delta}$")
    right.set(
        xlabel="real part (1 / time)",
        ylabel="imaginary part (1 / time)",
        title="eigenvalues of the equations",
    )
    left.margins(0.12)
    right.margins(0.12)
    if len(points):
        values = np.concatenate([p.eigenvalues for p in points])
        height = 1.15 * max(np.abs(values.imag).max(), 0.25 * np.abs(values.real).max(), 1e-3)
        right.set_ylim(-height, height)
        right.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def _mark(point: FixedPoint) -> str:
    return "D" if point.kind == "saddle" else "o"
