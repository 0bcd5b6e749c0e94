"""A step of the input into a network with adapting E cells and slow synapses starts an oscillation.

Theory (black) against sampled networks in time: the mean rates, the variability across neurons, and
the latent variables kappa, one for each of the two membranes, read off single neurons. Writes
`picture.png`.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine

TIMES, TOLERANCE = np.linspace(0, 60, 121), 0.15
NETWORKS = 4


def simulated(system: mf.types.System, par: mf.Parameters, seed: int) -> dict[str, np.ndarray]:
    """Rates, variances and kappa of a sampled network.

    sum_q kappa_pq is the part of x_i, i in p, that lies along the deviation of i's in-strength.
    """
    network = mf.sample(par, seed, dtype=np.float32)
    run = mf.simulate(system, network, t1=60.0, saveat=TIMES, record="all")
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
        column[1].set_xlabel("time (time constants)")
    despine(*axes.flat)
    axes[0, 0].plot([], [], "k", label="theory")
    axes[0, 0].plot([], [], color="0.6", lw=0.8, label=f"{len(networks)} networks, N = 2000")
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=2, frameon=False)
    return figure


def main() -> int:
    script = Script(__file__, __doc__)
    system, par = script.system, script.spec.numbers()
    theory = mf.integrate(system, par, 60.0, saveat=TIMES)
    networks = [simulated(system, par, seed) for seed in range(NETWORKS)]
    script.save_picture(picture(theory, networks), dpi=90)
    for name in ("rate", "variance"):
        expected, seen = theory[name].values, np.mean([n[name] for n in networks], axis=0)
        error = np.sqrt(((seen - expected) ** 2).mean(0)) / expected.std(0)
        script.check(np.all(error < TOLERANCE))
        for population, swing, part in zip("EI", np.ptp(expected, 0), error, strict=True):
            print(
                f"{name} of {population}: swings by {swing:.3f}; networks minus theory, root mean "
                f"square over time: {part:.1%} of its standard deviation in time"
            )
    return script.end(
        f"the mean over {len(networks)} networks follows the theory to {TOLERANCE:.0%}"
    )


if __name__ == "__main__":
    sys.exit(main())
