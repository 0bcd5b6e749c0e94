"""Two-time mean-field theory: courses, covariances of inputs, and the onset of chaos."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from ...numbers import counted
from ...time_units import labelled
from ..dmft import Onset, Stationary
from .covered import uncover
from .style import LABELS, first_of, panels, time_label

QUANTITIES = LABELS | {"variance": "variance of input $C(t, t)$"}
STYLES = ("--", ":", "-.", (0, (6, 1.5, 1, 1.5, 1, 1.5)))
DARKER = 0.55
MOST_CURVES = 4
"""Populations drawn: each has several curves, of theories and of networks."""
LONGEST = 8.0
"""Lags drawn, in correlation times: exp(-8) is not seen."""


def dmft_courses(
    solution: Any,
    closures: Mapping[str, Any] | None = None,
    networks: Any = None,
) -> Figure:
    """Means, variances and rates over time.

    Args:
        solution: of `transient`, or its dataset: lines.
        closures: trajectories of one-time closures by name: dashed and dotted lines.
        networks: the same variables over `network`, a result or a dataset: bands of one standard
            deviation.
    """
    figure, axes = panels(len(QUANTITIES), height=2.9)
    draw_courses(axes[0], solution, closures or {}, networks)
    return figure


def draw_courses(
    axes: np.ndarray,
    solution: Any,
    closures: Mapping[str, Any],
    networks: Any,
) -> None:
    """Mean, variance and rate on three given axes.

    Args:
        axes: three axes of Matplotlib.
        solution: as in `dmft_courses`.
        closures: as in `dmft_courses`.
        networks: as in `dmft_courses`.
    """
    data = _dataset(solution)
    others = {name: _dataset(own) for name, own in closures.items()}
    networks = _dataset(networks)
    names = data["population"].values[:MOST_CURVES]
    for ax, (quantity, label) in zip(axes, QUANTITIES.items(), strict=True):
        for k, p in enumerate(names):
            who = f" {p}" if len(names) > 1 else ""
            own = data[quantity].sel(population=p)
            if networks is not None:
                _band(ax, networks[quantity].sel(population=p), f"C{k}", f"networks{who}")
            ax.plot(own["time"], own, color=f"C{k}", lw=1.6, label=f"two-time theory{who}")
            for style, (name, other) in zip(itertools.cycle(STYLES), others.items(), strict=False):
                colour = "k" if len(names) == 1 else _darker(f"C{k}")
                line = {"color": colour, "ls": style, "lw": 1.1, "label": None if k else name}
                ax.plot(other["time"], other[quantity].sel(population=p), **line)
        ax.set(xlabel=time_label(data, otherwise="time constants"), ylabel=label)
    _legend(axes[0], data)
    uncover(*axes)


def _darker(colour: str) -> tuple[float, float, float]:
    """A shade that is seen on the colour itself: closures can be exact."""
    red, green, blue = to_rgb(colour)
    return DARKER * red, DARKER * green, DARKER * blue


def _legend(ax: Axes, data: xr.Dataset) -> None:
    """It says so where more populations are there than are drawn."""
    more = first_of(MOST_CURVES, data["population"].values)
    ax.legend(frameon=False, fontsize="x-small", title=more, title_fontsize="x-small")


def _dataset(result: Any) -> Any:
    """Of a result; a dataset is its own, and so is None."""
    return getattr(result, "dataset", result)


def _band(ax: Axes, seen: xr.DataArray, colour: str, label: str) -> None:
    """Mean and one standard deviation over networks."""
    mean, sd = seen.mean("network"), seen.std("network", ddof=1)
    around = (mean - sd, mean + sd)
    ax.fill_between(seen["time"], *around, color=colour, alpha=0.25, lw=0, label=label)


def covariance_image(solution: Any) -> Figure:
    """C_p(t, t') of every population as an image.

    Args:
        solution: of `transient`, or its dataset.
    """
    covariance = _dataset(solution)["covariance"]
    names = covariance["population"].values[:MOST_CURVES]
    figure = Figure(figsize=(3.6 * len(names), 3.1), layout="constrained")
    for ax, p in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        image = draw_covariance(ax, covariance.sel(population=p))
        ax.set_title(str(p), fontsize="medium")
        figure.colorbar(image, ax=ax, label="covariance of inputs")
    return figure


def draw_covariance(ax: Axes, covariance: xr.DataArray) -> Any:
    """C(t, t') of one population on given axes; returns the image."""
    last = float(covariance["time"][-1])
    lowest = min(0.0, float(covariance.min()))
    extent = (0, last, 0, last)
    image = ax.imshow(covariance.values, origin="lower", extent=extent, vmin=lowest)
    unit = covariance["time"].attrs.get("unit", "")
    ax.set(xlabel=labelled("time $t'$", unit), ylabel=labelled("time $t$", unit))
    return image


def autocovariance(
    stationary: Stationary, networks: Any = None, longest: float | None = None
) -> Figure:
    """C(tau) of every population with its frozen part (dotted).

    Args:
        stationary: of `stationary`.
        networks: `autocovariance` over (network, lag, population), a result or a dataset: mean
            and standard error.
        longest: lag; by default a few correlation times, or what the networks have.
    """
    figure, axes = panels(1, width=4.6, height=3.1)
    draw_autocovariance(axes[0, 0], stationary, networks, longest)
    return figure


def draw_autocovariance(
    ax: Axes, stationary: Stationary, networks: Any, longest: float | None
) -> None:
    """C(tau), the frozen part, and networks, on given axes; arguments as in `autocovariance`."""
    d, networks = stationary.dataset, _dataset(networks)
    if longest is None and networks is None:
        longest = LONGEST * float(d["correlation_time"].max())
    elif longest is None:
        longest = 1.1 * float(networks["lag"].max())
    shown = d["autocovariance"].sel(lag=slice(0, longest or None))
    names = d["population"].values[:MOST_CURVES]
    for k, p in enumerate(names):
        who = f" {p}" if len(names) > 1 else ""
        own = shown.sel(population=p)
        frozen = float(d["frozen"].sel(population=p))
        ax.plot(own["lag"], own, color=f"C{k}", lw=1.6, label=f"theory{who}")
        ax.axhline(frozen, color=f"C{k}", ls=":", lw=1, label=f"frozen part{who}")
        if networks is not None:
            _dots(ax, networks["autocovariance"].sel(population=p), f"C{k}", who)
    xlabel = time_label(stationary, r"lag $\tau$", "time constants")
    ax.set(xlabel=xlabel, ylabel=r"autocovariance of inputs $C(\tau)$")
    _legend(ax, d)
    uncover(ax)


def _dots(ax: Axes, seen: xr.DataArray, colour: str, who: str) -> None:
    """Mean over networks with its standard error."""
    count = seen.sizes["network"]
    error = seen.std("network", ddof=1) / np.sqrt(count)
    label = counted(count, "network") + who
    ax.errorbar(
        seen["lag"], seen.mean("network"), error, fmt="o", ms=3.5, lw=1, color=colour, label=label
    )


def onset(found: Onset) -> Figure:
    """The bulk radius of the static state along the parameter, and where it passes 1.

    Args:
        found: of `onset_of_chaos`.
    """
    figure, axes = panels(1, width=4.6, height=3.1)
    ax = axes[0, 0]
    ax.plot(found.values, found.radius, "o-", ms=3.5, lw=1.2)
    ax.axhline(1, color="0.5", lw=0.9, ls="--")
    if np.isfinite(found.value):
        ax.axvline(found.value, color="C3", lw=0.9, ls=":", label=f"{found.value:.5g}")
        ax.legend(frameon=False, fontsize="small")
    ax.set(xlabel=found.name, ylabel="bulk radius of the static state")
    return figure
