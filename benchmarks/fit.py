"""The fit of V1's four classes from 256 starts against 3 minutes on 2 cores.

The model is that of derivations/v1_four_classes; compilation is included.
"""

import os
import sys
import time
from pathlib import Path

from _timing import options, say

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1] / "derivations/v1_four_classes"))
import model

STARTS, TARGET = 256, 180.0  # s


def main() -> None:
    starts = {"type": int, "default": STARTS, "help": f"random starts (default {STARTS})"}
    given = options(__doc__, starts=starts)
    known, transfer, targets = model.priors(), model.TRANSFERS[model.CHOSEN], model.targets()
    own = model.Model.of(transfer, targets, known)
    busy = os.getloadavg()[0]
    begin, cpu = time.perf_counter(), time.process_time()
    convergence = model.convergence_priors(known)
    problem = mf.fitting.Problem.of(
        own.system,
        model.with_convergence(own.parameters, convergence),
        targets,
        model.unknowns(known, transfer),
        motifs=model.CONVERGENCE,
        conditions=own.conditions(),
        priors=convergence,
    )
    fit = mf.fitting.solve(problem, solver=model.SOLVER, starts=given.starts)
    wall, work = time.perf_counter() - begin, time.process_time() - cpu
    cost = {
        "unknowns": problem.coordinates.size,
        "seconds": wall,
        "processor seconds": work,
        "load before": busy,
    }
    say({**cost, "loss": fit.loss, **fit.agreement(), "met": wall <= TARGET}, given.json)


if __name__ == "__main__":
    main()
