"""The command `motifield fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import SpecError
from .application import command
from .fit_output import Files, print_fit
from .fit_problem import problem_of, section_of
from .fit_results import Extra, answer_of, results_of
from .model import Model
from .options import AsJson, ClosureName, Plot, Report, Settings, SpecFile, option
from .terminal import print_json, progress, within

TargetFile = Annotated[
    Path | None,
    option(
        "--targets",
        help="Measured values with errors: .csv, .json or .nc; default: the file the spec names.",
    ),
]
HeldOut = Annotated[
    list[str] | None,
    option(
        "--held-out",
        metavar="QUANTITY[/CONDITION]",
        help="Targets to predict, not to fit, as rate_quantile, rate_mean/gratings or "
        "'*/gratings'; repeat for several.",
    ),
]
Starts = Annotated[
    int | None,
    option(
        "--starts",
        min=1,
        help="Number of random starts; default: the spec's, or 32 if it names none.",
    ),
]
Steps = Annotated[
    int | None,
    option(
        "--steps", min=1, help="Most steps of each start; default: the spec's, or the solver's."
    ),
]
Seed = Annotated[
    int | None,
    option("--seed", min=0, help="Seed of the random starts; default: the spec's, or 0."),
]
Classes = Annotated[
    str | None,
    option(
        "--motifs",
        help="Classes of motifs that are free, instead of the spec's: convergent, divergent, "
        "chain, reciprocal separated by commas, or none.",
    ),
]
Checkpoint = Annotated[
    Path | None,
    option(
        "--checkpoint",
        help="Write the state of the search to this file; continue from it if it exists.",
    ),
]
Output = Annotated[
    Path | None,
    option(
        "--output",
        "-o",
        help="Write all minima (.nc), the output of --json (.json), or the fitted numbers (.csv).",
    ),
]
WriteSpec = Annotated[
    Path | None,
    option(
        "--write-spec",
        help="Write the spec with the fitted numbers (.toml, .json), to run or to fit further.",
    ),
]
Check = Annotated[
    int | None,
    option(
        "--check",
        min=2,
        metavar="NETWORKS",
        help="Sample this number of networks and test the fit's predictions on them.",
    ),
]
Size = Annotated[
    int | None,
    option(
        "--size", "-N", min=1, help="Neurons of the networks of --check; default: the spec's N."
    ),
]
ProfileNames = Annotated[
    list[str] | None,
    option(
        "--profile",
        metavar="NAME",
        help="Profile of the loss over this number, all others adapting, as mean[E,I]; repeat "
        "for several.",
    ),
]
Posterior = Annotated[
    Path | None,
    option(
        "--posterior",
        metavar="FILE",
        help="Sample the posterior of the numbers by NUTS, and write the draws (.nc). For few "
        "numbers; needs the optional packages of motifield's extra `posterior`.",
    ),
]
Compare = Annotated[
    bool,
    typer.Option(
        "--compare", help="Fit again without each class of free motifs: which do the targets need?"
    ),
]


@command()
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
    """Fit the connectivity to measured rates: values, errors, and what the data leave open.

    The spec's section `fit` says what is unknown, and what differs between conditions; its
    `parameters` are what is known, and where the search begins. Exit status 1: the best start has
    not converged, or --check fails.
    """
    files = Files(plot, output, report, write_spec, checkpoint, posterior)
    files.check()
    if size is not None and check is None:
        raise SpecError("--size is that of networks of --check: give --check as well")
    model = Model(spec, closure, settings)
    loaded, system, parameters = model.loaded, model.system, model.parameters
    section = section_of(loaded, targets, motifs, starts=starts, seed=seed, steps=steps)
    extra = Extra(check, size, tuple(profile or ()), posterior is not None, compare)
    problem, search = problem_of(spec, system, parameters, section, held_out or [], extra)
    from ..numerics.fitting import solve

    with progress(not as_json) as say:
        found = solve(problem, **search, checkpoint=checkpoint, progress=within(say, 0, extra.fit))
        if found.loss != found.loss:  # NaN: no start has a fixed point
            typer.echo(f"error: {found.status}", err=True)
            raise typer.Exit(1)
        results, failed = results_of(found, section, extra, say)
        answer = answer_of(loaded.title, found, results)
        say("writing", 0.95)
        files.write(found, results, answer, spec, section)
    if as_json:
        print_json(answer)
    else:
        print_fit(loaded.title, found, results, answer)
    if failed is not None:  # the results before the error are written and printed nevertheless
        raise failed
    if found.status != "ok" or not (results.checked is None or results.checked.passed):
        raise typer.Exit(1)
