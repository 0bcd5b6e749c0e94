"""The command `motifield dmft`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import SpecError
from .shared import (
    AsJson,
    Output,
    Plot,
    Settings,
    SpecFile,
    app,
    by_population,
    check_files,
    parameters_of,
    print_json,
    print_table,
    progress,
    span_of,
    system_of,
    write_dataset,
)


@app.command()
def dmft(
    spec: SpecFile,
    settings: Settings = None,
    t1: Annotated[float, typer.Option("--t1", help="End time of the two-time equations.")] = 20.0,
    dt: Annotated[float, typer.Option("--dt", help="Their step; errors are of order dt^2.")] = 0.05,
    stationary: Annotated[
        bool,
        typer.Option(
            "--stationary",
            help="The stationary state instead: static, or fluctuating (chaos), with its Lyapunov exponent.",
        ),
    ] = False,
    onset: Annotated[
        str | None,
        typer.Option(
            "--onset",
            metavar="NAME",
            show_default=False,
            help="The value of this parameter at which chaos begins, as 'factor(g)'; needs --range.",
        ),
    ] = None,
    span: Annotated[
        str | None,
        typer.Option(
            "--range", metavar="LO,HI", help="Where to look for the onset.", show_default=False
        ),
    ] = None,
    output: Output = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Two-time dynamical mean-field theory, the exact limit of large networks in time where residual synapses are not reciprocal.

    Means, variances, rates and the covariance of inputs at two times, from the spec's initial state; or the stationary state; or the onset
    of chaos. Exit status 1 when there is no such solution.
    """
    if (onset is None) != (span is None):
        raise SpecError("--onset NAME and --range LO,HI belong together")
    check_files(output, plot)
    loaded, system = system_of(spec, "second-moment")
    parameters = parameters_of(loaded, system, settings)
    initial = {
        name: value for name, value in loaded.initial.items() if name in ("mean", "kappa")
    } or None
    if onset is not None and span is not None:
        _onset(system, parameters, onset, span_of("--range", span), initial, as_json)
        return
    solve = _stationary if stationary else _transient
    with progress(not as_json) as say:
        found, data, status = solve(system, parameters, t1, dt, initial, say)
    if output is not None:
        write_dataset(data, output)
    if plot is not None:
        from ..numerics.plots import autocovariance, dmft_courses, save

        save(autocovariance(found) if stationary else dmft_courses(data), plot)
    if as_json:
        print_json(
            found.json()
            if stationary
            else {
                "status": status,
                "time": data["time"].values,
                "population": data["population"].values,
                **{
                    name: data[name].values
                    for name in ("mean", "variance", "rate", "kappa", "frozen")
                },
            }
        )
    elif stationary:
        print_table(f"{loaded.title}: {found.kind} state, status {status}", found.rows())
        typer.echo(
            f"bulk radius of the static state {found.radius:.6g} (chaos beyond 1), largest Lyapunov exponent {found.exponent:.6g}"
        )
    else:
        last = data[["mean", "variance", "rate", "kappa", "frozen"]].isel(time=-1)
        print_table(
            f"{loaded.title}: t = {float(last['time']):g}, status {status}", by_population(last)
        )
    if status != "ok":
        raise typer.Exit(1)


def _transient(
    system: Any, parameters: Any, t1: float, dt: float, initial: Any, say: Any
) -> tuple[Any, Any, str]:
    from ..numerics.dmft import transient as solve

    data = solve(system, parameters, t1, dt=dt, initial=initial, progress=say)
    return data, data, data.attrs["status"]


def _stationary(
    system: Any, parameters: Any, t1: float, dt: float, initial: Any, say: Any
) -> tuple[Any, Any, str]:
    from ..numerics.dmft import stationary

    found = stationary(system, parameters, initial, progress=say)
    return found, found.dataset, found.status


def _onset(
    system: Any,
    parameters: Any,
    name: str,
    bounds: tuple[float, float],
    initial: Any,
    as_json: bool,
) -> None:
    from ..numerics.dmft import onset_of_chaos

    found = onset_of_chaos(system, parameters, name, bounds, start=initial)
    if as_json:
        print_json(found.json())
    elif found.status == "ok":
        typer.echo(
            f"chaos begins at {found.name} = {found.value:.8g}, where the bulk radius of the static state passes 1"
        )
    else:
        typer.echo(f"no onset: {found.status}")
    if found.status != "ok":
        raise typer.Exit(1)
