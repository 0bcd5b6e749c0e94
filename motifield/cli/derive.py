"""The command `motifield derive`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from .application import command
from .loading import equations_of, spec_of
from .options import AsJson, ClosureName, SpecFile, option, output_option
from .paths import Writes
from .terminal import print_json, progress

DOCUMENTS = (".tex", ".md", ".html")
CODE = (".py", ".jl", ".ode")  # .np.py is a .py, too

COLUMNS = {"1": 455.0, "2": 246.0}
"""Widths in pt of the text in articles of one and of two columns."""
LEAST = 150.0  # pt, in which equations can be broken

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
    width: Annotated[
        str | None,
        typer.Option(
            "--width",
            metavar="COLUMNS|PT",
            help="Break equations and tables of a fragment to this width: 2 columns on a page "
            "(246 pt), 1 (455 pt), or points, as 246pt; with text of 10 pt.",
        ),
    ] = None
    output: Annotated[
        Path | None,
        output_option(
            "Write the derivation (.tex with a .bib, .md, .html) or code: .py (JAX), "
            ".np.py (NumPy), .jl (Julia), .ode (XPPAUT)."
        ),
        Writes((*DOCUMENTS, *CODE)),
    ] = None

    def __post_init__(self) -> None:
        if self.width is not None and not (self.fragment and self._suffix == ".tex"):
            raise SpecError("--width is that of a fragment: give --fragment and -o FILE.tex, too")
        _page(self.width)

    @property
    def _suffix(self) -> str:
        return "" if self.output is None else self.output.suffix

    @property
    def is_code(self) -> bool:
        """Whether it is a module, which can carry the spec's numbers."""
        return self._suffix in CODE

    def write(self, mean_field: Any, loaded: Any, explicit: bool) -> None:
        """Write the equations of a spec, scalar or for all populations at once."""
        if self.output is None:
            return
        suffix = self._suffix
        if suffix in DOCUMENTS:
            options = {"explicit": explicit, "fragment": self.fragment, "title": loaded.title}
            if (page := _page(self.width)) is not None:
                options["page"] = page
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
    """Derive the mean-field equations and print them as LaTeX, or write them to a file."""
    loaded = spec_of(spec, numbers=file.is_code)
    mean_field = equations_of(loaded, closure)
    file.write(mean_field, loaded, explicit is not None)
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
    elif file.output is not None and not steps:
        typer.echo(f"wrote {file.output}")
    elif explicit is not None:
        for equation in mean_field.explicit(explicit, closed=True):
            typer.echo(f"{equation.lhs} = {equation.rhs}")
    else:
        typer.echo(mean_field.derivation.latex() if steps else mean_field.latex())


def _page(width: str | None) -> float | None:
    """The width of a page in em of 10 pt, from a number of columns or of points."""
    if width is None:
        return None
    try:
        size = COLUMNS[width] if width in COLUMNS else float(width.removesuffix("pt"))
    except ValueError:
        size = 0.0
    if not LEAST <= size < 10_000:
        raise SpecError(
            f"--width {width!r} must be 1 or 2, the columns of a page, or from {LEAST:g}pt"
        )
    return size / 10


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
