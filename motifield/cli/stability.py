"""The command `motifield stability`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from .application import app
from .loading import network_of, parameters_of, point_of, same_populations, system_of
from .options import AsJson, ClosureName, Output, Plot, Seed, Settings, SpecFile, Start, option
from .output import check_files, conclude
from .terminal import Say, print_table, progress

Number = Annotated[
    int | None,
    option("--point", min=1, help="Use the fixed point of this number in `fixed-points`."),
]
SampledSize = Annotated[
    int | None,
    option(
        "--spectrum",
        min=10,
        metavar="N",
        help="Compare with the eigenvalues of a sampled network of N neurons.",
    ),
]
OtherNetwork = Annotated[
    Path | None, option("--network", help="Compare with the eigenvalues of this network file.")
]


@app.command()
def stability(
    spec: SpecFile,
    closure: ClosureName = None,
    settings: Settings = None,
    start: Start = None,
    which: Number = None,
    spectrum: SampledSize = None,
    network: OtherNetwork = None,
    seed: Seed = 0,
    output: Output = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Stability of the network at a fixed point: outliers, bulk of the spectrum, and a verdict.

    Both for the connectivity and for the Jacobian at the point, for large N. With a network, its
    eigenvalues are shown beside the prediction. The network's Jacobian is that at the state it
    reaches from the predicted means, so it is compared only where the prediction is stable.
    """
    if start is not None and which is not None:
        raise SpecError("--start and --point both name a fixed point: give one of them")
    if spectrum is not None and network is not None:
        raise SpecError("--spectrum N samples a network, --network reads one: give one of them")
    check_files(output, plot)
    loaded, system = system_of(spec, closure)
    parameters = parameters_of(loaded, system, settings)
    from ..numerics.stability import stability as analysed

    if which is None:
        point = point_of(loaded, system, parameters, start)
    else:
        point = _numbered(system, parameters, which)
    with progress(not as_json) as say:
        answer = analysed(system, parameters, point)
        seen = {}
        if spectrum is not None or network is not None:
            other = _network(parameters, spectrum, network, seed, say)
            seen = _spectra(system, parameters, answer, other, say)
    own = {f"{name}_eigenvalues": ("eigenvalue", s.eigenvalues) for name, s in seen.items()}
    conclude(
        answer,
        f"{loaded.title}: {answer.verdict}",
        output=output,
        plot=plot,
        as_json=as_json,
        numbers=answer.dataset.assign(own) if own else None,
        drawing={name: [s] for name, s in seen.items()},
        more={"network": {name: s.json() | {"rows": s.rows()} for name, s in seen.items()}},
        then=lambda: _say(answer, seen),
    )


def _say(answer: Any, seen: dict[str, Any]) -> None:
    for name, s in seen.items():
        print_table(f"{name} of the network", s.rows())
    typer.echo(f"{answer.meaning}.\nPrediction: {answer.basis}.")
    if seen and "jacobian" not in seen:
        typer.echo("No network rests at an unstable point: its Jacobian is not compared.")
    if answer.status != "ok":
        typer.echo(answer.status, err=True)


def _numbered(system: Any, parameters: Any, number: int) -> Any:
    """The fixed point of a number in the list of all."""
    from ..numerics.fixed_points import fixed_points as search

    found = search(system, parameters, throw=False)
    if number > len(found):
        raise SpecError(f"--point {number}: there are {len(found)} fixed points")
    return found[number - 1]


def _network(parameters: Any, size: int | None, path: Path | None, seed: int, say: Say) -> Any:
    """The network whose eigenvalues stand beside the prediction, sampled or from a file."""
    say("sampling" if path is None else "reading", 0.1)
    if path is not None:
        network = network_of(path)[0]
        same_populations(network, parameters.populations, path)
        return network
    from ..numerics.sampling import sample

    return sample(parameters.rescaled(size), seed)


def _spectra(system: Any, parameters: Any, answer: Any, network: Any, say: Say) -> dict[str, Any]:
    """Spectra of a network's connectivity, and of its Jacobian where the point is stable."""
    from ..numerics.stability import spectrum as eigenvalues

    say("eigenvalues", 0.3)
    seen = {"connectivity": eigenvalues(None, network, predicted=answer)}
    if answer.stable:
        say("eigenvalues of the Jacobian", 0.6)
        own, means = parameters.rescaled(network.N), answer.point.dataset["mean"].values
        seen["jacobian"] = eigenvalues(system, network, own, initial=means, predicted=answer)
    return seen
