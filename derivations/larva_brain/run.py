"""Measure a whole brain's connectivity, derive its mean-field equations, and compare them with the brain's own dynamics.

For three couplings c (spectral radius 3 c) and two descriptions, all interneurons as one population and the cell groups, the
tables give the mean over populations of |R_theory - R_network| / R_network: with the measured motifs, with all synapses
independent at the same means and variances, and without each class of motifs in turn (ablation). Writes `report.html`,
`picture.png` and `derivation.tex` into the output folder.
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

# theory versus network for these data, computed by an independent program: (with motifs, without)
EXPECTED = {
    ("one population", 0.2): (0.004, 0.012),
    ("one population", 0.5): (0.056, 0.053),
    ("one population", 1.0): (0.011, 0.167),
    ("cell groups", 0.2): (0.002, 0.007),
    ("cell groups", 0.5): (0.020, 0.037),
    ("cell groups", 1.0): (0.026, 0.087),
}
TOLERANCE = 0.002


def picture(groups: mf.verification.NetworkVerification, rows: list[dict]) -> Figure:
    """The rates of the cell groups at the strongest coupling, and the errors of all comparisons."""
    figure = Figure(figsize=(8.5, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    seen = groups.network["rate"].isel(time=-1)
    left.axline((0.5, 0.5), slope=1, color="0.6", lw=0.8)
    for marker, color, label, theory in (
        ("s", "0.6", "without motifs", groups.without_motifs),
        ("o", "C3", "with measured motifs", groups.theory),
    ):
        left.plot(seen, theory["rate"].isel(time=-1), marker, color=color, ms=5, label=label)
    left.set(xlabel="mean rate of a cell group, simulated brain", ylabel="mean rate, theory")
    left.legend(frameon=False, title="coupling c = 1", alignment="left")
    for n, (name, color) in enumerate({"without": "0.7", "with motifs": "C3"}.items()):
        right.bar(
            np.arange(len(rows)) + 0.4 * n - 0.2,
            [100 * row[name] for row in rows],
            0.38,
            color=color,
        )
    right.set(ylabel="error of the mean rates (%)")
    right.set_xticks(range(len(rows)), [f"{row['c']:g}" for row in rows])
    right.set_xlabel("coupling c\none population" + 24 * " " + "cell groups")
    for ax in (left, right):
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
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    spec = mf.load_spec(HERE / "spec.toml")
    brain = spec.network
    descriptions = {
        "one population": mf.Network.of(brain.weights, ["all"] * brain.N),
        "cell groups": brain,
    }
    input = spec.parameters.input.value[0]
    derived = {
        name: mf.derive(mf.Architecture(n.populations, spec.architecture.transfer), spec.closure)
        for name, n in descriptions.items()
    }
    systems = {name: mf.compile(equations) for name, equations in derived.items()}
    results, rows = [], []
    classes: dict[str, dict[str, dict]] = {name: {} for name in descriptions}
    for (name, coupling), expected in track(EXPECTED.items(), "comparing", transient=True):
        network = descriptions[name].scaled(coupling)
        ablation = mf.verification.ablate(
            systems[name],
            network,
            input=input,
            t1=spec.t1,
            tolerance=0.1,
            title=f"{name}, coupling c = {coupling:g}",
        )
        result = ablation.compared
        errors = result.errors["with motifs"], result.errors["without motifs"]
        good = bool(np.all(np.abs(np.subtract(errors, expected)) <= TOLERANCE))
        rows.append(
            {
                "description": name,
                "P": network.P,
                "c": coupling,
                "with motifs": round(errors[0], 4),
                "without": round(errors[1], 4),
                "expected": f"{expected[0]:.3f} / {expected[1]:.3f}",
                "agrees": "yes" if good else "NO",
            }
        )
        results.append(result)
        for row in ablation.rows():
            line = classes[name].setdefault(row["theory"], {"theory": row["theory"]})
            line[f"c = {coupling:g}"] = f"{row['rate error']:.4f} / {row['variance error']:.3f}"
    derived["cell groups"].derivation.write(str(out / "derivation.tex"))
    show("mean over populations of |R_theory - R_network| / R_network", rows)
    ablations = {
        f"errors of rates / variances without each class of motifs: {name}": list(own.values())
        for name, own in classes.items()
    }
    for title, own in ablations.items():
        show(title, own)
    picture(results[-1], rows).savefig(out / "picture.png", dpi=110)
    if options.picture:
        shutil.copyfile(out / "picture.png", HERE / "picture.png")
    mf.reports.save_report(
        results,
        out / "report.html",
        title=spec.title,
        introduction=f"{brain.N} interneurons and {brain.weights.nnz} connections. The means, variances and the four motifs of the "
        "synapses are measured on the connectome; the mean-field equations derived from them are integrated from rest and compared with "
        "the simulated network itself, with the measured motifs and with all synapses independent. The cell groups are predicted better "
        "with motifs at every coupling, most of all at the strongest; as one population, the motifs help at c = 0.2 and 1 but not at 0.5, "
        "where the variability that they add does not make up for the differences between groups.",
        tables={
            "Relative error of the mean rates: motifs against no motifs": rows,
            **{f"Relative {title}": own for title, own in ablations.items()},
        },
    )
    agree = all(row["agrees"] == "yes" for row in rows)
    print(
        f"{'PASSED' if agree else 'FAILED'}: every number within {TOLERANCE} of the expected table; report: {_shown(out / 'report.html')}"
    )
    return 0 if agree else 1


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
