"""The command `motifield ablate`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from ..errors import SpecError
from ..numbers import counted
from ..time_units import moment
from .application import command
from .loading import NetworkChoice, double_precision, is_graph, network_of
from .model import Model
from .options import ClosureName, EndTime, Shrink, option
from .output import Out
from .parsing import per_population
from .paths import SPEC_SUFFIXES
from .reading import Reading
from .terminal import print_table


class Features(StrEnum):
    """What synapses know of the strengths of both their neurons."""

    none = "none"
    linear = "linear"
    quadratic = "quadratic"


ASSORTATIVITY = {Features.none: False, Features.linear: True, Features.quadratic: "quadratic"}
T1 = 50.0  # of networks, as of specs that name no end time

Source = Annotated[
    Path,
    typer.Argument(
        metavar="SPEC",
        show_default=False,
        help="A spec; or a network, as `measure` reads it, with --transfer and --input.",
    ),
]
Transfer = Annotated[
    str | None,
    option(
        "--transfer",
        help="For a network: transfer function, an expression of x, as '1 + tanh(x - 3/2)', "
        "or a name.",
    ),
]
Input = Annotated[
    str | None,
    option(
        "--input",
        help="For a network: external input, a number, or one per population separated by commas.",
    ),
]

Strengths = Annotated[
    str | None,
    option(
        "--strengths",
        metavar="KIND",
        help="For a network: strengths of its neurons as gaussian (default), their own "
        "(empirical), or a mixture of four components (mixture), of K (mixture:K), or of as many "
        "as an information criterion asks for (mixture:auto).",
    ),
]
Assortativity = Annotated[
    Features | None,
    option(
        "--assortativity",
        help="For a network: synapses know nothing of the strengths of both their neurons, total "
        "strengths (linear), or these with squares and product (quadratic); default: linear, of "
        "Gaussian strengths none.",
    ),
]


class Case(NamedTuple):
    """A network, the equations and inputs that go with it, and how it is called."""

    title: str
    origin: str
    system: Any
    network: Any
    t1: float
    parameters: Any = None
    input: Any = None
    initial: Any = None
    shrink: bool = False


@command(once=False)
def ablate(
    source: Source,
    *,
    choice: NetworkChoice,
    transfer: Transfer = None,
    drive: Input = None,
    closure: ClosureName = None,
    strengths: Strengths = None,
    assortativity: Assortativity = None,
    shrink: Shrink = False,
    t1: EndTime = None,
    reading: Reading,
    out: Out,
) -> None:
    """What each class of motifs explains: theory with and without it, against the network itself.

    The theory has the network's measured statistics. A low-rank matrix with zero-mean vectors does
    not show in them: no variant explains it. Exit status 1 when an integration failed.
    """
    if source.suffix in SPEC_SUFFIXES and not is_graph(source):
        if any(value is not None for value in (transfer, drive, strengths, assortativity)):
            raise SpecError(
                f"{source} is a spec, which says what --transfer, --input, --strengths and "
                "--assortativity say of a network"
            )
        case = _spec_case(Model(source, closure), choice, reading, t1)
    else:
        if transfer is None:
            raise SpecError(
                f"{source} is a network: say what its units do with --transfer 'EXPR', "
                f"or give a spec and --network {source}"
            )
        if choice.network is not None or choice.size is not None:
            raise SpecError(f"{source} is a network: --network and --size are for specs")
        kind = _distribution(strengths, assortativity)
        case = _network_case(source, reading, transfer, drive, closure, kind, t1)
    with out.progress() as say:
        result = _run(case, choice.seed, shrink or case.shrink, say)
    for variant, status in result.failed.items():
        typer.echo(f"{variant}: {status}", err=True)
    out.conclude(
        result,
        f"{case.title}: theory against {case.network.N} neurons, {case.origin}, "
        f"at {moment(case.t1, result.time_unit)}; errors relative to the network",
        more={"network": case.origin},
        then=lambda: _say(result),
    )


def _say(result: Any) -> None:
    print_table("Relative error of the mean rates, by population", result.population_rows("rate"))
    print_table(
        "Relative error of the variances, by population", result.population_rows("variance")
    )
    print_table(
        "Relative error of the SDs of rates, by population", result.population_rows("rate_sd")
    )
    print_table("Quantiles of the rates across neurons, by population", result.quantile_rows())
    if result.remark:
        typer.echo(f"Note: {result.remark}.")


def _run(case: Case, seed: int, shrink: bool, say: Any) -> Any:
    from ..numerics.verification import ablate as run

    options: dict[str, Any] = {"t1": case.t1, "title": case.title, "seed": seed, "progress": say}
    options["shrink"] = shrink
    if case.parameters is None:
        return run(case.system, case.network, input=case.input, **options)
    return run(case.system, case.network, case.parameters, initial=case.initial, **options)


def _spec_case(model: Model, choice: NetworkChoice, reading: Reading, t1: float | None) -> Case:
    """A spec with its connectome, a sampled network, or a given one."""
    model = choice.model(model, reading)
    system = model.system
    network, origin = choice.find(model.loaded, reading)
    own = {"parameters": model.loaded.numbers(), "initial": model.initial}
    own["shrink"] = model.loaded.shrink
    return Case(model.title, origin, system, network, model.end(t1), **own)


def _distribution(text: str | None, features: Features | None) -> dict[str, Any]:
    """The arguments of an architecture that --strengths and --assortativity stand for."""
    from ..numerics.networks import COMPONENTS

    name, sign, number = (text or "gaussian").partition(":")
    count = number if sign else str(COMPONENTS)
    if name not in ("gaussian", "mixture", "empirical") or (sign and name != "mixture"):
        known = "gaussian, empirical, mixture, mixture:K and mixture:auto"
        raise SpecError(f"--strengths {text!r}: known are {known}")
    if count != "auto" and not (count.isdigit() and int(count)):
        raise SpecError(f"--strengths {text!r}: components are a number, or auto")
    kind = Features.none if name == "gaussian" else Features.linear
    found: dict[str, Any] = {"assortativity": ASSORTATIVITY[features or kind]}
    if name == "empirical":
        return found | {"strengths": name}
    if name == "gaussian":
        return found
    own = count if count == "auto" else int(count)
    return found | {"strengths": {name: own, "quenched": True}}


def _network_case(
    path: Path,
    reading: Reading,
    transfer: str,
    drive: str | None,
    closure: str | None,
    kind: dict[str, Any],
    t1: float | None,
) -> Case:
    """A network with a transfer function and an input."""
    double_precision()
    from ..numerics.spec import closure_of
    from ..numerics.system import compile as compile_system
    from ..theory.architecture import Architecture
    from ..theory.derivation import derive

    network = network_of(path, **reading.given())[0]
    values = 0.0 if drive is None else per_population("--input", drive)
    if isinstance(values, list) and len(values) != network.P:
        raise SpecError(
            f"--input has {counted(len(values), 'number')}, the network "
            f"{counted(network.P, 'population')}: "
            f"{', '.join(network.populations)}"
        )
    architecture = Architecture(network.populations, transfer, **kind)
    system = compile_system(derive(architecture, closure_of(closure or "second-moment")))
    return Case(path.name, str(path), system, network, T1 if t1 is None else t1, input=values)
