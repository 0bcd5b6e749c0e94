"""The command `motifield measure`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from .application import command
from .loading import network_of
from .options import AsJson, LabelFile, option, output_option
from .paths import NETWORK_SUFFIXES, SPEC_SUFFIXES, Writes
from .terminal import print_json, print_table

MOST_CHAINS = 30
"""Chains printed, the strongest, which fit on a screen; --json has all."""

COUNTS = {
    "edges": "edges",
    "self_synapses": "self-synapses",
    "isolated": "isolated neurons",
    "duplicates": "duplicates added up",
}
"""Columns of what a network is made of, by their names in --json."""

Source = Annotated[
    Path,
    typer.Argument(
        metavar="NETWORK",
        show_default=False,
        help="A spec with a `connectome`, a network file (.npz, .h5), SciPy's sparse .npz, a list "
        "of edges or an adjacency matrix (.csv, .tsv, .txt, .gz), .npy, .mtx, .graphml.",
    ),
]
Errors = Annotated[
    bool, typer.Option("--errors", help="Standard errors, by the jackknife over neurons.")
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
        return replace(Network.of(network.weights, found, names), read=network.read)


@dataclass(frozen=True)
class Reading:
    """Options of `read_network`, under its names."""

    labels: LabelFile = None
    kind: Annotated[
        str | None, option("--kind", help="What a table with few columns is: edges or adjacency.")
    ] = None
    rows: Annotated[
        str | None, option("--rows", help="Rows of a matrix: target (default) or source neurons.")
    ] = None
    missing: Annotated[
        str | None, option("--missing", help="Missing weights: refuse (default) or zero.")
    ] = None
    negative: Annotated[
        str | None, option("--negative", help="Weights below 0: keep (default) or refuse.")
    ] = None
    self_synapses: Annotated[
        str | None,
        option("--self-synapses", help="Synapses of a neuron onto itself: keep (default) or drop."),
    ] = None
    duplicates: Annotated[
        str | None, option("--duplicates", help="Repeated edges: refuse (default) or sum.")
    ] = None
    unlabelled: Annotated[
        str | None,
        option("--unlabelled", help="Neurons without a label: refuse (default) or drop."),
    ] = None
    smallest: Annotated[
        int | None,
        option(
            "--smallest",
            min=1,
            help="Merge populations with fewer neurons than this into one, 'other'.",
        ),
    ] = None


@command()
def measure(
    source: Source,
    *,
    search: Search,
    reading: Reading,
    errors: Errors = False,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Measure the means, variances and four motifs of a network."""
    if search.find is not None and reading.labels is not None:
        raise SpecError("--find and --labels both say what the populations are: give one of them")
    given = {name: value for name, value in vars(reading).items() if value is not None}
    network, drive = network_of(source, **given)
    from ..numerics.networks import anatomy, measure as statistics

    network = search.apply(network)
    measured, parts = statistics(network, errors=errors), anatomy(network)
    if output is not None and output.suffix in SPEC_SUFFIXES:
        changes = {} if drive is None else {"input": drive}
        measured.parameters(**changes).save(output)
    elif output is not None:
        network.save(output, measured)
    if as_json:
        print_json({"network": parts, **measured.json()})
    else:
        _say(network, measured, parts)


def _say(network: Any, measured: Any, parts: dict[str, Any]) -> None:
    from ..numerics.parameters import violations

    typer.echo(f"orientation: {parts['orientation']}")
    counts = {COUNTS[name]: count for name, count in parts.items() if name in COUNTS}
    print_table("Network", [counts])
    sizes = zip(network.populations, network.sizes, strict=True)
    print_table(f"{network.N} neurons", [{"population": p, "neurons": n} for p, n in sizes])
    print_table("Synapses, and correlation coefficients of their pairs", _pair_rows(measured))
    strongest = sorted(_chain_rows(measured), key=lambda c: -abs(c["chain"]))
    print_table("Chains", strongest[:MOST_CHAINS])
    broken = violations(measured.parameters())
    if broken:
        typer.echo(
            f"{len(broken)} conditions for a Gaussian ensemble with these statistics fail, "
            f"the largest: {broken[0]}"
        )


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
