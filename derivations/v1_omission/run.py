"""Responses of mouse V1 to familiar and novel images and to an omitted one: which motifs carry the ramp of VIP cells, their suppression, and novelty.

    python derivations/v1_omission/run.py             # the kept fits against recordings and sampled networks; writes out/
    python derivations/v1_omission/run.py --picture   # also replaces the picture of the page
    python derivations/v1_omission/run.py --full      # fits everything again, half an hour or more on two cores, and replaces fits.json

Exit status 1 when the equations do not give the misfits in fits.json, or networks do not follow the theory.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
SEEDS, TOLERANCE = range(4), 0.5
"""Networks, and the root mean square over time of their mean less theory, in units of the standard deviation of the theory over time."""
SAMPLED = "no motifs, uniform familiar signal"
"""The fit whose networks are shown and tested; those of the mechanism, two of them, are printed."""


def rows(title: str, table: dict[str, dict[str, float]]) -> None:
    """Print a table of misfits."""
    print(f"{title:40s}" + "".join(f"{name:>8s}" for name in next(iter(table.values()))))
    for name, own in table.items():
        print(f"{name:40s}" + "".join(f"{value:8.2f}" for value in own.values()))


def ramps(
    own: Any, kept: Any, report: dict[str, Any], predicted: dict[str, np.ndarray]
) -> dict[str, dict[str, list[float]]]:
    """VIP before and at the end of the omission: recorded, fitted, without parts, and with layer 4 held."""
    from compare import lesions
    from study import FITTED

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


def ramp_errors(own: Any) -> dict[str, list[float]]:
    """Mean errors of VIP's rate in the two windows: they are as good as common to all bins of a window."""
    from study import FITTED

    return own.rise(own.problem.targets.error, FITTED[0])


def agreement(theory: dict[str, np.ndarray], networks: list[dict[str, np.ndarray]]) -> np.ndarray:
    """(image set, population): root mean square over time of the networks' mean less theory, by the theory's standard deviation over time."""
    return np.array(
        [
            np.sqrt(np.mean((np.mean([n[c] for n in networks], axis=0) - theory[c]) ** 2, axis=0))
            / theory[c].std(axis=0)
            for c in theory
        ]
    )


def main() -> int:
    from compare import CYCLES, SHOWN, courses, elsewhere, networks, predictions, slowest
    from picture import picture
    from recordings import table
    from study import FITTED, Study, study

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
    parser.add_argument("--full", action="store_true", help="fit again, and replace fits.json")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    data = table()
    if options.full:
        study(data, HERE / "fits.json", lambda text: print(text, flush=True))
    report = json.loads((HERE / "fits.json").read_text())
    own, kept, longer = (
        Study.of(data),
        Study.of(data, held_layer4=True),
        Study.of(data, cycles=CYCLES),
    )
    fits = report["fits"]
    everywhere = np.ones(len(own.cycles), dtype=bool)
    again = [own.misfit(values, everywhere)["all"] for values in predictions(own, fits).values()]
    good = bool(np.allclose(again, [f["misfit"]["all"] for f in fits.values()], rtol=1e-2))
    report["null"] = {str(k): own.misfit(own.null(), own.cycles == k) for k in FITTED}
    rows("all three cycles fitted", {name: f["misfit"] for name, f in fits.items()})
    for k in FITTED:
        rows(
            f"cycle {k} held out",
            {name: report["folds"][f"{name} | {k}"]["misfit"] for name in fits}
            | {"null": report["null"][str(k)]},
        )
    unseen = elsewhere(longer)
    rows(
        "cycles 2, 3, 7, 8, 9, never fitted",
        {name: longer.misfit(values, unseen) for name, values in predictions(longer, fits).items()}
        | {"null": longer.misfit(longer.null(), unseen)},
    )
    for part in ("precise", "layer 4 held", "adapting", "adapting, folds", "adapting, precise"):
        for name, f in report.get(part, {}).items():
            ends = "  ".join(f"{c}: {a:5.2f} -> {b:5.2f} Hz" for c, (a, b) in f["rise"].items())
            print(f"{part}, {name:42s} misfit {f['misfit']['all']:5.2f}  VIP {ends}")
    predicted = predictions(own, {name: fits[name] for name in SHOWN})
    sampled = networks(own, np.array(fits[SAMPLED]["u"]), SEEDS)
    rises, errors = ramps(own, kept, report, predicted), ramp_errors(own)
    for name, found in rises.items():
        print(
            f"VIP, {name:45s}"
            + "  ".join(f"{c}: {a:5.2f} -> {b:5.2f} Hz" for c, (a, b) in found.items())
        )
    for name in SHOWN:
        found = slowest(own, np.array(fits[name]["u"]))
        print(
            f"slowest mode at rest, {name:38s}"
            + "  ".join(f"{c}: {ms:.0f} ms" for c, ms in found.items())
        )
    values = own.problem.coordinates.values(np.array(fits["mechanism"]["u"]))
    for name, value in zip(own.problem.coordinates.names, np.asarray(values), strict=True):
        print(f"mechanism: {name:28s}{value:10.4g}")
    apart = agreement(courses(own, predicted[SAMPLED]), sampled)
    print(
        f"networks less theory by its SD over time (familiar, novel; Pyr, PV, SST, VIP), {SAMPLED}: {apart.round(2).tolist()}"
    )
    for seed in (0, 1):
        one = networks(own, np.array(fits["mechanism"]["u"]), range(seed, seed + 1))
        means = {
            c: (one[0][c].mean(axis=0).round(1).tolist(), theory.mean(axis=0).round(1).tolist())
            for c, theory in courses(own, predicted["mechanism"]).items()
        }
        print(f"mechanism, network {seed}, rates over time, network and theory: {means}")
    good &= bool(np.all(apart < TOLERANCE))
    figure = picture(own, report, predicted, sampled, rises, errors)
    figure.savefig(options.out / "picture.png", dpi=100)
    if options.picture:
        shutil.copyfile(options.out / "picture.png", HERE / "picture.png")
    print(
        f"{'PASSED' if good else 'FAILED'}: misfits as kept, networks of the fit without motifs within {TOLERANCE:.0%} of the theory's swing"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
