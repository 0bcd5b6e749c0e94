"""The command `motifield stability`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from ..time_units import labelled
from .application import command
from .loading import network_of, same_populations
from .model import Model
from .options import Seed, Start, option
from .output import Out
from .reading import Reading
from .terminal import Say, print_table

Number = Annotated[
    int | None,
    option("--point", min=1, help="Use the fixed point of this number in `fixed-points`."),
]


@dataclass(frozen=True)
class Compared:
    """The network whose eigenvalues stand beside the prediction, sampled or from a file."""

    spectrum: Annotated[
        int | None,
        option(
            "--spectrum",
            min=10,
            metavar="N",
            help="Compare with the eigenvalues of a sampled network of N neurons.",
        ),
    ] = None
    network: Annotated[
        Path | None, option("--network", help="Compare with the eigenvalues of this network file.")
    ] = None
    seed: Seed = 0

    def __post_init__(self) -> None:
        if self.spectrum is not None and self.network is not None:
            raise SpecError("--spectrum N samples a network, --network reads one: give one of them")

    def find(self, parameters: Any, reading: Reading, say: Say) -> Any:
        """The network; None: there is nothing to compare with."""
        if self.network is not None:
            say("reading", 0.1)
            network = network_of(self.network, **reading.given())[0]
            same_populations(network, parameters.populations, self.network)
            return network
        if self.spectrum is None:
            return None
        say("sampling", 0.1)
        from ..numerics.sampling import sample

        return sample(parameters.rescaled(self.spectrum), self.seed)


@command()
def stability(
    model: Model,
    *,
    start: Start = None,
    which: Number = None,
    compared: Compared,
    reading: Reading,
    out: Out,
) -> None:
    """Stability of the network at a fixed point: outliers, bulk of the spectrum, and a verdict.

    Both for the connectivity and for the Jacobian at the point, for large N. With a network, its
    eigenvalues are shown beside the prediction. The network's Jacobian is that at the state it
    reaches from the predicted means, so it is compared only where the prediction is stable.
    """
    if start is not None and which is not None:
        raise SpecError("--start and --point both name a fixed point: give one of them")
    if compared.network is None:
        model = model.read_by(reading.given())
    system, parameters = model.system, model.parameters
    from ..numerics.stability import stability as analysed

    point = None  # the one reached from rest, which is found there and needs no check
    if which is not None:
        point = _numbered(system, parameters, which)
    elif start is not None or model.initial is not None:
        point = model.point(start)
    with out.progress() as say:
        answer = analysed(system, parameters, point)
        network = compared.find(parameters, reading, say)
        seen = {} if network is None else _spectra(system, parameters, answer, network, say)
    own = {f"{name}_eigenvalues": ("eigenvalue", s.eigenvalues) for name, s in seen.items()}
    out.conclude(
        answer,
        f"{model.title}: {answer.verdict}",
        numbers=answer.dataset.assign(own) if own else None,
        drawing={name: [s] for name, s in seen.items()},
        more={"network": {name: s.json() | {"rows": s.rows()} for name, s in seen.items()}},
        then=lambda: _say(answer, seen),
    )


def _say(answer: Any, seen: dict[str, Any]) -> None:
    for name, s in seen.items():
        title = f"{name} of the network"
        print_table(labelled(title, s.time_unit, -1) if s.time_unit else title, s.rows())
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
