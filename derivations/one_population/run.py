"""One population with all four motifs: chains sustain a mean that inhibitory synapses suppress.

The mean input and its variance over the strength N tau of the motifs: theory (lines) against
sampled networks. Writes `picture.png`.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine, print_verification

START = {"mean": 1.0, "kappa": 0.3, "rms_rate": 0.7}
# (g, N tau, mean, variance), computed by an independent program
EXPECTED = ((1.2, 8, 0.3278, 1.0345), (1.6, 8, 0.7373, 3.2716), (1.2, 10, 0.5058, 1.6672))
LABELS = {"mean": "mean input $K$", "variance": r"variance of the input across neurons $\Delta$"}


def changed(par: mf.Parameters, g: float, strength: float, chains: bool = True) -> mf.Parameters:
    """The network with N tau = strength for convergence, divergence and, if wanted, chains."""
    tau = np.full((1, 1, 1), strength / float(par.N))
    return par.replace(g=[[g]], tau_con=tau, tau_div=tau, tau_chn=tau * chains)


def picture(system: mf.types.System, par: mf.Parameters, initial: dict) -> Figure:
    figure = Figure(figsize=(8, 3.3), layout="constrained")
    axes = dict(zip(LABELS, figure.subplots(1, 2), strict=True))
    dots = {"fmt": "o", "capsize": 3}

    def networks(strength, style, **changes):
        own = changed(par, strength=strength, **changes)
        options = {"networks": 4, "seed": int(strength), "t1": 20.0, "initial": initial}
        check = mf.verify(system, own, sizes=[2000], **options)
        for name, ax in axes.items():
            point = check.dataset.isel(size=0, population=0).sel(quantity=name)
            ax.errorbar(strength, point.network, point.error, **dots, **style)

    for color, g in (("C0", 1.2), ("C3", 1.6)):
        strengths = np.linspace(0.2, 12, 25)
        points = [mf.fixed_point(system, changed(par, g, s), START).dataset for s in strengths]
        for name, ax in axes.items():
            values = [float(p[name][0]) for p in points]
            ax.plot(strengths, values, color, label=f"theory, $g$ = {g}")
        for strength in (6.0, 9.0, 12.0):
            networks(strength, {"color": color, "ms": 4}, g=g)
    hollow = {"color": "0.4", "mfc": "w", "ms": 6}
    networks(12.0, hollow, g=1.2, chains=False)
    axes["mean"].legend(frameon=False)
    right = axes["variance"]
    right.errorbar([], [], [], color="0.2", ms=4, label="4 networks, N = 2000", **dots)
    right.errorbar([], [], [], label="without chains, $g$ = 1.2", **dots, **hollow)
    right.legend(*(v[2:] for v in right.get_legend_handles_labels()), frameon=False)
    for name, ax in axes.items():
        ax.set(xlabel=r"strength of the motifs $N\tau$", ylabel=LABELS[name], xlim=(0, 12.5))
    despine(*axes.values())
    return figure


def main() -> int:
    script = Script(__file__, __doc__)
    system, par, spec = script.system, script.spec.numbers(), script.spec
    for g, strength, *expected in EXPECTED:
        point = mf.fixed_point(system, changed(par, g, strength), START).dataset
        ours = [float(point[name][0]) for name in ("mean", "variance")]
        script.check(np.allclose(ours, expected, atol=6e-5))
        print(
            f"g = {g}, N tau = {strength:2d}: mean {ours[0]:.4f}, variance {ours[1]:.4f}; "
            f"expected {expected[0]}, {expected[1]}"
        )
    script.save_picture(picture(system, par, spec.initial))
    options = {"networks": 5, "t1": 20.0, "initial": spec.initial, "title": spec.title}
    result = mf.verify(system, par, sizes=(1000, 2000), **options)
    print_verification(result.rows(), "N = {N}, {quantity:8s}")
    return script.end(f"the numbers above, and {result.criterion}", result.passed)


if __name__ == "__main__":
    sys.exit(main())
