"""Responses of a fixed point: to drives, to parameters, over frequencies."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..fixed_points import Response
from .style import MOST_POPULATIONS, ink_on, name_ticks, open_frame, signed_image

MOST_BARS = 24
"""Sensitivities drawn, whose names fit below the axis."""
MOST_WRITTEN = 8
"""Populations up to which numbers fit in the cells of the matrix."""
STYLES = ("-", "--", ":", "-.")
DECADES = (1e-2, 1e2)
"""Frequencies drawn, around 1 / the time constant of a neuron."""


def responses(answer: Response, omega: np.ndarray | None = None) -> Figure:
    """How a fixed point responds.

    Args:
        answer: of `response`.
        omega: angular frequencies; 0.01 to 100 by default.

    Returns:
        The response matrix of the rates (populations whose rate falls with their own drive
        framed), what each class of motif does to the rates, the numbers that the rates are most
        sensitive to, and the gain over frequencies.
    """
    figure = Figure(figsize=(10.5, 7.2), layout="constrained")
    axes = figure.subplots(2, 2)
    _matrix(axes[0, 0], answer)
    _classes(axes[0, 1], answer)
    _strongest(axes[1, 0], answer)
    _gain(axes[1, 1], answer, np.geomspace(*DECADES, 241) if omega is None else omega)
    return figure


def _matrix(ax: Axes, answer: Response) -> None:
    values, names = answer.dataset["rate"].values, answer.populations
    image, largest = signed_image(ax, values)
    ax.figure.colorbar(image, ax=ax, label="$dR_p/dI_q$", shrink=0.85)
    if len(names) <= MOST_WRITTEN:
        centred: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9}
        for (p, q), value in np.ndenumerate(values):
            ax.text(q, p, f"{value:.3g}", color=ink_on(value, largest), **centred)
    for name in answer.paradoxical:
        k = names.index(name)
        ax.add_patch(Rectangle((k - 0.5, k - 0.5), 1, 1, fill=False, lw=2.5, ec="k"))
    framed = " (framed: paradoxical)" if answer.paradoxical else ""
    name_ticks(
        ax,
        names,
        xlabel="driven population $q$",
        ylabel="population $p$",
        title="steady response" + framed,
    )


def _classes(ax: Axes, answer: Response) -> None:
    table = answer.motifs()["rate"]
    _bars(ax, [str(m) for m in table["motif"].values], table.values, answer)
    ax.set(ylabel="$dR_p/d$(common factor)", title="what each class of motif does")


def _strongest(ax: Axes, answer: Response) -> None:
    table = answer.sensitivity()
    effect = np.abs(table["without"].values).max(axis=1)
    order = [int(k) for k in np.argsort(-effect)[:MOST_BARS] if effect[k] > 0]
    chosen = table.isel(parameter=order)
    _bars(ax, [str(n) for n in chosen["parameter"].values], -chosen["without"].values, answer)
    ax.tick_params(axis="x", rotation=90, labelsize=8)
    ax.set(
        ylabel="value $\\times$ derivative of $R_p$",
        title="strongest sensitivities, to first order",
    )


def _bars(ax: Axes, labels: list[str], values: np.ndarray, answer: Response) -> None:
    count = len(answer.populations)
    for p, name in enumerate(answer.populations):
        across = np.arange(len(labels)) + (p - (count - 1) / 2) * 0.8 / count
        ax.bar(across, values[:, p], 0.8 / count, label=name, color=f"C{p}")
    ax.axhline(0, color="k", lw=0.8)
    ax.set_xticks(range(len(labels)), labels)
    open_frame(ax).legend(frameon=False, fontsize="small")


def _gain(ax: Axes, answer: Response, omega: np.ndarray) -> None:
    table = np.abs(answer.frequency(omega)["rate"].values)
    for p, name in enumerate(answer.populations[:MOST_POPULATIONS]):
        for q, (other, style) in enumerate(zip(answer.populations, STYLES, strict=False)):
            label = f"{name} to {other}'s drive"
            ax.loglog(omega, table[:, p, q], color=f"C{p}", ls=style, lw=1.2, label=label)
    ax.set(
        xlabel="angular frequency $\\omega$ (1 / time)",
        ylabel="$|dR_p(\\omega)/dI_q(\\omega)|$",
        title="linear response over frequencies",
    )
    open_frame(ax).legend(frameon=False, fontsize="x-small")
