"""The command `motifield derive`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from .shared import AsJson, ClosureName, SpecFile, app, mean_field_of, print_json, progress, spec_of


@app.command()
def derive(
    spec: SpecFile,
    closure: ClosureName = None,
    steps: Annotated[
        bool,
        typer.Option("--steps", help="Print the whole derivation, not only the final equations."),
    ] = False,
    explicit: Annotated[
        int | None,
        typer.Option(
            "--explicit",
            min=1,
            max=4,
            help="Scalar equations for this many populations.",
            show_default=False,
        ),
    ] = None,
    level: Annotated[
        str,
        typer.Option("--level", help="Of a document that is written: full, or equations alone."),
    ] = "full",
    fragment: Annotated[
        bool, typer.Option("--fragment", help="Write a bare .tex to \\input, not an article.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Test every displayed equality on random numbers; exit status 1 when one fails.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            show_default=False,
            help="Write the derivation (.tex with a .bib, .md, .html) or code: .py (JAX), .np.py (NumPy), .jl (Julia), .ode (XPPAUT).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Derive the mean-field equations and print them as LaTeX."""
    loaded = spec_of(spec)
    mean_field = mean_field_of(loaded, closure)
    if output is not None:
        _write(mean_field, loaded, output, level, explicit is not None, fragment)
    if check:
        _check(mean_field, as_json)
    elif as_json:
        print_json(
            {
                "states": list(mean_field.states),
                "parameters": list(mean_field.parameters),
                "closure": mean_field.closure.name,
                "latex": mean_field.latex_lines(),
                "steps": [{"title": s.title, "reason": s.reason} for s in mean_field.derivation],
            }
        )
    elif explicit is not None:
        for equation in mean_field.explicit(explicit, closed=True):
            typer.echo(f"{equation.lhs} = {equation.rhs}")
    else:
        typer.echo(mean_field.derivation.latex() if steps else mean_field.latex())


def _check(mean_field: Any, as_json: bool) -> None:
    with progress(not as_json) as say:
        report = mean_field.derivation.check(
            progress=lambda fraction: say("testing equalities", fraction)
        )
    if as_json:
        print_json(
            {
                "passed": report.passed,
                "equalities": [
                    {
                        "title": o.equality.title,
                        "kind": o.equality.holds,
                        "error": o.error,
                        "allowed": o.allowed,
                        "unit": o.unit,
                        "note": o.note,
                        "passed": o.passed,
                    }
                    for o in report.outcomes
                ],
            }
        )
    else:
        typer.echo(str(report))
    if not report.passed:
        raise typer.Exit(1)


def _write(
    mean_field: Any, loaded: Any, output: Path, level: str, explicit: bool, fragment: bool
) -> None:
    from ..numerics.system import write

    def code() -> None:
        write(
            mean_field,
            loaded.numbers() if output.suffix == ".ode" else None,
            output,
            initial=loaded.initial or None,
        )

    def document() -> None:
        mean_field.derivation.write(
            output, level, explicit=explicit, fragment=fragment, title=loaded.title
        )

    writers: dict[str, Callable[[], Any]] = {
        ".tex": document,
        ".md": document,
        ".html": document,
        ".py": code,
        ".np.py": code,
        ".jl": code,
        ".ode": code,
    }
    suffix = ".np.py" if output.name.endswith(".np.py") else output.suffix
    if suffix not in writers:
        raise SpecError(f"cannot write {output}: the suffix must be one of {', '.join(writers)}")
    writers[suffix]()
