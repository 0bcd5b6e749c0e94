"""Measure a whole brain's connectivity and compare its mean-field equations with its own dynamics.

For three couplings c (spectral radius 3 c) and two descriptions, all interneurons as one population
and the cell groups, the tables give the mean over populations of |R_theory - R_network| /
R_network: with the measured motifs, with all synapses independent at the same means and variances,
and without each class of motifs in turn (ablation). A further table has variances and SDs of rates,
by second-order theory and in full: with the neurons' own strengths and assortativity. Writes
`report.html`, `picture.png` and `derivation.tex` into the output folder.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.progress import track

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine, print_table

# theory versus network for these data, by an independent program: (with motifs, without)
EXPECTED = {
    ("one population", 0.2): (0.004, 0.012),
    ("one population", 0.5): (0.056, 0.053),
    ("one population", 1.0): (0.011, 0.167),
    ("cell groups", 0.2): (0.002, 0.007),
    ("cell groups", 0.5): (0.020, 0.037),
    ("cell groups", 1.0): (0.026, 0.087),
}
TOLERANCE = 0.002
# rates, variances of x and SDs of rates, with the neurons' own strengths and assortativity
EXPECTED_IN_FULL = {
    ("one population", 0.2): (0.000, 0.031, 0.005),
    ("one population", 0.5): (0.007, 0.055, 0.044),
    ("one population", 1.0): (0.006, 0.018, 0.084),
    ("cell groups", 0.2): (0.000, 0.009, 0.005),
    ("cell groups", 0.5): (0.002, 0.021, 0.011),
    ("cell groups", 1.0): (0.002, 0.016, 0.030),
}
TOLERANCE_IN_FULL = 0.003
INTRODUCTION = """{neurons} interneurons and {connections} connections. The means, variances and the
four motifs of the synapses are measured on the connectome; the mean-field equations derived from
them are integrated from rest and compared with the simulated network itself, with the measured
motifs and with all synapses independent. The cell groups are predicted better with motifs at every
coupling, most of all at the strongest; as one population, the motifs help at c = 0.2 and 1 but not
at 0.5, where the variability that they add does not make up for the differences between groups."""


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
    places = np.arange(len(rows))
    for n, (name, color) in enumerate({"without": "0.7", "with motifs": "C3"}.items()):
        right.bar(places + 0.4 * n - 0.2, [100 * row[name] for row in rows], 0.38, color=color)
    right.set(ylabel="error of the mean rates (%)")
    right.set_xticks(places, [f"{row['c']:g}" for row in rows])
    right.set_xlabel("coupling c\none population" + 24 * " " + "cell groups")
    despine(left, right)
    return figure


def compared(
    script: Script, descriptions: dict[str, mf.Network]
) -> tuple[list[mf.verification.NetworkVerification], list[dict], dict[str, dict[str, dict]]]:
    """Comparisons, the table of their errors, and the errors without each class of motifs."""
    spec, results, rows = script.spec, [], []
    systems = {
        name: mf.compile(mf.derive(architecture(script, network), spec.closure))
        for name, network in descriptions.items()
    }
    drive, classes = spec.parameters.input.value[0], {name: {} for name in descriptions}
    for (name, coupling), expected in track(EXPECTED.items(), "comparing", transient=True):
        network = descriptions[name].scaled(coupling)
        title = f"{name}, coupling c = {coupling:g}"
        options = {"input": drive, "t1": spec.t1, "tolerance": 0.1, "title": title}
        ablation = mf.verification.ablate(systems[name], network, **options)
        result = ablation.compared
        errors = result.errors["with motifs"], result.errors["without motifs"]
        good = np.all(np.abs(np.subtract(errors, expected)) <= TOLERANCE)
        row = {"description": name, "P": network.P, "c": coupling}
        row |= {"with motifs": round(errors[0], 4), "without": round(errors[1], 4)}
        row["expected"] = f"{expected[0]:.3f} / {expected[1]:.3f}"
        rows.append(row | {"agrees": script.check(good, "yes", "NO")})
        results.append(result)
        for own in ablation.rows():
            line = classes[name].setdefault(own["theory"], {"theory": own["theory"]})
            line[f"c = {coupling:g}"] = f"{own['rate error']:.4f} / {own['variance error']:.3f}"
    return results, rows, classes


def in_full(
    script: Script,
    descriptions: dict[str, mf.Network],
    results: list[mf.verification.NetworkVerification],
) -> list[dict]:
    """Errors of second-order theory, and with the neurons' own strengths and assortativity."""
    spec, rows = script.spec, []
    systems = {
        name: mf.compile(
            mf.derive(
                architecture(script, network, strengths="empirical", assortativity=True),
                spec.closure,
            )
        )
        for name, network in descriptions.items()
    }
    drive = spec.parameters.input.value[0]
    cases = zip(EXPECTED_IN_FULL.items(), results, strict=True)
    for ((name, coupling), expected), second in track(list(cases), "in full", transient=True):
        network = descriptions[name].scaled(coupling)
        how = {"input": drive, "t1": spec.t1, "tolerance": 0.1}
        found = errors_of(mf.verification.verify_network(systems[name], network, **how))
        good = np.all(np.abs(np.subtract(found, expected)) <= TOLERANCE_IN_FULL)
        row = {"description": name, "c": coupling, "second order": written(errors_of(second))}
        row |= {"in full": written(found), "expected": written(expected)}
        rows.append(row | {"agrees": script.check(good, "yes", "NO")})
    return rows


def errors_of(result: mf.verification.NetworkVerification) -> tuple[float, ...]:
    """Mean relative errors of rates, variances of currents, and SDs of rates."""
    last = result.dataset.isel(time=-1)
    values = (last["rate"], last["variance"], result.spread["rate_sd"])
    pairs = [(v.sel(source="theory"), v.sel(source="network")) for v in values]
    return tuple(float((np.abs(a - b) / np.abs(b)).mean()) for a, b in pairs)


def written(errors: tuple[float, ...]) -> str:
    """In per cent."""
    return " / ".join(f"{100 * e:.1f}" for e in errors)


def architecture(script: Script, network: mf.Network, **strengths: Any) -> mf.Architecture:
    """The spec's units in the populations of a network."""
    return mf.Architecture(network.populations, script.spec.architecture.transfer, **strengths)


def main() -> int:
    script = Script(__file__, __doc__)
    spec, brain = script.spec, script.spec.network
    whole = mf.Network.of(brain.weights, ["all"] * brain.N)
    descriptions = {"one population": whole, "cell groups": brain}
    results, rows, classes = compared(script, descriptions)
    script.save_derivation(mf.derive(architecture(script, brain), spec.closure))
    print_table("mean over populations of |R_theory - R_network| / R_network", rows, digits=4)
    full = in_full(script, descriptions, results)
    print_table("errors of rates / variances / SDs of rates, in per cent", full)
    ablations = {
        f"errors of rates / variances without each class of motifs: {name}": list(own.values())
        for name, own in classes.items()
    }
    for title, own in ablations.items():
        print_table(title, own)
    script.save_picture(picture(results[-1], rows))
    report = script.out / "report.html"
    mf.reports.save_report(
        results,
        report,
        title=spec.title,
        origin=script.origin,
        introduction=" ".join(INTRODUCTION.split()).format(
            neurons=brain.N, connections=brain.weights.nnz
        ),
        tables={
            "Relative error of the mean rates: motifs against no motifs": rows,
            "Errors of rates / variances / SDs of rates (%): second order, and in full, with the "
            "neurons' own strengths and assortativity": full,
            **{f"Relative {title}": own for title, own in ablations.items()},
        },
    )
    return script.end(
        f"every number within {TOLERANCE}, in full {TOLERANCE_IN_FULL}, of the expected tables; "
        f"report: {shown(report)}"
    )


def shown(path: Path) -> Path:
    """The path from the current folder where it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
