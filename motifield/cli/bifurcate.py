"""The commands `motifield bifurcate` and `motifield phase-diagram`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from ..errors import SpecError
from .shared import (
    AsJson,
    ClosureName,
    Output,
    Plot,
    Settings,
    SpecFile,
    Start,
    Vary,
    app,
    check_files,
    parameters_of,
    point_of,
    print_json,
    print_table,
    progress,
    system_of,
    varied,
    write_dataset,
)


@app.command()
def bifurcate(
    spec: SpecFile,
    vary: Vary,
    closure: ClosureName = None,
    settings: Settings = None,
    start: Start = None,
    cycles: Annotated[
        bool, typer.Option("--cycles", help="Follow the limit cycles from each Hopf point.")
    ] = False,
    output: Output = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Follow the fixed points in a parameter: branches, folds, Hopf and branch points, limit cycles.

    Given --vary twice: the curves of folds and Hopf points over both parameters, with cusps and Bogdanov-Takens points. All fixed points of the
    spec are followed, or the one of --start; what is connected to none of them is not seen. The written file has the branches (or
    curves), not the cycles. Exit status 1 when something could not be followed to its end.
    """
    names, spans = varied(vary)
    if len(names) > 2:
        raise SpecError(
            f"--vary is given {len(names)} times: once for branches, twice for curves over two parameters"
        )
    if cycles and len(names) == 2:
        raise SpecError("--cycles follows cycles in one parameter: give --vary once")
    check_files(output, plot)
    loaded, system = system_of(spec, closure)
    parameters = parameters_of(loaded, system, settings)
    found: Any
    orbits: list[Any] = []
    with progress(not as_json) as say:
        point = None if start is None else point_of(loaded, system, parameters, start)
        if len(names) == 2:
            found = _curves(system, parameters, names, spans, point, say)
        else:
            found, orbits = _branches(system, parameters, names[0], spans[0], point, cycles, say)
    if output is not None:
        write_dataset(found.dataset, output)
    if plot is not None:
        from ..numerics.plots import bifurcation_diagram, curves_diagram, save

        save(curves_diagram(found) if len(names) == 2 else bifurcation_diagram(found, orbits), plot)
    wrong = [text for text in (found.status, *(c.status for c in orbits)) if text != "ok"]
    if as_json:
        print_json(found.json() | ({"cycles": [c.json() for c in orbits]} if cycles else {}))
    else:
        pieces = len(found.curves) if len(names) == 2 else len(found)
        what = ("curve" if len(names) == 2 else "branch") + (
            "" if pieces == 1 else "s" if len(names) == 2 else "es"
        )
        print_table(
            f"{loaded.title}: special points on {pieces} {what}, status {found.status}",
            found.rows(),
        )
        for c in orbits:
            _say_cycles(c)
    if wrong:
        raise typer.Exit(1)


def _branches(
    system: Any,
    parameters: Any,
    name: str,
    span: tuple[float, float],
    point: Any,
    cycles: bool,
    say: Callable,
) -> tuple[Any, list[Any]]:
    from ..numerics.continuation import follow, limit_cycles

    found = follow(system, parameters, name, bounds=span, start=point, progress=say)
    orbits = []
    for s in found.of("Hopf") if cycles else []:
        say(f"cycles from {name} = {s.value:.4g}", 0.9)
        orbits.append(limit_cycles(system, parameters, name, s, bounds=span))
    return found, orbits


def _curves(
    system: Any,
    parameters: Any,
    names: tuple[str, ...],
    spans: tuple[tuple[float, float], ...],
    point: Any,
    say: Callable,
) -> Any:
    from ..numerics.continuation import bifurcation_curves

    return bifurcation_curves(
        system,
        parameters,
        (names[0], names[1]),
        bounds=(spans[0], spans[1]),
        start=point,
        progress=say,
    )


def _say_cycles(cycles: Any) -> None:
    rows = [{k: v for k, v in row.items() if not k.startswith("mean")} for row in cycles.rows()]
    shown = [rows[k] for k in sorted({round(j * (len(rows) - 1) / 9) for j in range(10)})]
    print_table(
        f"limit cycles from the Hopf point at {cycles.name} = {cycles.hopf.value:.6g} ({len(rows)}, some shown), {cycles.ended}",
        shown,
    )
    for s in cycles.special:
        typer.echo(f"{s['kind']} at {cycles.name} = {s['value']:.6g} (between two cycles)")


@app.command("phase-diagram")
def phase_diagram(
    spec: SpecFile,
    vary: Vary,
    closure: ClosureName = None,
    settings: Settings = None,
    grid: Annotated[
        str,
        typer.Option(
            "--grid",
            metavar="A,B",
            help="Points of the grid along the first and the second parameter.",
        ),
    ] = "41,41",
    curves: Annotated[
        bool,
        typer.Option("--curves/--no-curves", help="The curves of folds and Hopf points as well."),
    ] = True,
    starts: Annotated[
        int, typer.Option("--starts", min=1, help="Starts of the search at every grid point.")
    ] = 32,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the starts.")] = 0,
    output: Output = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """How many fixed points and attractors there are over two parameters (give --vary twice), with the bifurcation curves.

    Exit status 1 when a point may be missing somewhere or a curve could not be followed to its end.
    """
    names, spans = varied(vary)
    if len(names) != 2:
        raise SpecError(
            f"a phase diagram varies two parameters: give --vary twice, not {len(names)} time{'s' * (len(names) != 1)}"
        )
    try:
        first, second = (int(v) for v in grid.split(","))
    except ValueError:
        raise SpecError(f"--grid {grid!r} must be two integers, A,B") from None
    check_files(output, plot)
    loaded, system = system_of(spec, closure)
    parameters = parameters_of(loaded, system, settings)
    from ..numerics.continuation import phase_diagram as diagram

    with progress(not as_json) as say:
        found = diagram(
            system,
            parameters,
            (names[0], names[1]),
            bounds=(spans[0], spans[1]),
            grid=(first, second),
            curves=curves,
            starts=starts,
            seed=seed,
            progress=say,
        )
    if output is not None:
        write_dataset(found.dataset, output)
    if plot is not None:
        from ..numerics.plots import phase_picture, save

        save(phase_picture(found), plot)
    if as_json:
        print_json(found.json())
    else:
        print_table(
            f"{loaded.title}: {first} x {second} values of {found.names[0]} and {found.names[1]}, status {found.status}",
            found.rows(),
        )
        if found.curves is not None:
            print_table("special points of the curves", found.curves.rows())
    if found.status != "ok":
        raise typer.Exit(1)
