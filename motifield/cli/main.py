"""Commands. Heavy imports happen inside them, so that `--help` is instant."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..errors import MotifieldError, SpecError

app = typer.Typer(
    name="motifield", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Mean-field equations of nonlinear random recurrent networks with correlated synapses: derive them, run them, "
         "check them against sampled networks. A SPEC is a TOML or JSON file; see the README for its entries. "
         "Exit status: 0 done, 1 a check failed, 2 bad input.",
)  # fmt: skip

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="TOML or JSON description of the network.", show_default=False)]
ClosureName = Annotated[
    str | None, typer.Option("--closure", help="motif-only, low-rank or second-moment; default: the spec's.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")]


def run() -> None:
    """Entry point: errors of the user's making end with one message and status 2, without a traceback."""
    try:
        app(standalone_mode=True)
    except (MotifieldError, FileNotFoundError, IsADirectoryError, PermissionError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        typer.echo(f"motifield {__version__}")
        raise typer.Exit()


@app.command()
def derive(
    spec: SpecFile,
    closure: ClosureName = None,
    steps: Annotated[bool, typer.Option("--steps", help="Show the numbered steps, not only the final equations.")] = False,
    explicit: Annotated[
        int | None, typer.Option("--explicit", min=1, max=4, help="Scalar equations for this many populations.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write .tex (the derivation), .md (steps) or .py (generated JAX code).", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Derive the mean-field equations and print them as LaTeX."""
    mean_field = _mean_field(_spec(spec), closure)
    if output is not None:
        _write_derivation(mean_field, output)
    if as_json:
        _print_json({
            "states": list(mean_field.states), "parameters": list(mean_field.parameters), "closure": mean_field.closure.name,
            "latex": mean_field.latex_lines(), "steps": [{"title": s.title, "reason": s.reason} for s in mean_field.derivation],
        })  # fmt: skip
    elif explicit is not None:
        for equation in mean_field.explicit(explicit, closed=True):
            typer.echo(f"{equation.lhs} = {equation.rhs}")
    else:
        typer.echo(mean_field.derivation.latex() if steps else mean_field.latex())


@app.command()
def integrate(
    spec: SpecFile,
    closure: ClosureName = None,
    t1: Annotated[
        float | None, typer.Option("--t1", help="End time; default: the spec's, 50 where it names none.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the trajectory: .nc, .csv or .json.", show_default=False)
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw the time courses: .png, .svg or .pdf.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Integrate the equations in time; print the state at the end."""
    loaded, system = _system(spec, closure)
    from ..numerics.integrate import integrate as solve

    solution = solve(system, loaded.numbers(), loaded.t1 if t1 is None else t1, initial=loaded.initial or None)
    if output is not None:
        _write_dataset(solution, output)
    if plot is not None:
        from ..numerics.plots import save, trajectories

        save(trajectories(solution), plot)
    if as_json:
        _print_json({"status": solution.attrs["status"], "time": solution["time"].values.tolist(),
                     "population": [str(p) for p in solution["population"].values],
                     **{name: solution[name].values for name in solution.data_vars}})  # fmt: skip
    else:
        last = solution.isel(time=-1)
        rows = [
            {"population": str(p), **{str(n): float(last[n].sel(population=p)) for n in last.data_vars}}
            for p in last["population"].values
        ]
        _print_table(f"{loaded.title}: t = {float(last['time']):g}, status {solution.attrs['status']}", rows)
    if solution.attrs["status"] != "ok":
        raise typer.Exit(1)


@app.command("fixed-points")
def fixed_points(
    spec: SpecFile,
    closure: ClosureName = None,
    start: Annotated[
        list[str] | None,
        typer.Option("--start", help="Initial mean input: a number, or one per population with commas; repeat for several starts. "
                                     "Default: the spec's initial state, else rest.", show_default=False),
    ] = None,
    settle: Annotated[float, typer.Option("--settle", help="Follow the dynamics this long before Newton's method; 0 finds unstable points.")] = 100.0,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Find the fixed point that is reached from each start, with its eigenvalues."""
    loaded, system = _system(spec, closure)
    from ..numerics.fixed_points import fixed_point

    starts: list[Any] = [{"mean": _numbers(s)} for s in start] if start else [loaded.initial or None]
    found = [fixed_point(system, loaded.numbers(), s, settle=settle) for s in starts]
    if as_json:
        _print_json([{"status": f.status, "residual": f.residual, "stable": f.stable,
                      "population": [str(p) for p in f.dataset["population"].values],
                      **{str(n): f.dataset[n].values for n in f.dataset.data_vars},
                      "eigenvalues": [[float(e.real), float(e.imag)] for e in f.eigenvalues]} for f in found])  # fmt: skip
    else:
        for f in found:
            rows = [{"population": str(p), **{str(n): float(f.dataset[n].sel(population=p)) for n in f.dataset.data_vars}}
                    for p in f.dataset["population"].values]  # fmt: skip
            kind = "stable" if f.stable else "unstable"
            _print_table(f"{loaded.title}: {f.status}, {kind}, residual {f.residual:.1e}", rows)
            typer.echo("eigenvalues: " + ", ".join(_complex(e) for e in f.eigenvalues) + "\n")
    if not all(f.converged for f in found):
        raise typer.Exit(1)


@app.command()
def measure(
    source: Annotated[Path, typer.Argument(metavar="NETWORK", help="A spec with a [connectome], or a network file (.npz).", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the statistics as parameters: .toml or .json.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Measure the means, variances and four motifs of a network."""
    network, drive = _network(source)
    from ..numerics.feasibility import violations
    from ..numerics.measure import measure as statistics

    measured = statistics(network)
    if output is not None:
        measured.parameters(input=drive).save(output)
    if as_json:
        _print_json(measured.json())
        return
    tau, names = measured.tau, network.populations
    rows = [{"target": names[p], "source": names[q], "mean": float(measured.mean[p, q]), "sd": float(measured.variance[p, q] ** 0.5),
             "convergent": float(tau.convergent[p, q, q]), "divergent": float(tau.divergent[q, p, p]),
             "reciprocal": float(tau.reciprocal[p, q])} for p in range(network.P) for q in range(network.P)]  # fmt: skip
    _print_table(f"{network.N} neurons; correlation coefficients of pairs of synapses", rows)
    chains = [{"target": names[p], "middle": names[q], "source": names[r], "chain": float(tau.chain[p, q, r])}
              for p in range(network.P) for q in range(network.P) for r in range(network.P)]  # fmt: skip
    _print_table("Chains", sorted(chains, key=lambda c: -abs(c["chain"]))[:30])
    broken = violations(measured.parameters())
    if broken:
        typer.echo(f"{len(broken)} conditions for a Gaussian ensemble with these statistics fail, the largest: {broken[0]}")


@app.command()
def sample(
    spec: SpecFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Network file to write (.npz).", show_default=False)],
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same network.")] = 0,
    size: Annotated[int | None, typer.Option("--size", "-N", min=1, help="Number of neurons; default: the spec's N.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Sample a finite network with the spec's statistics, and say what came out."""
    from ..numerics.measure import measure as statistics
    from ..numerics.sampling import sample as draw

    parameters = _spec(spec).numbers()
    parameters = parameters if size is None else parameters.rescaled(size)
    with _progress(not as_json) as say:
        say("sampling", 0.0)
        network = draw(parameters, seed)
        say("measuring", 0.6)
        measured = statistics(network)
        say("writing", 0.8)
        network.save(output)
    if as_json:
        _print_json({"file": str(output), "N": network.N, "seed": seed, "measured": measured.json()})
        return
    names = network.populations
    rows = [{"target": names[p], "source": names[q], "mean asked": float(parameters.mean[p, q]), "mean": float(measured.mean[p, q]),
             "g asked": float(parameters.g[p, q]), "g": float((network.N * measured.variance[p, q]) ** 0.5)}
            for p in range(network.P) for q in range(network.P)]  # fmt: skip
    _print_table(f"{network.N} neurons, seed {seed}, written to {output}", rows)


@app.command()
def verify(
    spec: SpecFile,
    closure: ClosureName = None,
    network: Annotated[
        Path | None, typer.Option("--network", help="Compare with this network file (.npz) and its measured statistics.", show_default=False)
    ] = None,
    sizes: Annotated[str, typer.Option("--sizes", help="Network sizes, separated by commas.")] = "500,1000,2000",
    networks: Annotated[int, typer.Option("--networks", min=2, help="Sampled networks per size.")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the ensemble.")] = 0,
    t1: Annotated[float | None, typer.Option("--t1", help="End time; default: the spec's, 50 where it names none.", show_default=False)] = None,
    tolerance: Annotated[
        float | None,
        typer.Option("--tolerance", min=0, help="Relative error that passes; default 0 for an ensemble, .1 for one network.", show_default=False),
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a self-contained HTML report.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Check the theory against sampled networks, or against one given network. Exit status 1 when it fails."""
    loaded, system = _system(spec, closure)
    from ..numerics.verify import verify as ensemble
    from ..numerics.verify import verify_network as quenched

    given = loaded.network if network is None else _network(network)[0]
    common: dict[str, Any] = {"t1": loaded.t1 if t1 is None else t1, "initial": loaded.initial or None, "title": loaded.title}
    with _progress(not as_json) as say:
        result: Any
        if given is not None:
            allowed = 0.1 if tolerance is None else tolerance
            result = quenched(system, given, input=loaded.numbers().input, tolerance=allowed, progress=say, **common)
        else:
            result = ensemble(system, loaded.numbers(), sizes=_sizes(sizes), networks=networks, seed=seed, tolerance=tolerance or 0.0,
                              progress=say, **common)  # fmt: skip
    if report is not None:
        from ..numerics.report import write_report

        write_report(result, report)
    if as_json:
        _print_json(result.json())
    else:
        _print_table(loaded.title, result.rows())
        typer.echo(f"{'PASSED' if result.passed else 'FAILED'}: {result.criterion}")
    if not result.passed:
        raise typer.Exit(1)


@app.command()
def average(
    expression: Annotated[
        str,
        typer.Argument(metavar="EXPR", show_default=False,
                       help="An expression of x, as 'Max(x, 0)*erf(x - 1)' or 'k*Max(x - theta, 0)**2' (parameters: --set), or a library "
                            "name, as softplus. One that begins with a minus goes after --."),
    ],
    mu: Annotated[str, typer.Option("--mu", help="Mean of x, or several separated by commas.")] = "0",
    variance: Annotated[str, typer.Option("--variance", help="Variance of x, or several separated by commas; 0 or more.")] = "1",
    order: Annotated[int, typer.Option("--order", min=0, max=2, help="Average the function's derivative of this order.")] = 0,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the function; repeat for several.", show_default=False)
    ] = None,
    tolerance: Annotated[float, typer.Option("--tolerance", help="Of quadrature, relative to the function's size; 1e-13 to .01.")] = 1e-11,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the average against the mean: .png, .svg or .pdf.", show_default=False)
    ] = None,
    variances: Annotated[str, typer.Option("--variances", help="Variances of the plot's curves, separated by commas.")] = "0,1,4,16",
    span: Annotated[
        str | None, typer.Option("--range", metavar="LO,HI", help="Means of the plot; default: around what bends.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Average a function of a normal variable, E f(x) with x ~ N(mu, variance): closed form, values, derivatives, picture.

    The table has a row for every mu and variance: the average, its derivatives with respect to mu (which is <f'>) and to the variance
    (<f''>/2), and an estimate of its absolute error. A closed form is used where there is one, else quadrature; the error of a closed
    form is its difference to quadrature, that of quadrature its difference to twice as many nodes.
    """
    means, spreads = _list("--mu", mu), _list("--variance", variance)
    parameters = dict(_setting(text) for text in given or [])
    if span is not None and plot is None:
        raise SpecError("--range belongs to a picture: give --plot, too")
    shown, ends = _list("--variances", variances), None if span is None else _list("--range", span)
    if ends is not None and len(ends) != 2:
        raise SpecError(f"--range {span!r} must be two numbers, the smallest and the largest mean")
    _double_precision()
    from ..numerics import averages

    options: dict[str, Any] = {"parameters": parameters, "tolerance": tolerance}
    with _warnings():
        found = averages.average(expression, [[m] for m in means], [spreads], order, **options)
        by_mean, by_variance, error = found.derivative(1).values, found.derivative(2).values / 2, found.error
        if plot is not None:
            from ..numerics import plots

            plots.save(plots.averages(averages.curves(expression, shown, (ends[0], ends[1]) if ends else None, **options)), plot)
    columns = {"mean": found.mu, "variance": found.variance, "value": found.values, "by_mean": by_mean, "by_variance": by_variance,
               "error": error}  # fmt: skip
    rows = [dict(zip(columns, map(float, row), strict=True)) for row in zip(*(v.ravel() for v in columns.values()), strict=True)]
    f = found.function
    if as_json:
        _print_json({"function": str(f.expression), "parameters": {str(s): float(v) for s, v in f.defaults.items()}, "order": order,
                     "closed_form": None if found.closed_form is None else str(found.closed_form), "latex": found.latex,
                     "method": "closed form" if found.is_closed else "quadrature", "reason": found.reason or None,
                     "tolerance": tolerance, "rows": rows})  # fmt: skip
        return
    values = "".join(f", {symbol} = {value}" for symbol, value in f.defaults.items())
    typer.echo(f"f(x) = {f.expression}{values}\n")
    if found.closed_form is not None:
        typer.echo(f"<f> = {found.closed_form}\n\nLaTeX: \\langle f \\rangle = {found.latex}\n")
    if not found.is_closed:
        typer.echo(f"Computed by quadrature, tolerance {tolerance:g}: {found.reason}\n")
    what = "<f" + "'" * order + ">"
    titles = {"by_mean": "d/dmean", "by_variance": "d/dvariance", "value": what}
    _print_table(f"{what}, {'closed form' if found.is_closed else 'quadrature'}",
                 [{titles.get(k, k): float(f"{v:.1e}") if k == "error" else v for k, v in row.items()} for row in rows], digits=10)  # fmt: skip


def _spec(path: Path) -> Any:
    _double_precision()
    from ..numerics.spec import load_spec

    return load_spec(path)


def _mean_field(loaded: Any, closure: str | None) -> Any:
    from ..numerics.spec import closure_of
    from ..theory.derivation import derive as derive_equations

    return derive_equations(loaded.architecture, closure_of(closure) if closure else loaded.closure)


def _system(path: Path, closure: str | None) -> tuple[Any, Any]:
    loaded = _spec(path)
    from ..numerics.system import compile as compile_system

    return loaded, compile_system(_mean_field(loaded, closure))


def _network(path: Path) -> tuple[Any, Any]:
    """A network and its input, from a network file or a spec with a connectome."""
    if path.suffix == ".npz":
        _double_precision()
        from ..numerics.network import load_network

        return load_network(path), 0.0
    loaded = _spec(path)
    if loaded.network is None:
        raise SpecError(f"{path} has no [connectome]; give a spec with one, or a network file (.npz)")
    return loaded.network, loaded.numbers().input


def _double_precision() -> None:
    import jax

    jax.config.update("jax_enable_x64", True)


def _write_derivation(mean_field: Any, output: Path) -> None:
    from ..files import write_text
    from ..theory.codegen import generate

    writers: dict[str, Callable[[], Any]] = {
        ".tex": lambda: mean_field.derivation.write(str(output)),
        ".md": lambda: write_text(output, mean_field.derivation.markdown() + "\n"),
        ".py": lambda: write_text(output, generate(mean_field)),
    }
    if output.suffix not in writers:
        raise SpecError(f"cannot write {output}: the suffix must be one of {', '.join(writers)}")
    writers[output.suffix]()


def _write_dataset(data: Any, output: Path) -> None:
    from ..files import write_text, write_with

    writers: dict[str, Callable[[], Any]] = {
        ".nc": lambda: write_with(output, lambda path: data.to_netcdf(path, engine="h5netcdf")),
        ".csv": lambda: write_with(output, lambda path: data.to_dataframe().to_csv(path)),
        ".json": lambda: write_text(output, json.dumps(data.to_dict(), default=str) + "\n"),
    }
    if output.suffix not in writers:
        raise SpecError(f"cannot write {output}: the suffix must be one of {', '.join(writers)}")
    writers[output.suffix]()


def _numbers(text: str) -> Any:
    try:
        values = [float(v) for v in text.split(",")]
    except ValueError:
        raise SpecError(f"--start {text!r} is not a number, or numbers separated by commas") from None
    return values[0] if len(values) == 1 else values


def _list(option: str, text: str) -> list[float]:
    try:
        return [float(v) for v in text.split(",")]
    except ValueError:
        raise SpecError(f"{option} {text!r} is not a number, or numbers separated by commas") from None


def _setting(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise SpecError(f"--set {text!r} is not NAME=VALUE with a number as value, as gain=2") from None


def _sizes(text: str) -> list[int]:
    try:
        return [int(v) for v in text.split(",")]
    except ValueError:
        raise SpecError(f"--sizes {text!r} are not integers separated by commas") from None


def _plain(data: Any) -> Any:
    """Nested lists and mappings with None for what is not a finite number, which JSON lacks."""
    if isinstance(data, dict):
        return {str(k): _plain(v) for k, v in data.items()}
    if isinstance(data, (list, tuple)):
        return [_plain(v) for v in data]
    if isinstance(data, float):
        return data if data == data and abs(data) != float("inf") else None
    return _plain(data.tolist()) if hasattr(data, "tolist") else data


def _print_json(data: Any) -> None:
    typer.echo(json.dumps(_plain(data), indent=1))


def _complex(value: complex) -> str:
    return f"{value.real:.6g}" if abs(value.imag) < 1e-12 else f"{value.real:.6g}{value.imag:+.6g}i"


def _print_table(title: str, rows: list[dict[str, Any]], digits: int = 5) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    for name, value in rows[0].items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*(f"{v:.{digits}g}" if isinstance(v, float) else str(v) for v in row.values()))
    Console().print(table)


@contextmanager
def _warnings() -> Iterator[None]:
    """Warnings as one line each on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(str(w.message) for w in caught):
        typer.echo(f"warning: {text}", err=True)


@contextmanager
def _progress(shown: bool) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on standard error, only on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=True,
                   disable=not (shown and console.is_terminal))  # fmt: skip
    with bar:
        task = bar.add_task("", total=1.0)

        def say(what: str, fraction: float) -> None:
            bar.update(task, description=what, completed=fraction)

        yield say
