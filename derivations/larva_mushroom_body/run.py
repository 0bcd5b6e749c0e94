"""Measure the two mushroom bodies of a fly larva: which of their motifs explain their activity?

The left and the right one are two samples: their motif coefficients are compared in units of their
standard errors. For three couplings c (spectral radius 3 c) the tables give the mean over the four
cell types of |theory - network| / network for rates and variances, with the measured motifs,
without each class in turn, and without all. Writes `picture.png` into the output folder.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.progress import track

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine, print_table

DATA = Path(__file__).parent / "data"
COUPLINGS = (0.2, 0.5, 1.0)
MOTIFS = {"convergent": "C0", "divergent": "C1", "chain": "C2", "reciprocal": "C3"}
# standard errors (root mean square) by which the two sides may differ
WITHIN = 1.5


def mushroom_body(side: str) -> mf.Network:
    """The left or the right one."""
    files = DATA / f"{side}_adjacency.csv", DATA / f"{side}_cell_labels.csv"
    return mf.read_network(*files, rows="source", negative="refuse")


def coefficients(
    left: mf.networks.Statistics, right: mf.networks.Statistics, motif: str
) -> tuple[np.ndarray, ...]:
    """Coefficients of one class and their standard errors, left and right.

    Each coefficient once, where both sides have synapses.
    """
    values = [np.asarray(getattr(t, motif)) for s in (left, right) for t in (s.tau, s.errors.tau)]
    once = np.ones(values[0].shape, bool)
    if motif in ("convergent", "divergent"):
        index = np.indices(values[0].shape)
        once = index[-2] <= index[-1]
    elif motif == "reciprocal":
        once = np.triu(once)
    there = once & (values[1] > 0) & (values[3] > 0)
    return tuple(v[there] for v in values)


def scores_of(measured: dict[str, mf.networks.Statistics]) -> dict[str, np.ndarray]:
    """Left minus right in standard errors of the difference, by class of motifs."""
    scores = {}
    for motif in MOTIFS:
        x, dx, y, dy = coefficients(measured["left"], measured["right"], motif)
        scores[motif] = (x - y) / np.hypot(dx, dy)
    return scores


def print_scores(scores: dict[str, np.ndarray], everything: np.ndarray) -> None:
    """How many coefficients agree within 1 and 2 standard errors."""
    rows = [
        {
            "motif": name,
            "coefficients": len(z),
            "within 1 standard error": f"{np.mean(abs(z) < 1):.0%}",
            "within 2": f"{np.mean(abs(z) < 2):.0%}",
            "root mean square": f"{np.sqrt(np.mean(z**2)):.2f}",
        }
        for name, z in [*scores.items(), ("all", everything)]
    ]
    print_table("left minus right, in standard errors of the difference", rows)


def ablations_of(script: Script, sides: dict[str, mf.Network]) -> mf.verification.Ablation:
    """Ablations of both sides at every coupling, their table, and the left at the strongest one."""
    rows: dict[str, dict] = {}
    for side, network in sides.items():
        largest = mf.spectral_radius(network)
        for c in track(COUPLINGS, f"comparing, {side}", transient=True):
            options = {"input": script.spec.parameters.input, "t1": script.spec.t1}
            scaled = network.scaled(3 * c / largest)
            ablation = mf.verification.ablate(script.system, scaled, **options)
            errors = {row["theory"]: row for row in ablation.rows()}
            for theory, row in errors.items():
                line = rows.setdefault(theory, {"theory": theory})
                both = f"{row['rate error']:.3f} / {row['variance error']:.2f}"
                line[f"{side}, c = {c:g}"] = both
            with_all, without = errors["all motifs"], errors["without motifs"]
            for name in ("rate error", "variance error"):
                script.check(with_all[name] < without[name])
        if side == "left":
            shown = ablation
    print_table("errors of rates / variances", list(rows.values()))
    return shown


def draw_coefficients(ax: Axes, measured: dict[str, mf.networks.Statistics]) -> None:
    """Coefficients of the two sides with their standard errors."""
    ax.axline((0, 0), slope=1, color="0.6", lw=0.8)
    for motif, colour in MOTIFS.items():
        x, dx, y, dy = coefficients(measured["left"], measured["right"], motif)
        ax.errorbar(x, y, dy, dx, "o", ms=3, lw=0.7, color=colour, label=motif)
    ax.set(xlabel=r"coefficient $\tau$, left", ylabel=r"coefficient $\tau$, right")
    ax.legend(frameon=False, fontsize="small")


def picture(
    measured: dict[str, mf.networks.Statistics], ablation: mf.verification.Ablation
) -> Figure:
    """Coefficients of the two sides, and the ablation at the strongest coupling."""
    figure = Figure(figsize=(9.6, 3.8), layout="constrained")
    first, second, third = figure.subplots(1, 3, width_ratios=[1.2, 1, 1])
    draw_coefficients(first, measured)
    names = [row["theory"] for row in ablation.rows()]
    for ax, quantity in ((second, "rate"), (third, "variance")):
        errors = 100 * ablation.dataset[f"{quantity}_error"].mean("population")
        ax.barh(range(len(names)), errors, color=["C3", *["C0"] * 4, "0.7"])
        shown = names if ax is second else [""] * len(names)
        ax.set_yticks(range(len(names)), shown, fontsize="small")
        ax.invert_yaxis()
        ax.set_xlabel(f"error of the {quantity}s (%)")
    despine(first, second, third)
    return figure


def main() -> int:
    script = Script(__file__, __doc__)
    sides = {side: mushroom_body(side) for side in ("left", "right")}
    measured = {side: mf.measure(network, errors=True) for side, network in sides.items()}
    scores = scores_of(measured)
    everything = np.concatenate(list(scores.values()))
    print_scores(scores, everything)
    shown = ablations_of(script, sides)
    script.save_picture(picture(measured, shown))
    better = "yes" if script.passed else "NO"
    agree = script.check(np.sqrt(np.mean(everything**2)) < WITHIN, "yes", "NO")
    return script.end(
        "with all motifs rates and variances are predicted better than without, on both sides at "
        f"every coupling: {better}; the two sides differ by less than {WITHIN} standard errors "
        f"(root mean square): {agree}"
    )


if __name__ == "__main__":
    sys.exit(main())
