"""Pictures of fits; each public function returns a Matplotlib figure."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from ..fitting import Fit
from ..inference import Identifiability
from ..targets import Pools
from .matrices import connectivity

SAYS = {
    "rate_mean": "mean rate",
    "rate_sd": "SD of rates across neurons",
    "rate_correlation": "correlation of rates across neurons",
    "rate_quantile": "quantile of rates",
    "rate_change": "change of the mean rate",
}
MOST_PARAMETERS, FEW, MOST_DIRECTIONS = 40, 18, 10
LETTERS = 100
"""Letters of labels side by side across a whole picture; of more, labels are slanted."""
GOOD, WORSE, FAILED = "C2", "0.55", "C3"

Canvas = Figure | SubFigure


def overview(fit: Fit) -> Figure:
    """What the fit reproduces, where its starts ended, and how far equally good solutions spread, where there are several."""
    rows, several = _prediction_rows(fit), len(fit.good) > 1
    below = max(3.4, _height(fit, FEW)) if several else 3.4
    figure = Figure(figsize=(11.5, 2.9 * rows + below), layout="constrained")
    (upper,), (lower,) = figure.subfigures(2, 1, squeeze=False, height_ratios=(2.9 * rows, below))
    _predictions(upper, fit)
    if several:
        left, right = lower.subfigures(1, 2)
        _losses(_axes(left), fit)
        _ensemble(_axes(right), fit, FEW)
    else:
        _losses(_axes(lower), fit)
    return figure


def predictions(fit: Fit) -> Figure:
    """Targets with their errors (open: held out) and what the fit gives (bars, curves over time), populations by colour."""
    figure = Figure(figsize=(11.5, 2.9 * _prediction_rows(fit)), layout="constrained")
    _predictions(figure, fit)
    return figure


def losses(fit: Fit) -> Figure:
    """The loss of every start, best first."""
    figure = Figure(figsize=(5.6, 3.4), layout="constrained")
    _losses(_axes(figure), fit)
    return figure


def ensemble(fit: Fit) -> Figure:
    """The numbers of all equally good minima, each as a multiple of its value at the best one."""
    figure = Figure(figsize=(6.6, _height(fit, MOST_PARAMETERS)), layout="constrained")
    _ensemble(_axes(figure), fit, MOST_PARAMETERS)
    return figure


def held_out(fit: Fit, found: Identifiability | None = None) -> Figure:
    """Held-out targets: how many of their standard errors the predictions are off; found: bars for the standard errors of the predictions."""
    which = np.flatnonzero(fit.problem.held_out)
    t = fit.problem.targets
    z = (fit.predictions - t.value)[which] / t.error[which]
    bars = (
        np.zeros(len(z))
        if found is None
        else np.array([row["prediction error"] for row in found.held_out_rows()]) / t.error[which]
    )
    reach = 1.15 * max(float(np.max(np.abs(z) + np.where(np.isfinite(bars), bars, 0.0))), 2.6)
    figure = Figure(figsize=(6.6, 0.26 * len(which) + 1.4), layout="constrained")
    ax = _axes(figure)
    ax.axvspan(-2, 2, color="0.93", zorder=0, label="2 standard errors")
    ax.axvline(0, color="0.3", lw=0.8)
    names = _names(fit)
    for k, (at, value) in enumerate(zip(which, z, strict=True)):
        ax.errorbar(
            value,
            k,
            xerr=min(bars[k], 10 * reach),
            fmt="o",
            ms=6,
            lw=1.2,
            color=f"C{names.index(t.population[at])}",
        )
    ax.set_yticks(range(len(which)), [t.label(int(k)) for k in which], fontsize="small")
    ax.set(
        ylim=(len(which) - 0.4, -0.6),
        xlabel="(prediction - measured) / standard error",
        title="held out",
    )
    ax.set_xlim(-reach, reach)
    return figure


def determined(found: Identifiability) -> Figure:
    """Singular values of the Jacobian, and which numbers take part in the directions that the targets determine best."""
    names, shown = found.names[:MOST_PARAMETERS], min(found.data.rank, MOST_DIRECTIONS)
    figure = Figure(figsize=(10.5, max(3.4, 0.22 * len(names) + 1.6)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
    for own, colour, marker, label in (
        (found.whole, "0.6", "s", "with priors"),
        (found.data, "C0", "o", "targets alone"),
    ):
        values = own.singular_values[own.singular_values > 0]
        left.semilogy(
            np.arange(1, len(values) + 1), values, marker, ms=5, color=colour, label=label
        )
    left.axvline(
        found.data.rank + 0.5,
        color="C3",
        lw=1,
        ls="--",
        label=f"determined: {found.data.rank} of {len(found.names)}",
    )
    left.xaxis.get_major_locator().set_params(integer=True)
    left.set(
        xlabel="direction",
        ylabel="singular value (1 / standard error)",
        title="what the targets determine",
    )
    left.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False, fontsize="small", loc="lower left")
    rows = found.data.seen[:shown, : len(names)].T
    largest = float(np.abs(rows).max(initial=0.0)) or 1.0
    image = right.imshow(
        rows, cmap="RdBu_r", norm=TwoSlopeNorm(0, -largest, largest), aspect="auto"
    )
    figure.colorbar(image, ax=right, label="share in the direction")
    right.set_yticks(
        range(len(names)),
        [f"log |{n}|" if logs else n for n, logs in zip(names, found.logarithmic, strict=False)],
        fontsize="small",
    )
    right.set_xticks(range(shown), [str(k + 1) for k in range(shown)])
    right.set(xlabel="direction, best determined first")
    return figure


def fit_figures(fit: Fit, found: Identifiability | None = None) -> dict[str, Figure]:
    """All pictures of a fit, by caption; found: what its targets determine."""
    made = {"Targets with standard errors, and the fit": predictions(fit)}
    if fit.problem.held_out.any():
        made["Held-out targets: predictions against measurements"] = held_out(fit, found)
    errors = None if found is None else found.standard_errors()
    made[
        "Connectivity and motifs of the best solution"
        + (", with standard errors" if errors else "")
    ] = connectivity(fit, errors)
    if found is not None:
        made["What the targets determine"] = determined(found)
    made["Loss of all starts"] = losses(fit)
    if len(fit.good) > 1:
        made["Equally good solutions"] = ensemble(fit)
    return made


def _height(fit: Fit, most: int) -> float:
    return 0.24 * min(len(fit.problem.coordinates.names), most) + 1.3


def _axes(canvas: Canvas) -> Axes:
    ax = canvas.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _names(fit: Fit) -> tuple[str, ...]:
    """Populations, and pools of them; each has a colour."""
    return Pools.of(
        fit.problem.targets.population, fit.problem.coordinates.parameters.populations
    ).names


def _panels(fit: Fit) -> dict[tuple[str, str], list[int]]:
    """Which targets go together: those at fixed points by quantity, time courses by quantity and condition."""
    t = fit.problem.targets
    found: dict[tuple[str, str], list[int]] = {}
    for k in range(len(t)):
        over_time = np.isfinite(t.time[k])
        found.setdefault((t.quantity[k], _circumstance(fit, k) if over_time else ""), []).append(k)
    return found


def _circumstance(fit: Fit, k: int) -> str:
    """Condition, and the second one or the level, in words."""
    t = fit.problem.targets
    second = (
        f" - {t.against[k]}"
        if t.quantity[k] == "rate_change"
        else f", {t.against[k]}"
        if t.against[k]
        else ""
    )
    return (
        t.condition[k] + second + (f", {100 * t.level[k]:g} %" if np.isfinite(t.level[k]) else "")
    )


def _columns(fit: Fit) -> int:
    panels = _panels(fit)
    most = max((len(where) for (_, over), where in panels.items() if not over), default=0)
    return min(3 if most <= 12 else 2 if most <= 24 else 1, len(panels))


def _prediction_rows(fit: Fit) -> int:
    return -(-len(_panels(fit)) // _columns(fit))


def _predictions(canvas: Canvas, fit: Fit) -> None:
    panels, columns = _panels(fit), _columns(fit)
    axes = canvas.subplots(_prediction_rows(fit), columns, squeeze=False)
    for ax, ((quantity, over), which) in zip(axes.flat, panels.items(), strict=False):
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_title(SAYS[quantity] + (f", {over}" if over else ""), fontsize="medium")
        ax.margins(y=0.1)
        if over:
            _course(ax, fit, which)
        else:
            _stationary(ax, fit, which, LETTERS // columns)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    _legend(canvas, fit)


def _stationary(ax: Axes, fit: Fit, which: list[int], letters: int) -> None:
    t, names = fit.problem.targets, _names(fit)
    groups = list(dict.fromkeys(_circumstance(fit, k) for k in which))
    there = [p for p in names if any(t.population[k] == p for k in which)]
    width = 0.8 / len(there)
    for k in which:
        x = (
            groups.index(_circumstance(fit, k))
            + (there.index(t.population[k]) - (len(there) - 1) / 2) * width
        )
        colour = f"C{names.index(t.population[k])}"
        ax.errorbar(
            x,
            t.value[k],
            t.error[k],
            fmt="o",
            ms=5,
            color=colour,
            mfc="w" if t.held_out[k] else colour,
            lw=1.2,
            capsize=2,
        )
        ax.plot(
            [x - 0.42 * width, x + 0.42 * width],
            [fit.predictions[k]] * 2,
            color="k",
            lw=2,
            zorder=3,
        )
    crowded = len(groups) * max(map(len, groups)) > letters
    turned: dict[str, Any] = {"rotation": 25, "ha": "right"} if crowded else {}
    ax.set_xticks(range(len(groups)), groups, fontsize="small", **turned)
    ax.set_xlim(-0.6, len(groups) - 0.4)
    if all(q in ("rate_mean", "rate_sd", "rate_quantile") for q in (t.quantity[k] for k in which)):
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    else:
        ax.axhline(0, color="0.7", lw=0.8, zorder=0)


def _course(ax: Axes, fit: Fit, which: list[int]) -> None:
    t, names = fit.problem.targets, _names(fit)
    for p in dict.fromkeys(t.population[k] for k in which):
        own = np.array(sorted((k for k in which if t.population[k] == p), key=lambda k: t.time[k]))
        colour, held = f"C{names.index(p)}", t.held_out[own]
        ax.errorbar(
            t.time[own], t.value[own], t.error[own], fmt="none", ecolor=colour, alpha=0.4, lw=1
        )
        for part, face in ((own[~held], colour), (own[held], "w")):
            ax.plot(t.time[part], t.value[part], "o", ms=3.5, color=colour, mfc=face, alpha=0.75)
        ax.plot(t.time[own], fit.predictions[own], color="w", lw=3)
        ax.plot(t.time[own], fit.predictions[own], color=colour, lw=1.6)
    ax.set_xlabel("time")


def _legend(canvas: Canvas, fit: Fit) -> None:
    t, names = fit.problem.targets, _names(fit)
    handles = [
        Line2D([], [], color=f"C{names.index(p)}", marker="o", ls="none", label=p)
        for p in names
        if p in t.populations
    ]
    if np.isfinite(t.time).any():
        handles.append(Line2D([], [], color="0.4", lw=1.6, label="fit over time"))
    if not np.isfinite(t.time).all():
        handles.append(Line2D([], [], color="k", lw=2, label="fit"))
    if t.held_out.any():
        handles.append(
            Line2D([], [], color="0.4", marker="o", mfc="w", ls="none", label="held out")
        )
    canvas.legend(
        handles=handles,
        loc="outside upper center",
        ncols=len(handles),
        frameon=False,
        fontsize="small",
    )


def _losses(ax: Axes, fit: Fit) -> None:
    found, good = fit.minima, set(fit.good.tolist())
    finite = np.flatnonzero(np.isfinite(found.loss))
    kinds = {
        "as good as the best": (GOOD, "o", [k for k in finite if k in good]),
        "worse": (WORSE, "o", [k for k in finite if k not in good and found.converged[k]]),
        "worse, not converged": (
            FAILED,
            "x",
            [k for k in finite if k not in good and not found.converged[k]],
        ),
    }
    for label, (colour, marker, ranks) in kinds.items():
        if ranks:
            ax.plot(
                np.array(ranks) + 1,
                found.loss[ranks],
                marker,
                ms=5,
                color=colour,
                label=f"{label}: {len(ranks)}",
                ls="none",
            )
    lost = len(found.loss) - len(finite)
    values = found.loss[finite]
    if len(finite) and values.min() > 0 and values.max() > 20 * values.min():
        ax.set_yscale("log")
    elif len(finite):
        ax.set_ylim(min(0.0, float(values.min())), 1.1 * float(values.max()) or 1.0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(
        xlabel="start, best first",
        ylabel="loss (sum of squares)",
        title="all starts" + (f"; {lost} without a fixed point" if lost else ""),
    )
    if len(finite):
        ax.legend(frameon=False, fontsize="small")


def _ensemble(ax: Axes, fit: Fit, most: int) -> None:
    table = fit.ensemble()
    values, names = table["value"].values, [str(n) for n in table["parameter"].values]
    best = values[0]
    shown = [k for k in range(len(names)) if np.isfinite(best[k]) and best[k] != 0][:most]
    ratio = values[:, shown] / best[shown]
    for k in range(len(shown)):
        ax.plot(ratio[:, k], np.full(len(ratio), k), "|", ms=9, mew=1.2, color="C0", alpha=0.6)
    ax.axvline(1, color="k", lw=0.8, zorder=0)
    _ratio_scale(ax, ratio)
    ax.set_yticks(range(len(shown)), [names[k] for k in shown], fontsize="small")
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.grid(axis="y", color="0.93", lw=0.7)
    more = f" (first {len(shown)} of {len(names)})" if len(shown) < len(names) else ""
    ax.set(
        xlabel="value / value at the best solution",
        title=f"{len(ratio)} starts that ended equally well{more}",
    )


def _ratio_scale(ax: Axes, ratio: np.ndarray) -> None:
    """Logarithmic for numbers of one sign that spread widely, and like it on both sides of 0 for those that change sign."""
    if ratio.min() > 0 and ratio.max() / ratio.min() > 8:
        ax.set_xscale("log")
    elif ratio.min() < -3 or ratio.max() > 8:
        ax.set_xscale("asinh", linear_width=1.0)
        powers = 10.0 ** np.arange(0, np.ceil(np.log10(np.abs(ratio).max())) + 1)
        ticks = np.concatenate([-powers[::-1], [0.0], powers])
        ax.set_xticks(ticks[(ticks >= 1.2 * min(ratio.min(), 0)) & (ticks <= 1.2 * ratio.max())])
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        pad = max(0.1, 0.06 * float(np.ptp(ratio)))
        ax.set_xlim(min(0.0, float(ratio.min()) - pad), max(2.0, float(ratio.max()) + pad))
