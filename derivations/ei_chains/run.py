"""Excitation and inhibition with chains: published numbers, and a bistability from chains alone.

Without input and with J0 = .003, g = 2, chains of tau = .02 give the mean-field equations three
fixed points; without chains there is one. Sampled networks started low and high stay on the two
stable branches. Writes `report.html`, `picture.png` and `derivation.tex` into the output folder.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine

N, NETWORKS = 4000, 6
ARCHITECTURE = mf.Architecture(["E", "I"], "1 + tanh(x - 3/2)")
# docs/theory.md, section 5: J0 = .001, g = 4, I = .5, tau = .1
EXPECTED = (
    (mf.MotifOnly(), {"mean": 1.9619, "variance": 5.2782, "rate": 1.1487}),
    (mf.SecondMoment(), {"mean": 1.9548, "variance": 5.3164}),
)
# the same, J0 = .003, g = 2, I = 0, tau = .02: start, K, tolerance
THREE = ((0.2, 0.2000, 5e-5), (0.86, 0.8605, 5e-5), (2.1, 2.117, 5e-4))
# where networks start
STARTS = {"low": (0.0, "C0"), "high": (3.0, "C3")}


def network_parameters(j0: float, g: float, drive: float, tau: float) -> mf.Parameters:
    """The E/I network in which every target receives the same means, J0 from E and -g J0 from I."""
    return mf.Parameters.of(
        populations=["E", "I"],
        N=1000,
        fractions=[0.8, 0.2],
        mean=[[j0, -g * j0]] * 2,
        g=0.2,
        motifs=mf.Motifs.shared(tau),
        input=drive,
    )


def mean_of_e(point: mf.types.FixedPoint) -> float:
    """The mean input to E."""
    return float(point.dataset["mean"].sel(population="E"))


def worked_numbers() -> list[tuple[str, float, float, float]]:
    """(name, ours, expected, tolerance) of the numbers given for this network."""
    rows = []
    par = network_parameters(0.001, 4, 0.5, 0.1)
    for closure, expected in EXPECTED:
        point = mf.fixed_point(mf.compile(mf.derive(ARCHITECTURE, closure)), par).dataset
        for quantity, value in expected.items():
            rows.append((f"{closure.name}: {quantity}", float(point[quantity][0]), value, 5e-5))
    system = mf.compile(mf.derive(ARCHITECTURE, mf.MotifOnly()))
    weak = network_parameters(0.003, 2, 0.0, 0.02)
    for start, value, tolerance in THREE:
        # kappa = alpha R, with the rate of a population without variance
        initial = {"mean": start, "kappa": np.array([0.8, 0.2]) * (1 + np.tanh(start - 1.5))}
        point = mf.fixed_point(system, weak, initial, settle=0.0)
        rows.append((f"bistable, from K = {start:g}: mean", mean_of_e(point), value, tolerance))
    alone = mf.fixed_point(system, network_parameters(0.003, 2, 0.0, 0.0))
    rows.append(("without motifs: mean", mean_of_e(alone), 0.15, 5e-3))
    return rows


def bistability(
    par: mf.Parameters, system: mf.types.System
) -> tuple[dict[str, npt.NDArray[np.float64]], Figure]:
    """Mean input of E over time in sampled networks started low and high, with theory."""
    big, ts = par.rescaled(N), np.linspace(0, 60, 61)
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    ax = figure.subplots()
    ends: dict[str, list[float]] = {name: [] for name in STARTS}
    for name, (start, color) in STARTS.items():
        for seed in range(NETWORKS):
            network = mf.sample(big, seed, dtype=np.float32)
            run = mf.simulate(system, network, t1=60.0, saveat=ts, initial=start)
            course = run["mean"].sel(population="E")
            ax.plot(ts, course, color=color, lw=0.6, alpha=0.6)
            ends[name].append(float(course[-1]))
        theory = mf.integrate(system, big, 60.0, saveat=ts, initial={"mean": start})
        label = "theory" if name == "low" else None
        ax.plot(ts, theory["mean"].sel(population="E"), color="k", lw=1.6, label=label)
    alone = mean_of_e(mf.fixed_point(system, par.without_motifs()))
    ax.axhline(alone, color="k", ls=":", lw=1, label="theory without motifs, from any start")
    label = f"{NETWORKS} networks of {N} neurons, from each start"
    ax.plot([], [], color="0.5", lw=0.6, label=label)
    ax.set(xlabel="time (time constants)", ylabel="mean input to E", ylim=(0, 3.9))
    ax.legend(frameon=False, fontsize="small", loc="upper right")
    despine(ax)
    return {name: np.array(v) for name, v in ends.items()}, figure


def main() -> int:
    script = Script(__file__, __doc__)
    equations = mf.derive(ARCHITECTURE, mf.SecondMoment())
    system = mf.compile(equations)
    for name, ours, expected, tolerance in worked_numbers():
        verdict = script.check(abs(ours - expected) <= tolerance)
        print(f"{name:42s} {ours:9.5f}   expected {expected:<8g} {verdict}")
    ends, figure = bistability(network_parameters(0.003, 2, 0.0, 0.02), system)
    script.save_picture(figure)
    apart = ends["high"].min() - ends["low"].max()
    print(
        f"sampled networks, mean input to E at t = 60: started low {np.round(ends['low'], 3)}, "
        f"started high {np.round(ends['high'], 3)}: "
        f"{script.check(apart > 0.5, 'two branches', 'NOT SEPARATED')}"
    )
    spec, sizes = script.spec, (500, 1000, 2000)
    result = mf.verify(system, spec.parameters, sizes=sizes, networks=6, t1=25.0, title=spec.title)
    mf.reports.save_report(result, script.out / "report.html", origin=script.origin)
    script.save_derivation(equations)
    return script.end(result.criterion, result.passed)


if __name__ == "__main__":
    sys.exit(main())
