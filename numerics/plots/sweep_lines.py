"""Numbers of a sweep over one parameter: lines, fixed points as dots, words."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ..sweeps import FEASIBLE, GAIN, SAMPLE, STATUS
from .cells import edges
from .kinds import Kinds
from .planes import HATCHED, Handles
from .style import BULK_TEXT, HATCH, legend_outside, panels
from .sweep_shown import Each, Shown, along, label_of

DOTS: dict[str, dict[str, Any]] = {
    "stable": {"fillstyle": "full"},
    BULK_TEXT: {"fillstyle": "left"},
    "not stable": {"fillstyle": "none"},
}
"""Fixed points by what they are."""


def lines(shown: Shown, name: str, each: Each) -> Figure:
    """One panel; of samples one for each parameter.

    Args:
        shown: a sweep of one dimension.
        name: of a variable.
        each: the variable of each population.
    """
    (dim,) = shown.dims
    sampled = dim == SAMPLE
    axes_of = [(shown.data[n].values, n) for n in along(shown.data, dim)] if sampled else []
    axes_of = axes_of or [shown.axis(dim)]
    figure, axes = panels(len(axes_of), width=3.4 if sampled else 5.2, height=3.2)
    handles: Handles = {}
    for ax, (x, label) in zip(axes[0], axes_of, strict=True):
        kinds = shown.kinds(name)
        if name == STATUS and kinds is not None:
            _words(ax, x, kinds)
        elif "point" in each[0][1].dims:
            handles |= _points(ax, x, each, _stability(shown))
        else:
            handles |= _courses(ax, x, each, "." if sampled or kinds is not None else ".-")
            if kinds is not None:
                ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        if not sampled:
            handles |= _infeasible(ax, x, shown)
        ax.set(xlabel=label, ylabel=label_of(each[0][1]))
    if handles:
        legend_outside(figure, handles)
    return figure


def _words(ax: Axes, x: np.ndarray, kinds: Kinds) -> None:
    """A row for each word."""
    rows = {k: place for place, k in enumerate(kinds.seen)}
    for k, place in rows.items():
        own = x[kinds.codes == k]
        ax.plot(own, np.full(len(own), place), "o", ms=4, color=kinds.colours[k], mec="0.4")
    ax.set_yticks(list(rows.values()), [kinds.texts[k] for k in rows])
    ax.margins(y=0.2)


def _courses(ax: Axes, x: np.ndarray, each: Each, mark: str) -> Handles:
    drawn = [ax.plot(x, own.values, mark, ms=4, label=p or None)[0] for p, own in each]
    if len(each) < 2:
        return {}
    return {p: line for (p, _), line in zip(each, drawn, strict=True)}


def _stability(shown: Shown) -> dict[str, np.ndarray]:
    """Which fixed points, (place, point), are what; of static equations none is known."""
    if "stable" not in shown.data:
        return {"": np.ones(1, dtype=bool)}
    stable = shown.data["stable"].transpose(*shown.dims, "point").values
    grows = np.zeros(stable.shape, dtype=bool)
    if GAIN in shown.data:
        grows = shown.data[GAIN].transpose(*shown.dims, "point").values >= 1
    found = {
        "stable": (stable == 1) & ~grows,
        BULK_TEXT: (stable == 1) & grows,
        "not stable": stable == 0,
    }
    return {**found, "": np.isnan(stable)}


def _points(ax: Axes, x: np.ndarray, each: Each, kinds: dict[str, np.ndarray]) -> Handles:
    """Every fixed point a dot; no line, for their places change where their number does."""
    handles: Handles = {}
    if len(each) > 1:
        for k, (p, _) in enumerate(each):
            handles[p] = Line2D([], [], color=f"C{k}", marker="o", ls="none")
    for k, (_, own) in enumerate(each):
        values = own.values
        for kind, which in kinds.items():
            there = np.broadcast_to(which, values.shape) & np.isfinite(values)
            if not there.any():
                continue
            settings = {
                "color": f"C{k}",
                "marker": "o",
                "ms": 4,
                "ls": "none",
                **DOTS.get(kind, {}),
            }
            ax.plot(x[np.nonzero(there)[0]], values[there], **settings)
            if kind:
                handles[kind] = Line2D([], [], **{**settings, "color": "0.4", "ms": 6})
    return handles


def _infeasible(ax: Axes, x: np.ndarray, shown: Shown) -> Handles:
    """Hatches from the bottom to the top where no network has the statistics."""
    if FEASIBLE not in shown.data or np.any(np.diff(x) <= 0):
        return {}
    where = shown.data[FEASIBLE].values == 0
    if not where.any():
        return {}
    for low, high in zip(edges(x)[:-1][where], edges(x)[1:][where], strict=True):
        ax.axvspan(low, high, facecolor="none", edgecolor="0.75", hatch=HATCH, lw=0, zorder=0)
    return {HATCHED[HATCH]: Patch(facecolor="w", edgecolor="0.75", hatch=HATCH)}
