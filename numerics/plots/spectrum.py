"""Pictures of spectra: eigenvalues of networks over the predicted bulk and outliers; each function returns a Matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..stability import Spectral, Spectrum, Stability


def spectra(
    answer: Stability, connectivity: Sequence[Spectrum] = (), jacobian: Sequence[Spectrum] = ()
) -> Figure:
    """The predicted spectra of the connectivity and of the Jacobian: the bulk's boundary, outliers as crosses; eigenvalues of networks, if
    given, as dots.
    """
    figure = Figure(figsize=(9.4, 4.4), layout="constrained")
    axes = figure.subplots(1, 2)
    draw(axes[0], answer.connectivity, connectivity, "connectivity $J$")
    draw(axes[1], answer.jacobian, jacobian, f"Jacobian at the fixed point: {answer.verdict}")
    axes[1].axvline(0, color="0.3", lw=0.9, ls="--", zorder=0)
    return figure


def draw(ax: Axes, predicted: Spectral, seen: Sequence[Spectrum] = (), title: str = "") -> None:
    """One spectrum."""
    for k, own in enumerate(seen):
        dots = own.eigenvalues
        ax.plot(
            dots.real,
            dots.imag,
            ".",
            ms=2,
            mew=0,
            color="0.6",
            label=f"{len(seen)} network{'s' * (len(seen) > 1)}" if not k else None,
            zorder=1,
        )
        if own.predicted is not None:
            out = own.outliers
            whose = "their" if len(seen) > 1 else "its"
            ax.plot(
                out.real,
                out.imag,
                "o",
                ms=5,
                mew=0,
                color="C0",
                alpha=0.6,
                label=f"{whose} outliers" if not k else None,
                zorder=2,
            )
    if len(predicted.boundary):
        ax.plot(
            predicted.boundary.real,
            predicted.boundary.imag,
            color="C3",
            lw=1.4,
            label="predicted bulk",
            zorder=3,
        )
    elif np.isfinite(predicted.edge):
        ax.axvline(predicted.edge, color="C3", lw=1.4, label="predicted edge of the bulk")
    ax.plot(
        predicted.outliers.real,
        predicted.outliers.imag,
        "x",
        ms=9,
        mew=1.8,
        color="C3",
        label="predicted outliers",
        zorder=4,
    )
    ax.set(xlabel="real part", ylabel="imaginary part", title=title)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.08)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", loc="upper left")
