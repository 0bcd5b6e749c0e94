"""The command `motifield bifurcate`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import SpecError
from ..numbers import counted
from .application import command
from .model import Model
from .options import Start, Vary
from .output import Out
from .parsing import varied
from .terminal import Say, print_table

SHOWN = 10
"""Cycles printed of each family, which fit on a screen."""

Cycles = Annotated[
    bool, typer.Option("--cycles", help="Follow the limit cycles from each Hopf point.")
]
Range = tuple[float, float]


@command()
def bifurcate(
    model: Model, *, vary: Vary, start: Start = None, cycles: Cycles = False, out: Out
) -> None:
    """Follow fixed points in a parameter: branches, folds, Hopf and branch points, limit cycles.

    With --vary given twice: the curves of folds and Hopf points over both parameters, with cusps
    and Bogdanov-Takens points. All fixed points of the spec are followed, or the one of --start;
    solutions connected to none of them are not seen. Where the equations are stable, but the bulk
    of the network's spectrum is not, branches are marked: chaos is to be expected. The written
    file has the branches (or curves), not the cycles. Exit status 1 when
    something could not be followed to its end.
    """
    names, spans = varied(vary)
    if len(names) > 2:
        raise SpecError(
            f"--vary is given {len(names)} times: once for branches, "
            "twice for curves over two parameters"
        )
    if cycles and len(names) == 2:
        raise SpecError("--cycles follows cycles in one parameter: give --vary once")
    orbits: list[Any] = []
    with out.progress() as say:
        point = None if start is None else model.point(start)
        found = _followed(model, names, spans, point, say)
        if cycles:
            orbits = _cycles(model, names[0], spans[0], found, say)
    out.conclude(
        found,
        f"{model.title}: special points on {_pieces(found)}, status {found.status}",
        drawing={"cycles": orbits} if orbits else {},
        more={"cycles": [own.json() for own in orbits]} if cycles else {},
        then=lambda: _say_cycles(orbits),
        ok=all(own.status == "ok" for own in (found, *orbits)),
    )


def _followed(
    model: Model, names: tuple[str, ...], spans: tuple[Range, ...], point: Any, say: Say
) -> Any:
    """Branches in one parameter, or curves over two."""
    system, parameters = model.system, model.parameters
    from ..numerics.continuation import bifurcation_curves, follow

    options: dict[str, Any] = {"initial": point, "progress": say}
    if len(names) == 1:
        return follow(system, parameters, names[0], bounds=spans[0], **options)
    first, second = names
    ends = spans[0], spans[1]
    return bifurcation_curves(system, parameters, (first, second), bounds=ends, **options)


def _cycles(model: Model, name: str, bounds: Range, found: Any, say: Say) -> list[Any]:
    """The limit cycles from each Hopf point of the branches."""
    from ..numerics.continuation import limit_cycles

    orbits = []
    for s in found.of("Hopf"):
        say(f"cycles from {name} = {s.value:.4g}", 0.9)
        orbits.append(limit_cycles(model.system, model.parameters, name, s, bounds=bounds))
    return orbits


def _pieces(found: Any) -> str:
    """How many branches or curves there are, in words."""
    if hasattr(found, "curves"):
        return counted(len(found.curves), "curve")
    return counted(len(found.branches), "branch", "branches")


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
        of=cycles,
    )
    for s in cycles.special:
        typer.echo(f"{s['kind']} at {cycles.name} = {s['value']:.6g} (between two cycles)")
