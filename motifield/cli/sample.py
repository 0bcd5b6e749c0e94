"""The command `motifield sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .application import command
from .loading import SamplerChoice, spec_of
from .options import AsJson, Seed, Size, SpecFile, output_option
from .paths import NETWORK_SUFFIXES, Writes
from .terminal import Say, print_json, print_table, progress, within

NetworkOutput = Annotated[
    Path,
    output_option("Network file to write (.npz or .h5)."),
    Writes(NETWORK_SUFFIXES),
]
Nearest = Annotated[
    bool,
    typer.Option(
        "--nearest", help="If these motifs cannot be sampled, use the closest ones that can."
    ),
]
Single = Annotated[
    bool, typer.Option("--single", help="Synapses in single precision, half the memory.")
]


@command(once=False)
def sample(
    spec: SpecFile,
    *,
    output: NetworkOutput,
    seed: Seed = 0,
    size: Size = None,
    choice: SamplerChoice,
    nearest: Nearest = False,
    single: Single = False,
    as_json: AsJson = False,
) -> None:
    """Sample a finite network with the spec's statistics, and show its measured statistics.

    Means, variances and motifs are those of the spec whatever the distribution of the synapses;
    statistics that a distribution cannot reach are an error. The file also holds the measured
    statistics and the seed.
    """
    from ..numerics.networks import measure as statistics
    from ..numerics.sampling import sample as draw

    parameters = spec_of(spec).numbers()
    parameters = parameters if size is None else parameters.rescaled(size)
    with progress(not as_json) as say:
        sampler = choice.sampler()
        if nearest:
            parameters = _nearest(parameters, sampler, within(say, 0.0, 0.3))
        dtype = "float32" if single else "float64"
        sampling = within(say, 0.3 * nearest, 0.6)  # takes longer than to measure and to write
        network = draw(parameters, seed, sampler=sampler, dtype=dtype, progress=sampling)
        say("measuring", 0.6)
        measured = statistics(network)
        say("writing", 0.8)
        network.save(output, measured)
    if as_json:
        print_json({"file": str(output), "N": network.N, "seed": seed, "measured": measured.json()})
    else:
        title = f"{network.N} neurons, seed {seed}, written to {output}"
        print_table(title, _rows(parameters, network, measured))


def _nearest(parameters: Any, sampler: Any, say: Say) -> Any:
    from ..numerics.parameters import nearest_feasible

    if sampler is None:
        return nearest_feasible(parameters, progress=say)
    return sampler.nearest(parameters)


def _rows(parameters: Any, network: Any, measured: Any) -> list[dict[str, Any]]:
    """Asked and measured means and standard deviations of each pair of populations."""
    names = network.populations
    return [
        {
            "target": names[p],
            "source": names[q],
            "mean asked": float(parameters.mean[p, q]),
            "mean": float(measured.mean[p, q]),
            "g asked": float(parameters.g[p, q]),
            "g": float((network.N * measured.variance[p, q]) ** 0.5),
        }
        for p in range(network.P)
        for q in range(network.P)
    ]
