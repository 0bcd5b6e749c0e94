"""Numbers over the dimensions of a sweep: lines, maps, and several of them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ...errors import ParameterError
from ..sweeps import SAMPLE, STATUS, Sweep
from .style import HATCH, LABELS, MOST_POPULATIONS, first_of, legend_beside, panels

FIRST = ("count", "rate", "value")
"""What is drawn unless a call says otherwise, the first that there is."""
MOST_PANELS = 9
"""Values of a third dimension that are drawn."""
FEASIBLE = "feasible"
NO_NETWORK = "no network has these statistics"


def sweep_picture(found: Sweep, variable: str | None = None) -> Figure:
    """A variable over the dimensions of a sweep.

    One dimension: a line per population. Two: a map per population, hatched where no network has
    the statistics. Three: the maps of one population at values of the third. Samples: dots over
    each parameter.

    Args:
        found: of `sweep`.
        variable: a number per point, or one per population; by default the count of fixed points,
            or the rates.

    Raises:
        ParameterError: an unknown variable, one with more dimensions, or more than three axes.
    """
    data = _chosen(found, variable)
    coords = [str(n) for n, c in found.dataset.coords.items() if c.dims == (SAMPLE,)]
    if found.dims == (SAMPLE,):
        return _dots(data, coords)
    if len(found.dims) == 1:
        return _lines(data, found.dims[0])
    if len(found.dims) > 3:
        raise ParameterError(
            f"a sweep of {len(found.dims)} dimensions is drawn in parts: Sweep of "
            "result.dataset.isel(...) has fewer"
        )
    return _maps(data, found)


def _chosen(found: Sweep, variable: str | None) -> xr.DataArray:
    known = [str(n) for n in found.dataset.data_vars if n != STATUS]
    short = [n for n in known if set(found[n].dims) - set(found.dims) <= {"population"}]
    if not short:
        raise ParameterError(f"no variable has one number per point: there are {', '.join(known)}")
    default = next((n for n in FIRST if n in short), short[0])
    name = default if variable is None else variable
    if name not in short:
        raise ParameterError(f"cannot draw {name!r}: one of {', '.join(short)} can be drawn")
    own = found[name].rename(name)
    order = [*found.dims, *(d for d in own.dims if d not in found.dims)]
    return own.transpose(*order)


def _label(data: xr.DataArray) -> str:
    return LABELS.get(str(data.name), str(data.name))


def _each(data: xr.DataArray) -> list[tuple[str, xr.DataArray]]:
    """The variable of every population that is drawn."""
    if "population" not in data.dims:
        return [("", data)]
    names = data["population"].values[:MOST_POPULATIONS]
    return [(str(p), data.sel(population=p)) for p in names]


def _lines(data: xr.DataArray, dim: str) -> Figure:
    figure, axes = panels(1, width=5.2, height=3.4)
    ax, each = axes[0, 0], _each(data)
    for name, own in each:
        ax.plot(data[dim].values, own.values, ".-", ms=4, label=name or None)
    ax.set(xlabel=dim, ylabel=_label(data))
    if len(each) > 1:
        legend_beside(ax, title=first_of(MOST_POPULATIONS, data["population"].values))
    return figure


def _dots(data: xr.DataArray, coords: list[str]) -> Figure:
    figure, axes = panels(len(coords), width=3.2, height=2.8)
    each = _each(data)
    for ax, name in zip(axes[0], coords, strict=True):
        for label, own in each:
            ax.plot(data[name].values, own.values, ".", ms=4, label=label or None)
        ax.set(xlabel=name, ylabel=_label(data))
    if len(each) > 1:
        legend_beside(axes[0, -1])
    return figure


def _maps(data: xr.DataArray, found: Sweep) -> Figure:
    """Rows are values of the third dimension, if there is one, else one row of populations."""
    first, second = found.dims[:2]
    each, feasible = _each(data), found.dataset.get(FEASIBLE)
    if len(found.dims) == 3:
        third = found.dims[2]
        at = np.unique(np.linspace(0, data.sizes[third] - 1, MOST_PANELS).round()).astype(int)
        shown = [
            (f"{name} {third} = {data[third].values[k]:.4g}".strip(), own.isel({third: k}), k)
            for k, (name, own) in itertools.product(at, each[:1])
        ]
    else:
        shown = [(name, own, None) for name, own in each]
    columns = min(len(shown), 3)
    rows = -(-len(shown) // columns)
    figure, axes = panels(columns, rows, width=3.6, height=2.9)
    values = np.concatenate([own.values.ravel() for _, own, _ in shown])
    ends: dict[str, Any] = {}
    if np.isfinite(values).any():
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        same = 0.5 * (low == high)  # one colour for one value, in all panels
        ends = {"vmin": low - same, "vmax": high + same}
    hatched = False
    for ax, (title, own, k) in zip(axes.flat, shown, strict=False):
        x, y = own[first].values, own[second].values
        image = ax.pcolormesh(x, y, own.values.T, shading="nearest", **ends)
        there = feasible if feasible is None or k is None else feasible.isel({found.dims[2]: k})
        if there is not None:
            hatched |= _hatch(ax, x, y, there.values.T < 1)
        ax.set(xlabel=first, ylabel=second, title=title)
    for ax in list(axes.flat)[len(shown) :]:
        ax.set_axis_off()
    figure.colorbar(image, ax=axes, label=_label(data))
    if hatched:
        patch = Patch(facecolor="none", edgecolor="k", hatch=HATCH, label=NO_NETWORK)
        figure.legend(handles=[patch], loc="outside lower center", frameon=False)
    return figure


def _hatch(ax: Axes, x: np.ndarray, y: np.ndarray, where: np.ndarray) -> bool:
    """Dashes where no network has the statistics; whether there are some."""
    if not where.any() or min(len(x), len(y)) < 2:
        return False
    ax.contourf(x, y, where, levels=[0.5, 1.5], colors="none", hatches=[HATCH])
    return True
