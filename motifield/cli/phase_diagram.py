"""The command `motifield phase-diagram`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import SpecError
from ..numbers import counted
from .application import command
from .model import Model
from .options import ZARR, AsJson, AtOnce, Plot, Resume, Seed, Swept, Vary, Workers
from .output import Out
from .parsing import varied
from .terminal import print_table

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


@command("phase-diagram", once=False)
def phase_diagram(
    model: Model,
    *,
    vary: Vary,
    grid: Grid = "41,41",
    curves: Curves = True,
    starts: Starts = 32,
    seed: Seed = 0,
    output: Swept = None,
    resume: Resume = False,
    at_once: AtOnce = 256,
    workers: Workers = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Count fixed points and attractors over two parameters, with the bifurcation curves.

    Attractors are those of the equations; "bulk unstable" is how many of them the network leaves,
    because the bulk of its spectrum grows: chaos is to be expected. Give --vary twice. With -o
    out.zarr the grid is on disk as it is computed, a sweep like others: `motifield sweep status`
    and `sweep plot` know it, and --resume goes on with it. Exit status 1 when a point may be
    missing somewhere or a curve could not be followed to its end.
    """
    names, spans = varied(vary)
    if len(names) != 2:
        raise SpecError(
            "a phase diagram varies two parameters: give --vary twice, "
            f"not {counted(len(names), 'time')}"
        )
    first, second = _counts(grid)
    system, parameters = model.system, model.parameters
    from ..numerics.continuation import phase_diagram as diagram

    is_folder = output is not None and output.suffix == ZARR
    options: dict[str, Any] = {
        "bounds": spans,
        "grid": (first, second),
        "curves": curves,
        "starts": starts,
        "seed": seed,
        "out": output if is_folder else None,
        "resume": resume,
        "at_once": at_once,
        "workers": workers,
    }
    out = Out(None if is_folder else output, plot, as_json)
    with out.progress() as say:
        found = diagram(system, parameters, names, progress=say, **options)

    def special_points() -> None:
        if found.curves is not None:
            print_table("special points of the curves", found.curves.rows(), of=found.curves)

    out.conclude(
        found,
        f"{model.title}: {first} x {second} values of {found.names[0]} and {found.names[1]}, "
        f"status {found.status}",
        then=special_points,
    )


def _counts(grid: str) -> tuple[int, int]:
    """Points along both parameters."""
    try:
        first, second = (int(v) for v in grid.split(","))
    except ValueError:
        raise SpecError(f"--grid {grid!r} must be two integers, A,B") from None
    return first, second
