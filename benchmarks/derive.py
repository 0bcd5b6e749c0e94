"""Times of derivations and their documents against the times allowed; SymPy is imported before."""

from _timing import options, report, within

import motifield as mf
from motifield.theory.code import generate
from motifield.theory.documents import article, html

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

    def written_out() -> str:
        return article(made.derivation.document(explicit=True), "derivation")

    return {
        "derivation, symbolic P": (1.0, lambda: mf.derive(symbolic, mf.SecondMoment())),
        "derivation, filters and all inputs": (1.0, lambda: mf.derive(filtered, mf.LowRank())),
        "written out for P = 4, all motifs": (
            3.0,
            lambda: mf.derive(named, mf.SecondMoment()).explicit(closed=True),
        ),
        "LaTeX document": (1.0, lambda: article(made.derivation.document(), "derivation")),
        "LaTeX document, P = 4 written out": (1.0, written_out),
        "HTML page": (3.0, lambda: html(document)),
        "JAX code": (1.0, lambda: generate(made)),
    }


def main() -> None:
    given = options(__doc__)
    mf.derive(mf.Architecture(transfer="tanh"))  # everything is imported
    results = [
        within(name, run, allowed, repeats=REPEATS) for name, (allowed, run) in cases().items()
    ]
    report("Derivations: time / time allowed", ("ours", "allowed"), results, {}, given.json)


if __name__ == "__main__":
    main()
