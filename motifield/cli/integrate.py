"""The command `motifield integrate`."""

from __future__ import annotations

from .application import app
from .loading import system_of
from .options import AsJson, ClosureName, EndTime, Output, Plot, SpecFile
from .output import check_files, conclude
from .terminal import by_population

COURSES = ("mean", "variance", "rate")


@app.command()
def integrate(
    spec: SpecFile,
    closure: ClosureName = None,
    t1: EndTime = None,
    output: Output = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Integrate the equations in time; print the state at the end.

    Exit status 1 when the solution diverged or needed too many steps.
    """
    check_files(output, plot)
    loaded, system = system_of(spec, closure)
    from ..numerics.system import integrate as solve

    end = loaded.t1 if t1 is None else t1
    initial = loaded.initial or None
    found = solve(system, loaded.numbers(), end, initial=initial, throw=False)
    last = found.dataset.isel(time=-1)
    others = [name for name in last.data_vars if name not in COURSES]
    conclude(
        found,
        f"{loaded.title}: t = {float(last['time']):g}, status {found.status}",
        output=output,
        plot=plot,
        as_json=as_json,
        rows=by_population(last[[*COURSES, *others]]),
    )
