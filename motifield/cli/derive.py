"""The command `motifield derive`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from .application import command
from .model import Model
from .options import AsJson, ClosureName, SpecFile, option
from .paths import Writes
from .terminal import print_json, progress

DOCUMENTS = (".tex", ".md", ".html")
CODE = (".py", ".jl", ".ode")  # .np.py is a .py, too

Steps = Annotated[
    bool,
    typer.Option("--steps", help="Print the whole derivation, not only the final equations."),
]
Explicit = Annotated[
    int | None,
    option(
        "--explicit",
        min=1,
        max=4,  # scalar equations of more fill pages
        help="Print scalar equations for this many populations.",
    ),
]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Test every displayed equality on random numbers; exit status 1 when one fails.",
    ),
]


@dataclass(frozen=True)
class File:
    """Where the derivation or code goes."""

    level: Annotated[
        str, typer.Option("--level", help="Content of a written document: full, or equations.")
    ] = "full"
    fragment: Annotated[
        bool, typer.Option("--fragment", help="Write a bare .tex to \\input, not an article.")
    ] = False
    output: Annotated[
        Path | None,
        option(
            "--output",
            "-o",
            help="Write the derivation (.tex with a .bib, .md, .html) or code: .py (JAX), "
            ".np.py (NumPy), .jl (Julia), .ode (XPPAUT).",
        ),
        Writes((*DOCUMENTS, *CODE)),
    ] = None

    def write(self, mean_field: Any, loaded: Any, explicit: bool) -> None:
        """Write the equations of a spec, scalar or for all populations at once."""
        if self.output is None:
            return
        suffix = self.output.suffix
        if suffix in DOCUMENTS:
            options = {"explicit": explicit, "fragment": self.fragment, "title": loaded.title}
            mean_field.derivation.save(self.output, self.level, **options)
        else:
            from ..numerics.system import save_equations

            numbers = loaded.numbers() if suffix == ".ode" else loaded.parameters
            save_equations(mean_field, numbers, self.output, initial=loaded.initial or None)


@command()
def derive(
    spec: SpecFile,
    *,
    closure: ClosureName = None,
    steps: Steps = False,
    explicit: Explicit = None,
    check: Check = False,
    file: File,
    as_json: AsJson = False,
) -> None:
    """Derive the mean-field equations and print them as LaTeX."""
    model = Model(spec, closure)
    mean_field = model.mean_field
    file.write(mean_field, model.loaded, explicit is not None)
    if check:
        _check(mean_field, as_json)
    elif as_json:
        steps_taken = [{"title": s.title, "reason": s.reason} for s in mean_field.derivation]
        print_json(
            {
                "states": list(mean_field.states),
                "parameters": list(mean_field.parameters),
                "closure": mean_field.closure.name,
                "latex": mean_field.latex_lines(),
                "steps": steps_taken,
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
        equalities = [
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
        ]
        print_json({"passed": report.passed, "equalities": equalities})
    else:
        typer.echo(str(report))
    if not report.passed:
        raise typer.Exit(1)
