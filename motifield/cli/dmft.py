"""The command `motifield dmft`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import SpecError
from ..time_units import labelled
from .application import command
from .model import Model
from .options import Settings, SpecFile, option
from .output import Out
from .parsing import span_of
from .terminal import at_time, by_population, print_json

COURSES = ("mean", "variance", "rate", "kappa", "frozen")

T1 = Annotated[float, typer.Option("--t1", help="End time of the two-time equations.")]
Step = Annotated[
    float, typer.Option("--dt", help="Step of the two-time equations; errors are of order dt^2.")
]
AtRest = Annotated[
    bool,
    typer.Option(
        "--stationary",
        help="Find the stationary state instead: static, or fluctuating (chaos), with its "
        "Lyapunov exponent.",
    ),
]
Onset = Annotated[
    str | None,
    option(
        "--onset",
        metavar="NAME",
        help="Find the value of this parameter at which chaos begins, as 'factor(g)'; needs "
        "--range.",
    ),
]
Range = Annotated[
    str | None, option("--range", metavar="LO,HI", help="Where to look for the onset.")
]


@command(once=False)
def dmft(
    spec: SpecFile,
    *,
    settings: Settings = None,
    t1: T1 = 20.0,
    dt: Step = 0.05,
    stationary: AtRest = False,
    onset: Onset = None,
    span: Range = None,
    out: Out,
) -> None:
    """Two-time dynamical mean-field theory, exact for large networks without reciprocity.

    Means, variances, rates and the covariance of inputs at two times, from the spec's initial
    state; or the stationary state; or the onset of chaos. Exit status 1 when there is no such
    solution.
    """
    if (onset is None) != (span is None):
        raise SpecError("--onset NAME and --range LO,HI belong together")
    model = Model(spec, "second-moment", settings)
    system, parameters = model.system, model.parameters
    known = ("mean", "kappa")
    initial = {name: v for name, v in model.loaded.initial.items() if name in known} or None
    common: dict[str, Any] = {"initial": initial, "throw": False}
    if onset is not None and span is not None:
        _onset(system, parameters, onset, span_of("--range", span), out.as_json, common)
        return
    found: Any
    with out.progress() as say:
        common["progress"] = say
        from ..numerics.dmft import stationary as settled, transient

        if stationary:
            found = settled(system, parameters, **common)
        else:
            found = transient(system, parameters, t1, dt=dt, **common)
    tail = _conclude_stationary if stationary else _conclude_transient
    tail(found, model.title, out)


def _conclude_stationary(found: Any, title: str, out: Out) -> None:
    out.conclude(
        found,
        f"{title}: {found.kind} state, status {found.status}",
        then=lambda: typer.echo(
            f"bulk radius of the static state {found.radius:.6g} (chaos beyond 1), "
            f"{labelled('largest Lyapunov exponent', found.time_unit, -1)} {found.exponent:.6g}"
        ),
    )


def _conclude_transient(found: Any, title: str, out: Out) -> None:
    courses = found.dataset[list(COURSES)]
    last = courses.isel(time=-1)
    out.conclude(
        found,
        f"{title}: {at_time(last)}, status {found.status}",
        answer={"status": found.status, **{n: v.values for n, v in courses.variables.items()}},
        rows=by_population(last),
    )


def _onset(
    system: Any,
    parameters: Any,
    name: str,
    bounds: tuple[float, float],
    as_json: bool,
    options: dict[str, Any],
) -> None:
    from ..numerics.dmft import onset_of_chaos

    found = onset_of_chaos(system, parameters, name, bounds, **options)
    if as_json:
        print_json(found.json())
    elif found.status == "ok":
        typer.echo(
            f"chaos begins at {found.name} = {found.value:.8g}, "
            "where the bulk radius of the static state passes 1"
        )
    else:
        typer.echo(f"no onset: {found.status}")
    if found.status != "ok":
        raise typer.Exit(1)
