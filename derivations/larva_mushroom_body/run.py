"""Measure the two mushroom bodies of a fly larva: which of their motifs explain their activity?

The left and the right one are two samples: their motif coefficients are compared in units of their
standard errors. For three couplings c (spectral radius 3 c) the tables give the mean over the four
cell types of |theory - network| / network for rates, variances of inputs and SDs of rates, with the
measured motifs, without each class in turn, and without all: by second-order theory, and in full,
with the neurons' own strengths and what synapses know of them. Writes `picture.png` into the output
folder.
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
QUANTITIES = ("rate", "variance", "SD")
# standard errors (root mean square) by which the two sides may differ
WITHIN = 1.5
# of rates, variances and SDs in full, mean over the types
LARGEST = {"rate": 0.001, "variance": 0.01, "SD": 0.03}
FULL = {"strengths": "empirical", "assortativity": "quadratic"}


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


def ablations_of(
    script: Script, sides: dict[str, mf.Network], system: mf.types.System
) -> dict[tuple[str, float], mf.verification.Ablation]:
    """Ablations of both sides at every coupling; their table is printed."""
    rows: dict[str, dict] = {}
    found = {}
    for side, network in sides.items():
        largest = mf.spectral_radius(network)
        for c in track(COUPLINGS, f"comparing, {side}", transient=True):
            options = {"input": script.spec.parameters.input, "t1": script.spec.t1}
            scaled = network.scaled(3 * c / largest)
            found[side, c] = mf.verification.ablate(system, scaled, **options)
            for row in found[side, c].rows():
                line = rows.setdefault(row["theory"], {"theory": row["theory"]})
                each = (f"{100 * row[f'{name} error']:.1f}" for name in QUANTITIES)
                line[f"{side}, c = {c:g}"] = " / ".join(each)
    name = system.mean_field.architecture.strengths.name
    print_table(f"errors of rates / variances / SDs of rates in %, {name}", rows.values())
    return found


def better_with_motifs(script: Script, ablation: mf.verification.Ablation) -> None:
    """Second-order theory with motifs predicts rates and variances better than without."""
    errors = {row["theory"]: row for row in ablation.rows()}
    for name in ("rate error", "variance error"):
        script.check(errors["all motifs"][name] < errors["without motifs"][name])


def small_in_full(ablation: mf.verification.Ablation) -> bool:
    """Whether the errors in full are what they are expected to be."""
    row = ablation.rows()[0]
    return all(row[f"{name} error"] <= most for name, most in LARGEST.items())


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
    """Coefficients of the two sides, and the ablation in full at the strongest coupling."""
    figure = Figure(figsize=(12.2, 3.8), layout="constrained")
    first, *others = figure.subplots(1, 4, width_ratios=[1.3, 1, 1, 1])
    draw_coefficients(first, measured)
    rows = ablation.rows()
    names = [row["theory"] for row in rows]
    labels = ("error of the rates (%)", "error of the variances (%)", "error of the SDs (%)")
    colours = {"all motifs": "C3", "without motifs": "0.7"}
    for ax, quantity, label in zip(others, QUANTITIES, labels, strict=True):
        errors = [100 * row[f"{quantity} error"] for row in rows]
        ax.barh(range(len(names)), errors, color=[colours.get(n, "C0") for n in names])
        ax.set_yticks(range(len(names)), names if ax is others[0] else [], fontsize="small")
        ax.invert_yaxis()
        ax.set_xlabel(label)
    # a saturated type, whose rates hardly vary, makes some errors large
    others[-1].set(xscale="log", xlim=(0.5, None))
    despine(first, *others)
    return figure


def main() -> int:
    script = Script(__file__, __doc__)
    sides = {side: mushroom_body(side) for side in ("left", "right")}
    measured = {side: mf.measure(network, errors=True) for side, network in sides.items()}
    scores = scores_of(measured)
    everything = np.concatenate(list(scores.values()))
    print_scores(scores, everything)
    for ablation in ablations_of(script, sides, script.system).values():
        better_with_motifs(script, ablation)
    better = "yes" if script.passed else "NO"
    units = mf.Architecture(sides["left"].populations, script.spec.architecture.transfer, **FULL)
    found = ablations_of(script, sides, mf.compile(mf.derive(units, script.spec.closure)))
    full = script.check(all(small_in_full(ablation) for ablation in found.values()), "yes", "NO")
    script.save_picture(picture(measured, found["left", COUPLINGS[-1]]))
    agree = script.check(np.sqrt(np.mean(everything**2)) < WITHIN, "yes", "NO")
    return script.end(
        "with all motifs rates and variances are predicted better than without, on both sides at "
        f"every coupling: {better}; in full their errors are below .1 % and 1 %, of SDs below 3 %: "
        f"{full}; the two sides differ by less than {WITHIN} standard errors "
        f"(root mean square): {agree}"
    )


if __name__ == "__main__":
    sys.exit(main())
