"""Gaussian averages as functions of the mean and the variance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser

from .covered import uncover
from .style import panels


def averages(found: Any) -> Figure:
    """A Gaussian average against the mean, one curve per variance, and the function itself.

    Args:
        found: of `curves`, or its dataset: `average` over (mu, variance), `function` over mu.
    """
    data = getattr(found, "dataset", found)
    figure, axes = panels(1, width=6.4, height=4.2)
    ax, n = axes[0, 0], data.sizes["variance"]
    colours = colormaps["viridis"](np.linspace(0.88, 0.08, n) if n > 1 else [0.45])
    for colour, v in zip(colours, data["variance"].values, strict=True):
        ax.plot(
            data["mu"],
            data["average"].sel(variance=v),
            color=colour,
            lw=2.2,
            label=rf"$\Delta = {v:g}$",
        )
    ax.plot(data["mu"], data["function"], color="0.1", lw=1.1, ls=(0, (5, 3)), label="$f$ itself")
    _scale_for(ax, np.concatenate([data["average"].values.ravel(), data["function"].values]))
    ax.set(
        xlabel=r"mean $\mu$  (in units of $x$)",
        ylabel=r"average $\langle f \rangle$  (in units of $f$)",
    )
    ax.set_xlim(float(data["mu"][0]), float(data["mu"][-1]))
    ax.set_title(_formula(data.attrs), fontsize="medium", pad=10)
    ax.legend(
        frameon=False,
        title=r"variance $\Delta$  (units of $x^2$)",
        fontsize="small",
        title_fontsize="small",
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
    )
    ax.grid(color="0.92", lw=0.7)
    ax.set_axisbelow(True)
    uncover(ax)
    return figure


def _scale_for(ax: Axes, values: np.ndarray) -> None:
    """A logarithmic axis where the largest value would hide all others."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if not len(sizes) or np.max(sizes) < 100 * np.median(sizes) or np.max(sizes) < 100:
        return
    if np.all(values > 0):
        ax.set_yscale("log")
    else:
        ax.set_yscale("asinh", linear_width=10.0 ** np.floor(np.log10(np.median(sizes))))


def _formula(attrs: Mapping[str, Any]) -> str:
    """`f(x) = ...` as Matplotlib can print it, in one line, with the name of a library function."""
    name = "" if attrs["name"] == "phi" else attrs["name"].replace("_", " ") + ":  "
    typeset, plain = f"{name}$f(x) = {attrs['latex']}$", f"{name}f(x) = {attrs['expression']}"
    try:
        inches = MathTextParser("path").parse(typeset).width / 72
    except ValueError:
        inches = np.inf
    return typeset if inches < 6 else plain if len(plain) <= 80 else plain[:77] + "..."
