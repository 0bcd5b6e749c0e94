"""The command `motifield fit`."""

from __future__ import annotations

from typing import Annotated

import typer

from .application import command
from .fit_output import Files, print_fit
from .fit_problem import Changes, problem_of
from .fit_results import Extra, answer_of, results_of
from .model import Model
from .options import AsJson, option
from .reading import Reading
from .terminal import print_json, progress, within

HeldOut = Annotated[
    list[str] | None,
    option(
        "--held-out",
        metavar="QUANTITY[/CONDITION]",
        help="Targets to predict, not to fit, as rate_quantile, rate_mean/gratings or "
        "'*/gratings'; repeat for several.",
    ),
]


@command(once=False)
def fit(
    model: Model,
    *,
    changes: Changes,
    held_out: HeldOut = None,
    files: Files,
    extra: Extra,
    reading: Reading,
    as_json: AsJson = False,
) -> None:
    """Fit the connectivity to measured rates: values, errors, and what the data leave open.

    The spec's section [fit] says what is unknown, and what differs between conditions; its
    [parameters] are what is known, and where the search begins. Exit status 1: the best start has
    not converged, or --check fails.
    """
    model = model.read_by(reading.given())
    section = changes.of(model.loaded)
    problem, search = problem_of(model, section, held_out or [], extra)
    from ..numerics.fitting import solve

    with progress(not as_json) as say:
        part = within(say, 0, extra.fit)
        found = solve(problem, **search, checkpoint=files.checkpoint, progress=part)
        if found.loss != found.loss:  # NaN: no start has a fixed point
            typer.echo(f"error: {found.status}", err=True)
            raise typer.Exit(1)
        results, failed = results_of(found, section, extra, say)
        answer = answer_of(model.title, found, results)
        say("writing", 0.95)
        files.write(found, results, answer, model.spec, section)
        if extra.posterior is not None and results.drawn is not None:
            results.drawn.save(extra.posterior)
    if as_json:
        print_json(answer)
    else:
        print_fit(model.title, found, results, answer)
    if failed is not None:  # the results before the error are written and printed nevertheless
        raise failed
    if found.status != "ok" or not (results.checked is None or results.checked.passed):
        raise typer.Exit(1)
