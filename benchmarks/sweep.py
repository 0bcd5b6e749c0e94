"""Sweeps against loops: a grid of all fixed points with their stability, and the cost as P grows.

The grid varies the input and the motifs of an E/I network of 1 + tanh(x - 1). Its points are
compared with `fixed_points` one by one, and with SciPy's root finder on the exported NumPy module.
"""

from __future__ import annotations

import resource
import runpy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _timing import Comparison, compare, compared, options, report, seconds
from scipy.optimize import root

import motifield as mf

NAMES = ("input", "factor(motifs)")
BOUNDS = ((-1.0, 1.0), (0.0, 4.0))
STARTS, AT_ONCE = 32, 1024
ALONE, TRIED = 50, 200  # points of the loop, and points whose sets are compared
SAME = 1e-6
POPULATIONS = (1, 2, 4, 8, 16, 32, 64)


def network() -> tuple[mf.types.System, mf.Parameters]:
    """E and I with all four motifs; one or three fixed points."""
    architecture = mf.Architecture(["E", "I"], "1 + tanh(x - 1)")
    parameters = mf.Parameters.of(
        populations=["E", "I"],
        N=1000,
        fractions=[0.8, 0.2],
        mean=[[0.003, -0.006], [0.003, -0.006]],
        g=0.2,
        motifs=mf.Motifs.shared(0.01),
    )
    return mf.compile(mf.derive(architecture, mf.SecondMoment())), parameters


def axes(size: int) -> dict[str, np.ndarray]:
    """The values of both parameters."""
    return {name: np.linspace(*ends, size) for name, ends in zip(NAMES, BOUNDS, strict=True)}


def at(parameters: mf.Parameters, values: Any) -> mf.Parameters:
    """The parameters of one point."""
    for name, value in zip(NAMES, values, strict=True):
        parameters = mf.scalar(name, parameters).set(parameters, float(value))
    return parameters


def scipy_loop(system: mf.types.System, parameters: mf.Parameters) -> Callable[[], int]:
    """One point by `scipy.optimize.root` from as many starts, on the exported module."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.np.py"
        mf.export.save(system.mean_field, parameters, path)
        module = runpy.run_path(str(path))
    field, drive, rng = module["vector_field"], module["drive"], np.random.default_rng(0)
    numbers, size = (
        module["coefficients"](module["PARAMETERS"]),
        len(module["pack"](module["INITIAL"])),
    )

    def search() -> int:
        found: list[np.ndarray] = []
        for start in rng.uniform(-2, 4, (STARTS, size)):
            answer = root(lambda y: field(0.0, y, numbers, drive), start)
            if answer.success and all(np.abs(answer.x - y).max() > SAME for y in found):
                found.append(answer.x)
        return len(found)

    return search


def differing(system: mf.types.System, parameters: mf.Parameters, grid: mf.sweeps.Sweep) -> int:
    """At how many random places the grid has other points than `fixed_points`."""
    rng, wrong = np.random.default_rng(1), 0
    rates = grid.dataset["rate"].values.reshape(-1, *grid.dataset["rate"].shape[2:])
    values = np.stack(np.meshgrid(*(grid.dataset[n].values for n in NAMES), indexing="ij"), -1)
    for k in rng.choice(len(rates), min(TRIED, len(rates)), replace=False):
        points = mf.fixed_points(system, at(parameters, values.reshape(-1, 2)[k]))
        there = rates[k][np.isfinite(rates[k]).all(axis=1)]
        alone = np.array([point.numbers["rate"] for point in points])
        wrong += there.shape != alone.shape or np.abs(there - alone).max() > SAME
    return wrong


def cost_by_populations() -> dict[str, str]:
    """Time of a trajectory and of a fixed point for P populations, and the log-log slopes."""
    times: dict[str, list[float]] = {"trajectory": [], "fixed point": []}
    for P in POPULATIONS:
        system = mf.compile(
            mf.derive(
                mf.Architecture([f"p{k}" for k in range(P)], "1 + erf(x - 1)"), mf.SecondMoment()
            )
        )
        rng = np.random.default_rng(P)
        own = mf.Parameters.of(
            populations=[f"p{k}" for k in range(P)],
            N=100 * P,
            fractions=[1 / P] * P,
            mean=rng.normal(size=(P, P)) / (100 * P),
            g=0.3,
            motifs=mf.Motifs.shared(0.01),
            input=0.5,
        )
        sides = {
            "trajectory": lambda s=system, p=own: mf.integrate(s, p, 50.0, saveat=[50.0]).numbers,
            "fixed point": lambda s=system, p=own: mf.fixed_point(s, p).numbers,
        }
        for name, side in sides.items():
            side()
            times[name].append(min(seconds(side) for _ in range(5)))
    half = len(POPULATIONS) // 2
    notes = {}
    for name, own in times.items():
        slope = np.polyfit(np.log(POPULATIONS[half:]), np.log(own[half:]), 1)[0]
        each = ", ".join(f"{P}: {1e3 * t:.3g}" for P, t in zip(POPULATIONS, own, strict=True))
        notes[f"{name}, ms, by populations"] = (
            f"{each}; slope from {POPULATIONS[half]} on {slope:.2f}"
        )
    return notes


def main() -> None:
    size = {"type": int, "default": 100, "help": "points along each axis (default 100)"}
    given = options(__doc__, size=size)
    system, parameters = network()
    over, count = axes(given.size), given.size**2
    how: dict[str, Any] = {"starts": STARTS, "at_once": AT_ONCE}
    grid = mf.sweep(system, parameters, over, "fixed_points", **how)

    def whole() -> Any:
        return mf.sweep(system, parameters, over, "fixed_points", **how).dataset

    rng = np.random.default_rng(2)
    places = [[rng.uniform(*ends) for ends in BOUNDS] for _ in range(ALONE)]

    def alone() -> Any:
        return [mf.fixed_points(system, at(parameters, v)).dataset for v in places]

    results: list[Comparison] = [
        compare(
            f"a point: {given.size} x {given.size} grid / a loop of fixed_points",
            whole,
            alone,
            100,
            at_most=False,
            repeats=3,
            per_call=(count, ALONE),
        )
    ]
    search = scipy_loop(system, at(parameters, (0.3, 1.0)))
    search()
    theirs = [seconds(search) for _ in range(3)]
    results.append(
        compared("a point: grid / SciPy's root", [results[0].ours] * 3, theirs, 20, False)
    )
    notes: dict[str, Any] = {
        f"places of {TRIED} with other points": differing(system, parameters, grid),
        "numbers of fixed points": dict(
            zip(*map(np.ndarray.tolist, np.unique(grid["count"], return_counts=True)), strict=True)
        ),
        "peak memory": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB",
        **cost_by_populations(),
    }
    report("Sweeps", ("grid", "loop"), results, notes, given.json)


if __name__ == "__main__":
    main()
