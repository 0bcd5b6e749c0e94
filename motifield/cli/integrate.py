"""The command `motifield integrate`."""

from __future__ import annotations

from ..time_units import moment
from .application import command
from .model import Model
from .options import ClosureName, EndTime, Solver, SpecFile
from .output import Out

COURSES = ("mean", "variance", "rate")


@command()
def integrate(
    spec: SpecFile,
    *,
    closure: ClosureName = None,
    t1: EndTime = None,
    solver: Solver = None,
    out: Out,
) -> None:
    """Integrate the equations in time; print the state at the end.

    Exit status 1 when the solution diverged or needed too many steps.
    """
    model = Model(spec, closure)
    system, numbers, end = model.system, model.loaded.numbers(), model.end(t1)
    from ..numerics.system import integrate as solve

    options = {**model.loaded.integrate, **({"solver": solver} if solver else {})}
    found = solve(system, numbers, end, initial=model.initial, throw=False, **options)
    last = found.numbers.last("time")
    others = [name for name in last.variables if name not in COURSES]
    at = moment(float(found.numbers["time"][-1]), found.time_unit)
    out.conclude(
        found,
        f"{model.title}: {at}, status {found.status}"
        + (f", {used} steps" if (used := last.attrs.get("solver")) else ""),
        rows=last.by_population([*COURSES, *others]),
    )
