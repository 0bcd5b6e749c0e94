"""Pictures of bifurcations; each function returns a Matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ...errors import ParameterError
from ..continuation import BifurcationCurves, Branches, LimitCycles, PhaseDiagram

LABELS = {
    "mean": "mean input $K$",
    "variance": r"variance of input $\Delta$",
    "rate": "mean rate $R$",
}
MARKS = {
    "fold": ("o", "fold"),
    "Hopf": ("s", "Hopf point"),
    "branch point": ("D", "branch point"),
    "negative variance": ("v", "variance turns negative"),
    "infeasible": ("x", "limit of feasible statistics"),
    "cusp": ("^", "cusp"),
    "Bogdanov-Takens": ("*", "Bogdanov-Takens point"),
}
CURVES = {"fold": ("k", "folds"), "Hopf": ("C3", "Hopf points")}
MOST_POPULATIONS = 6


def bifurcation_diagram(
    branches: Branches,
    cycles: Sequence[LimitCycles] = (),
    *,
    show: Sequence[str] = ("mean", "variance", "rate"),
    populations: Sequence[str] | None = None,
) -> Figure:
    """Observables over the number that varies: stable fixed points solid, unstable ones dashed, statistics that no network has faint; special
    points marked; largest and smallest values of limit cycles as thick lines, of unstable cycles dotted.

    show: of `mean`, `variance`, `rate`; populations: by name, the first six by default. Raises `ParameterError` for other names.
    """
    known = branches.populations
    chosen = list(known[:MOST_POPULATIONS]) if populations is None else list(populations)
    if wrong := [n for n in show if n not in LABELS] + [p for p in chosen if p not in known]:
        raise ParameterError(
            f"{wrong[0]!r} cannot be drawn: there are {', '.join(LABELS)}, and the populations {', '.join(known)}"
        )
    figure = Figure(figsize=(3.9 * len(show), 3.4), layout="constrained")
    axes = figure.subplots(1, len(show), squeeze=False)[0]
    for ax, what in zip(axes, show, strict=True):
        for p in chosen:
            k = known.index(p)
            for branch in branches:
                _branch(ax, branch, what, k, 1.4 + 0.9 * (len(chosen) - 1 - chosen.index(p)))
            for own in cycles:
                _cycles(ax, own, what, k)
            for s in branches.special:
                mark, _ = MARKS[s.kind]
                filled = s.info.get("criticality") != "subcritical" and mark != "x"
                face = {"c": "k"} if mark == "x" else {"mfc": "k" if filled else "w", "mec": "k"}
                ax.plot(s.value, s.seen[what][k], mark, ms=5.5, zorder=5, ls="none", **face)
        ax.set(xlabel=branches.name, ylabel=LABELS[what])
        ax.spines[["top", "right"]].set_visible(False)
    axes[-1].legend(
        handles=_legend(branches, cycles, chosen),
        frameon=False,
        fontsize="small",
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
    )
    return figure


def _branch(ax: Axes, branch: Any, what: str, k: int, width: float) -> None:
    """One population; the first ones wider, so that equal ones are seen beneath each other."""
    x, y = branch.values, branch.dataset[what].values[:, k]
    good = branch.dataset["feasible"].values & branch.dataset["physical"].values
    for first, last in _runs(np.stack([branch.stable, good], axis=1)):
        ax.plot(
            x[first:last],
            y[first:last],
            color=f"C{k}",
            lw=width,
            ls="-" if branch.stable[first] else (0, (3, 2)),
            alpha=1.0 if good[first] else 0.25,
        )


def _cycles(ax: Axes, cycles: LimitCycles, what: str, k: int) -> None:
    data = cycles.dataset
    for side in ("min", "max"):
        x, y = data["value"].values, data[f"{what}_{side}"].values[:, k]
        for first, last in _runs(cycles.stable[:, None]):
            ax.plot(
                x[first:last],
                y[first:last],
                color=f"C{k}",
                lw=2.4 if cycles.stable[first] else 1.4,
                alpha=0.75,
                ls="-" if cycles.stable[first] else ":",
            )


def _runs(labels: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of equal labels, each with the first point of the next one."""
    changes = np.flatnonzero(np.any(labels[1:] != labels[:-1], axis=1)) + 1
    starts = [0, *changes.tolist()]
    return [
        (a, min(b + 1, len(labels)))
        for a, b in zip(starts, [*changes.tolist(), len(labels)], strict=True)
    ]


def _legend(
    branches: Branches, cycles: Sequence[LimitCycles], chosen: Sequence[str]
) -> list[Line2D]:
    handles = [Line2D([], [], color=f"C{branches.populations.index(p)}", label=p) for p in chosen]
    handles += [
        Line2D([], [], color="0.4", lw=1.6, label="stable"),
        Line2D([], [], color="0.4", lw=1.6, ls=(0, (3, 2)), label="unstable"),
    ]
    if cycles:
        handles.append(
            Line2D([], [], color="0.4", lw=2.4, alpha=0.75, label="stable cycle, min and max")
        )
    if any(not c.stable.all() for c in cycles):
        handles.append(Line2D([], [], color="0.4", lw=1.4, ls=":", label="unstable cycle"))
    if any(not b.dataset["feasible"].values.all() for b in branches):
        handles.append(
            Line2D([], [], color="0.4", lw=1.6, alpha=0.25, label="no network has these statistics")
        )
    for kind in dict.fromkeys(s.kind for s in branches.special):
        mark, label = MARKS[kind]
        handles.append(Line2D([], [], color="k", marker=mark, ls="none", ms=5.5, label=label))
    return handles


def curves_diagram(curves: BifurcationCurves) -> Figure:
    """Curves of folds and Hopf points in the plane of the two numbers, with cusps and Bogdanov-Takens points."""
    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    ax = figure.subplots()
    draw_curves(ax, curves)
    ax.set(
        xlabel=curves.names[0], ylabel=curves.names[1], xlim=curves.bounds[0], ylim=curves.bounds[1]
    )
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def draw_curves(ax: Axes, curves: BifurcationCurves) -> None:
    """The curves into axes; neutral saddles beyond a Bogdanov-Takens point are left out."""
    handles = {}
    for curve in curves.curves:
        color, label = CURVES[curve.kind]
        x, y = curve.dataset["first"].values, curve.dataset["second"].values
        if "frequency" in curve.dataset:
            y = np.where(np.isfinite(curve.dataset["frequency"].values), y, np.nan)
        (handles[label],) = ax.plot(x, y, color=color, lw=1.6)
    for s in curves.special:
        mark, label = MARKS[s.kind]
        (handles[label],) = ax.plot(*s.value, mark, color="k", mfc="w", ms=8, zorder=5)
    if handles:
        ax.legend(
            list(handles.values()),
            list(handles),
            frameon=False,
            fontsize="small",
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
        )


def phase_picture(diagram: PhaseDiagram) -> Figure:
    """The number of attractors as an image, with the curves of folds and Hopf points on top.

    Where there are states, but none is stable, activity oscillates: a colour of its own.
    """
    data = diagram.dataset
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    ax = figure.subplots()
    kinds = np.where(data["oscillating"].values, -1, data["attractors"].values)
    present = [int(k) for k in np.unique(kinds)]
    colors = {-1: "#f4b6a6", 0: "#ffffff", 1: "#dfe8f3", 2: "#9dbfe0", 3: "#5a8fc4", 4: "#2c639c"}
    image = np.array([[to_rgb(colors.get(int(k), "#123d6b")) for k in row] for row in kinds.T])
    first, second = data["first"].values, data["second"].values
    half = [(v[1] - v[0]) / 2 for v in (first, second)]
    extent = (first[0] - half[0], first[-1] + half[0], second[0] - half[1], second[-1] + half[1])
    ax.imshow(image, origin="lower", extent=extent, aspect="auto", interpolation="nearest")
    if not data["feasible"].values.all():
        ax.contourf(
            first,
            second,
            ~data["feasible"].values.T,
            levels=[0.5, 1.5],
            colors="none",
            hatches=["//"],
        )
    if diagram.curves is not None:
        draw_curves(ax, diagram.curves)
    own = ax.get_legend()
    handles: list[Any] = list(own.legend_handles) if own is not None else []
    texts = [t.get_text() for t in own.get_texts()] if own is not None else []
    names = {-1: "oscillation (no stable state)", 0: "no state found", 1: "1 stable state"}
    handles += [Patch(facecolor=colors.get(k, "#123d6b"), edgecolor="0.7") for k in present]
    texts += [names.get(k, f"{k} stable states") for k in present]
    if not data["feasible"].values.all():
        handles.append(Patch(facecolor="w", edgecolor="0.4", hatch="//"))
        texts.append("no network has these statistics")
    ax.legend(
        handles,
        texts,
        frameon=False,
        fontsize="small",
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
    )
    ax.set(
        xlabel=diagram.names[0],
        ylabel=diagram.names[1],
        xlim=(first[0], first[-1]),
        ylim=(second[0], second[-1]),
    )
    return figure
