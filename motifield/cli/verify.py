"""The command `motifield verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from .application import command
from .loading import SamplerChoice, network_of
from .model import Model
from .options import (
    AsJson,
    ClosureName,
    EndTime,
    Marginal,
    NetworkFile,
    Probability,
    Report,
    Seed,
    Shrink,
    SpecFile,
    option,
)
from .origin import origin_of
from .output import Out
from .parsing import sizes_of
from .reading import Reading
from .terminal import Say, print_table, say_time_unit

Sizes = Annotated[str, typer.Option("--sizes", help="Network sizes, separated by commas.")]
Networks = Annotated[
    int, typer.Option("--networks", min=2, help="Number of sampled networks of each size.")
]
Tolerance = Annotated[
    float | None,
    option(
        "--tolerance",
        min=0,
        help="Relative error that passes; default 0 for an ensemble, .1 for one network.",
    ),
]
Level = Annotated[
    float,
    typer.Option("--level", help="For an ensemble: probability of rejecting a correct theory."),
]
ONE_NETWORK = 0.1
"""Relative error allowed of one network: its fluctuations at a few thousand neurons."""


@command(once=False)
def verify(
    spec: SpecFile,
    *,
    closure: ClosureName = None,
    network: NetworkFile = None,
    sizes: Sizes = "500,1000,2000",
    networks: Networks = 8,
    seed: Seed = 0,
    t1: EndTime = None,
    tolerance: Tolerance = None,
    level: Level = 0.01,
    marginal: Marginal = None,
    probability: Probability = None,
    shrink: Shrink = False,
    reading: Reading,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Check the theory against sampled networks, or against one given network.

    Exit status 1 when the check fails.
    """
    model, out = Model(spec, closure), Out(as_json=as_json)
    if network is None:
        model = model.read_by(reading.given())
    loaded, system = model.loaded, model.system
    given = loaded.network
    if network is not None:
        given = network_of(network, **reading.given())[0]
    if given is None and shrink:
        raise SpecError("--shrink is about a network that is measured: give one with --network")
    if given is not None and (marginal is not None or probability is not None):
        raise SpecError("--marginal and --probability are for networks that are sampled")
    common: dict[str, Any] = {
        "t1": model.end(t1),
        "initial": model.initial,
        "title": loaded.title,
        "seed": seed,
    }
    with out.progress() as say:
        if given is not None:
            allowed = ONE_NETWORK if tolerance is None else tolerance
            common |= {"tolerance": allowed, "shrink": shrink or loaded.shrink}
            result = _one_network(system, loaded, given, say, **common)
        else:
            result = _ensemble(
                system,
                loaded,
                say,
                sizes=sizes_of(sizes),
                networks=networks,
                tolerance=tolerance or 0.0,
                level=level,
                sampler=SamplerChoice(marginal, probability).sampler(),
                **common,
            )
    # of one network the spread is among the rows
    spread = [] if given is not None else result.spread_rows()
    _end(out, result, loaded.title, spread, report, spec)


def _end(
    out: Out,
    result: Any,
    title: str,
    spread: list[dict[str, Any]],
    report: Path | None,
    spec: Path,
) -> None:
    """Write the report, and print the table, how rates are spread, and the verdict."""
    if report is not None:
        from ..numerics.reports import save_report

        save_report(result, report, origin=origin_of(spec))
    verdict = f"{'PASSED' if result.passed else 'FAILED'}: {result.criterion}"

    def conclusion() -> None:
        if spread:
            print_table("Rates across the neurons of each population", spread)
        typer.echo(verdict)
        say_time_unit(result)

    out.conclude(result, title, then=conclusion)


def _one_network(system: Any, loaded: Any, network: Any, say: Say, **options: Any) -> Any:
    """The theory against one network with the spec's inputs."""
    from ..numerics.verification import verify_network

    return verify_network(system, network, loaded.numbers(), progress=say, throw=False, **options)


def _ensemble(system: Any, loaded: Any, say: Say, **options: Any) -> Any:
    """The theory against sampled networks of several sizes."""
    from ..numerics.verification import verify as sampled

    return sampled(system, loaded.numbers(), progress=say, **options)
