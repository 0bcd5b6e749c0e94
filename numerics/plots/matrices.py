"""A picture of the connectivity and the motifs that a fit found."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from ..fitting import Fit
from ..parameters import Parameters

MOST_MIDDLES = 4
"""Populations up to which chains are shown through each one; beyond, all together."""
MOST_WRITTEN = 6
"""Populations up to which numbers stand in the cells."""
Panel = tuple[str, np.ndarray, list[list[str]], float]


def connectivity(fit: Fit, errors: Mapping[str, float] | None = None) -> Figure:
    """Mean synapses, their standard deviations and the motifs of the best solution as matrices, row = target.

    errors: standard errors by name, below the numbers; infinite: not determined. Without them, the range of equally good solutions, where there are
    several. Numbers that were not fitted are grey.
    """
    own = fit.parameters()
    panels = [panel for panel in _panels(own) if np.any(panel[1])]
    below = _beside(fit, errors)
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    side = 2.2 + 0.36 * max(own.P - 2, 0)
    figure = Figure(figsize=((side + 0.75) * columns, (side + 0.55) * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax, panel in zip(axes.flat, panels, strict=False):
        _matrix(ax, panel, own.populations, below)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    return figure


def _panels(own: Parameters) -> list[Panel]:
    """Title, numbers, names of the entries, and the factor that the numbers have."""
    P, N = own.P, float(own.N)
    con, div, chn = (np.asarray(t) for t in (own.tau_con, own.tau_div, own.tau_chn))
    found: list[Panel] = [
        (
            r"mean synapse, $N \bar J_{pq}$",
            N * np.asarray(own.mean),
            _names(own, "mean", lambda p, q: (p, q)),
            N,
        ),
        ("SD of synapses, $g_{pq}$", np.asarray(own.g), _names(own, "g", lambda p, q: (p, q)), 1.0),
        (
            r"convergence, $N \tau^{con}_{pqq}$",
            N * np.einsum("pqq->pq", con),
            _names(own, "tau_con", lambda p, q: (p, q, q)),
            N,
        ),
        (
            r"divergence, $N \tau^{div}_{qpp}$",
            N * np.einsum("qpp->pq", div),
            _names(own, "tau_div", lambda p, q: (q, p, p)),
            N,
        ),
        (
            r"reciprocity, $\tau^{rec}_{pq}$",
            np.asarray(own.tau_rec),
            _names(own, "tau_rec", lambda p, q: (min(p, q), max(p, q))),
            1.0,
        ),
    ]
    if P <= MOST_MIDDLES:
        for q in range(P):
            chains = [
                [f"tau_chn[{a},{own.populations[q]},{b}]" for b in own.populations]
                for a in own.populations
            ]
            found.append(
                (
                    f"chains through {own.populations[q]}, $N \\tau^{{chn}}$",
                    N * chn[:, q],
                    chains,
                    N,
                )
            )
    else:
        g = np.asarray(own.g)
        whole = N * np.einsum("pq,qr,pqr->pr", g, g, chn)
        found.append(
            (r"chains, $N \sum_q g_{pq} g_{qr} \tau^{chn}_{pqr}$", whole, [[""] * P] * P, 1.0)
        )
    return found


def _names(
    own: Parameters, family: str, index: Callable[[int, int], tuple[int, ...]]
) -> list[list[str]]:
    names = own.populations
    return [
        [f"{family}[{','.join(names[k] for k in index(p, q))}]" for q in range(own.P)]
        for p in range(own.P)
    ]


def _beside(
    fit: Fit, errors: Mapping[str, float] | None
) -> dict[str, tuple[float, float] | float | None]:
    """For each number that was fitted: its error, or its range, or None where nothing is known."""
    names = [
        name
        for own in fit.problem.coordinates.unknowns
        if own.condition is None
        for name in own.names
    ]
    whole = {name: own.label for own in fit.problem.coordinates.unknowns for name in own.names}
    names += list(fit.problem.coordinates.motifs.entries)
    if errors is not None:
        return {name: errors.get(whole.get(name, name)) for name in names}
    if len(fit.good) < 2:
        return dict.fromkeys(names)
    table = fit.ensemble()["value"]
    low, high = table.min("solution"), table.max("solution")
    return {
        name: (
            float(low.sel(parameter=whole.get(name, name))),
            float(high.sel(parameter=whole.get(name, name))),
        )
        for name in names
    }


def _matrix(
    ax: Axes,
    panel: Panel,
    names: tuple[str, ...],
    below: Mapping[str, tuple[float, float] | float | None],
) -> None:
    title, values, entries, factor = panel
    largest = float(np.abs(values).max()) or 1.0
    image = ax.imshow(values, cmap="RdBu_r", norm=TwoSlopeNorm(0, -largest, largest))
    ax.figure.colorbar(image, ax=ax, shrink=0.8)
    if len(names) <= MOST_WRITTEN:
        for (p, q), value in np.ndenumerate(values):
            name = entries[p][q]
            ink = "w" if abs(value) > 0.6 * largest else "k" if name in below else "0.45"
            text = f"{value:.3g}" + _under(below.get(name), factor)
            ax.text(
                q,
                p,
                text,
                ha="center",
                va="center",
                fontsize=8 if len(names) <= 3 else 6.5,
                color=ink,
                linespacing=1.15,
            )
    ax.set(xticks=range(len(names)), xticklabels=names, yticks=range(len(names)), yticklabels=names)
    ax.set_title(title, fontsize="medium")
    ax.tick_params(length=0)


def _under(known: tuple[float, float] | float | None, factor: float) -> str:
    if known is None:
        return ""
    if isinstance(known, tuple):
        return f"\n{factor * known[0]:.2g} .. {factor * known[1]:.2g}"
    return f"\n± {factor * known:.2g}" if np.isfinite(known) else "\nopen"
