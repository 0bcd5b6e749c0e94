"""The commands `motifield fixed-points` and `motifield stability`."""

from __future__ import annotations

from pathlib import Path
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
    app,
    check_files,
    network_of,
    numbers,
    parameters_of,
    point_of,
    print_json,
    print_table,
    progress,
    system_of,
    write_dataset,
)


@app.command("fixed-points")
def fixed_points(
    spec: SpecFile,
    closure: ClosureName = None,
    settings: Settings = None,
    start: Annotated[
        list[str] | None,
        typer.Option(
            "--start",
            show_default=False,
            help="Only the point that is reached from this mean input: a number, or one per population with commas; repeat for several.",
        ),
    ] = None,
    settle: Annotated[
        float,
        typer.Option(
            "--settle",
            min=0,
            help="With --start: follow the dynamics this long before Newton's method; 0 finds unstable points.",
        ),
    ] = 100.0,
    starts: Annotated[
        int, typer.Option("--starts", help="Starts of each round of the search, a power of two.")
    ] = 128,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the starts.")] = 0,
    output: Output = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """All fixed points, stable and unstable, with the evidence that these are all.

    Each with its kind, leading eigenvalue, how often starts ended there, and what its leading mode moves: means or variability (shares).
    Stability here is that of the equations; see `motifield stability` for the network's. Exit status 1 when a point is known to be missing.
    """
    check_files(output, plot)
    loaded, system = system_of(spec, closure)
    parameters = parameters_of(loaded, system, settings)
    from ..numerics.fixed_points import collected, fixed_point
    from ..numerics.fixed_points import fixed_points as find_all

    with progress(not as_json) as say:
        if start:
            reached = [
                fixed_point(system, parameters, {"mean": numbers(s)}, settle=settle) for s in start
            ]
            found = collected(reached, parameters.populations)
        else:
            found = find_all(system, parameters, starts=starts, seed=seed, progress=say)
    if output is not None:
        write_dataset(found.dataset, output)
    if plot is not None:
        from ..numerics.plots import fixed_points as picture
        from ..numerics.plots import save

        save(picture(found), plot)
    if as_json:
        print_json(found.json())
    else:
        print_table(
            f"{loaded.title}: {len(found)} fixed point{'s' * (len(found) != 1)}, status {found.status}",
            found.rows(),
        )
        if found.evidence is not None:
            typer.echo(f"evidence: {found.evidence}")
    if found.status != "ok":
        raise typer.Exit(1)


@app.command()
def stability(
    spec: SpecFile,
    closure: ClosureName = None,
    settings: Settings = None,
    start: Start = None,
    which: Annotated[
        int | None,
        typer.Option(
            "--point",
            min=1,
            show_default=False,
            help="Of all fixed points that of this number, in `motifield fixed-points`.",
        ),
    ] = None,
    spectrum: Annotated[
        int | None,
        typer.Option(
            "--spectrum",
            min=10,
            metavar="N",
            show_default=False,
            help="Compare with the eigenvalues of a sampled network.",
        ),
    ] = None,
    network: Annotated[
        Path | None,
        typer.Option(
            "--network",
            show_default=False,
            help="Compare with the eigenvalues of this network file (.npz).",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the sampled network.")] = 0,
    output: Output = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Stability of the network at a fixed point: outliers and bulk of its spectrum, and a verdict.

    Both for the connectivity and for the Jacobian at the point, for large N. With a network, its own eigenvalues beside them; the network's
    Jacobian is that at the state to which it comes from the predicted means, so it is compared only where the prediction is stable.
    """
    if start is not None and which is not None:
        raise SpecError("--start and --point both name a fixed point: give one of them")
    if spectrum is not None and network is not None:
        raise SpecError("--spectrum N samples a network, --network reads one: give one of them")
    check_files(output, plot)
    loaded, system = system_of(spec, closure)
    parameters = parameters_of(loaded, system, settings)
    from ..numerics.stability import stability as analysed

    point = (
        point_of(loaded, system, parameters, start)
        if which is None
        else _numbered(system, parameters, which)
    )
    with progress(not as_json) as say:
        answer = analysed(system, parameters, point)
        seen = _spectra(system, parameters, answer, spectrum, network, seed, say)
    if output is not None:
        own = {f"{name}_eigenvalues": ("eigenvalue", s.eigenvalues) for name, s in seen.items()}
        write_dataset(answer.dataset.assign(own), output)
    if plot is not None:
        from ..numerics.plots import save, spectra

        save(
            spectra(
                answer,
                *([seen[name]] if name in seen else [] for name in ("connectivity", "jacobian")),
            ),
            plot,
        )
    if as_json:
        print_json(
            answer.json()
            | {"network": {name: s.json() | {"rows": s.rows()} for name, s in seen.items()}}
        )
        return
    print_table(f"{loaded.title}: {answer.verdict}", answer.rows())
    for name, s in seen.items():
        print_table(f"{name} of the network", s.rows())
    typer.echo(f"{answer.meaning}.\nPrediction: {answer.basis}.")
    if seen and "jacobian" not in seen:
        typer.echo("No network rests at an unstable point: its Jacobian is not compared.")
    if answer.status != "ok":
        typer.echo(answer.status, err=True)
        raise typer.Exit(1)


def _numbered(system: Any, parameters: Any, number: int) -> Any:
    from ..numerics.fixed_points import fixed_points as search

    found = search(system, parameters)
    if number > len(found):
        raise SpecError(f"--point {number}: there are {len(found)} fixed points")
    return found[number - 1]


def _spectra(
    system: Any, parameters: Any, answer: Any, N: int | None, path: Path | None, seed: int, say: Any
) -> dict[str, Any]:
    """Spectra of the network that was asked for: of its connectivity, and of its Jacobian where the point is stable."""
    from ..numerics.sampling import sample
    from ..numerics.stability import spectrum as eigenvalues

    if N is None and path is None:
        return {}
    say("sampling" if path is None else "reading", 0.1)
    network = network_of(path)[0] if path is not None else sample(parameters.rescaled(N), seed)
    if network.populations != answer.populations:
        raise SpecError(
            f"{path} has the populations {', '.join(network.populations)}, the spec {', '.join(answer.populations)}"
        )
    say("eigenvalues", 0.3)
    seen = {"connectivity": eigenvalues(network, predicted=answer)}
    if answer.stable:
        say("eigenvalues of the Jacobian", 0.6)
        first = answer.point.dataset["mean"].values
        seen["jacobian"] = eigenvalues(
            network, system, parameters.rescaled(network.N), x=first, predicted=answer
        )
    return seen
