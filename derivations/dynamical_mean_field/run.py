"""Where one-time closures fail: dynamical mean-field theory and networks, before and in chaos.

Transients below the onset of chaos, and the chaotic state. Writes `picture.png` and
`derivation.tex` into the output folder; exit status 1 if theory and networks disagree.
"""

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import motifield as mf
from motifield.numerics.plots import draw_autocovariance, draw_courses, draw_covariance

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine

N, NETWORKS, CHAOTIC = 4000, 6, 2.5
START, SPREAD = 2.0, 1.5  # mean and standard deviation of x at t = 0
LAGS = [0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0]
CLOSURES = {"MotifOnly": mf.MotifOnly(), "LowRank": mf.LowRank(), "SecondMoment": mf.SecondMoment()}
ARCHITECTURE = mf.Architecture(["X"], "tanh(x)")
QUANTITIES = ["mean", "variance", "rate"]
# Student's t for 6 networks, as improbable as 4 standard errors
LARGEST_T = 6.9
# neurons and number of networks for the shift of the onset
SIZES = ((500, 32), (1000, 20), (2000, 10), (4000, 5))


def with_g(parameters: mf.Parameters, g: float) -> mf.Parameters:
    """The same network with another strength of the synapses' variability."""
    return parameters.replace(g=np.full((1, 1), g))


def simulated(system: mf.types.System, par: mf.Parameters, times: np.ndarray) -> xr.Dataset:
    """Networks with the initial distribution of the theory."""
    big, runs = mf.without_reciprocity(par.rescaled(N)), []
    for seed in range(NETWORKS):
        initial = START + SPREAD * np.random.default_rng(seed).standard_normal(N)
        network = mf.sample(big, seed, dtype=np.float32)
        run = mf.simulate(system, network, t1=times[-1], saveat=times, initial=initial)
        runs.append(run.dataset[QUANTITIES])
    return xr.concat(runs, "network")


def compare(
    name: str, par: mf.Parameters, t1: float
) -> tuple[dict[str, xr.Dataset], xr.Dataset, xr.Dataset, bool]:
    """Closures, two-time theory and networks from the same start, and whether the last two agree.

    Prints the errors of the closures, in the transient and at the end.
    """
    times = np.linspace(0.0, t1, 61)
    systems = {k: mf.compile(mf.derive(ARCHITECTURE, c)) for k, c in CLOSURES.items()}
    initial = {"mean": START, "variance": SPREAD**2}
    motif = systems["MotifOnly"]
    exact = mf.dmft.transient(motif, par, t1, dt=t1 / 240, initial=initial).dataset
    closures = {
        closure: mf.integrate(s, par, t1, saveat=times, initial={"mean": START}).dataset
        for closure, s in systems.items()
    }
    seen = simulated(motif, par, times)
    at = exact[QUANTITIES].interp(time=times)
    error = seen.std("network", ddof=1) / np.sqrt(NETWORKS)
    scores = np.abs((seen.mean("network") - at) / error)
    scores = scores.sel(time=[t1 / 12, t1 / 4, t1], method="nearest")
    good = max(float(scores[v].max()) for v in scores.data_vars) < LARGEST_T
    print(f"{name}: networks and two-time theory {'agree' if good else 'DISAGREE'}")
    print(
        f"{'':16s}{'largest error of K':>20s}{'of variance':>14s}{'K at the end':>14s}"
        f"{'variance':>10s}{'rate':>8s}"
    )
    for closure, d in {"two-time theory": at, **closures}.items():
        mean, variance, rate = (float(d[v].isel(time=-1, population=0)) for v in QUANTITIES)
        off, wide = (
            float(np.abs(d[v] - at[v]).sel(time=slice(t1 / 12, None)).max())
            for v in ("mean", "variance")
        )
        print(f"{closure:16s}{off:20.4f}{wide:14.4f}{mean:14.4f}{variance:10.4f}{rate:8.4f}")
    return closures, exact, seen, good


def onset_of_networks(par: mf.Parameters, onset: float) -> None:
    """How far the onset of networks of several sizes lies beyond that of the theory.

    At .9 of the onset, the growth rate of networks at their own fixed points gives the g at which
    the theory grows as fast.
    """
    system = mf.compile(mf.derive(ARCHITECTURE, mf.SecondMoment()))

    def at(g: float, n: int = 1000) -> mf.Parameters:
        return mf.without_reciprocity(with_g(par, g).rescaled(n))

    g = 0.9 * onset
    here, beyond = (mf.stability(system, at(v)) for v in (g, 1.01 * g))
    slope = (beyond.jacobian.edge - here.jacobian.edge) / (0.01 * g)
    initial = here.point.dataset["mean"].values
    for n, count in SIZES:
        networks = (mf.sample(at(g, n), seed, dtype=np.float32) for seed in range(count))
        spectra = (mf.spectrum(system, own, initial=initial, t1=150.0) for own in networks)
        found = np.array([s.leading.real for s in spectra])
        shift = 100 * (here.jacobian.edge - found) / slope / onset
        error = shift.std(ddof=1) / np.sqrt(count)
        print(
            f"{count} networks of {n}: onset {shift.mean():.1f} +- {error:.1f} % beyond that of "
            "the theory",
            flush=True,
        )


def draw_stationary(script: Script, ax: Axes, system, chaotic, state: mf.dmft.Stationary) -> None:
    """Autocovariance of the chaotic state: theory, networks, and the variance of a closure."""
    networks = mf.dmft.stationary_networks(
        system, chaotic, N=N, networks=NETWORKS, lags=LAGS, initial=float(state.dataset["mean"][0])
    )
    scores = mf.dmft.standard_scores(networks, state.dataset)
    worst = max(float(np.abs(scores[v]).max()) for v in ("variance", "autocovariance"))
    script.check(worst < LARGEST_T)
    print(
        f"stationary variance and autocovariance of {NETWORKS} networks of {N}: at most "
        f"{worst:.2f} standard errors from the theory"
    )
    draw_autocovariance(ax, state, networks.dataset, 16.0)
    closed = mf.compile(mf.derive(ARCHITECTURE, mf.SecondMoment()))
    variance = float(mf.fixed_point(closed, chaotic).dataset["variance"][0])
    ax.axhline(variance, color="k", ls="-.", lw=1, label="SecondMoment")
    ax.legend(frameon=False, fontsize="x-small")
    ax.set_title("stationary, chaotic", fontsize="medium")


def draw_exponents(ax: Axes, system, par: mf.Parameters, onset: float) -> None:
    """Largest Lyapunov exponent over g."""
    values = np.linspace(1.2, 3.0, 10)
    states = (mf.dmft.stationary(system, with_g(par, g), {"variance": 1.0}) for g in values)
    ax.plot(values, [s.exponent for s in states], "o-", ms=3, lw=1.4)
    ax.axhline(0, color="0.6", lw=0.8)
    ax.axvline(onset, color="k", ls=":", lw=1, label=f"onset of chaos, g = {onset:.3f}")
    ax.set(xlabel="strength of the residual synapses g", ylabel="largest Lyapunov exponent")
    ax.legend(frameon=False, fontsize="x-small")


def main() -> int:
    more = "also measure how the onset moves with the size of networks (3 minutes)"
    script = Script(__file__, __doc__, networks={"action": "store_true", "help": more})
    par, system = script.spec.parameters, mf.compile(mf.derive(ARCHITECTURE, mf.MotifOnly()))
    onset = mf.dmft.onset_of_chaos(system, par, "g[X,X]", (0.8, 3.0)).value
    print(f"onset of chaos: g = {onset:.4f}")
    if script.options.networks:
        onset_of_networks(par, onset)
    chaotic = with_g(par, CHAOTIC)
    state = mf.dmft.stationary(system, chaotic, {"variance": 1.0})
    row = state.rows()[0]
    print(
        f"g = {CHAOTIC}: variance {row['variance']:.4f}, of which {row['fluctuating']:.4f} "
        f"fluctuates, Lyapunov exponent {state.exponent:.4f}"
    )
    figure = Figure(figsize=(10.2, 8.2), layout="constrained")
    axes = figure.subplots(3, 3)
    despine(*axes.flat)
    for place, name, given, t1 in (
        (axes[0], "below the onset, g = 1.4", par, 12.0),
        (axes[1], f"chaotic, g = {CHAOTIC}", chaotic, 30.0),
    ):
        closures, exact, seen, agree = compare(name, given, t1)
        script.check(agree)
        draw_courses(place, exact, closures, seen)
        place[1].set_title(name, fontsize="medium")
    draw_covariance(axes[2, 0], exact["covariance"].isel(population=0))
    axes[2, 0].set_title("$C(t, t')$, chaotic", fontsize="medium")
    draw_stationary(script, axes[2, 1], system, chaotic, state)
    draw_exponents(axes[2, 2], system, par, onset)
    script.save_picture(figure, dpi=100)
    script.save_derivation()
    return script.end()


if __name__ == "__main__":
    sys.exit(main())
