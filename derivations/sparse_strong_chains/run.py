"""Sparse networks with strong chains: what strengths, and products of strengths, do to them.

For three strengths a of the motifs a sampled network is compared with the equations of its own
statistics: of second order, with its neurons' strengths and linear assortativity, and with squares
and products of strengths among what synapses know. The table has the errors of mean rates,
variances of inputs and SDs of rates; a second one the outliers of the synapses' eigenvalues. Writes
`picture.png` and `derivation.tex` into the output folder.
"""

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.progress import track

import motifield as mf

sys.path.insert(0, str(Path(__file__).parents[1]))
from _run import Script, despine, print_table

STRENGTHS = (0.1, 0.3, 0.6)  # a of the motifs; the spec has the last
PROBABILITY, SEED = 0.2, 1
THEORIES = {
    "second order": ("gaussian", False, "C0"),
    "strengths, linear": ("empirical", True, "C1"),
    "strengths, quadratic": ("empirical", "quadratic", "C3"),
}
FULL, LINEAR, PLAIN = "strengths, quadratic", "strengths, linear", "second order"
QUANTITIES = {"rate": "rates", "variance": "variances", "rate_sd": "SDs of rates"}
LARGEST_ERROR = 0.01  # with quadratic features, mean over populations
NEAR = 0.03  # of the outliers with quadratic features to the network's
MOTIFS = ("tau_con", "tau_div", "tau_chn", "tau_rec")


class Compared(NamedTuple):
    """A network and one theory of it, by quantity and population."""

    theory: dict[str, np.ndarray]
    network: dict[str, np.ndarray]
    spectrum: Any

    @property
    def errors(self) -> dict[str, float]:
        """Relative, mean over populations."""
        return {
            name: float(np.mean(np.abs(own / self.network[name] - 1)))
            for name, own in self.theory.items()
        }


def drawn(par: mf.Parameters, a: float) -> mf.Network:
    """A sparse network whose motifs are a share of those of the spec."""
    share = a / STRENGTHS[-1]
    own = par.replace(**{name: share * getattr(par, name) for name in MOTIFS})
    sampler = mf.sampling.Sparse(PROBABILITY, mf.marginals.Lognormal())
    return mf.sample(own, SEED, sampler=sampler)


def systems(script: Script) -> dict[str, mf.types.System]:
    """The equations of each theory, for the spec's units."""
    own, found = script.spec.architecture, {}
    for name, (strengths, assortativity, _) in THEORIES.items():
        units = mf.Architecture(
            own.populations, own.transfer, strengths=strengths, assortativity=assortativity
        )
        found[name] = mf.compile(mf.derive(units, script.spec.closure))
    return found


def compared(system: mf.types.System, network: mf.Network, t1: float) -> Compared:
    """One theory with the statistics of a network, and the network."""
    result = mf.verification.verify_network(system, network, t1=t1)
    last = result.dataset.isel(time=-1)
    values = {name: last[name] for name in ("rate", "variance")}
    values["rate_sd"] = result.spread["rate_sd"]
    theory, seen = (
        {name: v.sel(source=s).values for name, v in values.items()} for s in ("theory", "network")
    )
    return Compared(theory, seen, mf.networks.connectivity_spectrum(result.parameters))


def outliers(values: np.ndarray) -> tuple[float, float]:
    """The most negative and the most positive eigenvalue, real parts."""
    return float(values.real.min()), float(values.real.max())


def error_rows(found: dict[tuple[float, str], Compared]) -> list[dict]:
    rows = []
    for a in STRENGTHS:
        for name in THEORIES:
            errors = found[a, name].errors
            row = {"a": a, "theory": name}
            rows.append(row | {QUANTITIES[k]: f"{100 * v:.2f} %" for k, v in errors.items()})
    return rows


def outlier_rows(found: dict[tuple[float, str], Compared], eigenvalues: np.ndarray) -> list[dict]:
    own = {"network": outliers(eigenvalues)}
    own |= {name: outliers(found[STRENGTHS[-1], name].spectrum.outliers) for name in THEORIES}
    return [{"of": name, "lowest": low, "highest": high} for name, (low, high) in own.items()]


def check(script: Script, found: dict[tuple[float, str], Compared], rows: list[dict]) -> None:
    """Quadratic features explain the networks; the others do not."""
    for a in STRENGTHS:
        for name in QUANTITIES:
            script.check(found[a, FULL].errors[name] <= LARGEST_ERROR)
    strong = {name: found[STRENGTHS[-1], name].errors["variance"] for name in THEORIES}
    script.check(strong[FULL] < strong[LINEAR] < strong[PLAIN])
    true, *others = (np.array([row["lowest"], row["highest"]]) for row in rows)
    off = dict(zip(THEORIES, (np.abs(own - true) for own in others), strict=True))
    script.check(np.all(off[FULL] <= NEAR))
    script.check(off[FULL][1] < off[LINEAR][1] and off[FULL][1] < off[PLAIN][1])


def draw_quantity(ax: Axes, found: dict[tuple[float, str], Compared], name: str) -> None:
    """Theories as lines, networks as dots, over a; excitatory neurons."""
    for theory, (*_, colour) in THEORIES.items():
        own = [found[a, theory].theory[name][0] for a in STRENGTHS]
        ax.plot(STRENGTHS, own, color=colour, lw=1.5, label=theory)
    seen = [found[a, FULL].network[name][0] for a in STRENGTHS]
    ax.plot(STRENGTHS, seen, "ko", ms=5, label="sampled network")
    ax.set(xlabel="strength of the motifs $a$", xticks=STRENGTHS)


def picture(found: dict[tuple[float, str], Compared], eigenvalues: np.ndarray) -> Figure:
    """Variances and SDs over the strength of the motifs, and the spectrum at the strongest."""
    figure = Figure(figsize=(10.4, 3.4), layout="constrained")
    first, second, third = figure.subplots(1, 3, width_ratios=[1, 1, 1.5])
    draw_quantity(first, found, "variance")
    first.set(ylabel="variance of the inputs to E", ylim=(0, None))
    draw_quantity(second, found, "rate_sd")
    second.set(ylabel="SD of the rates of E", ylim=(0, None))
    first.legend(frameon=False, fontsize="small")
    third.plot(eigenvalues.real, eigenvalues.imag, "k.", ms=1.5)
    third.plot(outliers(eigenvalues), [0, 0], "ko", ms=4, label="sampled network")
    markers = zip(THEORIES.items(), "xs^", strict=True)
    for (theory, (*_, colour)), marker in markers:
        own = found[STRENGTHS[-1], theory].spectrum
        style = {"color": colour, "ms": 8, "mfc": "none", "mew": 1.5}
        third.plot(own.outliers.real, own.outliers.imag, marker, **style, label=theory)
    own = found[STRENGTHS[-1], FULL].spectrum.boundary
    third.plot(own.real, own.imag, color="0.6", lw=1)
    third.set(xlabel="real part", ylabel="imaginary part", ylim=(-0.7, 0.7))
    third.set_title(f"eigenvalues of the synapses, $a$ = {STRENGTHS[-1]:g}", fontsize="medium")
    despine(first, second, third)
    return figure


def main() -> int:
    script = Script(__file__, __doc__)
    par, t1, equations = script.spec.numbers(), script.spec.t1, systems(script)
    networks = {a: drawn(par, a) for a in STRENGTHS}
    cases = [(a, name) for a in STRENGTHS for name in THEORIES]
    found = {
        (a, name): compared(equations[name], networks[a], t1)
        for a, name in track(cases, "comparing", transient=True)
    }
    eigenvalues = mf.spectrum(None, networks[STRENGTHS[-1]]).eigenvalues
    rows = outlier_rows(found, eigenvalues)
    check(script, found, rows)
    print_table("errors of theory, mean over populations", error_rows(found))
    print_table(f"outliers, a = {STRENGTHS[-1]:g}", rows)
    script.save_derivation()
    script.save_picture(picture(found, eigenvalues))
    return script.end(
        f"with quadratic features every error is at most {LARGEST_ERROR:.0%}, and both outliers "
        f"are within {NEAR:g}; second-order theory and linear features miss them"
    )


if __name__ == "__main__":
    sys.exit(main())
