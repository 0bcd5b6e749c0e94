"""One state, two states or oscillation: a phase diagram over two numbers, its bifurcations, and sampled networks in every part.

The network of spec.toml is followed in the drive of E (fixed points, a Hopf point, limit cycles), then over the plane of that drive and the
strength of the synapses from E onto I. Sampled networks are started low, and with E high, in each region. Writes `picture.png`, `cycles.png`
and `derivation.tex` into the output folder; exit status 1 when a sampled network does something else than its region says.
"""

import argparse
import shutil
import sys
from pathlib import Path

import jax
import numpy as np

import motifield as mf
from motifield.numerics.parameters import scalar
from motifield.numerics.plots import bifurcation_diagram, phase_picture

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
VARY, BOUNDS = ("input[E]", "factor(mean[I,E])"), ((-1.5, 3.0), (0.0, 2.0))
N, NETWORKS, DURATION = 3000, 3, 160.0
REGIONS = {"one state": (1.5, 1.75), "two states": (-1.0, 0.1), "oscillation": (1.5, 0.8)}


def behaviour(
    system: mf.types.System, parameters: mf.Parameters, seed: int
) -> tuple[str, float, float]:
    """What a sampled network does after a low start, and after one with E high: name, swing in time, distance of the ends, in rate of E."""
    own = parameters.rescaled(N)
    network = mf.sample(own, seed, dtype=np.float32)
    units = mf.types.Units.of(system.mean_field.architecture, own)
    times = np.linspace(0, DURATION, 641)
    runs = [
        mf.simulate(
            network,
            system.transfer,
            units=units,
            input=own.input,
            t1=DURATION,
            saveat=times,
            x0=x0,
            throw=True,
        )["rate"][:, 0].values
        for x0 in ([-3.0, -3.0], [4.0, -3.0])
    ]
    late = [r[times > DURATION / 2] for r in runs]
    swing, apart = max(np.ptp(r) for r in late), abs(late[0].mean() - late[1].mean())
    return (
        "oscillation" if swing > 0.1 else "two states" if apart > 0.1 else "one state",
        float(swing),
        float(apart),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out",
        type=Path,
        default=HERE / "out",
        help="folder to write to (default: out/ beside the script)",
    )
    parser.add_argument(
        "--picture", action="store_true", help="also replace the pictures of the page"
    )
    parser.add_argument("--grid", type=int, default=41, help="points on each axis")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    spec = mf.load_spec(HERE / "spec.toml")
    equations = mf.derive(spec.architecture, spec.closure)
    system, parameters = mf.compile(equations), spec.parameters
    rest = mf.fixed_point(system, parameters)

    branches = mf.continuation.follow(system, parameters, VARY[0], bounds=BOUNDS[0], start=rest)
    hopf = branches.of("Hopf")[0]
    print(
        f"Hopf point at {VARY[0]} = {hopf.value:.6f}: {hopf.info['criticality']}, period {2 * np.pi / hopf.info['frequency']:.4f}"
    )
    cycles = mf.continuation.limit_cycles(system, parameters, VARY[0], hopf, bounds=BOUNDS[0])
    periods = cycles.dataset["period"].values
    print(
        f"{len(periods)} cycles, periods {periods[0]:.4f} to {periods[-1]:.4f}, {'all stable' if cycles.stable.all() else 'not all stable'}"
    )
    bifurcation_diagram(branches, [cycles]).savefig(options.out / "cycles.png", dpi=110)

    diagram = mf.continuation.phase_diagram(
        system, parameters, VARY, bounds=BOUNDS, grid=(options.grid, options.grid), start=rest
    )
    for row in diagram.rows():
        print(row)
    for point in diagram.curves.special:
        print(f"{point.kind} at {VARY[0]} = {point.value[0]:.5f}, {VARY[1]} = {point.value[1]:.5f}")
    figure = phase_picture(diagram)
    good = branches.status == cycles.status == diagram.status == "ok"
    for name, at in REGIONS.items():
        own = parameters
        for number, value in zip(VARY, at, strict=True):
            own = scalar(number, parameters).set(own, value)
        seen = [behaviour(system, own, seed) for seed in range(NETWORKS)]
        fine = all(kind == name for kind, *_ in seen)
        good &= fine
        figure.axes[0].plot(*at, "P" if fine else "X", color="k", ms=7)
        print(
            f"{name} at {at}: {NETWORKS} networks show {', '.join(f'{k} (swing {s:.3f}, ends {a:.3f} apart)' for k, s, a in seen)}: "
            f"{'ok' if fine else 'MISSED'}"
        )
    figure.savefig(options.out / "picture.png", dpi=110)
    if options.picture:
        for name in ("picture.png", "cycles.png"):
            shutil.copyfile(options.out / name, HERE / name)
    equations.derivation.write(str(options.out / "derivation.tex"))
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
