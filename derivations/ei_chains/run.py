"""Excitation and inhibition with chains: published numbers, and a bistability that only the chains make.

Without input and with J0 = .003, g = 2, chains of tau = .02 give the mean-field equations three fixed points; without chains there is
one. Sampled networks started low and high stay on the two stable branches. Writes `report.html`, `picture.png` and `derivation.tex`
into the output folder.
"""

import argparse
import shutil
import sys
from pathlib import Path

import jax
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import motifield as mf

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
N, NETWORKS = 4000, 6


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


def worked_numbers() -> list[tuple[str, float, float, float]]:
    """(name, ours, expected, tolerance) of the numbers given for this network."""
    rows = []
    architecture = mf.Architecture(["E", "I"], "1 + tanh(x - 3/2)")
    par = network_parameters(0.001, 4, 0.5, 0.1)
    for closure, expected in (
        (mf.MotifOnly(), (1.9619, 5.2782, 1.1487)),
        (mf.SecondMoment(), (1.9548, 5.3164, None)),
    ):
        point = mf.fixed_point(
            mf.compile(mf.derive(architecture, closure)), par, throw=True
        ).dataset
        for quantity, value in zip(("mean", "variance", "rate"), expected, strict=True):
            if value is not None:
                rows.append((f"{closure.name}: {quantity}", float(point[quantity][0]), value, 5e-5))
    system = mf.compile(mf.derive(architecture, mf.MotifOnly()))
    weak = network_parameters(0.003, 2, 0.0, 0.02)
    for start, value, tolerance in ((0.2, 0.2000, 5e-5), (0.86, 0.8605, 5e-5), (2.1, 2.117, 5e-4)):
        kappa = np.array([0.8, 0.2]) * _rate_guess(start)
        point = mf.fixed_point(
            system, weak, {"mean": start, "kappa": kappa}, settle=0.0, throw=True
        )
        rows.append(
            (
                f"bistable, from K = {start:g}: mean",
                float(point.dataset["mean"][0]),
                value,
                tolerance,
            )
        )
    alone = mf.fixed_point(system, network_parameters(0.003, 2, 0.0, 0.0), throw=True)
    rows.append(("without motifs: mean", float(alone.dataset["mean"][0]), 0.15, 5e-3))
    return rows


def _rate_guess(mean: float) -> float:
    return 1 + float(np.tanh(mean - 1.5))


def bistability(
    par: mf.Parameters, system: mf.types.System
) -> tuple[dict[str, npt.NDArray[np.float64]], Figure]:
    """Mean input of E over time in sampled networks started low and high, with theory."""
    big, ts = par.rescaled(N), np.linspace(0, 60, 61)
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    ax = figure.subplots()
    ends: dict[str, list[float]] = {"low": [], "high": []}
    for color, (name, start) in zip(("C0", "C3"), {"low": 0.0, "high": 3.0}.items(), strict=True):
        for seed in range(NETWORKS):
            run = mf.simulate(
                mf.sample(big, seed, dtype=np.float32),
                system.transfer,
                input=0.0,
                t1=60.0,
                saveat=ts,
                x0=start,
                throw=True,
            )
            ax.plot(ts, run["mean"].sel(population="E"), color=color, lw=0.6, alpha=0.6)
            ends[name].append(float(run["mean"].sel(population="E")[-1]))
        theory = mf.integrate(system, big, 60.0, saveat=ts, initial={"mean": start}, throw=True)
        ax.plot(
            ts,
            theory["mean"].sel(population="E"),
            color="k",
            lw=1.6,
            label="theory" if name == "low" else None,
        )
    alone = (
        mf.fixed_point(system, par.without_motifs(), throw=True).dataset["mean"].sel(population="E")
    )
    ax.axhline(float(alone), color="k", ls=":", lw=1, label="theory without motifs, from any start")
    ax.plot(
        [], [], color="0.5", lw=0.6, label=f"{NETWORKS} networks of {N} neurons, from each start"
    )
    ax.set(xlabel="time (time constants)", ylabel="mean input to E", ylim=(0, 3.9))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", loc="upper right")
    return {name: np.array(v) for name, v in ends.items()}, figure


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
    good = True
    for name, ours, expected, tolerance in worked_numbers():
        fine = abs(ours - expected) <= tolerance
        good &= fine
        print(f"{name:42s} {ours:9.5f}   expected {expected:<8g} {'ok' if fine else 'MISSED'}")
    architecture = mf.Architecture(["E", "I"], "1 + tanh(x - 3/2)")
    equations = mf.derive(architecture, mf.SecondMoment())
    system = mf.compile(equations)
    ends, figure = bistability(network_parameters(0.003, 2, 0.0, 0.02), system)
    figure.savefig(out / "picture.png", dpi=110)
    if options.picture:
        shutil.copyfile(out / "picture.png", HERE / "picture.png")
    apart = ends["high"].min() - ends["low"].max()
    bistable = bool(apart > 0.5)
    good &= bistable
    print(
        f"sampled networks, mean input to E at t = 60: started low {np.round(ends['low'], 3)}, started high {np.round(ends['high'], 3)}: "
        f"{'two branches' if bistable else 'NOT SEPARATED'}"
    )
    spec = mf.load_spec(HERE / "spec.toml")
    result = mf.verify(
        system, spec.parameters, sizes=(500, 1000, 2000), networks=6, t1=25.0, title=spec.title
    )
    mf.reports.save_report(result, out / "report.html")
    equations.derivation.write(str(out / "derivation.tex"))
    print(f"{'PASSED' if result.passed else 'FAILED'}: {result.criterion}")
    return 0 if good and result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
