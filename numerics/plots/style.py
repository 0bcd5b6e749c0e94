"""Labels, numbers of curves, and axes that all pictures share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from ...time_units import labelled, time_unit_of

LABELS = {
    "mean": "mean input $K$",
    "variance": r"variance of input $\Delta$",
    "rate": "mean rate $R$",
}
"""What is drawn of each population, with the labels of the axes."""
MOST_POPULATIONS = 6
"""Populations drawn, each in its colour; more colours are hard to tell apart."""
UNSTABLE = (0, (3, 2))
"""Dashes of what is not stable."""
BULK_UNSTABLE = (0, (6, 1.5, 1, 1.5))
"""Dashes and dots of what is stable in the equations, while the bulk of the network is not."""
BULK_TEXT = "stable equations, unstable bulk: chaos"
"""What the legend says of it."""
LEGEND, LETTER = 0.5, 0.075
"""Inches that marks of a legend take, and a letter."""
SEEN = 5.0
"""Points that a marker measures to be seen, and its colour told."""
HATCH = "//"
"""Where no network has such statistics."""
NO_NETWORK = "no network has these statistics"
"""What the legend says of it."""
BULK_HATCH = ".."
"""Where the bulk makes an attractor unstable."""


def open_frame(ax: Axes) -> Axes:
    """Axes without the upper and right border."""
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def panels(
    columns: int, rows: int = 1, width: float = 3.4, height: float = 2.7
) -> tuple[Figure, np.ndarray]:
    """A figure with rows and columns of axes, each width x height inches."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        open_frame(ax)
    return figure, axes


def of_quantities(axes: Sequence[Axes]) -> Iterator[tuple[Axes, str]]:
    """The axes with the quantities of `LABELS`, whose labels they get."""
    for ax, (quantity, label) in zip(axes, LABELS.items(), strict=True):
        ax.set_ylabel(label)
        yield ax, quantity


def time_label(shown: Any, text: str = "time", otherwise: str = "") -> str:
    """The label of an axis of times, with the unit that a result or a dataset names."""
    return labelled(text, time_unit_of(shown), 1, otherwise)


def rate_label(shown: Any, text: str) -> str:
    """The label of an axis of rates of growth or frequencies, per unit of time."""
    return labelled(text, time_unit_of(shown), -1, "1 / time")


def first_of(most: int, names: Sequence[Any] | np.ndarray) -> str | None:
    """What a legend says where more populations are there than are drawn."""
    return f"first {most} of {len(names)}" if len(names) > most else None


def legend_beside(ax: Axes, *handles_and_texts: Any, **settings: Any) -> None:
    """A legend to the right of the axes."""
    place = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    enlarged(ax.legend(*handles_and_texts, frameon=False, fontsize="small", **(place | settings)))


def legend_outside(figure: Figure, handles: Mapping[str, Any], title: str = "") -> None:
    """A legend to the right of all axes, for which a figure becomes wider."""
    longest = max(map(len, [*handles, title]))
    figure.set_figwidth(figure.get_figwidth() + LEGEND + LETTER * longest)
    place: Any = {"loc": "outside right center", "frameon": False, "fontsize": "small"}
    titled: Any = {"title": title, "title_fontsize": "small"} if title else {}
    enlarged(figure.legend(list(handles.values()), list(handles), **place, **titled))


def legend_below(figure: Figure, handles: Mapping[str, Any]) -> None:
    """A legend below all axes."""
    place: Any = {"loc": "outside lower center", "frameon": False, "fontsize": "small"}
    enlarged(figure.legend(list(handles.values()), list(handles), ncols=len(handles), **place))


def enlarged(legend: Legend) -> None:
    """Dots of a legend become as large as one is seen alone; many small ones make a cloud."""
    for handle in legend.legend_handles:
        if isinstance(handle, Line2D):
            least = 2 * SEEN if handle.get_marker() == "." else SEEN  # half as large as its size
            handle.set_markersize(max(handle.get_markersize(), least))


def signed_image(ax: Axes, values: np.ndarray, **settings: Any) -> tuple[Any, float]:
    """An image in red and blue with white at zero; the image, and the largest size."""
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    norm = TwoSlopeNorm(0, -largest, largest)
    return ax.imshow(values, cmap="RdBu_r", norm=norm, **settings), largest


def ink_on(value: float, largest: float, ink: str = "k") -> str:
    """The colour of a number on a signed image: white where the image is dark."""
    return "w" if abs(value) > 0.6 * largest else ink


def name_ticks(ax: Axes, names: Sequence[str], **settings: Any) -> None:
    """Names of populations at the rows and columns of a matrix."""
    at = range(len(names))
    ax.set(xticks=at, xticklabels=names, yticks=at, yticklabels=names, **settings)
