"""White noise in time and thresholds that differ across neurons: the same variance of the input, but one is dynamic, the other static.

The equations are the same for both until the thresholds are correlated with the synapses that a neuron makes: then they move the mean. Theory
(lines) against sampled networks. Writes `picture.png`.
"""

import argparse
import shutil
import sys
from pathlib import Path

import jax
import numpy as np
from jax.tree_util import Partial
from matplotlib.figure import Figure

import motifield as mf

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
N, NETWORKS = 1000, 4
# tau_inp where offsets follow the part of the out-strengths that is not tied to in-strengths: tau_div = .04 at N = 1000
STRONGEST = np.full((2, 2), np.sqrt(0.75 * 0.04))
TIMES = np.concatenate(
    [[0.0], np.arange(15.0, 75.0, 0.25)]
)  # after 15 time constants it is stationary


def neurons(system: mf.types.System, par: mf.Parameters, seed: int) -> np.ndarray:
    """x of every neuron, E and I alike in their inputs, over time."""
    network = mf.sample(par, seed, dtype=np.float32)
    run = mf.simulate(
        network,
        Partial(system.transfer, parameters=par),
        units=mf.types.Units.of(system.mean_field.architecture, par),
        input=par.input,
        spread=par.spread,
        t1=75.0,
        saveat=TIMES,
        dt=0.1,
        record="all",
        seed=seed,
        throw=True,
    )
    return run["trajectory"].values[1:]


def compared(system: mf.types.System, par: mf.Parameters, label: str) -> dict:
    """Theory and networks: mean, variance in time and across neurons; standard errors over networks."""
    state = mf.fixed_point(system, par, throw=True).dataset
    total, dynamic = (float(state[name][0]) for name in ("variance", "noise_variance"))
    x = [neurons(system, par, seed) for seed in range(NETWORKS)]
    found = np.array([[v.mean(), v.var(axis=0).mean(), v.mean(axis=0).var()] for v in x])
    kept = 2 / np.ptp(TIMES[1:])  # of the noise, in a mean over so short a time
    expected = np.array(
        [float(state["mean"][0]), dynamic * (1 - kept), total - dynamic * (1 - kept)]
    )
    error = found.std(axis=0, ddof=1) / np.sqrt(NETWORKS)
    print(
        f"{label:44s}",
        *(
            f"{name} {e:.3f}, networks {f:.3f} +- {s:.3f};"
            for name, e, f, s in zip(
                ("mean", "variance in time", "across neurons"),
                expected,
                found.mean(0),
                error,
                strict=True,
            )
        ),
    )
    return {"x": x[0], "expected": expected, "found": found.mean(0), "error": error}


def picture(results: dict, sweep: dict, correlations: list, curve: list) -> Figure:
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 3)
    grid, bins = np.linspace(-4, 6, 201), np.linspace(-4, 6, 41)
    for ax, label in zip(axes, ("noise in time", "thresholds"), strict=False):
        (mean, dynamic, static), x = results[label]["expected"], results[label]["x"]
        parts = (
            ("C0-", x.mean(0), static, "mean over time"),
            ("C3--", x[-1], static + dynamic, "at one time"),
        )
        for style, values, variance, name in parts:
            ax.hist(values, bins, density=True, color=style[:2], alpha=0.3, label=name)
            ax.plot(
                grid,
                np.exp(-((grid - mean) ** 2) / 2 / variance) / np.sqrt(2 * np.pi * variance),
                style,
                lw=1.5,
            )
        ax.set(
            xlabel="input $x_i$ of a neuron",
            ylabel="density of neurons",
            title=label,
            ylim=(0, 0.9),
        )
        ax.legend(
            frameon=False,
            fontsize="small",
            loc="upper left",
            title="lines: theory",
            title_fontsize="small",
        )
    axes[2].plot(correlations, curve, "k", label="theory")
    for c, found in sweep.items():
        label = f"{NETWORKS} networks, N = {N}" if c == 0 else None
        axes[2].errorbar(
            c, found["found"][0], found["error"][0], fmt="oC2", ms=4, capsize=3, label=label
        )
    axes[2].set(
        xlabel="correlation of thresholds\nand out-strengths / strongest",
        ylabel="mean input $K$",
        ylim=(0, 1.65),
    )
    axes[2].set_title("correlated thresholds")
    axes[2].legend(frameon=False, fontsize="small", loc="upper left")
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure


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
    options.out.mkdir(parents=True, exist_ok=True)
    spec = mf.load_spec(HERE / "spec.toml")
    system, par = mf.compile(mf.derive(spec.architecture, spec.closure)), spec.numbers().rescaled(N)
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
    results |= {f"correlation {c}": found for c, found in sweep.items()}
    curve = [
        float(mf.fixed_point(system, par, throw=True).dataset["mean"][0])
        for par in correlated.values()
    ]
    picture(results, sweep | {0.0: results["thresholds"]}, list(correlated), curve).savefig(
        options.out / "picture.png", dpi=110
    )
    if options.picture:
        shutil.copyfile(options.out / "picture.png", HERE / "picture.png")
    # the closure leaves out the little noise that comes back through the synapses
    good = all(
        np.all(np.abs(r["found"] - r["expected"]) <= np.maximum(4 * r["error"], 0.02))
        for r in results.values()
    )
    print(
        f"{'PASSED' if good else 'FAILED'}: every number within 4 standard errors, or .02, of the theory"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
