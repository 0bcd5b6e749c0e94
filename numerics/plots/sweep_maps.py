"""Numbers of a sweep over two parameters as maps, and at values of a third."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import AbstractPathEffect, withStroke

from ...errors import ParameterError
from ..continuation import BifurcationCurves, PhaseDiagram
from ..sweeps import FEASIBLE, STATUS
from .cells import coloured
from .kinds import COLOURS, NOTHING, Kinds
from .planes import Handles, curve_lines, hatches, wrong
from .style import BULK_HATCH, HATCH, legend_below, legend_outside, panels
from .sweep_shown import ATTRACTORS, Each, Shown, label_of

MOST_PANELS = 9
"""Values of a third dimension that are drawn."""
COLUMNS = 3
SAID = (ATTRACTORS, "count", STATUS)
"""Variables whose kinds say what they are."""
CONTOURS = 6
"""How many there are, unless a call says otherwise."""


@dataclass(frozen=True)
class Panel:
    """One map.

    Args:
        title: above it.
        values: (x, y).
        at: place along a third dimension, None where there is none.
    """

    title: str
    values: xr.DataArray
    at: int | None


def maps(
    shown: Shown,
    name: str,
    each: Each,
    contours: Sequence[float] | bool = False,
    curves: tuple[BifurcationCurves, bool] | None = None,
) -> Figure:
    """A map per population, or of one of them at values of the third dimension.

    Args:
        shown: a sweep of two dimensions or three.
        name: of a variable.
        each: the variable of each population.
        contours: levels, or whether there are some.
        curves: bifurcations, and whether their first parameter is the second dimension.

    Raises:
        ParameterError: contours of kinds.
    """
    kinds, shown_panels = shown.kinds(name), _panels(shown, each)
    if kinds is not None and contours is not False:
        raise ParameterError(
            f"contours are of numbers that vary smoothly; {name!r} has a colour for each value"
        )
    columns = 2 if len(shown_panels) == 4 else min(len(shown_panels), COLUMNS)
    figure, axes = panels(columns, -(-len(shown_panels) // columns), width=3.6, height=2.9)
    (x, xlabel), (y, ylabel) = (shown.axis(dim) for dim in shown.dims[:2])
    ends = _ends([p.values for p in shown_panels])
    handles: Handles = {} if kinds is None else dict(kinds.handles())
    for ax, panel in zip(axes.flat, shown_panels, strict=False):
        if kinds is None:
            image = coloured(ax, x, y, panel.values.values, **ends)
            handles |= _nothing(ax, shown, panel)
            _contours(ax, x, y, panel.values.values, contours)
        else:
            _draw(kinds, ax, x, y, panel)
        handles |= hatches(ax, x, y, _hatched(shown, name, panel))
        limits = (ax.get_xlim(), ax.get_ylim())
        if curves is not None:
            handles |= curve_lines(ax, *curves)
        ax.set(xlabel=xlabel, ylabel=ylabel, title=panel.title, xlim=limits[0], ylim=limits[1])
    for ax in list(axes.flat)[len(shown_panels) :]:
        ax.set_axis_off()
    if kinds is None:
        figure.colorbar(image, ax=axes, label=label_of(each[0][1]))
    if kinds is None and handles:
        legend_below(figure, handles)
    elif handles:
        legend_outside(figure, handles, "" if name in SAID else label_of(each[0][1]))
    return figure


def _panels(shown: Shown, each: Each) -> list[Panel]:
    if len(shown.dims) == 2:
        return [Panel(title, own, None) for title, own in each]
    third, (name, own) = shown.dims[2], each[0]
    values, label = shown.axis(third)
    places = np.unique(np.linspace(0, len(values) - 1, MOST_PANELS).round()).astype(int)
    lead = f"{name}, " if name else ""
    return [Panel(f"{lead}{label} = {values[k]:.4g}", own.isel({third: k}), int(k)) for k in places]


def _at(shown: Shown, name: str, panel: Panel) -> np.ndarray:
    """A number of each point, at the panel's place."""
    own = shown.data[name].transpose(*shown.dims, ...)
    return own.values if panel.at is None else own.isel({shown.dims[2]: panel.at}).values


def _ends(each: list[xr.DataArray]) -> dict[str, float]:
    """One scale for all panels; one colour where there is one value."""
    if not np.issubdtype(each[0].dtype, np.number):
        return {}
    values = np.concatenate([own.values.ravel() for own in each])
    if not np.isfinite(values).any():
        return {}
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    same = 0.5 * (low == high)
    return {"vmin": low - same, "vmax": high + same}


def _draw(kinds: Kinds, ax: Axes, x: np.ndarray, y: np.ndarray, panel: Panel) -> None:
    kinds.draw(ax, x, y, kinds.codes if panel.at is None else kinds.codes[..., panel.at])


def _nothing(ax: Axes, shown: Shown, panel: Panel) -> Handles:
    """Grey where there is no number."""
    missing = np.isnan(panel.values.values)
    if not missing.any():
        return {}
    ax.set_facecolor(COLOURS[NOTHING])
    return {wrong(shown.statuses[shown.failed]): Patch(facecolor=COLOURS[NOTHING], edgecolor="0.7")}


def _contours(
    ax: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray, levels: Sequence[float] | bool
) -> None:
    if levels is False or min(values.shape) < 2:
        return
    own = CONTOURS if levels is True else sorted(levels)
    drawn = ax.contour(x, y, values.T, levels=own, colors="w", linewidths=1.0)
    edged: list[AbstractPathEffect] = [
        withStroke(linewidth=2.2, foreground="0.2")
    ]  # seen on dark and on light cells
    drawn.set_path_effects(edged)
    for text in ax.clabel(drawn, fontsize="small"):
        text.set_path_effects(edged)


def _hatched(shown: Shown, name: str, panel: Panel) -> dict[str, np.ndarray]:
    found = {}
    if FEASIBLE in shown.data and name != FEASIBLE:
        found[HATCH] = _at(shown, FEASIBLE, panel) == 0
    if name == ATTRACTORS and "bulk_unstable" in shown.data:
        found[BULK_HATCH] = _at(shown, "bulk_unstable", panel) > 0
    return found


def curves_over(
    shown: Shown, curves: BifurcationCurves | PhaseDiagram | None
) -> tuple[BifurcationCurves, bool] | None:
    """Curves that fit the dimensions, and whether their first parameter is the second dimension.

    Raises:
        ParameterError: they are over other parameters, or there are none.
    """
    if curves is None:
        return None
    own = curves.curves if isinstance(curves, PhaseDiagram) else curves
    if own is None:
        raise ParameterError("this phase diagram has no curves: make it with curves=True")
    names = tuple(str(n) for n in own.names)
    if len(shown.dims) != 2 or set(names) != set(shown.dims):
        raise ParameterError(
            f"the curves are over {' and '.join(names)}, the sweep over {', '.join(shown.dims)}"
        )
    return own, names != shown.dims
