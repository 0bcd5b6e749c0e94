"""How long derivations and their documents take, against the times allowed; SymPy is imported before."""

import time
from statistics import median

from _timing import Comparison, report

import motifield as mf
from motifield.theory.code import to_jax as codegen
from motifield.theory.documents import to_html as render_html
from motifield.theory.documents import to_latex as render_latex

REPEATS = 5
NAMES = ["E", "PV", "SST", "VIP"]


def cases():
    """Name, seconds allowed, what is timed."""
    symbolic = mf.Architecture(transfer="1 + erf(x - 1/2)")
    named = mf.Architecture(NAMES, "Max(x, 0)**2")
    filtered = mf.Architecture(
        ["E", "I"],
        "Max(x, 0)",
        membrane={"E": mf.filters.membrane(1), "I": mf.filters.adapting()},
        synapse={"E": mf.filters.exponential(0.5), "I": mf.filters.exponential(2)},
        inputs=["spread", "in-strength", "out-strength", "noise"],
    )
    made = mf.derive(named, mf.SecondMoment())
    document = made.derivation.document()
    return {
        "derivation, symbolic P": (1.0, lambda: mf.derive(symbolic, mf.SecondMoment())),
        "derivation, filters and all inputs": (1.0, lambda: mf.derive(filtered, mf.LowRank())),
        "written out for P = 4, all motifs": (
            3.0,
            lambda: mf.derive(named, mf.SecondMoment()).explicit(closed=True),
        ),
        "LaTeX document": (
            1.0,
            lambda: render_latex.article(made.derivation.document(), "derivation"),
        ),
        "LaTeX document, P = 4 written out": (
            1.0,
            lambda: render_latex.article(made.derivation.document(explicit=True), "derivation"),
        ),
        "HTML page": (3.0, lambda: render_html.html(document)),
        "JAX code": (1.0, lambda: codegen.generate(made)),
    }


def main() -> None:
    mf.derive(mf.Architecture(transfer="tanh"))  # everything is imported
    results = []
    for name, (allowed, run) in cases().items():
        times = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        ratios = [t / allowed for t in times]
        results.append(
            Comparison(
                name, median(times), allowed, median(ratios), min(ratios), max(ratios), 1.0, True
            )
        )
    report("Derivations: time / time allowed", ("ours", "allowed"), results, {})


if __name__ == "__main__":
    main()
