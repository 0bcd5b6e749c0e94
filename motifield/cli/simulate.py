"""The command `motifield simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ..errors import SpecError
from .application import app
from .loading import network_for, system_of
from .options import AsJson, EndTime, NetworkFile, Plot, Seed, Size, SpecFile, option
from .output import check_files, conclude
from .terminal import by_population, progress

States = Annotated[
    Path | None,
    option(
        "--output",
        "-o",
        help="Write the time courses of populations: .csv, .json, or .nc, which also has the "
        "final state of every neuron.",
    ),
]


@app.command()
def simulate(
    spec: SpecFile,
    network: NetworkFile = None,
    seed: Seed = 0,
    size: Size = None,
    t1: EndTime = None,
    output: States = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a network neuron by neuron; print the state of its populations at the end.

    The network is the spec's connectome, a sampled one, or a given one. The seed is that of the
    sampled network, of noise, and of offsets of the inputs.
    """
    check_files(output, plot)
    loaded, system = system_of(spec, None)
    if set(loaded.initial) - {"mean"}:
        raise SpecError(
            f"{spec}: networks start with equal neurons in each population: of [initial], "
            "only mean can be given"
        )
    from ..numerics.simulation import simulate as run

    with progress(not as_json) as say:
        say("network", 0.0)
        used, origin = network_for(loaded, network, size, seed)
        found = run(
            system,
            used,
            loaded.numbers(),
            t1=loaded.t1 if t1 is None else t1,
            initial=loaded.initial.get("mean", 0.0),
            seed=seed,
            throw=False,
            progress=say,
        )
    courses = found.moments
    whole = output is not None and output.suffix == ".nc"
    conclude(
        found,
        f"{loaded.title}: {used.N} neurons, {origin}, t = {float(courses['time'][-1]):g}, "
        f"status {found.status}",
        output=output,
        plot=plot,
        as_json=as_json,
        numbers=found.dataset.assign_attrs(network=origin) if whole else courses,
        more={"network": origin},
        rows=by_population(courses.isel(time=-1)),
    )
