"""E/I with tau_E != tau_I: what chains through E and through I neurons do to the mean.

A chain through a neuron means that its in- and out-strength go together (+) or against each other
(-). Theory (lines) against sampled networks, over the strength of the motifs of E and of I. Writes
`picture.png`.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine, print_verification

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
    dots = {"fmt": "o", "ms": 4, "capsize": 3}
    for ax, (own, other) in zip(axes, (("E", {"I": 10}), ("I", {"E": 40})), strict=True):
        for sign, (color, label) in SIGNS.items():
            strengths = np.linspace(0, 60, 25)
            points = (
                mf.fixed_point(system, changed(par, sign, **{own: s}, **other)) for s in strengths
            )
            means = [float(p.dataset["mean"].sel(population="E")) for p in points]
            ax.plot(strengths, means, color, label=label)
            for s in (15, 60) if sign else (60,):
                network, seed = changed(par, sign, **{own: s}, **other), s + sign + len(lines)
                check = mf.verify(system, network, sizes=[2000], networks=3, seed=seed, t1=20.0)
                seen = check.dataset.isel(size=0).sel(population="E", quantity="mean")
                ax.errorbar(s, seen.network, seen.error, color=color, **dots)
                theory, found, error = map(float, (seen.theory, seen.network, seen.error))
                lines.append(
                    f"N tau_{own} = {s}, chains {sign:+d}: mean input to E, theory {theory:.3f}, "
                    f"networks {found:.3f} +- {error:.3f}"
                )
        ax.set(xlabel=rf"strength of the motifs of {own}, $N\tau_{own}$")
        ax.set_title(", ".join(rf"$N\tau_{k}$ = {v}" for k, v in other.items()))
    despine(*axes)
    axes[0].set_ylabel("mean input to E")
    axes[0].errorbar([], [], [], color="0.2", label="3 networks, N = 2000", **dots)
    axes[0].legend(frameon=False)
    axes[0].set_ylim(0, 2.2)
    return figure, lines


def main() -> int:
    script = Script(__file__, __doc__)
    system, par, title = script.system, script.spec.numbers(), script.spec.title
    figure, lines = picture(system, par)
    print(*lines, sep="\n")
    script.save_picture(figure)
    result = mf.verify(system, par, sizes=(1000, 2000), networks=5, t1=20.0, title=title)
    print_verification(result.rows())
    return script.end(result.criterion, result.passed)


if __name__ == "__main__":
    sys.exit(main())
