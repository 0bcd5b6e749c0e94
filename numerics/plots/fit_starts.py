"""Where the starts of a fit ended, and how far equally good solutions spread."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from ..fitting import Fit
from .style import open_frame

MOST_PARAMETERS = 40
"""Numbers drawn on a picture of their own."""
GOOD, WORSE, FAILED = "C2", "0.55", "C3"
WIDE = 8.0
"""Ratios to the best solution beyond which the axis is logarithmic."""


def losses(fit: Fit) -> Figure:
    """The loss of every start, best first.

    Args:
        fit: of `fit`.
    """
    figure = Figure(figsize=(5.6, 3.4), layout="constrained")
    draw_losses(open_frame(figure.subplots()), fit)
    return figure


def ensemble(fit: Fit) -> Figure:
    """The numbers of all equally good minima, each as a multiple of its value at the best one.

    Args:
        fit: of `fit`.
    """
    figure = Figure(figsize=(6.6, height_of(fit, MOST_PARAMETERS)), layout="constrained")
    draw_ensemble(open_frame(figure.subplots()), fit, MOST_PARAMETERS)
    return figure


def height_of(fit: Fit, most: int) -> float:
    """Inches that a row for each number takes, at most `most`."""
    return 0.24 * min(len(fit.problem.coordinates.names), most) + 1.3


def draw_losses(ax: Axes, fit: Fit) -> None:
    """The loss of every start on given axes."""
    found, good = fit.minima, set(fit.good.tolist())
    finite = np.flatnonzero(np.isfinite(found.loss))
    kinds = {
        "as good as the best": (GOOD, "o", [k for k in finite if k in good]),
        "worse": (WORSE, "o", [k for k in finite if k not in good and found.converged[k]]),
        "worse, not converged": (
            FAILED,
            "x",
            [k for k in finite if k not in good and not found.converged[k]],
        ),
    }
    for label, (colour, marker, ranks) in kinds.items():
        if ranks:
            ax.plot(
                np.array(ranks) + 1,
                found.loss[ranks],
                marker,
                ms=5,
                color=colour,
                label=f"{label}: {len(ranks)}",
                ls="none",
            )
    lost = len(found.loss) - len(finite)
    values = found.loss[finite]
    if len(finite) and values.min() > 0 and values.max() > 20 * values.min():
        ax.set_yscale("log")
    elif len(finite):
        ax.set_ylim(min(0.0, float(values.min())), 1.1 * float(values.max()) or 1.0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(
        xlabel="start, best first",
        ylabel="loss (sum of squares)",
        title="all starts" + (f"; {lost} without a fixed point" if lost else ""),
    )
    if len(finite):
        ax.legend(frameon=False, fontsize="small")


def draw_ensemble(ax: Axes, fit: Fit, most: int) -> None:
    """The first `most` numbers of all equally good minima on given axes."""
    table = fit.ensemble()
    values, names = table["value"].values, [str(n) for n in table["parameter"].values]
    best = values[0]
    shown = [k for k in range(len(names)) if np.isfinite(best[k]) and best[k] != 0][:most]
    ratio = values[:, shown] / best[shown]
    for k in range(len(shown)):
        ax.plot(ratio[:, k], np.full(len(ratio), k), "|", ms=9, mew=1.2, color="C0", alpha=0.6)
    ax.axvline(1, color="k", lw=0.8, zorder=0)
    _ratio_scale(ax, ratio)
    ax.set_yticks(range(len(shown)), [names[k] for k in shown], fontsize="small")
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.grid(axis="y", color="0.93", lw=0.7)
    more = f" (first {len(shown)} of {len(names)})" if len(shown) < len(names) else ""
    ax.set(
        xlabel="value / value at the best solution",
        title=f"{len(ratio)} starts that ended equally well{more}",
    )


def _ratio_scale(ax: Axes, ratio: np.ndarray) -> None:
    """Logarithmic for numbers that spread widely, on both sides of 0 for those that change sign."""
    if ratio.min() > 0 and ratio.max() / ratio.min() > WIDE:
        ax.set_xscale("log")
    elif ratio.min() < -3 or ratio.max() > WIDE:
        ax.set_xscale("asinh", linear_width=1.0)
        powers = 10.0 ** np.arange(0, np.ceil(np.log10(np.abs(ratio).max())) + 1)
        ticks = np.concatenate([-powers[::-1], [0.0], powers])
        ax.set_xticks(ticks[(ticks >= 1.2 * min(ratio.min(), 0)) & (ticks <= 1.2 * ratio.max())])
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        pad = max(0.1, 0.06 * float(np.ptp(ratio)))
        ax.set_xlim(min(0.0, float(ratio.min()) - pad), max(2.0, float(ratio.max()) + pad))
