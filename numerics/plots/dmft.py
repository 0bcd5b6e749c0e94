"""Pictures of dynamical mean-field theory; each function returns a Matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..dmft import Stationary

QUANTITIES = {
    "mean": "mean input $K$",
    "variance": "variance of input $C(t, t)$",
    "rate": "mean rate $R$",
}
STYLES = ("--", ":", "-.")
MOST_CURVES = 4


def _axes(figure: Figure, rows: int, columns: int) -> np.ndarray:
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    return axes


def dmft_courses(
    solution: xr.Dataset,
    closures: Mapping[str, xr.Dataset] | None = None,
    networks: xr.Dataset | None = None,
) -> Figure:
    """Means, variances and rates over time: dynamical mean-field theory (lines), one-time closures by name (dashed, dotted) and networks
    (mean and one standard deviation over the dimension `network`, bands).
    """
    figure = Figure(figsize=(10.2, 2.9), layout="constrained")
    axes = _axes(figure, 1, len(QUANTITIES))
    draw_courses(axes[0], solution, closures or {}, networks)
    return figure


def draw_courses(
    axes: np.ndarray,
    solution: xr.Dataset,
    closures: Mapping[str, xr.Dataset],
    networks: xr.Dataset | None,
) -> None:
    """Mean, variance and rate on three axes."""
    names = solution["population"].values[:MOST_CURVES]
    for ax, (quantity, label) in zip(axes, QUANTITIES.items(), strict=True):
        for k, p in enumerate(names):
            who = f" {p}" if len(names) > 1 else ""
            if networks is not None:
                seen = networks[quantity].sel(population=p)
                mean, sd = seen.mean("network"), seen.std("network", ddof=1)
                ax.fill_between(
                    seen["time"],
                    mean - sd,
                    mean + sd,
                    color=f"C{k}",
                    alpha=0.25,
                    lw=0,
                    label=f"networks{who}",
                )
            ax.plot(
                solution["time"],
                solution[quantity].sel(population=p),
                color=f"C{k}",
                lw=1.6,
                label=f"two-time theory{who}",
            )
            for style, (name, d) in zip(STYLES, closures.items(), strict=False):
                ax.plot(
                    d["time"],
                    d[quantity].sel(population=p),
                    color="k" if len(names) == 1 else f"C{k}",
                    ls=style,
                    lw=1.1,
                    label=name if k == 0 else None,
                )
        ax.set(xlabel="time (time constants)", ylabel=label)
    axes[0].legend(frameon=False, fontsize="x-small")


def covariance_image(solution: xr.Dataset) -> Figure:
    """C_p(t, t') of every population as an image."""
    names = solution["population"].values[:MOST_CURVES]
    figure = Figure(figsize=(3.6 * len(names), 3.1), layout="constrained")
    for ax, p in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        image = draw_covariance(ax, solution["covariance"].sel(population=p))
        ax.set_title(str(p), fontsize="medium")
        figure.colorbar(image, ax=ax, label="covariance of inputs")
    return figure


def draw_covariance(ax: Axes, covariance: xr.DataArray):
    """C(t, t') of one population."""
    last = float(covariance["time"][-1])
    image = ax.imshow(
        covariance.values,
        origin="lower",
        extent=(0, last, 0, last),
        cmap="viridis",
        vmin=min(0.0, float(covariance.min())),
    )
    ax.set(xlabel="time $t'$", ylabel="time $t$")
    return image


def autocovariance(
    stationary: Stationary, networks: xr.Dataset | None = None, longest: float | None = None
) -> Figure:
    """C(tau) of every population with its frozen part (dotted), and of sampled networks (points: mean and standard error)."""
    figure = Figure(figsize=(4.6, 3.1), layout="constrained")
    draw_autocovariance(_axes(figure, 1, 1)[0, 0], stationary, networks, longest)
    return figure


def draw_autocovariance(
    ax: Axes, stationary: Stationary, networks: xr.Dataset | None, longest: float | None
) -> None:
    """C(tau), the frozen part, and networks, on given axes."""
    d = stationary.dataset
    if longest is None:
        longest = (
            8 * float(d["correlation_time"].max())
            if networks is None
            else 1.1 * float(networks["lag"].max())
        )
    shown = d.sel(lag=slice(0, longest or None))
    names = d["population"].values[:MOST_CURVES]
    for k, p in enumerate(names):
        who = f" {p}" if len(names) > 1 else ""
        ax.plot(
            shown["lag"],
            shown["autocovariance"].sel(population=p),
            color=f"C{k}",
            lw=1.6,
            label=f"theory{who}",
        )
        ax.axhline(
            float(d["frozen"].sel(population=p)),
            color=f"C{k}",
            ls=":",
            lw=1,
            label=f"frozen part{who}",
        )
        if networks is not None:
            seen = networks["autocovariance"].sel(population=p)
            error = seen.std("network", ddof=1) / np.sqrt(seen.sizes["network"])
            ax.errorbar(
                seen["lag"],
                seen.mean("network"),
                error,
                color=f"C{k}",
                fmt="o",
                ms=3.5,
                lw=1,
                label=f"{seen.sizes['network']} networks{who}",
            )
    ax.set(xlabel=r"lag $\tau$ (time constants)", ylabel=r"autocovariance of inputs $C(\tau)$")
    ax.legend(frameon=False, fontsize="x-small")
