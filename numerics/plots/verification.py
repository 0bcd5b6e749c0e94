"""Pictures of comparisons between theory and networks, and of averages; each function returns a Matplotlib figure."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ..verification import QUANTITIES, NetworkVerification, Verification

LABELS = {
    "mean": "mean input $K$",
    "variance": r"variance of input $\Delta$",
    "rate": "mean rate $R$",
}
MOST_CURVES = 6


def _figure(
    columns: int, rows: int = 1, width: float = 3.4, height: float = 2.7
) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def ensemble_time_courses(v: Verification) -> Figure:
    """Theory (lines) and networks of the largest size (mean, and band of one standard deviation over networks)."""
    figure, axes = _figure(len(QUANTITIES))
    theory, seen = v.theory.isel(size=-1), v.networks.isel(size=-1)
    for ax, quantity in zip(axes[0], QUANTITIES, strict=True):
        for k, p in enumerate(theory["population"].values[:MOST_CURVES]):
            mean = seen[quantity].sel(population=p).mean("network")
            sd = seen[quantity].sel(population=p).std("network", ddof=1)
            ax.fill_between(seen["time"], mean - sd, mean + sd, color=f"C{k}", alpha=0.25, lw=0)
            ax.plot(seen["time"], mean, color=f"C{k}", lw=1, ls=":")
            ax.plot(
                theory["time"],
                theory[quantity].sel(population=p),
                color=f"C{k}",
                lw=1.5,
                label=str(p),
            )
        ax.set(xlabel="time", ylabel=LABELS[quantity])
    axes[0, 0].legend(
        frameon=False,
        title=f"theory; bands: N = {int(seen['size'])}",
        fontsize="small",
        title_fontsize="small",
    )
    return figure


def network_time_courses(v: NetworkVerification) -> Figure:
    """Theory (lines), theory without motifs (dashed) and the network (dots)."""
    figure, axes = _figure(len(QUANTITIES))
    names = v.network["population"].values
    for ax, quantity in zip(axes[0], QUANTITIES, strict=True):
        for k, p in enumerate(names[:MOST_CURVES]):
            ax.plot(
                v.network["time"][::4],
                v.network[quantity].sel(population=p)[::4],
                ".",
                ms=3,
                color=f"C{k}",
                label=str(p),
            )
            ax.plot(v.theory["time"], v.theory[quantity].sel(population=p), color=f"C{k}", lw=1.2)
            ax.plot(
                v.theory["time"],
                v.without_motifs[quantity].sel(population=p),
                color=f"C{k}",
                lw=0.9,
                ls="--",
            )
        ax.set(xlabel="time", ylabel=LABELS[quantity])
    more = f" (first {MOST_CURVES} of {len(names)})" if len(names) > MOST_CURVES else ""
    axes[0, 0].legend(
        frameon=False,
        title=f"network dots, theory lines,\nno motifs dashed{more}",
        fontsize="x-small",
        title_fontsize="x-small",
    )
    return figure


def ensemble_scatter(v: Verification) -> Figure:
    """Every network of the largest size against theory, at the last time."""
    seen = {"networks": v.networks.isel(size=-1, time=-1)}
    return _scatter(v.theory.isel(size=-1, time=-1), seen, "theory", "sampled networks")


def network_scatter(v: NetworkVerification) -> Figure:
    """Theory with and without motifs against the network, one point per population, at the last time."""
    theories = {
        "with motifs": v.theory.isel(time=-1),
        "without motifs": v.without_motifs.isel(time=-1),
    }
    return _scatter(v.network.isel(time=-1), theories, "network", "theory")


def _scatter(
    reference: xr.Dataset, others: dict[str, xr.Dataset], xlabel: str, ylabel: str
) -> Figure:
    figure, axes = _figure(len(QUANTITIES), height=3.1)
    for ax, quantity in zip(axes[0], QUANTITIES, strict=True):
        values = [reference[quantity].values.ravel()]
        for marker, (name, other) in zip("ox", others.items(), strict=False):
            x, y = xr.broadcast(reference[quantity], other[quantity])
            ax.plot(x.values.ravel(), y.values.ravel(), marker, ms=4, alpha=0.7, label=name)
            values.append(y.values.ravel())
        low, high = np.nanmin(np.concatenate(values)), np.nanmax(np.concatenate(values))
        pad = 0.05 * (high - low) or 0.1
        ax.plot([low - pad, high + pad], [low - pad, high + pad], color="0.5", lw=0.8, zorder=0)
        ax.set(xlabel=f"{LABELS[quantity]}, {xlabel}", ylabel=ylabel)
    axes[0, 0].legend(frameon=False, fontsize="small")
    return figure


def error_against_size(v: Verification) -> Figure:
    """Root mean square difference of single networks (points) against N on log axes, with what `finite_size` predicts (dotted), and the
    1/sqrt(N) line.
    """
    figure, axes = _figure(len(QUANTITIES))
    n = v.summary["size"].values.astype(float)
    for ax, quantity in zip(axes[0], QUANTITIES, strict=True):
        spread = v.summary["spread"].sel(quantity=quantity)
        for k, p in enumerate(spread["population"].values[:MOST_CURVES]):
            ax.loglog(n, spread.sel(population=p), "o-", ms=4, lw=1, color=f"C{k}", label=str(p))
            if "predicted_spread" in v.summary:
                own = v.summary[["predicted_spread", "bias"]].sel(quantity=quantity, population=p)
                ax.loglog(
                    n, np.hypot(own["predicted_spread"], own["bias"]), ":", lw=1.2, color=f"C{k}"
                )
        anchor = float(np.exp(np.log(np.maximum(spread, 1e-300)).mean()))
        ax.loglog(
            n,
            anchor * np.sqrt(np.exp(np.log(n).mean()) / n),
            color="0.3",
            ls="--",
            lw=1,
            label=r"$1/\sqrt{N}$",
        )
        ax.set(xlabel="N", ylabel=f"error of {LABELS[quantity]}")
        ax.set_xticks(n, [f"{int(k)}" for k in n])
        ax.minorticks_off()
    axes[0, 0].legend(frameon=False, fontsize="small")
    return figure


def verification_figures(v: Verification | NetworkVerification) -> dict[str, Figure]:
    """All pictures of a comparison, by caption."""
    if isinstance(v, NetworkVerification):
        return {
            "Time courses": network_time_courses(v),
            "Theory against the network, one point per population": network_scatter(v),
        }
    shown = {
        "Time courses, theory and the largest networks": ensemble_time_courses(v),
        "Sampled networks against theory": ensemble_scatter(v),
    }
    return shown | (
        {"Error against network size": error_against_size(v)} if v.summary.sizes["size"] > 1 else {}
    )
