"""E/I with tau_E != tau_I: what chains through excitatory and through inhibitory neurons do to the mean, for both signs.

A chain through a neuron means that its in- and out-strength go together (+) or against each other (-). Theory (lines) against sampled
networks, over the strength of the motifs of E and of I. Writes `picture.png`.
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
SIGNS = {
    1: ("C3", "in- and out-strength together"),
    0: ("0.5", "no chains"),
    -1: ("C0", "against each other"),
}


def changed(par: mf.Parameters, sign: int, **strength: float) -> mf.Parameters:
    """The network with N tau_E and N tau_I, here E=... and I=...; without chains for sign = 0."""
    tau = np.array([strength["E"], strength["I"]]) / float(par.N)
    con, div, chain, reciprocal = mf.Motifs.by_population(tau, chain_sign=sign or 1)
    return par.replace(
        tau_con=con, tau_div=div, tau_chn=chain * abs(sign), tau_rec=reciprocal * abs(sign)
    )


def picture(system: mf.types.System, par: mf.Parameters) -> tuple[Figure, list[str]]:
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes, lines = figure.subplots(1, 2, sharey=True), []
    for ax, (own, other) in zip(axes, (("E", {"I": 10}), ("I", {"E": 40})), strict=True):
        for sign, (color, label) in SIGNS.items():
            strengths = np.linspace(0, 60, 25)
            points = [
                mf.fixed_point(system, changed(par, sign, **{own: s}, **other), throw=True).dataset
                for s in strengths
            ]
            ax.plot(
                strengths,
                [float(p["mean"].sel(population="E")) for p in points],
                color,
                label=label,
            )
            for s in (15, 60) if sign else (60,):
                network = changed(par, sign, **{own: s}, **other)
                check = mf.verify(
                    system, network, sizes=[2000], networks=3, seed=s + sign + len(lines), t1=20.0
                )
                seen = check.summary.isel(size=0).sel(population="E", quantity="mean")
                ax.errorbar(s, seen.network, seen.error, fmt="o", ms=4, capsize=3, color=color)
                numbers = f"theory {float(seen.theory):.3f}, networks {float(seen.network):.3f} +- {float(seen.error):.3f}"
                lines.append(f"N tau_{own} = {s}, chains {sign:+d}: mean input to E, {numbers}")
        ax.set(xlabel=rf"strength of the motifs of {own}, $N\tau_{own}$")
        ax.set_title(", ".join(rf"$N\tau_{k}$ = {v}" for k, v in other.items()))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("mean input to E")
    axes[0].errorbar(
        [], [], [], fmt="o", color="0.2", ms=4, capsize=3, label="3 networks, N = 2000"
    )
    axes[0].legend(frameon=False)
    axes[0].set_ylim(0, 2.2)
    return figure, lines


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
    figure, lines = picture(system, par)
    print(*lines, sep="\n")
    figure.savefig(options.out / "picture.png", dpi=110)
    if options.picture:
        shutil.copyfile(options.out / "picture.png", HERE / "picture.png")
    result = mf.verify(system, par, sizes=(1000, 2000), networks=5, t1=20.0, title=spec.title)
    for row in result.rows():
        print(
            "N = {N}, {population}, {quantity:8s}: theory {theory:.4f}, networks {network:.4f} +- {error:.4f}".format(
                **row
            )
        )
    print(f"{'PASSED' if result.passed else 'FAILED'}: {result.criterion}")
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
