"""The page of pictures: time courses, what held-out cycles say, and the ramp of VIP cells."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from compare import courses, seconds
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from network import SIGNS
from recordings import IMAGE_SETS
from study import FITTED, VARIANTS, Study

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import despine

COLORS = {
    "mechanism": "k",
    "no motifs, no familiar signal": "C3",
    "no motifs, uniform familiar signal": "C0",
}


def picture(
    own: Study,
    report: dict[str, Any],
    predicted: dict[str, np.ndarray],
    networks: list[dict[str, np.ndarray]],
    ramps: dict[str, dict[str, list[float]]],
    errors: dict[str, list[float]],
) -> Figure:
    """The picture of the page.

    Args:
        own: the problem of the fitted cycles.
        report: the kept fits.
        predicted: predictions of all targets, by fit.
        networks: rates of sampled networks.
        ramps: as from `Study.rise`, by what made them.
        errors: of the measured means.
    """
    figure = Figure(figsize=(13.5, 8.0), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(3, 2))
    _time_courses(left, own, predicted, networks)
    upper, lower = right.subplots(2, 1)
    _held_out(upper, report)
    _ramps(lower, ramps, errors)
    return figure


def _time_courses(
    figure: Any, own: Study, predicted: dict[str, np.ndarray], networks: list[dict[str, np.ndarray]]
) -> None:
    axes = figure.subplots(len(SIGNS), 2, sharex=True, sharey="row")
    at, t = seconds(own, FITTED[0]), own.problem.targets
    measured, error = courses(own, t.value), courses(own, t.error)
    lines = {name: courses(own, values) for name, values in predicted.items() if name in COLORS}
    for c, (column, image_set) in enumerate(zip(axes.T, IMAGE_SETS, strict=True)):
        for k, (ax, population) in enumerate(zip(column, SIGNS, strict=True)):
            for onset in (-0.75, 0.75):
                ax.axvspan(onset, onset + 0.25, color="0.9", lw=0)
            ax.axvspan(0, 0.25, facecolor="none", edgecolor="0.7", ls=":")
            y, e = measured[image_set][:, k], error[image_set][:, k]
            ax.fill_between(
                at, y - e, y + e, color="C1", alpha=0.4, lw=0, label="recordings ± error"
            )
            for n, seen in enumerate(networks):
                ax.plot(
                    at,
                    seen[image_set][:, k],
                    color="0.6",
                    lw=0.7,
                    label="networks, no motifs" if n == 0 else None,
                )
            for name, course in lines.items():
                ax.plot(
                    at,
                    course[image_set][:, k],
                    color=COLORS[name],
                    lw=1.3,
                    ls="-" if name == "mechanism" else "--",
                    label=name,
                )
            ax.set_ylim(0, 1.3 * max(m[:, k].max() for m in measured.values()))
            despine(ax)
            if c == 0:
                ax.set_ylabel(f"{population} (Hz)")
        column[0].set_title(f"{image_set} images", fontsize=10)
        column[-1].set_xlabel("time from the omission (s)")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=3,
        frameon=False,
        fontsize=8,
    )


def _held_out(ax: Any, report: dict[str, Any]) -> None:
    names = [*VARIANTS, "null"]
    for k, cycle in enumerate(FITTED):
        values = [
            report["null"][str(cycle)]["all"]
            if name == "null"
            else report["folds"][f"{name} | {cycle}"]["misfit"]["all"]
            for name in names
        ]
        ax.plot(
            values,
            np.arange(len(names)),
            "os^"[k],
            label={4: "image before", 5: "omission", 6: "image after"}[cycle],
            mfc="none",
            color=f"C{k}",
        )
    ax.set_yticks(
        np.arange(len(names)),
        [name if name != "null" else "null: novelty changes nothing" for name in names],
        fontsize=8,
    )
    ax.invert_yaxis()
    ax.set(xscale="log", xlabel="held-out rates:\nmean squared error / error²")
    ax.set_xticks([0.5, 1, 2, 5], ["0.5", "1", "2", "5"])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.legend(frameon=False, fontsize=8, title="held out", title_fontsize=8, loc="lower right")
    despine(ax)


def _ramps(
    ax: Any, ramps: dict[str, dict[str, list[float]]], errors: dict[str, list[float]]
) -> None:
    for k, image_set in enumerate(IMAGE_SETS):
        for n, found in enumerate(ramps.values()):
            before, after = found[image_set]
            ax.annotate(
                "",
                (after, n + 0.2 * k),
                (before, n + 0.2 * k),
                arrowprops={"arrowstyle": "->", "color": ("C0", "C3")[k]},
            )
        for value, error in zip(ramps["recordings"][image_set], errors[image_set], strict=True):
            ax.axvspan(value - error, value + error, color=("C0", "C3")[k], alpha=0.08, lw=0)
        ax.plot([], [], color=("C0", "C3")[k], label=image_set)
    ax.set_yticks(np.arange(len(ramps)), list(ramps), fontsize=8)
    highest = max(max(found[c]) for found in ramps.values() for c in IMAGE_SETS)
    ax.set(
        xlim=(0, 1.05 * highest),
        ylim=(len(ramps) - 0.5, -0.5),
        xlabel="VIP (Hz), before the omission →\n.5 to .75 s after its start",
    )
    ax.legend(frameon=False, fontsize=8)
    despine(ax)
