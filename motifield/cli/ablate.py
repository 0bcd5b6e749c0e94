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


class StrengthKind(StrEnum):
    """How a network's strengths are described."""

    gaussian = "gaussian"
    mixture = "mixture"
    empirical = "empirical"


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
    StrengthKind,
    option(
        "--strengths",
        help="For a network: strengths of its neurons as Gaussian, as a mixture of four "
        "components, or their own; the last two with assortativity.",
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
    strengths: Strengths = StrengthKind.gaussian,
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
        given = (transfer, drive, strengths.value if strengths != "gaussian" else None)
        if any(value is not None for value in given):
            raise SpecError(
                f"{source} is a spec, which says what --transfer, --input and --strengths say of a "
                "network"
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
        case = _network_case(source, reading, transfer, drive, closure, strengths, t1)
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


def _network_case(
    path: Path,
    reading: Reading,
    transfer: str,
    drive: str | None,
    closure: str | None,
    strengths: StrengthKind,
    t1: float | None,
) -> Case:
    """A network with a transfer function and an input."""
    double_precision()
    from ..numerics.networks import COMPONENTS
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
    kinds: dict[str, Any] = {
        "gaussian": {},
        "mixture": {"strengths": {"mixture": COMPONENTS, "quenched": True}, "assortativity": True},
        "empirical": {"strengths": "empirical", "assortativity": True},
    }
    architecture = Architecture(network.populations, transfer, **kinds[strengths])
    system = compile_system(derive(architecture, closure_of(closure or "second-moment")))
    return Case(path.name, str(path), system, network, T1 if t1 is None else t1, input=values)
