"""Theory against networks: time courses, scatter, error against size."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..verification import NetworkVerification, Verification
from .covered import uncover
from .rate_spreads import rate_spreads
from .style import LABELS, MOST_POPULATIONS, panels
from .time_courses import time_courses

EVERY = 4
"""Times between two dots, so that the lines beneath are seen."""
SCATTERED = LABELS | {"rate_sd": "SD of rates"}
RATES = "Rates across the neurons of each population, at the last time"
TINY = 1e-300  # whose logarithm exists


def ensemble_time_courses(v: Verification) -> Figure:
    """Theory (lines) and networks of the largest size (mean, band of one standard deviation).

    Args:
        v: of `verify`.
    """
    theory, seen = v.theory.isel(size=-1), v.networks.isel(size=-1)

    def draw(ax, quantity, p, colour):
        own = seen[quantity].sel(population=p)
        mean, sd = own.mean("network"), own.std("network", ddof=1)
        ax.fill_between(own["time"], mean - sd, mean + sd, color=colour, alpha=0.25, lw=0)
        ax.plot(own["time"], mean, color=colour, lw=1, ls=":")
        line = theory[quantity].sel(population=p)
        ax.plot(line["time"], line, color=colour, lw=1.5, label=str(p))

    title = f"theory; bands: N = {int(seen['size'])}"
    return time_courses(v, theory["population"].values, draw, title)


def network_time_courses(v: NetworkVerification) -> Figure:
    """Theory (lines), theory without motifs (dashed) and the network (dots).

    Args:
        v: of `verify_network`.
    """
    names = v.network["population"].values

    def draw(ax, quantity, p, colour):
        seen, theory, plain = (
            own[quantity].sel(population=p) for own in (v.network, v.theory, v.without_motifs)
        )
        ax.plot(seen["time"][::EVERY], seen[::EVERY], ".", ms=3, color=colour, label=str(p))
        ax.plot(theory["time"], theory, color=colour, lw=1.2)
        ax.plot(plain["time"], plain, color=colour, lw=0.9, ls="--")

    return time_courses(v, names, draw, "network dots,\ntheory lines,\nno motifs dashed")


def ensemble_scatter(v: Verification) -> Figure:
    """Every network of the largest size against theory, at the last time.

    Args:
        v: of `verify`.
    """
    seen = {"networks": v.networks.isel(size=-1, time=-1)}
    spread = v.spread["rate_sd"].isel(size=-1).sel(source="theory", drop=True)
    theory = v.theory.isel(size=-1, time=-1).assign(rate_sd=spread)
    return _scatter(theory, seen, "theory", "sampled networks")


def network_scatter(v: NetworkVerification) -> Figure:
    """Theory with and without motifs against the network, at the last time.

    Args:
        v: of `verify_network`.
    """
    own = {"theory": v.theory, "without motifs": v.without_motifs, "network": v.network}
    ends = {
        name: course.isel(time=-1).assign(rate_sd=v.spread["rate_sd"].sel(source=name, drop=True))
        for name, course in own.items()
    }
    theories = {"with motifs": ends["theory"], "without motifs": ends["without motifs"]}
    return _scatter(ends["network"], theories, "network", "theory")


def _scatter(
    reference: xr.Dataset, others: dict[str, xr.Dataset], xlabel: str, ylabel: str
) -> Figure:
    """Populations of the others against the reference, with the diagonal."""
    figure, axes = panels(len(SCATTERED), width=3.1, height=3.0)
    for ax, (quantity, label) in zip(axes[0], SCATTERED.items(), strict=True):
        values = [reference[quantity].values.ravel()]
        for marker, (name, other) in zip("ox", others.items(), strict=False):
            x, y = xr.broadcast(reference[quantity], other[quantity])
            ax.plot(x.values.ravel(), y.values.ravel(), marker, ms=4, alpha=0.7, label=name)
            values.append(y.values.ravel())
        low, high = np.nanmin(np.concatenate(values)), np.nanmax(np.concatenate(values))
        pad = 0.05 * (high - low) or 0.1
        ends = [low - pad, high + pad]
        ax.plot(ends, ends, color="0.5", lw=0.8, zorder=0)
        ax.set(xlabel=f"{label}, {xlabel}", ylabel=ylabel)
    axes[0, 0].legend(frameon=False, fontsize="small")
    return figure


def error_against_size(v: Verification) -> Figure:
    """Root mean square difference of single networks from theory (points) against N.

    Dotted what is predicted for networks of these sizes, dashed the line of 1 / sqrt(N).

    Args:
        v: of `verify`.
    """
    figure, axes = panels(len(LABELS))
    for ax, (quantity, label) in zip(axes[0], LABELS.items(), strict=True):
        _errors(ax, v.dataset.sel(quantity=quantity))
        ax.set(xlabel="N", ylabel=f"error of {label}")
    axes[0, 0].legend(frameon=False, fontsize="small")
    uncover(*axes[0])
    return figure


def _errors(ax: Axes, summary: xr.Dataset) -> None:
    """Of one quantity."""
    n = summary["size"].values.astype(float)
    spread = summary["spread"]
    for k, p in enumerate(summary["population"].values[:MOST_POPULATIONS]):
        own = summary.sel(population=p)
        ax.loglog(n, own["spread"], "o-", ms=4, lw=1, color=f"C{k}", label=str(p))
        if "predicted_spread" in summary:
            predicted = np.hypot(own["predicted_spread"], own["bias"])
            ax.loglog(n, predicted, ":", lw=1.2, color=f"C{k}")
    anchor = float(np.exp(np.log(np.maximum(spread, TINY)).mean()))
    line = anchor * np.sqrt(np.exp(np.log(n).mean()) / n)
    ax.loglog(n, line, color="0.3", ls="--", lw=1, label=r"$1/\sqrt{N}$")
    ax.set_xticks(n, [f"{int(k)}" for k in n])
    ax.xaxis.minorticks_off()  # numbers stay at those of the other axis, less than a decade


def verification_figures(v: Verification | NetworkVerification) -> dict[str, Figure]:
    """All pictures of a comparison, by caption.

    Args:
        v: of `verify` or `verify_network`.
    """
    if isinstance(v, NetworkVerification):
        return {
            "Time courses": network_time_courses(v),
            "Theory against the network, one point per population": network_scatter(v),
            RATES: rate_spreads(v),
        }
    shown = {
        "Time courses, theory and the largest networks": ensemble_time_courses(v),
        "Sampled networks against theory": ensemble_scatter(v),
        RATES: rate_spreads(v),
    }
    if v.dataset.sizes["size"] > 1:
        shown["Error against network size"] = error_against_size(v)
    return shown
