"""Measure the two mushroom bodies of a fly larva, with standard errors, and ask which of their motifs explain their activity.

The left and the right one are two samples: their motif coefficients are compared in units of their standard errors. For three couplings c
(spectral radius 3 c) the tables give the mean over the four cell types of |theory - network| / network for rates and variances, with the
measured motifs, without each class in turn, and without all. Writes `picture.png` into the output folder.
"""

import argparse
import shutil
import sys
from pathlib import Path

import jax
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import track
from rich.table import Table

import motifield as mf

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
COUPLINGS = (0.2, 0.5, 1.0)
MOTIFS = {"convergent": "C0", "divergent": "C1", "chain": "C2", "reciprocal": "C3"}


def both(side: str) -> mf.Network:
    """One mushroom body."""
    data = HERE / "data"
    return mf.read_network(
        data / f"{side}_adjacency.csv",
        data / f"{side}_cell_labels.csv",
        rows="source",
        negative="refuse",
    )


def coefficients(
    left: mf.networks.Statistics, right: mf.networks.Statistics, motif: str
) -> tuple[np.ndarray, ...]:
    """Coefficients of one class, each once, and standard errors, of left and right, where both have synapses."""
    values = [np.asarray(getattr(t, motif)) for s in (left, right) for t in (s.tau, s.errors.tau)]
    P = len(left.populations)
    index = np.indices(values[0].shape)
    once = (
        index[-2] <= index[-1]
        if motif in ("convergent", "divergent")
        else np.ones(values[0].shape, bool)
    )
    once = once if motif != "reciprocal" else np.triu(np.ones((P, P), bool))
    there = once & (values[1] > 0) & (values[3] > 0)
    return tuple(v[there] for v in values)


def picture(
    left: mf.networks.Statistics, right: mf.networks.Statistics, ablation: mf.verification.Ablation
) -> Figure:
    """Coefficients of the two sides with their standard errors, and the ablation at the strongest coupling."""
    figure = Figure(figsize=(9.6, 3.8), layout="constrained")
    first, second, third = figure.subplots(1, 3, width_ratios=[1.2, 1, 1])
    first.axline((0, 0), slope=1, color="0.6", lw=0.8)
    for motif, colour in MOTIFS.items():
        x, dx, y, dy = coefficients(left, right, motif)
        first.errorbar(x, y, dy, dx, "o", ms=3, lw=0.7, color=colour, label=motif)
    first.set(xlabel=r"coefficient $\tau$, left", ylabel=r"coefficient $\tau$, right")
    first.legend(frameon=False, fontsize="small")
    names = [row["theory"] for row in ablation.rows()]
    for ax, quantity in ((second, "rate"), (third, "variance")):
        errors = 100 * ablation.dataset[f"{quantity}_error"].mean("population")
        ax.barh(range(len(names)), errors, color=["C3", *["C0"] * 4, "0.7"])
        ax.set_yticks(
            range(len(names)), names if ax is second else [""] * len(names), fontsize="small"
        )
        ax.invert_yaxis()
        ax.set_xlabel(f"error of the {quantity}s (%)")
    for ax in (first, second, third):
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def show(title: str, rows: list[dict]) -> None:
    table = Table(title=title, title_justify="left")
    for column in rows[0]:
        table.add_column(column)
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out",
        type=Path,
        default=HERE / "out",
        help="folder to write to (default: out/ beside the script)",
    )
    parser.add_argument(
        "--picture", action="store_true", help="also replace the picture of the page"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    spec = mf.load_spec(HERE / "spec.toml")
    sides = {side: both(side) for side in ("left", "right")}
    measured = {side: mf.measure(network, errors=True) for side, network in sides.items()}
    scores = {}
    for motif in MOTIFS:
        x, dx, y, dy = coefficients(measured["left"], measured["right"], motif)
        scores[motif] = (x - y) / np.hypot(dx, dy)
    everything = np.concatenate(list(scores.values()))
    within = [
        {
            "motif": name,
            "coefficients": len(z),
            "within 1 standard error": f"{np.mean(abs(z) < 1):.0%}",
            "within 2": f"{np.mean(abs(z) < 2):.0%}",
            "root mean square": f"{np.sqrt(np.mean(z**2)):.2f}",
        }
        for name, z in [*scores.items(), ("all", everything)]
    ]
    show("left minus right, in standard errors of the difference", within)

    system = mf.compile(mf.derive(spec.architecture, spec.closure))
    largest = {
        side: float(np.abs(np.linalg.eigvals(network.weights)).max())
        for side, network in sides.items()
    }
    rows: dict[str, dict] = {}
    better = True
    for side, network in sides.items():
        for c in track(COUPLINGS, f"comparing, {side}", transient=True):
            ablation = mf.verification.ablate(
                system,
                network.scaled(3 * c / largest[side]),
                input=spec.parameters.input,
                t1=spec.t1,
            )
            for row in ablation.rows():
                line = rows.setdefault(row["theory"], {"theory": row["theory"]})
                line[f"{side}, c = {c:g}"] = (
                    f"{row['rate error']:.3f} / {row['variance error']:.2f}"
                )
            errors = {row["theory"]: row for row in ablation.rows()}
            better &= all(
                errors["all motifs"][f"{name} error"] < errors["without motifs"][f"{name} error"]
                for name in ("rate", "variance")
            )
        if side == "left":
            shown = ablation
    show("errors of rates / variances", list(rows.values()))
    picture(measured["left"], measured["right"], shown).savefig(
        options.out / "picture.png", dpi=110
    )
    if options.picture:
        shutil.copyfile(options.out / "picture.png", HERE / "picture.png")
    agree = bool(np.sqrt(np.mean(everything**2)) < 1.5)
    print(
        f"{'PASSED' if better and agree else 'FAILED'}: with all motifs rates and variances are predicted better than without, on both sides at "
        f"every coupling: {'yes' if better else 'NO'}; the two sides differ by less than 1.5 standard errors (root mean square): "
        f"{'yes' if agree else 'NO'}"
    )
    return 0 if better and agree else 1


if __name__ == "__main__":
    sys.exit(main())
