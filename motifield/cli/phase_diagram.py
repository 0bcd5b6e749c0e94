"""The command `motifield phase-diagram`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import SpecError
from .application import app
from .loading import parameters_of, system_of
from .options import AsJson, ClosureName, Output, Plot, Seed, Settings, SpecFile, Vary
from .output import check_files, conclude
from .parsing import varied
from .terminal import print_table, progress

Grid = Annotated[
    str,
    typer.Option(
        "--grid", metavar="A,B", help="Grid points along the first and the second parameter."
    ),
]
Curves = Annotated[
    bool,
    typer.Option("--curves/--no-curves", help="Also follow the curves of folds and Hopf points."),
]
Starts = Annotated[
    int, typer.Option("--starts", min=1, help="Random starts of the search at every grid point.")
]


@app.command("phase-diagram")
def phase_diagram(
    spec: SpecFile,
    vary: Vary,
    closure: ClosureName = None,
    settings: Settings = None,
    grid: Grid = "41,41",
    curves: Curves = True,
    starts: Starts = 32,
    seed: Seed = 0,
    output: Output = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Count fixed points and attractors over two parameters, with the bifurcation curves.

    Give --vary twice. Exit status 1 when a point may be missing somewhere or a curve could not be
    followed to its end.
    """
    names, spans = varied(vary)
    if len(names) != 2:
        raise SpecError(
            "a phase diagram varies two parameters: give --vary twice, "
            f"not {len(names)} time{'s' * (len(names) != 1)}"
        )
    try:
        first, second = (int(v) for v in grid.split(","))
    except ValueError:
        raise SpecError(f"--grid {grid!r} must be two integers, A,B") from None
    check_files(output, plot)
    loaded, system = system_of(spec, closure)
    parameters = parameters_of(loaded, system, settings)
    from ..numerics.continuation import phase_diagram as diagram

    options: dict[str, Any] = {
        "bounds": spans,
        "grid": (first, second),
        "curves": curves,
        "starts": starts,
        "seed": seed,
    }
    with progress(not as_json) as say:
        found = diagram(system, parameters, names, progress=say, **options)

    def special_points() -> None:
        if found.curves is not None:
            print_table("special points of the curves", found.curves.rows())

    conclude(
        found,
        f"{loaded.title}: {first} x {second} values of {found.names[0]} and {found.names[1]}, "
        f"status {found.status}",
        output=output,
        plot=plot,
        as_json=as_json,
        then=special_points,
    )
