"""The commands `motifield sample`, `measure`, `simulate` and `ablate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from .shared import (
    SPEC_SUFFIXES,
    AsJson,
    ClosureName,
    Marginal,
    Output,
    Plot,
    Probability,
    SpecFile,
    ZeroDiagonal,
    app,
    by_population,
    check_files,
    double_precision,
    listed,
    network_of,
    print_json,
    print_table,
    progress,
    sampler_of,
    spec_of,
    system_of,
    write_dataset,
)

Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same network.")]
Size = Annotated[
    int | None,
    typer.Option(
        "--size", "-N", min=1, help="Number of neurons; default: the spec's N.", show_default=False
    ),
]
NetworkFile = Annotated[
    Path | None,
    typer.Option(
        "--network",
        show_default=False,
        help="This network instead of one that is sampled; any file that `measure` reads.",
    ),
]
EndTime = Annotated[
    float | None,
    typer.Option(
        "--t1", help="End time; default: the spec's, 50 where it names none.", show_default=False
    ),
]


@app.command()
def sample(
    spec: SpecFile,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Network file to write (.npz or .h5).", show_default=False
        ),
    ],
    seed: Seed = 0,
    size: Size = None,
    marginal: Marginal = None,
    probability: Probability = None,
    zero_diagonal: ZeroDiagonal = False,
    nearest: Annotated[
        bool,
        typer.Option(
            "--nearest", help="Where these motifs cannot be drawn, the closest ones that can."
        ),
    ] = False,
    single: Annotated[
        bool, typer.Option("--single", help="Synapses in single precision, half the memory.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sample a finite network with the spec's statistics, and say what came out. The file holds the measured statistics and the seed as well.

    Means, variances and motifs are those of the spec whatever the distribution of the synapses; what a distribution cannot reach is refused.
    """
    _check_network_file(output)
    from ..numerics.networks import measure as statistics
    from ..numerics.sampling import sample as draw

    parameters = spec_of(spec).numbers()
    parameters = parameters if size is None else parameters.rescaled(size)
    with progress(not as_json) as say:
        sampler = sampler_of(marginal, probability, zero_diagonal)
        if nearest:
            from ..numerics.parameters import nearest_feasible

            parameters = (
                nearest_feasible(parameters) if sampler is None else sampler.nearest(parameters)
            )
        network = draw(
            parameters,
            seed,
            sampler=sampler,
            dtype="float32" if single else "float64",
            progress=lambda what, done: say(what, 0.6 * done),
        )
        say("measuring", 0.6)
        measured = statistics(network)
        say("writing", 0.8)
        network.save(output, measured)
    if as_json:
        print_json({"file": str(output), "N": network.N, "seed": seed, "measured": measured.json()})
        return
    names = network.populations
    rows = [
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
    print_table(f"{network.N} neurons, seed {seed}, written to {output}", rows)


@app.command()
def measure(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="NETWORK",
            show_default=False,
            help="A spec with a [connectome], a network file (.npz, .h5), SciPy's sparse .npz, a list of edges or an adjacency matrix "
            "(.csv, .tsv, .txt, .gz), .npy, .mtx, .graphml.",
        ),
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            show_default=False,
            help="Population of each neuron, one on each line, or lines of id,label.",
        ),
    ] = None,
    find: Annotated[
        int | None,
        typer.Option(
            "--find",
            min=1,
            metavar="P",
            show_default=False,
            help="Find so many populations instead.",
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            help="With --find: spectral, or block-model (weights that are not negative).",
        ),
    ] = "spectral",
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", show_default=False, help="What a small table is: edges or adjacency."
        ),
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option(
            "--rows",
            show_default=False,
            help="What the rows of a matrix are: target (default) or source.",
        ),
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(
            "--missing",
            show_default=False,
            help="Weights that are missing: refuse (default) or zero.",
        ),
    ] = None,
    negative: Annotated[
        str | None,
        typer.Option(
            "--negative", show_default=False, help="Weights below 0: keep (default) or refuse."
        ),
    ] = None,
    self_synapses: Annotated[
        str | None,
        typer.Option("--self-synapses", show_default=False, help="keep (default) or drop."),
    ] = None,
    duplicates: Annotated[
        str | None,
        typer.Option(
            "--duplicates", show_default=False, help="Edges given twice: refuse (default) or sum."
        ),
    ] = None,
    unlabelled: Annotated[
        str | None,
        typer.Option(
            "--unlabelled",
            show_default=False,
            help="Neurons without a label: refuse (default) or drop.",
        ),
    ] = None,
    smallest: Annotated[
        int | None,
        typer.Option(
            "--smallest",
            min=1,
            show_default=False,
            help="Populations of fewer neurons become one, 'other'.",
        ),
    ] = None,
    errors: Annotated[
        bool, typer.Option("--errors", help="Standard errors, by the jackknife over neurons.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="With --find: of the starts.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            show_default=False,
            help="Write the statistics as parameters (.toml, .json), or the network with its statistics (.npz, .h5).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the means, variances and four motifs of a network."""
    if find is not None and labels is not None:
        raise SpecError("--find and --labels both say what the populations are: give one of them")
    if output is not None and output.suffix not in (".toml", ".json"):
        _check_network_file(output)
    asked = {
        "labels": labels,
        "kind": kind,
        "rows": rows,
        "missing": missing,
        "negative": negative,
        "self_synapses": self_synapses,
        "duplicates": duplicates,
        "unlabelled": unlabelled,
        "smallest": smallest,
    }
    network, drive = network_of(
        source, **{name: value for name, value in asked.items() if value is not None}
    )
    from ..numerics.networks import Network
    from ..numerics.networks import measure as statistics
    from ..numerics.parameters import violations

    if find is not None:
        from ..numerics.networks import find_populations

        network = Network.of(
            network.weights,
            find_populations(network, find, seed, method),
            [str(k + 1) for k in range(find)],
        )
    measured = statistics(network, errors=errors)
    if output is not None:
        if output.suffix in (".toml", ".json"):
            measured.parameters(input=drive).save(output)
        else:
            network.save(output, measured)
    if as_json:
        print_json(measured.json())
        return
    print_table(
        f"{network.N} neurons",
        [
            {"population": p, "neurons": n}
            for p, n in zip(network.populations, network.sizes, strict=True)
        ],
    )
    print_table("Synapses, and correlation coefficients of their pairs", _pair_rows(measured))
    print_table("Chains", sorted(_chain_rows(measured), key=lambda c: -abs(c["chain"]))[:30])
    broken = violations(measured.parameters())
    if broken:
        typer.echo(
            f"{len(broken)} conditions for a Gaussian ensemble with these statistics fail, the largest: {broken[0]}"
        )


def _pair_rows(measured: Any) -> list[dict[str, Any]]:
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


@app.command()
def simulate(
    spec: SpecFile,
    network: NetworkFile = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", min=0, help="Of the sampled network, of noise and of offsets of inputs."
        ),
    ] = 0,
    size: Size = None,
    t1: EndTime = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            show_default=False,
            help="Write the time courses of populations: .csv, .json, or .nc, with the final state of every neuron.",
        ),
    ] = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a network neuron by neuron: the spec's connectome, a sampled one, or a given one; print the state at the end."""
    check_files(output, plot)
    loaded, system = system_of(spec, None)
    if set(loaded.initial) - {"mean"}:
        raise SpecError(
            f"{spec}: networks start with equal neurons in each population: of [initial], only mean can be given"
        )
    parameters = loaded.numbers()
    from ..numerics.simulation import simulate as run

    end = loaded.t1 if t1 is None else t1
    with progress(not as_json) as say:
        say("network", 0.0)
        used, origin = _network_for(loaded, parameters, network, size, seed)
        found = run(
            system,
            used,
            parameters,
            t1=end,
            seed=seed,
            initial=loaded.initial.get("mean", 0.0),
            progress=say,
            throw=False,
        )
    result, moments = found.dataset, found.moments
    if output is not None:
        write_dataset(
            result.assign_attrs(network=origin) if output.suffix == ".nc" else moments, output
        )
    if plot is not None:
        from ..numerics.plots import save, trajectories

        save(trajectories(moments), plot)
    if as_json:
        courses = {name: moments[name].values for name in moments.data_vars}
        print_json(
            {
                "status": found.status,
                "network": origin,
                "N": used.N,
                "steps": result.attrs["steps"],
                "time": result["time"].values,
                "population": list(used.populations),
                **courses,
            }
        )
    else:
        last = moments.isel(time=-1)
        print_table(
            f"{loaded.title}: {used.N} neurons, {origin}, t = {float(last['time']):g}, status {found.status}",
            by_population(last),
        )
    if found.status != "ok":
        raise typer.Exit(1)


@app.command()
def ablate(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SPEC",
            show_default=False,
            help="A spec; or a network, as `measure` reads it, with --transfer and --input.",
        ),
    ],
    network: NetworkFile = None,
    transfer: Annotated[
        str | None,
        typer.Option(
            "--transfer",
            show_default=False,
            help="With a network: an expression of x, as '1 + tanh(x - 3/2)', or a name.",
        ),
    ] = None,
    drive: Annotated[
        str | None,
        typer.Option(
            "--input",
            show_default=False,
            help="With a network: I_p, a number, or one per population with commas.",
        ),
    ] = None,
    closure: ClosureName = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            show_default=False,
            help="With a network: population of each neuron, as in `measure`.",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", min=0, help="Of the sampled network, of noise and of offsets of inputs."
        ),
    ] = 0,
    size: Size = None,
    t1: EndTime = None,
    output: Output = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """What each class of motifs explains: theory with the network's measured statistics, with and without it, against the network itself.

    Exit status 1 when an integration did not end well.
    """
    check_files(output, plot)
    if source.suffix in SPEC_SUFFIXES:
        if transfer is not None or drive is not None or labels is not None:
            raise SpecError(
                f"{source} is a spec, which says what --transfer, --input and --labels say of a network"
            )
        loaded, system = system_of(source, closure)
        parameters = loaded.numbers()
        given, origin = _network_for(loaded, parameters, network, size, seed)
        names = ("input", "transfer", "membrane", "synapse", "in_strength", "spread", "noise")
        own: dict[str, Any] = {name: getattr(parameters, name) for name in names} | {
            "initial": loaded.initial or None
        }
        title, end = loaded.title, loaded.t1 if t1 is None else t1
    else:
        if transfer is None:
            raise SpecError(
                f"{source} is a network: say what its units do with --transfer 'EXPR', or give a spec and --network {source}"
            )
        if network is not None or size is not None:
            raise SpecError(f"{source} is a network: --network and --size are for specs")
        given, system, own = _from_network(source, labels, transfer, drive, closure)
        title, origin, end = source.name, str(source), 50.0 if t1 is None else t1
    from ..numerics.verification import ablate as run

    with progress(not as_json) as say:
        result = run(system, given, t1=end, title=title, seed=seed, progress=say, **own)
    if output is not None:
        write_dataset(result.dataset, output)
    if plot is not None:
        from ..numerics.plots import ablation as picture
        from ..numerics.plots import save

        save(picture(result), plot)
    answer = result.json()
    if as_json:
        print_json(answer | {"network": origin})
    else:
        print_table(
            f"{title}: theory against {given.N} neurons, {origin}, at t = {end:g}; errors relative to the network",
            result.rows(),
        )
        print_table(
            "Relative error of the mean rates, by population", result.population_rows("rate")
        )
        print_table(
            "Relative error of the variances, by population", result.population_rows("variance")
        )
    for variant, status in answer["failed"].items():
        typer.echo(f"{variant}: {status}", err=True)
    if answer["failed"]:
        raise typer.Exit(1)


def _network_for(
    loaded: Any, parameters: Any, path: Path | None, size: int | None, seed: int
) -> tuple[Any, str]:
    """The network that a spec is compared with, and where it is from."""
    from ..numerics.sampling import sample as draw

    if path is not None:
        if size is not None:
            raise SpecError(
                "--network reads a network, --size is that of a sampled one: give one of them"
            )
        network = network_of(path)[0]
        if network.populations != tuple(parameters.populations):
            raise SpecError(
                f"{path} has the populations {', '.join(network.populations)}, the spec {', '.join(parameters.populations)}"
            )
        return network, str(path)
    if loaded.network is not None:
        if size is not None:
            raise SpecError("the spec has a connectome: --size is that of a sampled network")
        return loaded.network, "the connectome"
    return draw(
        parameters if size is None else parameters.rescaled(size), seed
    ), f"sampled with seed {seed}"


def _from_network(
    source: Path, labels: Path | None, transfer: str, drive: str | None, closure: str | None
) -> tuple[Any, Any, dict[str, Any]]:
    double_precision()
    from ..numerics.spec import closure_of
    from ..numerics.system import compile as compile_system
    from ..theory.architecture import Architecture
    from ..theory.derivation import derive

    network = network_of(source, **({} if labels is None else {"labels": labels}))[0]
    values = [0.0] if drive is None else listed("--input", drive)
    if len(values) not in (1, network.P):
        raise SpecError(
            f"--input has {len(values)} numbers, the network {network.P} populations: {', '.join(network.populations)}"
        )
    equations = derive(
        Architecture(network.populations, transfer), closure_of(closure or "second-moment")
    )
    return network, compile_system(equations), {"input": values[0] if len(values) == 1 else values}


def _check_network_file(path: Path) -> None:
    """Raise `NetworkError` for a file that cannot be written, before the work begins."""
    from ..errors import NetworkError
    from ..numerics.networks import SUFFIXES

    if path.suffix not in SUFFIXES:
        raise NetworkError(
            f"the network cannot be written to {path}: the suffix must be one of {', '.join(SUFFIXES)}"
        )
    if not path.parent.is_dir():
        raise NetworkError(
            f"the network cannot be written to {path}: the folder {path.parent} does not exist"
        )
