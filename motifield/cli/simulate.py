"""The command `motifield simulate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..errors import SpecError
from .application import command
from .loading import NetworkChoice
from .model import Model
from .options import EndTime, SpecFile, output_option
from .output import Out
from .paths import DATA_SUFFIXES, Writes
from .reading import Reading
from .terminal import at_time, by_population


@dataclass(frozen=True)
class OutOfNeurons(Out):
    """Where a simulation goes."""

    output: Annotated[
        Path | None,
        output_option(
            "Write the time courses of populations: .csv, .json, or .nc, which also has the "
            "final state of every neuron."
        ),
        Writes(DATA_SUFFIXES),
    ] = None


@command(once=False)
def simulate(
    spec: SpecFile,
    *,
    choice: NetworkChoice,
    t1: EndTime = None,
    reading: Reading,
    out: OutOfNeurons,
) -> None:
    """Simulate a network neuron by neuron; print the state of its populations at the end.

    The network is the spec's connectome, a sampled one, or a given one. The seed is that of the
    sampled network, of noise, and of offsets of the inputs.
    """
    model = choice.model(Model(spec), reading)
    loaded, system = model.loaded, model.system
    if set(loaded.initial) - {"mean"}:
        raise SpecError(
            f"{spec}: networks start with equal neurons in each population: of [initial], "
            "only mean can be given"
        )
    from ..numerics.simulation import simulate as run

    with out.progress() as say:
        say("network", 0.0)
        network, origin = choice.find(loaded, reading)
        found = run(
            system,
            network,
            loaded.numbers(),
            t1=model.end(t1),
            initial=loaded.initial.get("mean", 0.0),
            seed=choice.seed,
            throw=False,
            progress=say,
        )
    courses = found.moments
    whole = out.output is not None and out.output.suffix == ".nc"
    out.conclude(
        found,
        f"{loaded.title}: {network.N} neurons, {origin}, {at_time(courses)}, status {found.status}",
        numbers=found.dataset.assign_attrs(network=origin) if whole else courses,
        more={"network": origin},
        rows=by_population(courses.isel(time=-1)),
    )
