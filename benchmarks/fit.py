"""The fit of V1's four classes (derivations/v1_four_classes) from 256 starts, compilation included, against 3 minutes on 2 cores."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import jax

import motifield as mf
from motifield.numerics.fitting import solve

jax.config.update("jax_enable_x64", True)
sys.path.insert(0, str(Path(__file__).parents[1] / "derivations/v1_four_classes"))

import model  # noqa: E402

STARTS, TARGET = 256, 180.0  # s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=STARTS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    known, transfer, targets = model.priors(), model.TRANSFERS[model.CHOSEN], model.targets()
    own = model.Model.of(transfer, targets, known)
    busy = os.getloadavg()[0]
    begin, cpu = time.perf_counter(), time.process_time()
    convergence = model.convergence_priors(known)
    base = model.with_convergence(own.parameters, convergence)
    problem = mf.fitting.Problem.of(
        own.system,
        base,
        targets,
        model.unknowns(known, transfer),
        motifs=model.CONVERGENCE,
        conditions=own.conditions(),
        priors=convergence,
    )
    fit = solve(problem, solver=model.SOLVER, starts=options.starts)
    wall, work = time.perf_counter() - begin, time.process_time() - cpu
    cost = {
        "unknowns": problem.coordinates.size,
        "seconds": wall,
        "processor seconds": work,
        "load before": busy,
    }
    found = {**cost, "loss": fit.loss, **fit.agreement(), "met": wall <= TARGET}
    print(
        json.dumps(found, indent=2)
        if options.json
        else "\n".join(f"{name}: {value}" for name, value in found.items())
    )


if __name__ == "__main__":
    main()
