"""Responses of a fixed point: to drives, to parameters, over frequencies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..fixed_points import Response
from .covered import uncover
from .style import first_of, ink_on, name_ticks, open_frame, rate_label, signed_image

MOST_BARS = 24
"""Sensitivities drawn, whose names fit below the axis."""
ROUNDING = 1e-12
"""Sensitivities this small, relative to the largest, are rounding."""
MOST_WRITTEN = 8
"""Populations up to which numbers fit in the cells of the matrix."""
STYLES = ("-", "--", ":", "-.")
"""Of driven populations, as many as are drawn."""
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
        sensitive to, and the gain over frequencies. Of motifs and numbers that do nothing there is
        no panel.
    """
    motifs, table = answer.motifs()["rate"], answer.sensitivity()
    over = np.geomspace(*DECADES, 241) if omega is None else omega
    drawn: list[Callable[[Axes], None]] = [lambda ax: _matrix(ax, answer)]
    if np.any(motifs.values):
        drawn.append(lambda ax: _classes(ax, answer, motifs))
    if np.any(table["without"].values):
        drawn.append(lambda ax: _strongest(ax, answer, table))
    drawn.append(lambda ax: _gain(ax, answer, over))
    columns = 2 if len(drawn) % 2 == 0 else len(drawn)
    size = (5.25 * columns, 3.6 * (len(drawn) // columns))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(drawn) // columns, columns, squeeze=False)
    for ax, draw in zip(axes.flat, drawn, strict=True):
        draw(ax)
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


def _classes(ax: Axes, answer: Response, table: xr.DataArray) -> None:
    _bars(ax, [str(m) for m in table["motif"].values], table.values, answer)
    ax.set(ylabel="$dR_p/d$(common factor)", title="what each class of motif does")


def _strongest(ax: Axes, answer: Response, table: xr.Dataset) -> None:
    effect = np.abs(table["without"].values).max(axis=1)
    least = ROUNDING * effect.max()
    order = [int(k) for k in np.argsort(-effect)[:MOST_BARS] if effect[k] > least]
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
    drawn = answer.populations[: len(STYLES)]
    for p, name in enumerate(drawn):
        for q, (other, style) in enumerate(zip(drawn, STYLES, strict=False)):
            label = f"{name} to {other}'s drive"
            ax.loglog(omega, table[:, p, q], color=f"C{p}", ls=style, lw=1.2, label=label)
    ax.set(
        xlabel=rate_label(answer, "angular frequency $\\omega$"),
        ylabel="$|dR_p(\\omega)/dI_q(\\omega)|$",
        title="linear response over frequencies",
    )
    more = first_of(len(STYLES), answer.populations)
    open_frame(ax).legend(frameon=False, fontsize="x-small", title=more, title_fontsize="x-small")
    uncover(ax)
