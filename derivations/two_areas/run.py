"""Two E/I areas: chains that span them decide how much of a pulse in area 1 arrives in area 2.

A neuron of E1 that receives more from E1 sends more to area 2 (+), or less (-), at the same means and variances of all synapses. Theory (lines)
against sampled networks, in time. Writes `picture.png`.
"""

import argparse
import shutil
import sys
from pathlib import Path

import jax
from matplotlib.figure import Figure

import motifield as mf

jax.config.update("jax_enable_x64", True)
HERE = Path(__file__).parent
CHAINS = {1: ("C3", "chains +"), 0: ("0.4", "no chains"), -1: ("C0", "chains \N{MINUS SIGN}")}


def picture(checks: dict[int, mf.verification.Verification]) -> Figure:
    figure = Figure(figsize=(8.5, 3.2), layout="constrained")
    axes = figure.subplots(1, 3, sharex=True)
    for sign, check in checks.items():
        color, label = CHAINS[sign]
        theory, networks = (
            check.theory.isel(size=0),
            check.networks.isel(size=0, time=slice(None, None, 2)),
        )
        for ax, p in zip(axes, ("E1", "E2", "I2"), strict=True):
            seen = networks["mean"].sel(population=p)
            ax.plot(theory["time"], theory["mean"].sel(population=p), color, label=label)
            ax.errorbar(
                seen["time"],
                seen.mean("network"),
                seen.std("network", ddof=1) / seen.sizes["network"] ** 0.5,
                color=color,
                fmt="o",
                ms=2.5,
                lw=1,
            )
            ax.axvspan(10, 20, color="0.93", zorder=0)
            ax.set(xlabel="time (time constants)")
            ax.set_title(
                {"E1": "area 1, E", "E2": "area 2, E", "I2": "area 2, I"}[p], fontsize="medium"
            )
            ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("mean input")
    axes[0].set_xlim(5, 30.5)
    axes[0].errorbar([], [], [], fmt="o", color="0.2", ms=2.5, lw=1, label="4 networks, N = 2000")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False
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
    checks = {}
    for sign in CHAINS:
        changed = par.replace(tau_chn=sign * par.tau_chn)
        checks[sign] = mf.verify(system, changed, sizes=[2000], networks=4, seed=sign + 1, t1=30.0)
        at = (
            {"size": 2000, "population": "E2", "time": 9.6},
            {"size": 2000, "population": "E2", "time": 19.2},
        )
        before, theory = (float(checks[sign].theory["mean"].sel(when)) for when in at)
        seen = checks[sign].networks["mean"].sel(at[1])
        print(
            f"chains {sign:+d}: mean input to E2 from {before:.3f} to {theory:.3f} in the pulse, "
            f"networks {float(seen.mean()):.3f} +- {float(seen.std(ddof=1)) / 2:.3f}"
        )
    picture(checks).savefig(options.out / "picture.png", dpi=110)
    if options.picture:
        shutil.copyfile(options.out / "picture.png", HERE / "picture.png")
    # at the end of the pulse
    result = mf.verify(system, par, sizes=(1000, 2000), networks=5, t1=20.0, title=spec.title)
    for row in result.rows():
        if row["N"] == 2000:
            print(
                "N = {N}, {population}, {quantity:8s}: theory {theory:.4f}, networks {network:.4f} +- {error:.4f}".format(
                    **row
                )
            )
    print(f"{'PASSED' if result.passed else 'FAILED'}: {result.criterion}")
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
