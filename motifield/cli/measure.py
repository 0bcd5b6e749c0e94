"""The command `motifield measure`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from .application import command
from .loading import network_of
from .options import AsJson, Shrink, option, output_option
from .paths import NETWORK_SUFFIXES, SPEC_SUFFIXES, Writes
from .reading import Reading
from .terminal import print_json, print_table

MOST_CHAINS = 30
"""Chains printed, the strongest, which fit on a screen; --json has all."""

MOST_COMPONENTS = 16
"""Components of a population that a table lists."""

AUTO = "auto"
CRITERION = "Components of the strengths: BIC of each number, less the least"

Source = Annotated[
    Path,
    typer.Argument(
        metavar="NETWORK",
        show_default=False,
        help="A spec with [connectome], or a network: of motifield, SciPy or NumPy (.npz, .h5, "
        ".npy), edges or a matrix as text (.csv, .tsv, .txt), .xlsx, .parquet, .feather, .mtx, "
        ".mat, a graph (.graphml, .gexf, .gml, .net, .json), SONATA (.h5); text and graphs also "
        "packed.",
    ),
]
Errors = Annotated[
    bool, typer.Option("--errors", help="Standard errors, by the jackknife over neurons.")
]
Mixture = Annotated[
    str | None,
    option(
        "--mixture",
        metavar="M",
        help="The distribution of strengths and assortativity as well, of M components per "
        "population; 0: each neuron is one; auto: as many as the Bayesian information criterion "
        "asks for.",
    ),
]
Output = Annotated[
    Path | None,
    output_option(
        "Write the statistics as parameters (.toml, .json), or the network with its "
        "statistics (.npz, .h5)."
    ),
    Writes((*SPEC_SUFFIXES, *NETWORK_SUFFIXES)),
]


@dataclass(frozen=True)
class Search:
    """How many populations are looked for, and how."""

    find: Annotated[
        int | None,
        option("--find", min=1, metavar="P", help="Find this number of populations instead."),
    ] = None
    method: Annotated[
        str,
        typer.Option(
            "--method", help="With --find: spectral, or block-model (for weights of 0 and above)."
        ),
    ] = "spectral"
    seed: Annotated[int, typer.Option("--seed", min=0, help="With --find: seed of its starts.")] = 0

    def apply(self, network: Any) -> Any:
        """The same network with populations that are found from its synapses."""
        if self.find is None:
            return network
        from ..numerics.networks import Network, find_populations

        found = find_populations(network, self.find, self.seed, self.method)
        names = [str(k + 1) for k in range(self.find)]
        return replace(
            Network.of(network.weights, found, names, ids=network.ids), reading=network.reading
        )


@command()
def measure(
    source: Source,
    *,
    search: Search,
    reading: Reading,
    errors: Errors = False,
    shrink: Shrink = False,
    mixture: Mixture = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Measure the means, variances and four motifs of a network, and how strengths are spread."""
    if search.find is not None and reading.labels is not None:
        raise SpecError("--find and --labels both say what the populations are: give one of them")
    count = None if mixture is None else _number_of_components(mixture)
    # what was found is part of what is printed
    network, drive = network_of(source, said=False, **reading.given())
    from ..numerics.networks import (
        anatomy,
        component_numbers,
        measure as statistics,
        measure_strengths,
    )

    network = search.apply(network)
    measured, parts = statistics(network, errors=errors, shrink=shrink), anatomy(network)
    strengths = None if count is None else measure_strengths(network, count or None)
    compared = component_numbers(network) if count == AUTO else None
    if output is not None and output.suffix in SPEC_SUFFIXES:
        changes = {} if drive is None else {"input": drive}
        measured.parameters(**changes).with_strengths(strengths).save(output)
    elif output is not None:
        network.save(output, measured)
    if as_json:
        own: dict[str, Any] = {}
        if strengths is not None:
            own["strengths"] = strengths.data(network.populations)
        if compared is not None:
            own["components"] = _component_rows(network, compared)
        print_json({"network": parts, **measured.json(), **own})
        return
    _say(network, measured, parts)
    if compared is not None:
        print_table(CRITERION, _component_rows(network, compared))
    if strengths is not None:
        _say_strengths(network, strengths)


def _number_of_components(text: str) -> int | str:
    """What --mixture says: a number, 0, or auto."""
    if text == AUTO or (text.isascii() and text.isdecimal()):
        return text if text == AUTO else int(text)
    raise SpecError(f"--mixture is a number of components, 0 or {AUTO}, not {text!r}")


def _component_rows(network: Any, found: Any) -> list[dict[str, Any]]:
    """The number of components of each population, and the criterion less its least value."""
    import numpy as np

    least = np.nanmin(found.criterion, axis=1, keepdims=True)
    rows = zip(network.populations, found.numbers, found.criterion - least, strict=True)
    return [
        {"population": name, "components": number}
        | {str(k + 1): float(value) for k, value in enumerate(values)}
        for name, number, values in rows
    ]


def _say(network: Any, measured: Any, parts: dict[str, Any]) -> None:
    from ..numerics.parameters import faulty_populations, negative_variance_text, violations

    said = [(name.replace("_", "-"), str(value)) for name, value in parts.items()]
    if network.reading is not None:
        said = network.reading.lines()
    print_table("Network", [{"what": name, "found": value} for name, value in said])
    sizes = zip(network.populations, network.sizes, strict=True)
    print_table(f"{network.N} neurons", [{"population": p, "neurons": n} for p, n in sizes])
    if measured.shrunk:
        typer.echo("motifs are shrunken by their errors, to the nearest ones of an ensemble")
    print_table("Synapses, and correlation coefficients of their pairs", _pair_rows(measured))
    strongest = sorted(_chain_rows(measured), key=lambda c: -abs(c["chain"]))
    print_table("Chains", strongest[:MOST_CHAINS])
    own = measured.parameters()
    for p in faulty_populations(own, residual=True, varying=True, positive=[True] * network.P):
        typer.echo(f"no equations can use {negative_variance_text(own, p, residual=True)}")
    broken = violations(own)
    if broken:
        typer.echo(
            f"{len(broken)} conditions for a Gaussian ensemble with these statistics fail, "
            f"the largest: {broken[0]}"
        )


def _say_strengths(network: Any, strengths: Any) -> None:
    """Gamma of each pair of populations, and the components of each population if they are few."""
    names, features = network.populations, strengths.features
    rows = [
        {"target": names[p], "source": names[q]}
        | {
            f"{a}-{b}": float(strengths.gamma[p, q, k, l])
            for k, a in enumerate(features)
            for l, b in enumerate(features)
        }
        for p in range(network.P)
        for q in range(network.P)
    ]
    print_table("Assortativity Gamma, per synapse: features of target and source", rows)
    if strengths.components > MOST_COMPONENTS:
        typer.echo("strengths: each neuron is a component of its population")
        return
    components = [
        {"population": name, "component": m + 1, "weight": float(strengths.weight[m, p])}
        | {f"mean {f}": float(strengths.mean_feature[m, p, k]) for k, f in enumerate(features)}
        for p, name in enumerate(names)
        for m in range(strengths.components)
        if strengths.weight[m, p] > 0
    ]
    print_table("Components of the strengths: total in- and out-strength", components)


def _pair_rows(measured: Any) -> list[dict[str, Any]]:
    """Means, variances and motifs of each pair of populations, with errors where there are some."""
    tau, names, errors = measured.tau, measured.populations, measured.errors
    rows = []
    for p, target in enumerate(names):
        for q, source in enumerate(names):
            row: dict[str, Any] = {"target": target, "source": source}
            for name, at in {
                "mean": (p, q),
                "variance": (p, q),
                "convergent": (p, q, q),
                "divergent": (q, p, p),
                "reciprocal": (p, q),
            }.items():
                own = name in ("mean", "variance")
                row[name] = float(getattr(measured if own else tau, name)[at])
                if errors is not None:
                    row[f"+- {name}"] = float(getattr(errors if own else errors.tau, name)[at])
            rows.append(row)
    return rows


def _chain_rows(measured: Any) -> list[dict[str, Any]]:
    names, errors = measured.populations, measured.errors
    every = range(len(names))
    return [
        {
            "target": names[p],
            "middle": names[q],
            "source": names[r],
            "chain": float(measured.tau.chain[p, q, r]),
            **({} if errors is None else {"+-": float(errors.tau.chain[p, q, r])}),
        }
        for p in every
        for q in every
        for r in every
    ]
