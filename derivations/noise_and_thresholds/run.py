"""White noise in time, and thresholds that differ across neurons: the same variance of the input.

One is dynamic, the other static. The equations are the same for both until the thresholds are
correlated with the synapses that a neuron makes: then they shift the mean. Theory (lines) against
sampled networks. Writes `picture.png`.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine

N, NETWORKS = 1000, 4
# tau_inp where offsets follow the part of the out-strengths that is not tied to in-strengths:
# tau_div = .04 at N = 1000
STRONGEST = np.full((2, 2), np.sqrt(0.75 * 0.04))
# after 15 time constants it is stationary
TIMES = np.concatenate([[0.0], np.arange(15.0, 75.0, 0.25)])


def neurons(system: mf.types.System, par: mf.Parameters, seed: int) -> np.ndarray:
    """x of every neuron, E and I alike in their inputs, over time."""
    network = mf.sample(par, seed, dtype=np.float32)
    run = mf.simulate(system, network, t1=75.0, saveat=TIMES, dt=0.1, record="all", seed=seed)
    return run["trajectory"].values[1:]


def compared(system: mf.types.System, par: mf.Parameters, label: str) -> dict:
    """Mean, variance in time and across neurons: theory, networks and their standard errors."""
    state = mf.fixed_point(system, par).dataset
    total, dynamic = (float(state[name][0]) for name in ("variance", "noise_variance"))
    x = [neurons(system, par, seed) for seed in range(NETWORKS)]
    found = np.array([[v.mean(), v.var(axis=0).mean(), v.mean(axis=0).var()] for v in x])
    # a mean over so short a time keeps part of the noise
    kept = 2 / np.ptp(TIMES[1:])
    mean, moving = float(state["mean"][0]), dynamic * (1 - kept)
    expected = np.array([mean, moving, total - moving])
    error = found.std(axis=0, ddof=1) / np.sqrt(NETWORKS)
    names = ("mean", "variance in time", "across neurons")
    rows = zip(names, expected, found.mean(0), error, strict=True)
    texts = (f"{name} {e:.3f}, networks {f:.3f} +- {s:.3f}" for name, e, f, s in rows)
    print(f"{label:28s}", "; ".join(texts))
    return {"x": x[0], "expected": expected, "found": found.mean(0), "error": error}


def draw_densities(ax: Axes, label: str, result: dict) -> None:
    """Inputs of the neurons of one network, at one time and averaged over time, against theory."""
    grid, bins = np.linspace(-4, 6, 201), np.linspace(-4, 6, 41)
    (mean, dynamic, static), x = result["expected"], result["x"]
    parts = (
        ("C0-", x.mean(0), static, "mean over time"),
        ("C3--", x[-1], static + dynamic, "at one time"),
    )
    for style, values, variance, name in parts:
        normal = np.exp(-((grid - mean) ** 2) / 2 / variance) / np.sqrt(2 * np.pi * variance)
        ax.hist(values, bins, density=True, color=style[:2], alpha=0.3, label=name)
        ax.plot(grid, normal, style, lw=1.5)
    ax.set(xlabel="input $x_i$ of a neuron", ylabel="density of neurons", ylim=(0, 0.9))
    ax.set_title(label)
    small = {"fontsize": "small", "title_fontsize": "small"}
    ax.legend(frameon=False, loc="upper left", title="lines: theory", **small)


def picture(results: dict, sweep: dict, correlations: list, curve: list) -> Figure:
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 3)
    for ax, label in zip(axes, ("noise in time", "thresholds"), strict=False):
        draw_densities(ax, label, results[label])
    right = axes[2]
    right.plot(correlations, curve, "k", label="theory")
    for c, found in sweep.items():
        label = f"{NETWORKS} networks, N = {N}" if c == 0 else None
        mean, error = found["found"][0], found["error"][0]
        right.errorbar(c, mean, error, fmt="oC2", ms=4, capsize=3, label=label)
    right.set(xlabel="correlation of thresholds\nand out-strengths / strongest")
    right.set(ylabel="mean input $K$", ylim=(0, 1.65), title="correlated thresholds")
    right.legend(frameon=False, fontsize="small", loc="upper left")
    despine(*axes)
    return figure


def main() -> int:
    script = Script(__file__, __doc__)
    system, par = script.system, script.spec.numbers().rescaled(N)
    cases = {
        "noise in time": par.replace(noise=[1.0, 1.0], spread=0.0),
        "thresholds": par.replace(noise=[0.0, 0.0], spread=1.0),
    }
    results = {label: compared(system, case, label) for label, case in cases.items()}
    correlated = {
        c: cases["thresholds"].replace(tau_inp=c * STRONGEST) for c in np.linspace(-0.9, 0.9, 9)
    }
    sweep = {
        c: compared(system, correlated[c], f"thresholds, correlation {c:+.1f}") for c in (-0.9, 0.9)
    }
    curve = [float(mf.fixed_point(system, par).dataset["mean"][0]) for par in correlated.values()]
    sweep[0.0] = results["thresholds"]
    script.save_picture(picture(results, sweep, list(correlated), curve))
    # the closure leaves out the little noise that comes back through the synapses
    for r in (*results.values(), *sweep.values()):
        script.check(np.all(np.abs(r["found"] - r["expected"]) <= np.maximum(4 * r["error"], 0.02)))
    return script.end("every number within 4 standard errors, or .02, of the theory")


if __name__ == "__main__":
    sys.exit(main())
