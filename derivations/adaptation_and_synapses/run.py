"""A step of the input into a network whose E adapts and whose synapses have time constants of their own: it starts to oscillate.

Theory (black) against sampled networks in time: the mean rates, the variability across neurons, and the latent variables kappa, one for
each of the two membranes, read off single neurons. Writes `picture.png`.
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
TIMES, TOLERANCE = np.linspace(0, 60, 121), 0.15


def simulated(system: mf.types.System, par: mf.Parameters, seed: int) -> dict[str, np.ndarray]:
    """Rates, variances and sum_q kappa_pq of a sampled network: of x_i in p, the part along the deviation of i's in-strength."""
    network = mf.sample(par, seed, dtype=np.float32)
    run = mf.simulate(
        network,
        Partial(system.transfer, parameters=par),
        units=mf.types.Units.of(system.mean_field.architecture, par),
        input=par.input,
        t1=60.0,
        saveat=TIMES,
        record="all",
        throw=True,
    )
    x, u = run["trajectory"].values, network.in_strengths()[:, 0]
    members = [network.members(p) for p in par.populations]
    kappa = np.stack(
        [(x[:, m] - x[:, m].mean(1, keepdims=True)) @ u[m] / (u[m] @ u[m]) for m in members], axis=1
    )
    return {"rate": run["rate"].values, "variance": run["variance"].values, "kappa": kappa}


def picture(theory, networks: list[dict[str, np.ndarray]]) -> Figure:
    figure = Figure(figsize=(8.5, 5.2), layout="constrained")
    axes = figure.subplots(2, 3, sharex=True, sharey="col")
    # (membrane, population of the source): both sources act on a neuron alike
    lines = {
        "rate": theory["rate"],
        "variance": theory["variance"],
        "kappa": theory["kappa"].sum("population"),
    }
    labels = {
        "rate": "mean rate $R$",
        "variance": r"variance of the input $\Delta$",
        "kappa": r"latent variables $\kappa_E+\kappa_I$",
    }
    for column, name in zip(axes.T, lines, strict=True):
        for ax, p, color in zip(column, range(2), ("C3", "C0"), strict=True):
            for seen in networks:
                ax.plot(TIMES, seen[name][:, p], color=color, lw=0.8, alpha=0.6)
            ax.plot(TIMES, lines[name][:, p], "k", lw=1.3)
            ax.set_ylabel(f"{labels[name]}, {'EI'[p]}")
            ax.spines[["top", "right"]].set_visible(False)
        column[1].set_xlabel("time (time constants)")
    axes[0, 0].plot([], [], "k", label="theory")
    axes[0, 0].plot([], [], color="0.6", lw=0.8, label=f"{len(networks)} networks, N = 2000")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False
    )
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
    system, par = mf.compile(mf.derive(spec.architecture, spec.closure)), spec.numbers()
    theory = mf.integrate(system, par, 60.0, saveat=TIMES, throw=True)
    networks = [simulated(system, par, seed) for seed in range(4)]
    picture(theory, networks).savefig(options.out / "picture.png", dpi=90)
    if options.picture:
        shutil.copyfile(options.out / "picture.png", HERE / "picture.png")
    good = True
    for name in ("rate", "variance"):
        expected, seen = theory[name].values, np.mean([n[name] for n in networks], axis=0)
        error = np.sqrt(((seen - expected) ** 2).mean(0)) / expected.std(0)
        good &= bool(np.all(error < TOLERANCE))
        print(
            f"{name}: swings by {np.ptp(expected, 0).round(3)} (E, I); networks minus theory, root mean square over time: "
            f"{(100 * error).round(1)} % of its standard deviation in time"
        )
    print(
        f"{'PASSED' if good else 'FAILED'}: the mean over {len(networks)} networks follows the theory to {TOLERANCE:.0%}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
