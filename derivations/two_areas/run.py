"""Two E/I areas: chains that span them decide how much of a pulse in area 1 arrives in area 2.

A neuron of E1 that receives more from E1 sends more to area 2 (+), or less (-), at the same means
and variances of all synapses. Theory (lines) against sampled networks, in time. Writes
`picture.png`.
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine, print_verification

CHAINS = {1: ("C3", "chains +"), 0: ("0.4", "no chains"), -1: ("C0", "chains \N{MINUS SIGN}")}
SHOWN = {"E1": "area 1, E", "E2": "area 2, E", "I2": "area 2, I"}


def picture(checks: dict[int, mf.verification.Verification]) -> Figure:
    figure = Figure(figsize=(8.5, 3.2), layout="constrained")
    axes = figure.subplots(1, 3, sharex=True)
    for sign, check in checks.items():
        color, label = CHAINS[sign]
        theory = check.theory.isel(size=0)
        networks = check.networks.isel(size=0, time=slice(None, None, 2))
        for ax, (p, name) in zip(axes, SHOWN.items(), strict=True):
            seen = networks["mean"].sel(population=p)
            error = seen.std("network", ddof=1) / seen.sizes["network"] ** 0.5
            ax.plot(theory["time"], theory["mean"].sel(population=p), color, label=label)
            ax.errorbar(
                seen["time"], seen.mean("network"), error, color=color, fmt="o", ms=2.5, lw=1
            )
            ax.axvspan(10, 20, color="0.93", zorder=0)
            ax.set(xlabel="time (time constants)")
            ax.set_title(name, fontsize="medium")
    despine(*axes)
    axes[0].set_ylabel("mean input")
    axes[0].set_xlim(5, 30.5)
    axes[0].errorbar([], [], [], fmt="o", color="0.2", ms=2.5, lw=1, label="4 networks, N = 2000")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4, frameon=False)
    return figure


def main() -> int:
    script = Script(__file__, __doc__)
    system, par = script.system, script.spec.numbers()
    checks = {}
    for sign in CHAINS:
        changed = par.replace(tau_chn=sign * par.tau_chn)
        checks[sign] = mf.verify(system, changed, sizes=[2000], networks=4, seed=sign + 1, t1=30.0)
        at = {"size": 2000, "population": "E2"}
        before, theory = (
            float(checks[sign].theory["mean"].sel(at | {"time": t})) for t in (9.6, 19.2)
        )
        seen = checks[sign].networks["mean"].sel(at | {"time": 19.2})
        print(
            f"chains {sign:+d}: mean input to E2 from {before:.3f} to {theory:.3f} in the pulse, "
            f"networks {float(seen.mean()):.3f} +- {float(seen.std(ddof=1)) / 2:.3f}"
        )
    script.save_picture(picture(checks))
    # at the end of the pulse
    title = script.spec.title
    result = mf.verify(system, par, sizes=(1000, 2000), networks=5, t1=20.0, title=title)
    print_verification(row for row in result.rows() if row["N"] == 2000)
    return script.end(result.criterion, result.passed)


if __name__ == "__main__":
    sys.exit(main())
