"""What the commands share: arguments, reading, printing. Heavy imports happen inside functions, so that `--help` is instant."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..errors import SpecError

app = typer.Typer(
    name="motifield",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Mean-field equations of nonlinear random recurrent networks with correlated synapses: derive them, run them, "
    "check them against sampled networks. A SPEC is a TOML or JSON file; see the README for its entries. "
    "Exit status: 0 done, 1 a check failed, 2 bad input.",
)

SpecFile = Annotated[
    Path,
    typer.Argument(
        metavar="SPEC", help="TOML or JSON description of the network.", show_default=False
    ),
]
ClosureName = Annotated[
    str | None,
    typer.Option(
        "--closure",
        show_default=False,
        help="motif-only, low-rank, second-moment or cavity (fixed points alone); default: the spec's.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        show_default=False,
        help="Another value of a parameter, as 'tau_chn[E,E,I]=.02', 'input=.5' or 'factor(tau_chn)=0'; repeat for several.",
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        "--start",
        show_default=False,
        help="The fixed point that is reached from this mean input: a number, or one per population with commas.",
    ),
]
Vary = Annotated[
    list[str],
    typer.Option(
        "--vary",
        metavar="NAME=LO,HI",
        show_default=False,
        help="A parameter and the values between which it varies, as 'input=-.6,.6', 'factor(motifs)=0,4' or 'mean[*,I]=-.01,0'.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Write the numbers: .nc, .csv or .json.", show_default=False
    ),
]
Plot = Annotated[
    Path | None, typer.Option("--plot", help="Draw them: .png, .svg or .pdf.", show_default=False)
]

Marginal = Annotated[
    str | None,
    typer.Option(
        "--marginal",
        metavar="NAME[:CV]",
        show_default=False,
        help="Distribution of a synapse (with --probability: of those that are present): gaussian (default), lognormal, gamma, "
        "truncated-gaussian, constant; some with a coefficient of variation, as lognormal:0.5.",
    ),
]
Probability = Annotated[
    float | None,
    typer.Option(
        "--probability",
        min=0,
        max=1,
        show_default=False,
        help="Sparse networks: that a synapse is present.",
    ),
]
ZeroDiagonal = Annotated[
    bool, typer.Option("--zero-diagonal", help="No synapse of a neuron onto itself.")
]

DATA_SUFFIXES = (".nc", ".csv", ".json")
SPEC_SUFFIXES = (".toml", ".json")


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"motifield {__version__}")
        raise typer.Exit()


def spec_of(path: Path) -> Any:
    double_precision()
    from ..numerics.spec import load_spec

    return load_spec(path)


def mean_field_of(loaded: Any, closure: str | None) -> Any:
    from ..numerics.spec import closure_of
    from ..theory.derivation import derive as derive_equations

    return derive_equations(loaded.architecture, closure_of(closure) if closure else loaded.closure)


def system_of(path: Path, closure: str | None) -> tuple[Any, Any]:
    loaded = spec_of(path)
    from ..numerics.system import compile as compile_system

    return loaded, compile_system(mean_field_of(loaded, closure))


def parameters_of(loaded: Any, system: Any, settings: list[str] | None) -> Any:
    """The spec's parameters, defaults written out, with some set anew; those must be statistics that a network can have."""
    from ..numerics.parameters import check_feasible, scalar

    parameters = system.complete(loaded.numbers())
    for text in settings or []:
        name, value = setting(text)
        parameters = scalar(name, parameters).set(parameters, value)
    if settings and loaded.network is None:
        check_feasible(parameters)
    return parameters


def point_of(loaded: Any, system: Any, parameters: Any, start: str | None) -> Any:
    """The fixed point reached from `--start`, by default from the spec's initial state or rest."""
    from ..numerics.fixed_points import fixed_point

    first: Any = (loaded.initial or None) if start is None else {"mean": numbers(start)}
    return fixed_point(system, parameters, first, throw=True)


def network_of(path: Path, **options: Any) -> tuple[Any, Any]:
    """A network and its input, from a spec with a connectome or a file that `read_network` knows, which takes the options."""
    if path.suffix in SPEC_SUFFIXES:
        loaded = spec_of(path)
        if loaded.network is None:
            raise SpecError(
                f"{path} has no [connectome]; give a spec with one, or a file with a network"
            )
        if options:
            raise SpecError(
                f"{path} is a spec, whose [connectome] says how it is read: {', '.join(sorted(options))} are for other files"
            )
        return loaded.network, loaded.numbers().input
    double_precision()
    from ..numerics.networks import read_network

    return read_network(path, **options), 0.0


def sampler_of(marginal: str | None, probability: float | None, zero_diagonal: bool) -> Any:
    """The sampler that `--marginal`, `--probability` and `--zero-diagonal` ask for; None for the Gaussian one."""
    from ..numerics.sampling import marginals

    families = {
        "gaussian": marginals.Gaussian,
        "lognormal": marginals.Lognormal,
        "gamma": marginals.Gamma,
        "truncated-gaussian": marginals.TruncatedGaussian,
        "constant": marginals.Constant,
    }
    name, colon, text = (
        marginal or ("constant" if probability is not None else "gaussian")
    ).partition(":")
    if name not in families:
        raise SpecError(f"--marginal {name!r} is unknown: there are {', '.join(families)}")
    try:
        family = families[name](float(text)) if colon else families[name]()
    except (ValueError, TypeError):
        raise SpecError(
            f"--marginal {marginal!r}: {name} takes no {text!r}; a coefficient of variation goes with lognormal, gamma and "
            "truncated-gaussian"
        ) from None
    if probability is not None:
        from ..numerics.sampling import Sparse

        return Sparse(probability=probability, marginal=family, zero_diagonal=zero_diagonal)
    if marginal is None and not zero_diagonal:
        return None
    from ..numerics.sampling import Dense

    return Dense(family, zero_diagonal=zero_diagonal)


def double_precision() -> None:
    import jax

    jax.config.update("jax_enable_x64", True)


def check_files(
    output: Path | None, plot: Path | None, suffixes: Sequence[str] | None = DATA_SUFFIXES
) -> None:
    """Raise `SpecError` for files that cannot be written, before the work begins; suffixes: of the output, None for any."""
    if output is not None and suffixes is not None and output.suffix not in suffixes:
        raise SpecError(
            f"cannot write {output}: the suffix must be {'one of ' * (len(suffixes) > 1)}{', '.join(suffixes)}"
        )
    for path in (output, plot):
        if path is not None and not path.parent.is_dir():
            raise SpecError(f"cannot write {path}: the folder {path.parent} does not exist")
    if plot is not None:
        from ..numerics.plots import check_drawable

        check_drawable(plot)


def write_dataset(data: Any, output: Path) -> None:
    """To .nc, .csv or .json; a complex variable as two, `name_real` and `name_imag`, which every format has."""
    from ..files import write_text, write_with

    check_files(output, None)
    for name in [n for n, v in data.data_vars.items() if v.dtype.kind == "c"]:
        data = data.assign(
            {f"{name}_real": data[name].real, f"{name}_imag": data[name].imag}
        ).drop_vars(name)
    writers: dict[str, Callable[[], Any]] = {
        ".nc": lambda: write_with(output, lambda path: data.to_netcdf(path, engine="h5netcdf")),
        ".csv": lambda: write_with(output, lambda path: data.to_dataframe().to_csv(path)),
        ".json": lambda: write_text(output, json.dumps(plain(data.to_dict()), default=str) + "\n"),
    }
    writers[output.suffix]()


def by_population(dataset: Any) -> list[dict[str, Any]]:
    """A row for each population; what belongs to a distinct filter has a column for each."""
    rows = []
    for p in dataset["population"].values:
        at = dataset.sel(population=p)
        row: dict[str, Any] = {"population": str(p)}
        for name in at.data_vars:
            kinds = at[name].dims
            for n in range(at[name].size):
                label = f"{name} {at[kinds[0]].values[n]}" if kinds else str(name)
                row[label] = float(at[name].values.ravel()[n])
        rows.append(row)
    return rows


def numbers(text: str) -> Any:
    try:
        values = [float(v) for v in text.split(",")]
    except ValueError:
        raise SpecError(
            f"--start {text!r} is not a number, or numbers separated by commas"
        ) from None
    return values[0] if len(values) == 1 else values


def listed(option: str, text: str) -> list[float]:
    try:
        return [float(v) for v in text.split(",")]
    except ValueError:
        raise SpecError(
            f"{option} {text!r} is not a number, or numbers separated by commas"
        ) from None


def span_of(option: str, text: str) -> tuple[float, float]:
    """Two different numbers."""
    ends = listed(option, text)
    if len(ends) != 2 or ends[0] == ends[1]:
        raise SpecError(f"{option} {text!r} must be two different numbers, LO,HI")
    return ends[0], ends[1]


def setting(text: str) -> tuple[str, float]:
    name, _, value = text.rpartition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise SpecError(
            f"--set {text!r} is not NAME=VALUE with a number as value, as gain=2"
        ) from None


def varied(texts: list[str]) -> tuple[tuple[str, ...], tuple[tuple[float, float], ...]]:
    """Names and ranges of `--vary`."""
    names: list[str] = []
    spans: list[tuple[float, float]] = []
    for text in texts:
        name, sign, ends = text.rpartition("=")
        if not sign:
            raise SpecError(f"--vary {text!r} is not NAME=LO,HI, as 'input=-.6,.6'")
        names.append(name.strip())
        first, last = span_of("--vary", ends)
        spans.append((min(first, last), max(first, last)))
    return tuple(names), tuple(spans)


def sizes_of(text: str) -> list[int]:
    try:
        return [int(v) for v in text.split(",")]
    except ValueError:
        raise SpecError(f"--sizes {text!r} are not integers separated by commas") from None


def plain(data: Any) -> Any:
    """Nested lists and mappings with None for what is not a finite number, which JSON lacks, and complex numbers as [real, imaginary]."""
    if isinstance(data, dict):
        return {str(k): plain(v) for k, v in data.items()}
    if isinstance(data, (list, tuple)):
        return [plain(v) for v in data]
    if isinstance(data, complex):
        return [plain(data.real), plain(data.imag)]
    if isinstance(data, float):
        return data if data == data and abs(data) != float("inf") else None
    return plain(data.tolist()) if hasattr(data, "tolist") else data


def print_json(data: Any) -> None:
    typer.echo(json.dumps(plain(data), indent=1))


def complex_text(value: complex) -> str:
    return f"{value.real:.6g}" if abs(value.imag) < 1e-12 else f"{value.real:.6g}{value.imag:+.6g}i"


def print_table(title: str, rows: list[dict[str, Any]], digits: int = 5) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        typer.echo(f"{title}: none")
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(rows[0]) > 7 > len(rows):  # many quantities of few populations: one row each
        labels = [str(row[names[0]]) for row in rows]
        unique = len(set(labels)) == len(labels)
        columns = labels if unique else [str(k + 1) for k in range(len(rows))]
        rows = [
            {"": name, **{column: row.get(name) for column, row in zip(columns, rows, strict=True)}}
            for name in names[unique:]
        ]
        names = list(rows[0])
    table = Table()
    for name in names:
        table.add_column(
            Text(name), justify="left" if isinstance(rows[0].get(name), str) else "right"
        )
    for row in rows:
        table.add_row(*(Text(_cell(row.get(name), digits)) for name in names))
    console = Console()
    console.print(title, style="bold", markup=False, highlight=False)
    # numbers are never cut: what is wider than the terminal is left to it
    console.width = max(
        console.width,
        console.measure(table, options=console.options.update(max_width=10_000)).maximum,
    )
    console.print(table)


def _cell(value: Any, digits: int) -> str:
    if isinstance(value, complex):
        return complex_text(value)
    return (
        "" if value is None else f"{value:.{digits}g}" if isinstance(value, float) else str(value)
    )


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Warnings as one line each on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(str(w.message) for w in caught):
        typer.echo(f"warning: {text}", err=True)


@contextmanager
def progress(shown: bool) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on standard error, only on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
    with bar:
        task = bar.add_task("", total=1.0)

        def say(what: str, fraction: float) -> None:
            bar.update(task, description=what, completed=fraction)

        yield say
