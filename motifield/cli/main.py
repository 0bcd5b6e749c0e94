"""The commands that integrate and verify, and the entry point. Heavy imports happen inside them, so that `--help` is instant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import MotifieldError, SpecError
from . import average, bifurcate, derive, dmft, fit, respond, stability  # noqa: F401
from . import networks as _networks  # noqa: F401
from .shared import (
    AsJson,
    ClosureName,
    Marginal,
    Probability,
    SpecFile,
    app,
    by_population,
    check_files,
    network_of,
    print_json,
    print_table,
    progress,
    sampler_of,
    sizes_of,
    system_of,
    write_dataset,
)


def run() -> None:
    """Entry point: errors of the user's making end with one message and status 2, without a traceback."""
    try:
        app(standalone_mode=True)
    except (MotifieldError, FileNotFoundError, IsADirectoryError, PermissionError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


@app.command()
def integrate(
    spec: SpecFile,
    closure: ClosureName = None,
    t1: Annotated[
        float | None,
        typer.Option(
            "--t1",
            help="End time; default: the spec's, 50 where it names none.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write the trajectory: .nc, .csv or .json.", show_default=False
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", help="Draw the time courses: .png, .svg or .pdf.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Integrate the equations in time; print the state at the end."""
    check_files(output, plot)
    loaded, system = system_of(spec, closure)
    from ..numerics.system import integrate as solve

    solution = solve(
        system, loaded.numbers(), loaded.t1 if t1 is None else t1, initial=loaded.initial or None
    )
    if output is not None:
        write_dataset(solution, output)
    if plot is not None:
        from ..numerics.plots import save, trajectories

        save(trajectories(solution), plot)
    if as_json:
        print_json(
            {
                "status": solution.attrs["status"],
                "time": solution["time"].values.tolist(),
                "population": [str(p) for p in solution["population"].values],
                **{name: solution[name].values for name in solution.data_vars},
            }
        )
    else:
        last = solution.isel(time=-1)
        rows = by_population(last)
        print_table(
            f"{loaded.title}: t = {float(last['time']):g}, status {solution.attrs['status']}", rows
        )
    if solution.attrs["status"] != "ok":
        raise typer.Exit(1)


@app.command()
def verify(
    spec: SpecFile,
    closure: ClosureName = None,
    network: Annotated[
        Path | None,
        typer.Option(
            "--network",
            help="Compare with this network, any file that `measure` reads.",
            show_default=False,
        ),
    ] = None,
    sizes: Annotated[
        str, typer.Option("--sizes", help="Network sizes, separated by commas.")
    ] = "500,1000,2000",
    networks: Annotated[
        int, typer.Option("--networks", min=2, help="Sampled networks per size.")
    ] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the ensemble.")] = 0,
    t1: Annotated[
        float | None,
        typer.Option(
            "--t1",
            help="End time; default: the spec's, 50 where it names none.",
            show_default=False,
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance",
            min=0,
            help="Relative error that passes; default 0 for an ensemble, .1 for one network.",
            show_default=False,
        ),
    ] = None,
    level: Annotated[
        float,
        typer.Option(
            "--level", help="Of an ensemble: the probability to reject a theory that is true."
        ),
    ] = 0.01,
    marginal: Marginal = None,
    probability: Probability = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Write a self-contained HTML report.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check the theory against sampled networks, or against one given network. Exit status 1 when it fails."""
    loaded, system = system_of(spec, closure)
    from ..numerics.verification import verify as ensemble
    from ..numerics.verification import verify_network as quenched

    given = loaded.network if network is None else network_of(network)[0]
    if given is not None and (marginal is not None or probability is not None):
        raise SpecError("--marginal and --probability are for networks that are sampled")
    common: dict[str, Any] = {
        "t1": loaded.t1 if t1 is None else t1,
        "initial": loaded.initial or None,
        "title": loaded.title,
    }
    with progress(not as_json) as say:
        result: Any
        if given is not None:
            allowed = 0.1 if tolerance is None else tolerance
            own = {
                name: getattr(loaded.numbers(), name)
                for name in (
                    "input",
                    "transfer",
                    "membrane",
                    "synapse",
                    "in_strength",
                    "spread",
                    "noise",
                )
            }
            result = quenched(
                system, given, tolerance=allowed, seed=seed, progress=say, **own, **common
            )
        else:
            result = ensemble(
                system,
                loaded.numbers(),
                sizes=sizes_of(sizes),
                networks=networks,
                seed=seed,
                tolerance=tolerance or 0.0,
                level=level,
                sampler=sampler_of(marginal, probability, False),
                progress=say,
                **common,
            )
    if report is not None:
        from ..numerics.reports import save_report

        save_report(result, report)
    if as_json:
        print_json(result.json())
    else:
        print_table(loaded.title, result.rows())
        typer.echo(f"{'PASSED' if result.passed else 'FAILED'}: {result.criterion}")
    if not result.passed:
        raise typer.Exit(1)
