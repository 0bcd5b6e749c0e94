"""Branches of fixed points and limit cycles along one parameter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...errors import ParameterError
from ..continuation import Branches, LimitCycles
from .covered import uncover
from .style import (
    BULK_TEXT,
    BULK_UNSTABLE,
    LABELS,
    MOST_POPULATIONS,
    NO_NETWORK,
    UNSTABLE,
    legend_beside,
    of_quantities,
    panels,
)

MARKS = {
    "fold": ("o", "fold"),
    "Hopf": ("s", "Hopf point"),
    "branch point": ("D", "branch point"),
    "negative variance": ("v", "variance turns negative"),
    "infeasible": ("x", "limit of feasible statistics"),
    "bulk instability": ("P", "bulk turns unstable"),
    "cusp": ("^", "cusp"),
    "Bogdanov-Takens": ("*", "Bogdanov-Takens point"),
}
DASHES: dict[str, Any] = {"stable": "-", "unstable": UNSTABLE, BULK_TEXT: BULK_UNSTABLE}
CYCLES: dict[str, dict[str, Any]] = {
    "stable cycle, min and max": {"lw": 2.4, "alpha": 0.75},
    "unstable cycle": {"lw": 1.4, "alpha": 0.75, "ls": ":"},
}
FAINT = 0.25  # opacity of solutions with statistics that no network has


def bifurcation_diagram(
    branches: Branches,
    cycles: Sequence[LimitCycles] = (),
    *,
    show: Sequence[str] = ("mean", "variance", "rate"),
    populations: Sequence[str] | None = None,
) -> Figure:
    """Observables over the parameter that varies.

    Args:
        branches: of `follow`.
        cycles: of `limit_cycles`, one for each Hopf point.
        show: some of `mean`, `variance`, `rate`.
        populations: by name; the first six by default.

    Returns:
        Stable fixed points solid, unstable ones dashed, those that only the bulk of the network's
        spectrum makes unstable dashed and dotted, statistics that no network has faint; special
        points marked; smallest and largest values over a limit cycle as thick lines, over
        an unstable one dotted.

    Raises:
        ParameterError: there is no such observable or population.
    """
    known = branches.populations
    chosen = list(known[:MOST_POPULATIONS]) if populations is None else list(populations)
    if wrong := [n for n in show if n not in LABELS] + [p for p in chosen if p not in known]:
        raise ParameterError(
            f"{wrong[0]!r} cannot be drawn: there are {', '.join(LABELS)}, "
            f"and the populations {', '.join(known)}"
        )
    figure, axes = panels(len(show), width=3.9, height=3.4)
    for ax, what in zip(axes[0], show, strict=True):
        for k in map(known.index, chosen):
            for branch in branches:
                _branch(ax, branch, what, k)
            for own in cycles:
                _cycles(ax, own, what, k)
            for s in branches.special:
                _special(ax, s, what, k)
        ax.set(xlabel=branches.name, ylabel=LABELS[what])
    legend_beside(axes[0, -1], handles=_legend(branches, cycles, chosen))
    uncover(*axes[0])
    return figure


def cycles_diagram(cycles: LimitCycles) -> Figure:
    """Smallest and largest mean, variance and rate over each cycle, along the parameter.

    Args:
        cycles: of `limit_cycles`.
    """
    figure, axes = panels(len(LABELS), width=3.9, height=3.4)
    names = cycles.dataset["population"].values[:MOST_POPULATIONS]
    for ax, what in of_quantities(axes[0]):
        for k in range(len(names)):
            _cycles(ax, cycles, what, k)
        ax.set_xlabel(cycles.name)
    handles = [Line2D([], [], color=f"C{k}", label=str(p)) for k, p in enumerate(names)]
    legend_beside(axes[0, -1], handles=[*handles, *_cycle_handles([cycles])])
    uncover(*axes[0])
    return figure


def _branch(ax: Axes, branch: Any, what: str, k: int) -> None:
    """One population."""
    x, y = branch.values, branch.dataset[what].values[:, k]
    for own, kind, alpha in _stretches(branch):
        ax.plot(x[own], y[own], color=f"C{k}", lw=1.4, ls=DASHES[kind], alpha=alpha)


def _stretches(branch: Any) -> Iterator[tuple[slice, str, float]]:
    """Parts of a branch that are seen, what the equations do there, and their opacity."""
    good = branch.dataset["feasible"].values & branch.dataset["physical"].values
    for own in _runs(np.stack([branch.stable, branch.bulk_unstable, good], axis=1)):
        k = own.start
        settled = BULK_TEXT if branch.bulk_unstable[k] else "stable"
        yield own, settled if branch.stable[k] else "unstable", 1.0 if good[k] else FAINT


def _cycles(ax: Axes, cycles: LimitCycles, what: str, k: int) -> None:
    data = cycles.dataset
    for side in ("min", "max"):
        x, y = data["value"].values, data[f"{what}_{side}"].values[:, k]
        for own, kind in _cycle_stretches(cycles):
            ax.plot(x[own], y[own], color=f"C{k}", **CYCLES[kind])


def _cycle_stretches(cycles: LimitCycles) -> Iterator[tuple[slice, str]]:
    """Parts of a branch of cycles that are seen, and what they are."""
    stable, unstable = CYCLES
    for own in _runs(cycles.stable[:, None]):
        yield own, stable if cycles.stable[own.start] else unstable


def _special(ax: Axes, point: Any, what: str, k: int) -> None:
    """Filled, except where the bifurcation is subcritical."""
    mark, _ = MARKS[point.kind]
    filled = point.info.get("criticality") != "subcritical" and mark != "x"
    face: dict[str, Any] = (
        {"c": "k"} if mark == "x" else {"mfc": "k" if filled else "w", "mec": "k"}
    )
    ax.plot(point.value, point.seen[what][k], mark, ms=5.5, zorder=5, ls="none", **face)


def _runs(labels: np.ndarray) -> list[slice]:
    """Stretches of equal labels, each with the first point of the next one; a point is no line."""
    changes = np.flatnonzero(np.any(labels[1:] != labels[:-1], axis=1)) + 1
    starts, ends = [0, *changes.tolist()], [*changes.tolist(), len(labels)]
    runs = [slice(a, min(b + 1, len(labels))) for a, b in zip(starts, ends, strict=True)]
    return [run for run in runs if run.stop - run.start > 1]


def _legend(
    branches: Branches, cycles: Sequence[LimitCycles], chosen: Sequence[str]
) -> list[Line2D]:
    handles = [Line2D([], [], color=f"C{branches.populations.index(p)}", label=p) for p in chosen]
    seen = [stretch for branch in branches for stretch in _stretches(branch)]
    kinds, shades = ({stretch[k] for stretch in seen} for k in (1, 2))
    style: dict[str, Any] = {"color": "0.4", "lw": 1.6}
    handles += [
        Line2D([], [], ls=ls, label=kind, **style) for kind, ls in DASHES.items() if kind in kinds
    ]
    handles += _cycle_handles(cycles)
    if FAINT in shades:
        handles.append(Line2D([], [], alpha=FAINT, label=NO_NETWORK, **style))
    for kind in dict.fromkeys(s.kind for s in branches.special):
        mark, label = MARKS[kind]
        handles.append(Line2D([], [], color="k", marker=mark, ls="none", ms=5.5, label=label))
    return handles


def _cycle_handles(cycles: Sequence[LimitCycles]) -> list[Line2D]:
    kinds = {kind for own in cycles for _, kind in _cycle_stretches(own)}
    return [
        Line2D([], [], color="0.4", label=kind, **style)
        for kind, style in CYCLES.items()
        if kind in kinds
    ]
