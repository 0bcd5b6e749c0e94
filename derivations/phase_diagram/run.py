"""One state, two states or oscillation: a phase diagram, its bifurcations, and sampled networks.

The network of spec.toml is followed in the drive of E (fixed points, a Hopf point, limit cycles),
then over the plane of that drive and the strength of the synapses from E onto I. Sampled networks
are started low, and with E high, in each region. Writes `picture.png`, `cycles.png` and
`derivation.tex` into the output folder; exit status 1 when a sampled network does something else
than its region says.
"""

import sys
from pathlib import Path

import numpy as np

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script

VARY, BOUNDS = ("input[E]", "factor(mean[I,E])"), ((-1.5, 3.0), (0.0, 2.0))
N, NETWORKS, DURATION = 3000, 3, 160.0
REGIONS = {"one state": (1.5, 1.75), "two states": (-1.0, 0.1), "oscillation": (1.5, 0.8)}
# differences in the rate of E, which is between 0 and 2, that count as movement or as two states
SWING, APART = 0.1, 0.1


def behaviour(
    system: mf.types.System, parameters: mf.Parameters, seed: int
) -> tuple[str, float, float]:
    """What a sampled network does after a low start and after one with E high.

    Returns the name of the region, the swing in time and the distance of the ends, in rate of E.
    """
    network = mf.sample(parameters.rescaled(N), seed, dtype=np.float32)
    times = np.linspace(0, DURATION, 641)
    late = []
    for initial in ([-3.0, -3.0], [4.0, -3.0]):
        run = mf.simulate(system, network, t1=DURATION, saveat=times, initial=initial)
        late.append(run["rate"].values[times > DURATION / 2, 0])
    swing, apart = max(np.ptp(r) for r in late), abs(late[0].mean() - late[1].mean())
    steady = "two states" if apart > APART else "one state"
    return "oscillation" if swing > SWING else steady, float(swing), float(apart)


def along_drive(script: Script, rest: mf.types.FixedPoint) -> None:
    """Fixed points and limit cycles over the drive of E, and their picture."""
    system, parameters = script.system, script.spec.parameters
    options = {"bounds": BOUNDS[0]}
    branches = mf.continuation.follow(system, parameters, VARY[0], initial=rest, **options)
    hopf = branches.of("Hopf")[0]
    print(
        f"Hopf point at {VARY[0]} = {hopf.value:.6f}: {hopf.info['criticality']}, "
        f"period {2 * np.pi / hopf.info['frequency']:.4f}"
    )
    cycles = mf.continuation.limit_cycles(system, parameters, VARY[0], hopf, **options)
    periods = cycles.dataset["period"].values
    print(
        f"{len(periods)} cycles, periods {periods[0]:.4f} to {periods[-1]:.4f}, "
        f"{'all stable' if cycles.stable.all() else 'not all stable'}"
    )
    script.check(branches.status == cycles.status == "ok")
    script.save_picture(mf.plots.bifurcation_diagram(branches, [cycles]), "cycles.png")


def main() -> int:
    grid = {"type": int, "default": 41, "help": "points on each axis"}
    script = Script(__file__, __doc__, grid=grid)
    system, parameters = script.system, script.spec.parameters
    rest, grid = mf.fixed_point(system, parameters), (script.options.grid,) * 2
    along_drive(script, rest)
    diagram = mf.continuation.phase_diagram(
        system, parameters, VARY, bounds=BOUNDS, grid=grid, initial=rest
    )
    for row in diagram.rows():
        print(row)
    for point in diagram.curves.special:
        print(f"{point.kind} at {VARY[0]} = {point.value[0]:.5f}, {VARY[1]} = {point.value[1]:.5f}")
    figure = mf.plots.phase_picture(diagram)
    script.check(diagram.status == "ok")
    for name, at in REGIONS.items():
        own = parameters
        for number, value in zip(VARY, at, strict=True):
            own = mf.scalar(number, parameters).set(own, value)
        seen = [behaviour(system, own, seed) for seed in range(NETWORKS)]
        verdict = script.check(all(kind == name for kind, *_ in seen))
        figure.axes[0].plot(*at, "P" if verdict == "ok" else "X", color="k", ms=7)
        shown = ", ".join(f"{k} (swing {s:.3f}, ends {a:.3f} apart)" for k, s, a in seen)
        print(f"{name} at {at}: {NETWORKS} networks show {shown}: {verdict}")
    script.save_picture(figure)
    script.save_derivation()
    return script.end()


if __name__ == "__main__":
    sys.exit(main())
