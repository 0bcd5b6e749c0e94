"""Derive, generate and compile 64 populations against 2: nothing is written out per population."""

import jax
import jax.numpy as jnp
from _timing import compare, options, report

import motifield as mf

FEW, MANY = 2, 64
TRANSFERS = {
    "one transfer function": ["tanh"],
    "two transfer functions": ["tanh", "rectified_linear"],
}


def parameters(P: int) -> mf.Parameters:
    """Feasible statistics with all four motifs."""
    return mf.Parameters.of(
        N=1000,
        fractions=[1 / P] * P,
        mean=0.001,
        g=0.2,
        motifs=mf.Motifs.shared(0.001 / P),
        input=0.5,
    )


def build(P: int, transfer: list[str], numbers: mf.Parameters) -> mf.types.System:
    """Derive, generate and compile, all afresh."""
    jax.clear_caches()
    functions = [transfer[p % len(transfer)] for p in range(P)]
    equations = mf.derive(mf.Architecture(numbers.populations, functions), mf.SecondMoment())
    system = mf.compile(equations)
    jax.jit(system.vector_field).lower(jnp.asarray(0.0), system.rest(P), numbers).compile()
    return system


def main() -> None:
    given = options(__doc__)
    results, notes = [], {}
    few, many = parameters(FEW), parameters(MANY)
    for name, transfer in TRANSFERS.items():
        result = compare(
            f"{name}, P = {MANY} / P = {FEW}",
            lambda t=transfer: build(MANY, t, many).source,
            lambda t=transfer: build(FEW, t, few).source,
            1.5,
            at_most=True,
            repeats=9,
        )
        results.append(result)
        lines = [
            len(build(P, transfer, p).source.splitlines()) for P, p in ((MANY, many), (FEW, few))
        ]
        notes[f"{name}, lines of source at P = {MANY} and {FEW}"] = lines
    title = "Derive + generate + compile, SecondMoment, all motifs"
    report(title, (f"P = {MANY}", f"P = {FEW}"), results, notes, given.json)


if __name__ == "__main__":
    main()
