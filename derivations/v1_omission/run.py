"""Responses of mouse V1 to familiar and novel images and to an omitted one.

Which motifs carry the ramp of VIP cells, their suppression, and novelty?

    python derivations/v1_omission/run.py             # the kept fits; writes out/
    python derivations/v1_omission/run.py --picture   # also replaces the picture of the page
    python derivations/v1_omission/run.py --full      # fits again and replaces fits.json

The kept fits are compared with recordings and sampled networks; fitting again takes half an hour or
more on two cores. Exit status 1 when the equations do not give the misfits in fits.json, or
networks do not follow the theory.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script  # before the others: it sets the precision
from compare import CYCLES, SHOWN, courses, elsewhere, lesions, networks, predictions, slowest
from picture import picture
from recordings import table
from study import FITTED, Study, study

SEEDS = range(4)  # of the networks
TOLERANCE = 0.5
"""Largest root mean square over time of the networks' mean less theory, by the theory's SD."""
SAMPLED = "no motifs, uniform familiar signal"
"""The fit whose networks are shown and tested; two of the mechanism's are printed."""
PARTS = ("precise", "layer 4 held", "adapting", "adapting, folds", "adapting, precise")


def print_misfits(title: str, table: dict[str, dict[str, float]]) -> None:
    """Print a table of misfits."""
    print(f"{title:40s}" + "".join(f"{name:>8s}" for name in next(iter(table.values()))))
    for name, own in table.items():
        print(f"{name:40s}" + "".join(f"{value:8.2f}" for value in own.values()))


def ramp_text(found: dict[str, list[float]]) -> str:
    """VIP before and at the end of the omission, by image set."""
    return "  ".join(f"{c}: {a:5.2f} -> {b:5.2f} Hz" for c, (a, b) in found.items())


def ramps(
    own: Study, kept: Study, report: dict[str, Any], predicted: dict[str, np.ndarray]
) -> dict[str, dict[str, list[float]]]:
    """VIP before and at the end of the omission, by what made the rates.

    Recorded, fitted, without parts of the network, and with layer 4 held.
    """
    first, u = FITTED[0], np.array(report["fits"]["mechanism"]["u"])
    found = {"recordings": own.rise(own.problem.targets.value, first)}
    found |= {name: own.rise(values, first) for name, values in predicted.items()}
    cut = lesions(own, u)
    for name, values in zip(cut, own.fitter.look(np.array(list(cut.values())))[2], strict=True):
        found[f"mechanism, {name}"] = own.rise(values, first)
    found["mechanism, layer 4 held"] = kept.rise(kept.fitter.look(u[None])[2][0], first)
    if "layer 4 held" in report:
        found["layer 4 held, fitted again"] = report["layer 4 held"]["mechanism"]["rise"]
    return found


def ramp_errors(own: Study) -> dict[str, list[float]]:
    """Mean errors of VIP's rate in the two windows, as if common to all bins of a window."""
    return own.rise(own.problem.targets.error, FITTED[0])


def agreement(theory: dict[str, np.ndarray], networks: list[dict[str, np.ndarray]]) -> np.ndarray:
    """Networks less theory, (image set, population).

    The root mean square over time of the mean difference, by the theory's SD over time.
    """
    means = {c: np.mean([n[c] for n in networks], axis=0) for c in theory}
    return np.array(
        [
            np.sqrt(np.mean((means[c] - course) ** 2, axis=0)) / course.std(axis=0)
            for c, course in theory.items()
        ]
    )


def print_fits(script: Script, own: Study, longer: Study, report: dict[str, Any]) -> None:
    """Misfits of all fits: of what was fitted, held out and never fitted."""
    fits = report["fits"]
    everywhere = np.ones(len(own.cycles), dtype=bool)
    again = [own.misfit(values, everywhere)["all"] for values in predictions(own, fits).values()]
    script.check(np.allclose(again, [f["misfit"]["all"] for f in fits.values()], rtol=1e-2))
    report["null"] = {str(k): own.misfit(own.null(), own.cycles == k) for k in FITTED}
    print_misfits("all three cycles fitted", {name: f["misfit"] for name, f in fits.items()})
    for k in FITTED:
        folds = {name: report["folds"][f"{name} | {k}"]["misfit"] for name in fits}
        print_misfits(f"cycle {k} held out", folds | {"null": report["null"][str(k)]})
    unseen = elsewhere(longer)
    never = {name: longer.misfit(v, unseen) for name, v in predictions(longer, fits).items()}
    never["null"] = longer.misfit(longer.null(), unseen)
    print_misfits("cycles 2, 3, 7, 8, 9, never fitted", never)
    for part in PARTS:
        for name, f in report.get(part, {}).items():
            misfit = f["misfit"]["all"]
            print(f"{part}, {name:42s} misfit {misfit:5.2f}  VIP {ramp_text(f['rise'])}")


def print_mechanism(own: Study, fits: dict[str, Any], predicted: dict[str, np.ndarray]) -> None:
    """Slowest modes, the numbers of the mechanism, and two of its networks."""
    for name in SHOWN:
        times = slowest(own, np.array(fits[name]["u"]))
        text = "  ".join(f"{c}: {ms:.0f} ms" for c, ms in times.items())
        print(f"slowest mode at rest, {name:38s}{text}")
    u = np.array(fits["mechanism"]["u"])
    values = np.asarray(own.problem.coordinates.values(u))
    for name, value in zip(own.problem.coordinates.names, values, strict=True):
        print(f"mechanism: {name:28s}{value:10.4g}")
    for seed in (0, 1):
        one = networks(own, u, range(seed, seed + 1))
        means = {
            c: (one[0][c].mean(axis=0).round(1).tolist(), theory.mean(axis=0).round(1).tolist())
            for c, theory in courses(own, predicted["mechanism"]).items()
        }
        print(f"mechanism, network {seed}, rates over time, network and theory: {means}")


def main() -> int:
    full = {"action": "store_true", "help": "fit again, and replace fits.json"}
    script = Script(__file__, __doc__, full=full)
    data, file = table(), script.here / "fits.json"
    if script.options.full:
        study(data, file, lambda text: print(text, flush=True))
    report = json.loads(file.read_text())
    fits, own = report["fits"], Study.of(data)
    kept, longer = Study.of(data, held_layer4=True), Study.of(data, cycles=CYCLES)
    print_fits(script, own, longer, report)
    predicted = predictions(own, {name: fits[name] for name in SHOWN})
    rises, errors = ramps(own, kept, report, predicted), ramp_errors(own)
    for name, found in rises.items():
        print(f"VIP, {name:45s}{ramp_text(found)}")
    print_mechanism(own, fits, predicted)
    sampled = networks(own, np.array(fits[SAMPLED]["u"]), SEEDS)
    apart = agreement(courses(own, predicted[SAMPLED]), sampled)
    script.check(np.all(apart < TOLERANCE))
    print(
        "networks less theory by its SD over time (familiar, novel; Pyr, PV, SST, VIP), "
        f"{SAMPLED}: {apart.round(2).tolist()}"
    )
    script.save_picture(picture(own, report, predicted, sampled, rises, errors), dpi=100)
    return script.end(
        "misfits as kept, networks of the fit without motifs within "
        f"{TOLERANCE:.0%} of the theory's swing"
    )


if __name__ == "__main__":
    sys.exit(main())
