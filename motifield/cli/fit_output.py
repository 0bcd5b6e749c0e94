"""A fit and what was computed from it, as files and as text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from .fit_results import Results
from .options import Plot, Report, option, output_option
from .origin import origin_of
from .paths import DATA_SUFFIXES, SPEC_SUFFIXES, Writes
from .terminal import print_table, say_time_unit


@dataclass(frozen=True)
class Files:
    """Where a fit is written."""

    checkpoint: Annotated[
        Path | None,
        option(
            "--checkpoint",
            help="Write the state of the search to this file; continue from it if it exists.",
        ),
        Writes(),
    ] = None
    output: Annotated[
        Path | None,
        output_option(
            "Write all minima (.nc), the output of --json (.json), or the fitted numbers (.csv)."
        ),
        Writes(DATA_SUFFIXES),
    ] = None
    report: Report = None
    plot: Plot = None
    write_spec: Annotated[
        Path | None,
        option(
            "--write-spec",
            help="Write the spec with the fitted numbers (.toml, .json), to run or to fit further.",
        ),
        Writes(SPEC_SUFFIXES),
    ] = None

    def write(
        self, found: Any, results: Results, answer: dict[str, Any], source: Path, section: Any
    ) -> None:
        """Write the files that are asked for.

        Args:
            found: the fit.
            results: what was computed from it.
            answer: everything as plain data.
            source: the spec that was fitted.
            section: its section [fit], with the changes of the command line.
        """
        if self.output is not None:
            _write_numbers(self.output, found, results, answer)
        if self.plot is not None:
            from ..numerics.plots import draw_result, save

            save(draw_result(found), self.plot)
        if self.report is not None:
            _write_report(self.report, found, results, answer, source)
        if self.write_spec is not None:
            from ..numerics.spec import save_fitted_spec

            save_fitted_spec(found, source, self.write_spec, section)


def _write_numbers(path: Path, found: Any, results: Results, answer: dict[str, Any]) -> None:
    """All minima (.nc), everything (.json), or a row for each fitted number (.csv)."""
    if path.suffix == ".nc":
        found.save(path)
    elif path.suffix == ".json":
        import json

        from ..files import write_text
        from ..numerics.results import plain

        write_text(path, json.dumps(plain(answer), indent=1) + "\n")
    else:
        import pandas as pd

        from ..files import write_with

        table = pd.DataFrame(results.determined.rows())
        write_with(path, lambda temporary: table.to_csv(temporary, index=False))


def _write_report(
    path: Path, found: Any, results: Results, answer: dict[str, Any], source: Path
) -> None:
    from ..numerics.reports import save_fit_report

    drawn = answer.get("posterior")
    save_fit_report(
        found,
        path,
        title=answer["title"],
        determined=results.determined,
        check=results.checked,
        compared=results.compared,
        profiled=results.profiled,
        tables={} if drawn is None else {f"Posterior: {drawn['status']}": drawn["rows"]},
        origin=origin_of(source),
    )


def print_fit(title: str, found: Any, results: Results, answer: dict[str, Any]) -> None:
    """Print tables and lines about a fit and what was computed from it."""
    _print_targets(title, found, results.determined)
    _print_summary(found, answer)
    _print_check(results.checked)
    if results.profiled:
        print_table("Profiles of the loss: intervals", _intervals(found, results.profiled))
    if results.drawn is not None:
        print_table("Posterior of the numbers", answer["posterior"]["rows"])
        typer.echo(f"posterior: {answer['posterior']['status']}")
    if results.compared is not None:
        print_table("With and without classes of motifs", results.compared.rows())
        best = answer["comparison"]["best"].items()
        typer.echo("best by " + ", by ".join(f"{criterion}: {name}" for criterion, name in best))
    typer.echo(f"status: {found.status}")


def _print_targets(title: str, found: Any, determined: Any) -> None:
    rows = [
        {key: value for key, value in row.items() if key != "held out"}
        for row in found.rows()
        if not row["held out"] and row["value"] == row["value"]
    ]
    print_table(f"{title}: targets against the fit", rows)
    columns = ("parameter", "value", "standard error", "low", "high")
    values = [
        {name: row[name] for name in columns}
        | {"by targets alone": "determined" if row["determined by targets"] else "open"}
        for row in determined.rows()
    ]
    print_table("Fitted numbers, with 95 % intervals", values)
    if found.problem.held_out.any():
        print_table(
            "Held-out targets, with the standard errors of their predictions",
            determined.held_out_rows(),
        )
    typer.echo(determined.text())


def _print_summary(found: Any, answer: dict[str, Any]) -> None:
    parts = ", ".join(f"{name} {value:.4g}" for name, value in answer["losses"].items())
    typer.echo(f"loss: {found.loss:.5g}, the sum of {parts}")
    if "held out loss" in answer:
        typer.echo(
            f"held-out targets: mean squared misfit {answer['held out loss']:.4g}, "
            "in standard errors"
        )
    counts = {name: value for name, value in answer["agreement"].items() if name != "starts"}
    typer.echo("starts: " + ", ".join(f"{name} {value}" for name, value in counts.items()))
    verdicts = answer["stability"].items()
    typer.echo("stability: " + "; ".join(f"{name}: {verdict}" for name, verdict in verdicts))
    typer.echo(f"closure: {found.closure_validity()}")
    say_time_unit(found)


def _print_check(checked: Any) -> None:
    if checked is None:
        return
    print_table("Sampled networks against the theory", checked.rows())
    typer.echo(f"check {'PASSED' if checked.passed else 'FAILED'}: {checked.criterion}")
    if checked.status.code != "rejected" and not checked.status.ok:
        typer.echo(f"check: {checked.status}")


def _intervals(found: Any, profiled: Any) -> list[dict[str, Any]]:
    return [
        {
            "parameter": own.name,
            "value": found.values[own.name],
            "low": own.interval[0],
            "high": own.interval[1],
            "level": own.level,
            "status": own.status,
        }
        for own in profiled
    ]
