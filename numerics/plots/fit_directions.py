"""Directions in the space of numbers that targets determine."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..inference import Identifiability
from .style import open_frame, signed_image

MOST_PARAMETERS = 40
"""Numbers whose names fit beside the matrix."""
MOST_DIRECTIONS = 10
"""Directions drawn, the best determined ones."""


def determined(found: Identifiability) -> Figure:
    """Singular values of the Jacobian, and which numbers take part in the best directions.

    Args:
        found: of `identifiability`.
    """
    names = found.names[:MOST_PARAMETERS]
    figure = Figure(figsize=(10.5, max(3.4, 0.22 * len(names) + 1.6)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
    _singular_values(left, found)
    _directions(right, found, names)
    return figure


def _singular_values(ax: Axes, found: Identifiability) -> None:
    for own, colour, marker, label in (
        (found.whole, "0.6", "s", "with priors"),
        (found.data, "C0", "o", "targets alone"),
    ):
        values = own.singular_values[own.singular_values > 0]
        numbers = np.arange(1, len(values) + 1)
        ax.semilogy(numbers, values, marker, ms=5, color=colour, label=label)
    rank = found.data.rank
    label = f"determined: {rank} of {len(found.names)}"
    ax.axvline(rank + 0.5, color="C3", lw=1, ls="--", label=label)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(
        xlabel="direction",
        ylabel="singular value (1 / standard error)",
        title="what the targets determine",
    )
    open_frame(ax).legend(frameon=False, fontsize="small", loc="lower left")


def _directions(ax: Axes, found: Identifiability, names: tuple[str, ...]) -> None:
    shown = min(found.data.rank, MOST_DIRECTIONS)
    image, _ = signed_image(ax, found.data.seen[:shown, : len(names)].T, aspect="auto")
    ax.figure.colorbar(image, ax=ax, label="share in the direction")
    logarithmic = zip(names, found.logarithmic, strict=False)
    labels = [f"log |{n}|" if logs else n for n, logs in logarithmic]
    ax.set_yticks(range(len(names)), labels, fontsize="small")
    ax.set_xticks(range(shown), [str(k + 1) for k in range(shown)])
    ax.set(xlabel="direction, best determined first")
