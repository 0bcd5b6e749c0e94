"""Eigenvalues of networks over the predicted bulk and outliers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...numbers import counted
from ..stability import Spectral, Spectrum, Stability
from .style import enlarged, open_frame, panels, rate_label

THEORY, NETWORKS, OUTLIERS = "C3", "0.6", "C0"


def spectra(
    answer: Stability, connectivity: Sequence[Spectrum] = (), jacobian: Sequence[Spectrum] = ()
) -> Figure:
    """The predicted spectra of the connectivity and of the Jacobian.

    Args:
        answer: of `stability`.
        connectivity: spectra of networks' synapses.
        jacobian: spectra of networks' Jacobians.

    Returns:
        The boundary of the bulk, outliers as crosses, and the networks' eigenvalues as dots.
    """
    figure, axes = panels(2, width=4.7, height=4.4)
    left, right = axes[0]
    draw(left, answer.connectivity, connectivity, "connectivity $J$")
    draw(right, answer.jacobian, jacobian, f"Jacobian at the fixed point: {answer.verdict}")
    _say_rates(right, answer)
    right.axvline(0, color="0.3", lw=0.9, ls="--", zorder=0)
    return figure


def spectrum(seen: Spectrum) -> Figure:
    """The eigenvalues of one network, over the prediction where there is one.

    Args:
        seen: of `spectrum`.
    """
    figure, axes = panels(1, width=4.7, height=4.4)
    draw(axes[0, 0], seen.predicted, [seen])
    if seen.x is not None:
        _say_rates(axes[0, 0], seen)
    return figure


def _say_rates(ax: Axes, shown: Any) -> None:
    """Eigenvalues of a Jacobian are rates of growth; those of synapses have no unit of time."""
    ax.set(xlabel=rate_label(shown, "real part"), ylabel=rate_label(shown, "imaginary part"))


def draw(
    ax: Axes, predicted: Spectral | None, seen: Sequence[Spectrum] = (), title: str = ""
) -> None:
    """One spectrum on given axes.

    Args:
        ax: axes of Matplotlib.
        predicted: bulk and outliers, or None.
        seen: spectra of networks.
        title: of the axes.
    """
    for k, own in enumerate(seen):
        _network(ax, own, len(seen), labelled=k == 0)
    if predicted is not None:
        _theory(ax, predicted)
    ax.set(xlabel="real part", ylabel="imaginary part", title=title)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.08)
    if open_frame(ax).get_legend_handles_labels()[0]:
        enlarged(ax.legend(frameon=False, fontsize="small", loc="upper left"))


def _network(ax: Axes, own: Spectrum, count: int, labelled: bool) -> None:
    """Dots for eigenvalues, larger ones for outliers."""
    dots = own.eigenvalues
    label = counted(count, "network") if labelled else None
    ax.plot(dots.real, dots.imag, ".", ms=2, mew=0, color=NETWORKS, label=label, zorder=1)
    if own.predicted is not None:
        out = own.outliers
        label = f"{'their' if count > 1 else 'its'} outliers" if labelled else None
        style: dict[str, Any] = {"ms": 5, "mew": 0, "color": OUTLIERS, "alpha": 0.6}
        ax.plot(out.real, out.imag, "o", label=label if len(out) else None, zorder=2, **style)


def _theory(ax: Axes, predicted: Spectral) -> None:
    """The boundary of the bulk, or its edge on the real axis, and crosses for outliers."""
    line: dict[str, Any] = {"color": THEORY, "lw": 1.4}
    edge, out = predicted.boundary, predicted.outliers
    if len(edge):
        ax.plot(edge.real, edge.imag, label="predicted bulk", zorder=3, **line)
    elif np.isfinite(predicted.edge):
        ax.axvline(predicted.edge, label="predicted edge of the bulk", **line)
    cross: dict[str, Any] = {"ms": 9, "mew": 1.8, "color": THEORY}
    label = "predicted outliers" if len(out) else None
    ax.plot(out.real, out.imag, "x", label=label, zorder=4, **cross)
