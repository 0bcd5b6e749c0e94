"""The command `motifield fixed-points`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..numbers import counted
from .application import command
from .model import Model
from .options import Seed, option
from .output import Out
from .parsing import per_population

Only = Annotated[
    list[str] | None,
    option(
        "--start",
        help="Find only the point reached from this mean input: a number, or one per population "
        "separated by commas; repeat for several.",
    ),
]
Settle = Annotated[
    float,
    typer.Option(
        "--settle",
        min=0,
        help="With --start: integrate this long before Newton's method; 0 finds unstable points.",
    ),
]
Starts = Annotated[
    int, typer.Option("--starts", help="Random starts in each round of the search, a power of two.")
]


@command("fixed-points")
def fixed_points(
    model: Model,
    *,
    start: Only = None,
    settle: Settle = 100.0,
    starts: Starts = 128,
    seed: Seed = 0,
    out: Out,
) -> None:
    """Find all fixed points, stable and unstable, with the evidence that the list is complete.

    Each is shown with its kind, its leading eigenvalue, how many starts ended there, and how much
    its leading mode moves means and variability. Stability here is that of the equations; see
    `motifield stability` for that of the network. Exit status 1 when a point is known to be
    missing.
    """
    system, parameters = model.system, model.parameters
    from ..numerics.fixed_points import collected, fixed_point, fixed_points as find_all

    with out.progress() as say:
        if start:
            states = [{"mean": per_population("--start", text)} for text in start]
            reached = [
                fixed_point(system, parameters, state, settle=settle, throw=False)
                for state in states
            ]
            found = collected(reached, parameters.populations)
        else:
            found = find_all(
                system, parameters, starts=starts, seed=seed, throw=False, progress=say
            )

    def evidence() -> None:
        if found.evidence is not None:
            typer.echo(f"evidence: {found.evidence}")

    count = counted(len(found.rows()), "fixed point")
    out.conclude(
        found,
        f"{model.title}: {count}, status {found.status}",
        then=evidence,
    )
