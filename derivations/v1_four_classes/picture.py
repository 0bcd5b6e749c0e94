"""The picture of the page, from what `run.py` found."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import despine

COLORS = {"E": "C3", "PV": "C0", "SST": "C1", "VIP": "C2"}
SOURCES = {
    "spread of external inputs": "0.35",
    "convergent motifs": "C4",
    "independent synapses": "C8",
}


def picture(found: dict[str, Any]) -> Figure:
    """Targets, quantiles that were held out, where the variability comes from, and layers."""
    figure = Figure(figsize=(10.5, 7.4), layout="constrained")
    axes = figure.subplot_mosaic("AAAAAACC;BBBDDDEE", width_ratios=[1] * 8)
    _targets(axes["A"], axes["C"], found["fit"]["rows"])
    _quantiles(axes["B"], found["fit"]["rows"])
    _sources(axes["D"], found["ensemble"])
    _layers(axes["E"], found["layers"]["table"])
    despine(*axes.values())
    return figure


def _targets(ax: Axes, right: Axes, rows: list[dict[str, Any]]) -> None:
    place = 0.0
    ticks, names = [], []
    for quantity, word in (("rate_mean", "mean"), ("rate_sd", "SD")):
        for population, color in COLORS.items():
            for shift, condition in enumerate(("spontaneous", "gratings")):
                row = next(r for r in rows if r["target"] == f"{quantity} {population} {condition}")
                _one(ax, place + 0.45 * shift, row, color, condition == "gratings")
            ticks.append(place + 0.22)
            names.append(population)
            place += 1.3
        ax.text(place - 2.9, 0.7, f"{word} across neurons", ha="center", color="0.3")
        place += 0.6
    ax.set(ylabel="rate (Hz)", ylim=(0, 19.5))
    ax.set_xticks(ticks, names)
    for label, fill in (("spontaneous", "w"), ("drifting gratings", "k")):
        ax.plot([], [], "o", color="k", mfc=fill, ms=5, label=f"measured, {label}")
    ax.plot([], [], "-", color="k", lw=2.5, label="fit")
    ax.legend(frameon=False, loc="upper left", fontsize=8)
    for k, (population, color) in enumerate(COLORS.items()):
        _one(
            right,
            k,
            next(r for r in rows if r["target"].startswith(f"rate_correlation {population} ")),
            color,
            True,
        )
    right.set(ylabel="correlation, spontaneous and gratings", ylim=(0, 1.15))
    right.set_xticks(range(4), list(COLORS))


def _one(ax: Axes, x: float, row: dict[str, Any], color: str, full: bool) -> None:
    ax.errorbar(
        x,
        row["value"],
        row["error"],
        fmt="o",
        color=color,
        mfc=color if full else "w",
        ms=5,
        capsize=2.5,
        lw=1,
    )
    ax.plot(
        [x - 0.2, x + 0.2], [row["fit"]] * 2, color=color, lw=2.5, alpha=0.6, solid_capstyle="butt"
    )


def _quantiles(ax: Axes, rows: list[dict[str, Any]]) -> None:
    ax.axline((1, 1), slope=1, color="0.7", lw=0.8)
    for population, color in COLORS.items():
        for condition, marker in (("spontaneous", "o"), ("gratings", "s")):
            own = [r for r in rows if r["held out"] and f" {population} {condition}" in r["target"]]
            value, error, fit = (
                np.array([r[key] for r in own]) for key in ("value", "error", "fit")
            )
            # an error as large as its value has no lower end on this scale
            low = np.minimum(error, 0.7 * value)
            ax.errorbar(
                value,
                fit,
                xerr=[low, error],
                fmt=marker,
                color=color,
                mfc=color if marker == "s" else "w",
                ms=4.5,
                capsize=0,
                lw=0.8,
                label=population if marker == "s" else None,
            )
    ax.set(xscale="log", yscale="log", xlim=(0.15, 50), ylim=(0.15, 50))
    ax.set(xlabel="measured quantile of the rates (Hz)", ylabel="predicted, held out (Hz)")
    ax.legend(frameon=False, loc="upper left")


def _sources(ax: Axes, found: dict[str, Any]) -> None:
    """Shares of the variance of the spontaneous inputs: best solution (bars), draws (points)."""
    parts, best = np.array(found["sources"]), np.array(found["best"])
    shares, own = parts / parts.sum(axis=1, keepdims=True), best / best.sum(axis=0)
    order = [2, 0, 1]
    rng = np.random.default_rng(0)
    for k in range(shares.shape[-1]):
        for n, (label, color) in enumerate(SOURCES.items()):
            at = k + 0.27 * (n - 1)
            ax.plot(
                at + rng.uniform(-0.09, 0.09, len(shares)),
                shares[:, order[n], k],
                "o",
                color=color,
                ms=2.5,
                alpha=0.3,
                mew=0,
                rasterized=True,
            )
            ax.plot(
                [at - 0.12, at + 0.12],
                [own[order[n], k]] * 2,
                color=color,
                lw=3,
                label=None if k else label,
            )
    ax.set(
        ylabel="share of the inputs' variance across neurons", ylim=(0, 1.32), yticks=[0, 0.5, 1]
    )
    ax.set_xticks(range(4), list(COLORS))
    ax.legend(frameon=False, loc="upper left", fontsize=8)


def _layers(ax: Axes, found: dict[str, Any]) -> None:
    for n, (key, label, color) in enumerate(
        (("pooled", "pooled fit", "0.75"), ("inputs", "with its own inputs", "0.25"))
    ):
        ax.bar(
            np.arange(len(found)) + 0.4 * n - 0.2,
            [own[key] for own in found.values()],
            0.38,
            color=color,
            label=label,
        )
    ax.axhline(1, color="k", lw=0.8, ls=":")
    ax.set(yscale="log", ylabel="mean squared misfit (standard errors)", ylim=(0.5, 1500))
    ax.set_xticks(range(len(found)), list(found))
    ax.legend(frameon=False, loc="upper right", fontsize=8)
