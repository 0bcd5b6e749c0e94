"""Where one-time closures fail: transients below the onset of chaos, and the chaotic state, with dynamical mean-field theory and networks.

Writes `picture.png` and `derivation.tex` into the output folder; exit status 1 if theory and networks disagree.
"""

import argparse
import shutil
import sys
from pathlib import Path

import jax
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import motifield as mf
from motifield.numerics.plots import dmft as dmft_plots

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
N, NETWORKS, CHAOTIC = 4000, 6, 2.5
START, SPREAD = 2.0, 1.5  # mean and standard deviation of x at t = 0
LAGS = [0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0]
CLOSURES = {"MotifOnly": mf.MotifOnly(), "LowRank": mf.LowRank(), "SecondMoment": mf.SecondMoment()}


def simulated(system: mf.types.System, par: mf.Parameters, times: np.ndarray) -> xr.Dataset:
    """Networks from the start that the theory has."""
    big, runs = mf.without_reciprocity(par.rescaled(N)), []
    for seed in range(NETWORKS):
        x0 = START + SPREAD * np.random.default_rng(seed).standard_normal(N)
        network = mf.sample(big, seed, dtype=np.float32)
        runs.append(
            mf.simulate(
                network,
                system.transfer,
                input=par.input,
                t1=times[-1],
                saveat=times,
                x0=x0,
                throw=True,
            )
        )
    return xr.concat([run[["mean", "variance", "rate"]] for run in runs], "network")


def compare(
    name: str, par: mf.Parameters, t1: float
) -> tuple[dict[str, xr.Dataset], xr.Dataset, xr.Dataset, bool]:
    """Closures, two-time theory and networks from the same start; the errors of the closures, in the transient and at the end."""
    times = np.linspace(0.0, t1, 61)
    systems = {
        closure: mf.compile(mf.derive(mf.Architecture(["X"], "tanh(x)"), c))
        for closure, c in CLOSURES.items()
    }
    exact = mf.dmft.transient(
        systems["MotifOnly"],
        par,
        t1,
        dt=t1 / 240,
        initial={"mean": START, "variance": SPREAD**2},
        throw=True,
    )
    closures = {
        closure: mf.integrate(s, par, t1, saveat=times, initial={"mean": START}, throw=True)
        for closure, s in systems.items()
    }
    seen = simulated(systems["MotifOnly"], par, times)
    at = exact[["mean", "variance", "rate"]].interp(time=times)
    error = seen.std("network", ddof=1) / np.sqrt(NETWORKS)
    scores = np.abs((seen.mean("network") - at) / error).sel(
        time=[t1 / 12, t1 / 4, t1], method="nearest"
    )
    good = (
        max(float(scores[v].max()) for v in scores.data_vars) < 6.9
    )  # Student's t for 6 networks, as improbable as 4 standard errors
    print(f"{name}: networks and two-time theory {'agree' if good else 'DISAGREE'}")
    print(
        f"{'':16s}{'largest error of K':>20s}{'of variance':>14s}{'K at the end':>14s}{'variance':>10s}{'rate':>8s}"
    )
    for closure, d in {"two-time theory": at, **closures}.items():
        late = {v: float(d[v].isel(time=-1, population=0)) for v in ("mean", "variance", "rate")}
        off = [
            float(np.abs(d[v] - at[v]).sel(time=slice(t1 / 12, None)).max())
            for v in ("mean", "variance")
        ]
        print(
            f"{closure:16s}{off[0]:20.4f}{off[1]:14.4f}{late['mean']:14.4f}{late['variance']:10.4f}{late['rate']:8.4f}"
        )
    return closures, exact, seen, good


def onset_of_networks(par: mf.Parameters, onset: float) -> None:
    """By how much g is smaller where the theory grows as networks of several sizes do at their own fixed points, at .9 of the onset."""
    system = mf.compile(mf.derive(mf.Architecture(["X"], "tanh(x)"), mf.SecondMoment()))

    def at(g: float, n: int = 1000) -> mf.Parameters:
        return mf.without_reciprocity(par.replace(g=np.full((1, 1), g)).rescaled(n))

    g = 0.9 * onset
    here, beyond = (mf.stability(system, at(v)) for v in (g, 1.01 * g))
    slope = (beyond.jacobian.edge - here.jacobian.edge) / (0.01 * g)
    for n, count in ((500, 32), (1000, 20), (2000, 10), (4000, 5)):
        found = [
            mf.spectrum(
                mf.sample(at(g, n), seed, dtype=np.float32),
                system,
                x=here.point.dataset["mean"].values,
                t1=150.0,
            ).leading.real
            for seed in range(count)
        ]
        shift = 100 * (here.jacobian.edge - np.array(found)) / slope / onset
        error = shift.std(ddof=1) / np.sqrt(count)
        print(
            f"{count} networks of {n}: onset {shift.mean():.1f} +- {error:.1f} % beyond that of the theory",
            flush=True,
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
        "--picture", action="store_true", help="also replace the picture of the page"
    )
    parser.add_argument(
        "--networks",
        action="store_true",
        help="also measure how the onset moves with the size of networks (3 minutes)",
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    spec = mf.load_spec(HERE / "spec.toml")
    par, system = spec.parameters, mf.compile(mf.derive(spec.architecture, mf.MotifOnly()))

    onset = mf.dmft.onset_of_chaos(system, par, "g[X,X]", (0.8, 3.0))
    print(f"onset of chaos: g = {onset.value:.4f}")
    if options.networks:
        onset_of_networks(par, onset.value)
    chaotic = par.replace(g=np.full((1, 1), CHAOTIC))
    state = mf.dmft.stationary(system, chaotic, {"variance": 1.0}, throw=True)
    row = state.rows()[0]
    print(
        f"g = {CHAOTIC}: variance {row['variance']:.4f}, of which {row['fluctuating']:.4f} fluctuates, Lyapunov exponent {state.exponent:.4f}"
    )

    figure = Figure(figsize=(10.2, 8.2), layout="constrained")
    axes = figure.subplots(3, 3)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    good = True
    for place, name, given, t1 in (
        (axes[0], "below the onset, g = 1.4", par, 12.0),
        (axes[1], f"chaotic, g = {CHAOTIC}", chaotic, 30.0),
    ):
        closures, exact, seen, agree = compare(name, given, t1)
        good &= agree
        dmft_plots.draw_courses(place, exact, closures, seen)
        place[1].set_title(name, fontsize="medium")
    dmft_plots.draw_covariance(axes[2, 0], exact["covariance"].isel(population=0))
    axes[2, 0].set_title("$C(t, t')$, chaotic", fontsize="medium")

    networks = mf.dmft.stationary_networks(
        system, chaotic, N=N, networks=NETWORKS, lags=LAGS, mean=float(state.dataset["mean"][0])
    )
    scores = mf.dmft.standard_scores(networks, state.dataset)
    worst = max(float(np.abs(scores[v]).max()) for v in ("variance", "autocovariance"))
    good &= worst < 6.9
    print(
        f"stationary variance and autocovariance of {NETWORKS} networks of {N}: at most {worst:.2f} standard errors from the theory"
    )
    dmft_plots.draw_autocovariance(axes[2, 1], state, networks, 16.0)
    fixed = mf.fixed_point(
        mf.compile(mf.derive(spec.architecture, mf.SecondMoment())), chaotic, throw=True
    ).dataset
    axes[2, 1].axhline(float(fixed["variance"][0]), color="k", ls="-.", lw=1, label="SecondMoment")
    axes[2, 1].legend(frameon=False, fontsize="x-small")
    axes[2, 1].set_title("stationary, chaotic", fontsize="medium")

    values = np.linspace(1.2, 3.0, 10)
    exponents = [
        mf.dmft.stationary(system, par.replace(g=np.full((1, 1), g)), {"variance": 1.0}).exponent
        for g in values
    ]
    axes[2, 2].plot(values, exponents, "o-", ms=3, lw=1.4)
    axes[2, 2].axhline(0, color="0.6", lw=0.8)
    axes[2, 2].axvline(
        onset.value, color="k", ls=":", lw=1, label=f"onset of chaos, g = {onset.value:.3f}"
    )
    axes[2, 2].set(xlabel="strength of the residual synapses g", ylabel="largest Lyapunov exponent")
    axes[2, 2].legend(frameon=False, fontsize="x-small")
    figure.savefig(options.out / "picture.png", dpi=100)
    if options.picture:
        shutil.copyfile(options.out / "picture.png", HERE / "picture.png")
    mf.derive(spec.architecture, spec.closure).derivation.write(str(options.out / "derivation.tex"))
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
