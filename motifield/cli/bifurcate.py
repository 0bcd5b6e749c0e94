"""The command `motifield bifurcate`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import SpecError
from .application import app
from .loading import parameters_of, point_of, system_of
from .options import AsJson, ClosureName, Output, Plot, Settings, SpecFile, Start, Vary
from .output import check_files, conclude
from .parsing import varied
from .terminal import Say, print_table, progress

SHOWN = 10
"""Cycles printed of each family, which fit on a screen."""

Cycles = Annotated[
    bool, typer.Option("--cycles", help="Follow the limit cycles from each Hopf point.")
]
Range = tuple[float, float]


@app.command()
def bifurcate(
    spec: SpecFile,
    vary: Vary,
    closure: ClosureName = None,
    settings: Settings = None,
    start: Start = None,
    cycles: Cycles = False,
    output: Output = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Follow fixed points in a parameter: branches, folds, Hopf and branch points, limit cycles.

    With --vary given twice: the curves of folds and Hopf points over both parameters, with cusps
    and Bogdanov-Takens points. All fixed points of the spec are followed, or the one of --start;
    solutions connected to none of them are not seen. The written file has the branches (or
    curves), not the cycles. Exit status 1 when something could not be followed to its end.
    """
    names, spans = varied(vary)
    if len(names) > 2:
        raise SpecError(
            f"--vary is given {len(names)} times: once for branches, "
            "twice for curves over two parameters"
        )
    if cycles and len(names) == 2:
        raise SpecError("--cycles follows cycles in one parameter: give --vary once")
    check_files(output, plot)
    loaded, system = system_of(spec, closure)
    parameters = parameters_of(loaded, system, settings)
    orbits: list[Any] = []
    with progress(not as_json) as say:
        point = None if start is None else point_of(loaded, system, parameters, start)
        follow = _curves if len(names) == 2 else _branches
        found = follow(system, parameters, names, spans, point, say)
        if cycles:
            orbits = _cycles(system, parameters, names[0], spans[0], found, say)
    conclude(
        found,
        f"{loaded.title}: special points on {_pieces(found)}, status {found.status}",
        output=output,
        plot=plot,
        as_json=as_json,
        drawing={"cycles": orbits} if orbits else {},
        more={"cycles": [own.json() for own in orbits]} if cycles else {},
        then=lambda: _say_cycles(orbits),
        ok=all(own.status == "ok" for own in (found, *orbits)),
    )


def _branches(
    system: Any,
    parameters: Any,
    names: tuple[str, ...],
    spans: tuple[Range, ...],
    point: Any,
    say: Say,
) -> Any:
    from ..numerics.continuation import follow

    (name,), (bounds,) = names, spans
    return follow(system, parameters, name, bounds=bounds, initial=point, progress=say)


def _curves(
    system: Any,
    parameters: Any,
    names: tuple[str, ...],
    spans: tuple[Range, ...],
    point: Any,
    say: Say,
) -> Any:
    from ..numerics.continuation import bifurcation_curves

    options: dict[str, Any] = {"bounds": spans, "initial": point, "progress": say}
    return bifurcation_curves(system, parameters, names, **options)


def _cycles(
    system: Any, parameters: Any, name: str, bounds: Range, found: Any, say: Say
) -> list[Any]:
    """The limit cycles from each Hopf point of the branches."""
    from ..numerics.continuation import limit_cycles

    orbits = []
    for s in found.of("Hopf"):
        say(f"cycles from {name} = {s.value:.4g}", 0.9)
        orbits.append(limit_cycles(system, parameters, name, s, bounds=bounds))
    return orbits


def _pieces(found: Any) -> str:
    """How many branches or curves there are, in words."""
    if hasattr(found, "curves"):
        return f"{len(found.curves)} curve{'s' * (len(found.curves) != 1)}"
    return f"{len(found.branches)} branch{'es' * (len(found.branches) != 1)}"


def _say_cycles(orbits: list[Any]) -> None:
    for cycles in orbits:
        _say_family(cycles)


def _say_family(cycles: Any) -> None:
    rows = [{k: v for k, v in row.items() if not k.startswith("mean")} for row in cycles.rows()]
    spaced = {round(j * (len(rows) - 1) / (SHOWN - 1)) for j in range(SHOWN)}
    print_table(
        f"limit cycles from the Hopf point at {cycles.name} = {cycles.hopf.value:.6g} "
        f"({len(rows)}, some shown), {cycles.ended}",
        [rows[k] for k in sorted(spaced)],
    )
    for s in cycles.special:
        typer.echo(f"{s['kind']} at {cycles.name} = {s['value']:.6g} (between two cycles)")
