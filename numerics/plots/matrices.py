"""Connectivity and motifs that a fit found, as matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..fitting import Fit
from .style import ink_on, name_ticks, signed_image

MOST_MIDDLES = 4
"""Populations up to which chains are shown through each one; beyond, all together."""
MOST_WRITTEN = 6
"""Populations up to which numbers stand in the cells."""
MOST_LARGE = 3
"""Populations up to which there is room for numbers of the usual size."""

Range = tuple[float, float]


class Panel(NamedTuple):
    """A matrix: title, numbers, names of the entries, and the factor that the numbers have."""

    title: str
    values: np.ndarray
    entries: list[list[str]]
    factor: float


def connectivity(fit: Fit, errors: Mapping[str, float] | None = None) -> Figure:
    """Synaptic means, standard deviations and motifs of the best solution, row = target.

    Args:
        fit: of `fit`.
        errors: standard errors by name, shown below the numbers; infinite where a number is not
            determined. By default the range of equally good solutions, where there are several.

    Returns:
        A matrix for each kind of statistic; numbers that were not fitted are grey.
    """
    own = fit.parameters()
    panels = [panel for panel in _panels(own) if np.any(panel.values)]
    below = _beside(fit, errors)
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    side = 2.2 + 0.36 * max(own.P - 2, 0)  # room for two populations, and for each further one
    figure = Figure(figsize=((side + 0.75) * columns, (side + 0.55) * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax, panel in zip(axes.flat, panels, strict=False):
        _matrix(ax, panel, own.populations, below)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    return figure


def _panels(own: Any) -> list[Panel]:
    """All statistics of some parameters."""
    N = float(own.N)
    con, div = np.asarray(own.tau_con), np.asarray(own.tau_div)

    def panel(
        title: str, values: Any, family: str, index: Callable[..., tuple[int, ...]], factor: float
    ) -> Panel:
        return Panel(title, factor * np.asarray(values), _names(own, family, index), factor)

    # fmt: off
    return [
        panel(r"mean synapse, $N \bar J_{pq}$", own.mean, "mean", lambda p, q: (p, q), N),
        panel("SD of synapses, $g_{pq}$", own.g, "g", lambda p, q: (p, q), 1.0),
        panel(r"convergence, $N \tau^{con}_{pqq}$", np.einsum("pqq->pq", con),
              "tau_con", lambda p, q: (p, q, q), N),
        panel(r"divergence, $N \tau^{div}_{qpp}$", np.einsum("qpp->pq", div),
              "tau_div", lambda p, q: (q, p, p), N),
        panel(r"reciprocity, $\tau^{rec}_{pq}$", own.tau_rec,
              "tau_rec", lambda p, q: (min(p, q), max(p, q)), 1.0),
        *_chains(own),
    ]
    # fmt: on


def _chains(own: Any) -> list[Panel]:
    """Chains through each population, or summed over many."""
    N, chn, names = float(own.N), np.asarray(own.tau_chn), own.populations
    if own.P > MOST_MIDDLES:
        g = np.asarray(own.g)
        whole = N * np.einsum("pq,qr,pqr->pr", g, g, chn)
        title = r"chains, $N \sum_q g_{pq} g_{qr} \tau^{chn}_{pqr}$"
        return [Panel(title, whole, [[""] * own.P] * own.P, 1.0)]
    found = []
    for q, middle in enumerate(names):
        entries = [[f"tau_chn[{a},{middle},{b}]" for b in names] for a in names]
        title = f"chains through {middle}, $N \\tau^{{chn}}$"
        found.append(Panel(title, N * chn[:, q], entries, N))
    return found


def _names(own: Any, family: str, index: Callable[..., tuple[int, ...]]) -> list[list[str]]:
    names = own.populations
    return [
        [f"{family}[{','.join(names[k] for k in index(p, q))}]" for q in range(own.P)]
        for p in range(own.P)
    ]


def _beside(fit: Fit, errors: Mapping[str, float] | None) -> dict[str, Range | float | None]:
    """For each number that was fitted: its error, or its range, or None where none is known."""
    coordinates = fit.problem.coordinates
    shared = [own for own in coordinates.unknowns if own.condition is None]
    names = [name for own in shared for name in own.names] + list(coordinates.motifs.entries)
    labels = {name: own.label for own in coordinates.unknowns for name in own.names}
    if errors is not None:
        return {name: errors.get(labels.get(name, name)) for name in names}
    if len(fit.good) < 2:
        return dict.fromkeys(names)
    table = fit.ensemble()["value"]
    low, high = table.min("solution"), table.max("solution")
    ends: dict[str, Range | float | None] = {}
    for name in names:
        at = {"parameter": labels.get(name, name)}
        ends[name] = (float(low.sel(at)), float(high.sel(at)))
    return ends


def _matrix(
    ax: Axes,
    panel: Panel,
    names: tuple[str, ...],
    below: Mapping[str, Range | float | None],
) -> None:
    image, largest = signed_image(ax, panel.values)
    ax.figure.colorbar(image, ax=ax, shrink=0.8)
    if len(names) <= MOST_WRITTEN:
        size = 8 if len(names) <= MOST_LARGE else 6.5
        centred: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": size}
        for (p, q), value in np.ndenumerate(panel.values):
            name = panel.entries[p][q]
            ink = ink_on(value, largest, "k" if name in below else "0.45")
            text = f"{value:.3g}" + _under(below.get(name), panel.factor)
            ax.text(q, p, text, color=ink, linespacing=1.15, **centred)
    name_ticks(ax, names)
    ax.set_title(panel.title, fontsize="medium")
    ax.tick_params(length=0)


def _under(known: Range | float | None, factor: float) -> str:
    if known is None:
        return ""
    if isinstance(known, tuple):
        return f"\n{factor * known[0]:.2g} .. {factor * known[1]:.2g}"
    return f"\n± {factor * known:.2g}" if np.isfinite(known) else "\nopen"
