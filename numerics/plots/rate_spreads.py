"""How rates are spread across the neurons of each population: theory and network."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..verification import NetworkVerification, Verification
from .style import first_of, legend_beside, open_frame

MOST_SHOWN = 16
"""Populations whose bars are told apart."""
BESIDE = 5
"""Populations up to which both pictures stand beside each other."""
COLOURS = {"network": "k", "theory": "C3", "without motifs": "0.65"}
WIDTH = 0.7
"""Of a population's bars together; a population and the gap to the next measure 1."""


class Rates(NamedTuple):
    """Of every population, by one source.

    Args:
        mean: rate, (P,).
        deviation: SD across neurons, (P,).
        quantiles: a low one, the median and a high one, (P, 3).
    """

    mean: np.ndarray
    deviation: np.ndarray
    quantiles: np.ndarray

    @classmethod
    def of(cls, spread: xr.Dataset, mean: xr.DataArray) -> Rates:
        """From a dataset with `rate_sd` and `rate_quantile`, and mean rates."""
        quantiles = spread["rate_quantile"].transpose("population", "level")
        return cls(mean.values, spread["rate_sd"].values, quantiles.values)


def rate_spreads(v: Verification | NetworkVerification) -> Figure:
    """Means, quantiles and SDs of rates at the last time, by population.

    Args:
        v: of `verify`, of which the largest networks are shown, or of `verify_network`.
    """
    spread, means, names = v.spread, {}, {s: s for s in COLOURS}
    if isinstance(v, NetworkVerification):
        last = v.dataset.isel(time=-1)["rate"]
        means = {str(s): last.sel(source=s) for s in spread["source"].values}
    else:
        spread = spread.isel(size=-1)
        means["theory"] = v.theory["rate"].isel(size=-1, time=-1)
        means["network"] = v.networks["rate"].isel(size=-1, time=-1).mean("network")
        names["network"] = f"{v.networks.sizes['network']} networks, N = {int(spread['size'])}"
    known = [s for s in COLOURS if s in means]
    found = {names[s]: Rates.of(spread.sel(source=s), means[s]) for s in known}
    colours = {names[s]: COLOURS[s] for s in known}
    populations = [str(p) for p in spread["population"].values]
    if len(populations) > BESIDE:
        figure = Figure(figsize=(10.5, 5.6), layout="constrained")
        first, second = figure.subplots(2, 1)
    else:
        figure = Figure(figsize=(10.5, 3.2), layout="constrained")
        first, second = figure.subplots(1, 2)
    draw_rates(first, found, populations, colours)
    draw_deviations(second, found, populations, colours)
    legend_beside(second, title=first_of(MOST_SHOWN, populations), title_fontsize="small")
    return figure


def draw_rates(
    ax: Axes, found: dict[str, Rates], populations: list[str], colours: dict[str, str]
) -> None:
    """A bar between the outer quantiles with a line at the median and a dot at the mean.

    Args:
        ax: to draw on.
        found: rates by source.
        populations: their names.
        colours: of the sources.
    """
    for k, (label, own) in enumerate(found.items()):
        x, width = _places(k, len(found), populations)
        low, middle, high = own.quantiles[: len(x)].T
        colour = colours[label]
        ax.bar(x, high - low, 0.8 * width, low, color=colour, alpha=0.3, lw=0)
        ax.hlines(middle, x - 0.4 * width, x + 0.4 * width, color=colour, lw=1.6)
        ax.plot(x, own.mean[: len(x)], "o", color=colour, ms=3.5, label=label)
    ax.use_sticky_edges = False  # of bars, at whose lower ends dots of equal neurons lie
    ax.set_ylabel("rate")
    ax.set_title("bars from 10 to 90 % of the neurons,\nline: median, dot: mean", fontsize="small")
    _name(ax, populations)


def draw_deviations(
    ax: Axes, found: dict[str, Rates], populations: list[str], colours: dict[str, str]
) -> None:
    """Bars of the SDs; arguments as those of `draw_rates`."""
    for k, (label, own) in enumerate(found.items()):
        x, width = _places(k, len(found), populations)
        deviation = own.deviation[: len(x)]
        ax.bar(x, deviation, 0.8 * width, color=colours[label], alpha=0.85, label=label)
    ax.set_ylabel("SD of rates across neurons")
    _name(ax, populations)


def _places(k: int, count: int, populations: list[str]) -> tuple[np.ndarray, float]:
    """Where the bars of the k-th of so many sources stand, and how wide they are."""
    width = WIDTH / count
    return np.arange(min(len(populations), MOST_SHOWN)) + (k - (count - 1) / 2) * width, width


def _name(ax: Axes, populations: list[str]) -> None:
    shown = populations[:MOST_SHOWN]
    slanted: Any = {"rotation": 35, "ha": "right"} if sum(map(len, shown)) > 3 * len(shown) else {}
    ax.set_xticks(range(len(shown)), shown, fontsize="small", **slanted)
    open_frame(ax)
