"""The command `motifield fit`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from ..errors import MotifieldError, ParameterError, SpecError
from .shared import (
    SPEC_SUFFIXES,
    AsJson,
    ClosureName,
    Plot,
    Settings,
    SpecFile,
    app,
    check_files,
    parameters_of,
    plain,
    print_json,
    print_table,
    progress,
    system_of,
    write_dataset,
)

FOLDS = 5
Say = Callable[[str, float], None]

TargetFile = Annotated[
    Path | None,
    typer.Option(
        "--targets",
        show_default=False,
        help="Measured numbers with errors: .csv, .json or .nc; default: the file that the spec names.",
    ),
]
HeldOut = Annotated[
    list[str] | None,
    typer.Option(
        "--held-out",
        metavar="QUANTITY[/CONDITION]",
        show_default=False,
        help="Targets to predict, not to fit, as rate_quantile, rate_mean/gratings or '*/gratings'; repeat for several.",
    ),
]
Starts = Annotated[
    int | None,
    typer.Option(
        "--starts",
        min=1,
        show_default=False,
        help="How many; default: the spec's, 32 where it names none.",
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        min=1,
        show_default=False,
        help="At most, of each start; default: the spec's, or the solver's own.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed", min=0, show_default=False, help="Of the random starts; default: the spec's, or 0."
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        "--motifs",
        show_default=False,
        help="Classes of motifs that are free, instead of the spec's: convergent, divergent, chain, reciprocal with commas, or none.",
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        show_default=False,
        help="Write the state of the search to this file; go on from it if it is there.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        show_default=False,
        help="Write all minima (.nc), what --json prints (.json), or the fitted numbers (.csv).",
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report", show_default=False, help="Write a self-contained HTML report (.html)."
    ),
]
WriteSpec = Annotated[
    Path | None,
    typer.Option(
        "--write-spec",
        show_default=False,
        help="Write the spec with the fitted numbers (.toml, .json), to run or to fit further.",
    ),
]
Check = Annotated[
    int | None,
    typer.Option(
        "--check",
        min=2,
        metavar="NETWORKS",
        show_default=False,
        help="Sample so many networks: do they do what the fit says?",
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        "-N",
        min=1,
        show_default=False,
        help="Neurons of the networks of --check; default: the spec's N.",
    ),
]
ProfileNames = Annotated[
    list[str] | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        show_default=False,
        help="How the loss rises when this number is held and all others adapt, as mean[E,I]; repeat for several.",
    ),
]
Posterior = Annotated[
    Path | None,
    typer.Option(
        "--posterior",
        metavar="FILE",
        show_default=False,
        help="Sample the posterior of the numbers by NUTS, and write the draws (.nc). Few numbers; needs motifield[posterior].",
    ),
]
Compare = Annotated[
    bool,
    typer.Option(
        "--compare",
        help="Fit again without each class of the free motifs: which do the targets need?",
    ),
]


@app.command()
def fit(
    spec: SpecFile,
    targets: TargetFile = None,
    held_out: HeldOut = None,
    starts: Starts = None,
    seed: Seed = None,
    steps: Steps = None,
    closure: ClosureName = None,
    settings: Settings = None,
    motifs: Classes = None,
    checkpoint: Checkpoint = None,
    output: Output = None,
    report: Report = None,
    plot: Plot = None,
    write_spec: WriteSpec = None,
    check: Check = None,
    size: Size = None,
    compare: Compare = False,
    profile: ProfileNames = None,
    posterior: Posterior = None,
    as_json: AsJson = False,
) -> None:
    """Find the connectivity that reproduces measured rates; say how well, how surely, and what the measurements leave open.

    The spec's section [fit] says what is unknown, and what differs between conditions; its [parameters] are what is known, and where the
    search begins. Exit status 1: the best start has not converged, or --check fails.
    """
    check_files(None, plot)
    files = (
        (output, (".nc", ".csv", ".json")),
        (report, (".html",)),
        (write_spec, SPEC_SUFFIXES),
        (checkpoint, None),
        (posterior, (".nc",)),
    )
    for path, suffixes in files:
        check_files(path, None, suffixes)
    if size is not None and check is None:
        raise SpecError("--size is that of networks of --check: give --check as well")
    loaded, system = system_of(spec, closure)
    parameters = parameters_of(loaded, system, settings)
    section = _section(loaded, targets, motifs, starts=starts, seed=seed, steps=steps)
    arguments = section.arguments(parameters)
    arguments["targets"] = _held_out(arguments["targets"], held_out or [])
    if not (section.motifs().free or section.motifs().tied):
        if compare:
            raise SpecError(
                f"{spec}: --compare fits without each class of free motifs, and none is free: free some, there or by --motifs"
            )
        if not arguments["unknowns"]:
            raise SpecError(
                f"{spec}: nothing is unknown: name numbers in [[fit.unknown]] or [fit.dale], or free motifs, there or by --motifs"
            )
    from ..numerics.fitting import Problem, solve

    if posterior is not None:
        from ..numerics.inference import require_blackjax

        require_blackjax()
    search = {name: arguments.pop(name) for name in ("solver", "starts", "seed", "free_states")}
    problem, names = Problem.of(system, parameters, **arguments), profile or []
    for name in names:
        if name not in problem.coordinates.names:
            raise ParameterError(
                f"--profile {name}: the fit has no such number; it has {', '.join(problem.coordinates.names)}"
            )
    extra = _Extra(check, size, names, posterior is not None, compare)
    end = 0.9 / (1 + extra.parts)
    with progress(not as_json) as say:
        found = solve(problem, **search, checkpoint=checkpoint, progress=_within(say, 0.0, end))
        if found.loss != found.loss:  # nan: no start has a fixed point
            typer.echo(f"error: {found.status}", err=True)
            raise typer.Exit(1)
        results, failed = _results(found, section, extra, say, end)
        answer = _answer(loaded.title, found, results)
        say("writing", 0.95)
        _write(found, results, answer, loaded.title, output, report, plot)
        if posterior is not None and results.drawn is not None:
            write_dataset(results.drawn, posterior)
        if write_spec is not None:
            from ..numerics.spec import save_fitted_spec

            save_fitted_spec(found, spec, write_spec, section)
    if as_json:
        print_json(answer)
    else:
        _print(loaded.title, found, results, answer)
    if failed is not None:  # what was found is written and printed nevertheless
        raise failed
    if found.status != "ok" or not (results.checked is None or results.checked.passed):
        raise typer.Exit(1)


def _section(loaded: Any, targets: Path | None, motifs: str | None, **numbers: int | None) -> Any:
    """The spec's section [fit] with what the command line says instead."""
    from ..numerics.fitting import FreeMotifs
    from ..numerics.spec import FitSpec

    given = {"targets": None if targets is None else str(targets), **numbers}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if motifs is not None:
        classes = [] if motifs.strip() == "none" else [name.strip() for name in motifs.split(",")]
        FreeMotifs.classes(*classes)  # raises for an unknown one
        changes |= {"motif_classes": classes, "free_motifs": [], "tied_motifs": []}
    section = FitSpec() if loaded.fit is None else loaded.fit
    return section.model_copy(update=changes)


def _held_out(targets: Any, texts: list[str]) -> Any:
    for text in texts:
        quantity, _, condition = (part.strip() for part in text.partition("/"))
        columns = {
            name: value
            for name, value in (("quantity", quantity), ("condition", condition))
            if value not in ("", "*")
        }
        if not columns:
            raise SpecError(
                f"--held-out {text!r} is not QUANTITY, QUANTITY/CONDITION or */CONDITION"
            )
        try:
            targets = targets.hold_out(**columns)
        except ParameterError as error:
            raise ParameterError(f"--held-out {text!r}: {error}") from None
    return targets


class _Extra(NamedTuple):
    """What is asked for beside the fit: sampled networks of some size, profiles, draws of the posterior, a comparison."""

    networks: int | None
    size: int | None
    names: Sequence[str]
    posterior: bool
    compare: bool

    @property
    def parts(self) -> int:
        """About how long it takes, in the time that the fit takes."""
        return (self.networks is not None) + len(self.names) + self.posterior + 3 * self.compare


class _Results(NamedTuple):
    """Of `identifiability`, `check`, `compare`, `profile` and `posterior`; None where they are not asked for."""

    determined: Any
    checked: Any = None
    compared: Any = None
    profiled: Any = ()
    drawn: Any = None


def _results(
    found: Any, section: Any, extra: _Extra, say: Say, start: float
) -> tuple[_Results, MotifieldError | None]:
    """What could be made of a fit, and the first error in doing so: it took long, and must not be lost to one."""
    from ..numerics.inference import compare, confirm, identifiability, posterior, profile

    say("what the targets determine", start)
    results = _Results(identifiability(found))
    share = 0.9 / (1 + extra.parts)

    def within() -> Say:
        nonlocal start
        start += share
        return _within(say, start - share, start)

    try:
        if extra.networks is not None:
            results = results._replace(
                checked=confirm(found, extra.networks, extra.size, progress=within())
            )
        for name in extra.names:
            results = results._replace(
                profiled=(*results.profiled, profile(found, name, progress=within()))
            )
        if extra.posterior:
            results = results._replace(drawn=posterior(found, seed=section.seed, progress=within()))
        if extra.compare:
            count = int(found.problem.fitted.sum())
            results = results._replace(
                compared=compare(
                    found,
                    folds=min(FOLDS, count) if count > 1 else None,
                    seed=section.seed,
                    solver=section.method(),
                    free_states=section.free_states,
                    progress=_within(say, 0.9 - 3 * share, 0.9),
                )
            )
    except MotifieldError as error:
        return results, error
    return results, None


def _within(say: Say, start: float, end: float) -> Say:
    """Progress of a part of the work."""
    return lambda what, part: say(what, start + (end - start) * part)


def _answer(title: str, found: Any, results: _Results) -> dict[str, Any]:
    held = {"held out loss": found.held_out_loss()} if found.problem.held_out.any() else {}
    from ..numerics.inference import summary

    others = {"check": results.checked, "comparison": results.compared}
    held |= {"profiles": [own.json() for own in results.profiled]} if results.profiled else {}
    held |= (
        {}
        if results.drawn is None
        else {
            "posterior": {"status": results.drawn.attrs["status"], "rows": summary(results.drawn)}
        }
    )
    return {
        "title": title,
        **found.json(),
        **held,
        "stability": found.stability(),
        "determined": results.determined.json(),
        **{name: own.json() for name, own in others.items() if own is not None},
    }


def _write(
    found: Any,
    results: _Results,
    answer: dict[str, Any],
    title: str,
    output: Path | None,
    report: Path | None,
    plot: Path | None,
) -> None:
    if output is not None and output.suffix == ".nc":
        write_dataset(found.dataset(), output)
    elif output is not None and output.suffix == ".json":
        import json

        from ..files import write_text

        write_text(output, json.dumps(plain(answer), indent=1) + "\n")
    elif output is not None:
        import pandas as pd

        from ..files import write_with

        write_with(
            output, lambda path: pd.DataFrame(results.determined.rows()).to_csv(path, index=False)
        )
    if plot is not None:
        from ..numerics.plots import overview, save

        save(overview(found), plot)
    if report is not None:
        from ..numerics.reports import save_fit_report

        tables = (
            {f"Posterior: {answer['posterior']['status']}": answer["posterior"]["rows"]}
            if "posterior" in answer
            else {}
        )
        save_fit_report(
            found,
            report,
            title=title,
            determined=results.determined,
            check=results.checked,
            compared=results.compared,
            profiled=results.profiled,
            tables=tables,
        )


def _print(title: str, found: Any, results: _Results, answer: dict[str, Any]) -> None:
    determined, checked, compared, profiled, drawn = results
    rows = [
        {key: value for key, value in row.items() if key != "held out"}
        for row in found.rows()
        if not row["held out"] and row["value"] == row["value"]
    ]
    held = bool(found.problem.held_out.any())
    print_table(f"{title}: targets against the fit", rows)
    print_table(
        "Fitted numbers, with 95 % intervals",
        [
            {
                "parameter": row["parameter"],
                "value": row["value"],
                "standard error": row["standard error"],
                "low": row["low"],
                "high": row["high"],
                "by targets alone": "determined" if row["determined by targets"] else "open",
            }
            for row in determined.rows()
        ],
    )
    if held:
        print_table(
            "Held-out targets, with the standard errors of their predictions",
            determined.held_out_rows(),
        )
    typer.echo(determined.text())
    parts = ", ".join(f"{name} {value:.4g}" for name, value in answer["losses"].items())
    typer.echo(f"loss: {found.loss:.5g}, the sum of {parts}")
    if held:
        typer.echo(
            f"held-out targets: mean squared misfit {found.held_out_loss():.4g}, in standard errors"
        )
    typer.echo(
        "starts: "
        + ", ".join(
            f"{name} {value}" for name, value in answer["agreement"].items() if name != "starts"
        )
    )
    typer.echo(
        "stability: "
        + "; ".join(f"{name}: {verdict}" for name, verdict in answer["stability"].items())
    )
    typer.echo(f"closure: {found.closure_validity()}")
    if checked is not None:
        print_table("Sampled networks against the theory", checked.rows())
        typer.echo(f"check {'PASSED' if checked.passed else 'FAILED'}: {checked.criterion}")
        if checked.status != "ok":
            typer.echo(f"check: {checked.status}")
    if profiled:
        print_table(
            "Profiles of the loss: intervals",
            [
                {
                    "parameter": own.name,
                    "value": found.values[own.name],
                    "low": own.interval[0],
                    "high": own.interval[1],
                    "level": own.level,
                    "status": own.status,
                }
                for own in profiled
            ],
        )
    if drawn is not None:
        print_table("Posterior of the numbers", answer["posterior"]["rows"])
        typer.echo(f"posterior: {answer['posterior']['status']}")
    if compared is not None:
        print_table("With and without classes of motifs", compared.rows())
        typer.echo(
            "best by "
            + ", by ".join(
                f"{criterion}: {name}" for criterion, name in answer["comparison"]["best"].items()
            )
        )
    typer.echo(f"status: {found.status}")
