"""One population with all four motifs: chains hold up a mean that the mean synapse, which is inhibitory, suppresses.

Over the strength N tau of the motifs: the mean input and its variance, theory (lines) against sampled networks. Writes `picture.png`.
"""

import argparse
import shutil
import sys
from pathlib import Path

import jax
import numpy as np
from matplotlib.figure import Figure

import motifield as mf

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
START = {"mean": 1.0, "kappa": 0.3, "rms_rate": 0.7}
# (g, N tau, mean, variance), computed by an independent program
EXPECTED = ((1.2, 8, 0.3278, 1.0345), (1.6, 8, 0.7373, 3.2716), (1.2, 10, 0.5058, 1.6672))


def changed(par: mf.Parameters, g: float, strength: float, chains: bool = True) -> mf.Parameters:
    """The network with N tau = strength for convergence, divergence and, if wanted, chains."""
    tau = np.full((1, 1, 1), strength / float(par.N))
    return par.replace(g=[[g]], tau_con=tau, tau_div=tau, tau_chn=tau * chains)


def picture(system: mf.types.System, par: mf.Parameters, initial: dict) -> Figure:
    figure = Figure(figsize=(8, 3.3), layout="constrained")
    axes = figure.subplots(1, 2)

    def networks(strength, style, **changes):
        check = mf.verify(
            system,
            changed(par, strength=strength, **changes),
            sizes=[2000],
            networks=4,
            seed=int(strength),
            t1=20.0,
            initial=initial,
        )
        for ax, name in zip(axes, ("mean", "variance"), strict=True):
            point = check.summary.isel(size=0, population=0).sel(quantity=name)
            ax.errorbar(strength, point.network, point.error, fmt="o", capsize=3, **style)

    for color, g in (("C0", 1.2), ("C3", 1.6)):
        strengths = np.linspace(0.2, 12, 25)
        points = [
            mf.fixed_point(system, changed(par, g, s), START, throw=True).dataset for s in strengths
        ]
        for ax, name in zip(axes, ("mean", "variance"), strict=True):
            ax.plot(
                strengths, [float(p[name][0]) for p in points], color, label=f"theory, $g$ = {g}"
            )
        for strength in (6.0, 9.0, 12.0):
            networks(strength, {"color": color, "ms": 4}, g=g)
    networks(12.0, {"color": "0.4", "mfc": "w", "ms": 6}, g=1.2, chains=False)
    axes[0].legend(frameon=False)
    axes[1].errorbar(
        [], [], [], fmt="o", color="0.2", ms=4, capsize=3, label="4 networks, N = 2000"
    )
    axes[1].errorbar(
        [],
        [],
        [],
        fmt="o",
        color="0.4",
        mfc="w",
        ms=6,
        capsize=3,
        label="without chains, $g$ = 1.2",
    )
    axes[1].legend(*(v[2:] for v in axes[1].get_legend_handles_labels()), frameon=False)
    for ax, what in zip(
        axes, ("mean input $K$", r"variance of the input across neurons $\Delta$"), strict=True
    ):
        ax.set(xlabel=r"strength of the motifs $N\tau$", ylabel=what, xlim=(0, 12.5))
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
    system, par = mf.compile(mf.derive(spec.architecture, spec.closure)), spec.numbers()
    good = True
    for g, strength, *expected in EXPECTED:
        point = mf.fixed_point(system, changed(par, g, strength), START, throw=True).dataset
        ours = [float(point[name][0]) for name in ("mean", "variance")]
        good &= bool(np.allclose(ours, expected, atol=6e-5))
        print(
            f"g = {g}, N tau = {strength:2d}: mean {ours[0]:.4f}, variance {ours[1]:.4f}; expected {expected[0]}, {expected[1]}"
        )
    picture(system, par, spec.initial).savefig(options.out / "picture.png", dpi=110)
    if options.picture:
        shutil.copyfile(options.out / "picture.png", HERE / "picture.png")
    result = mf.verify(
        system, par, sizes=(1000, 2000), networks=5, t1=20.0, initial=spec.initial, title=spec.title
    )
    for row in result.rows():
        print(
            "N = {N}, {quantity:8s}: theory {theory:.4f}, networks {network:.4f} +- {error:.4f}".format(
                **row
            )
        )
    print(
        f"{'PASSED' if good and result.passed else 'FAILED'}: the numbers above, and {result.criterion}"
    )
    return 0 if good and result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
