"""What commands show: tables, JSON, warnings, progress."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from ..time_units import headed, in_words, moment, time_unit_of
from ..waiting import wanted
from .process import DAMAGED
from .reading import noted

Say = Callable[[str, float], None]
WIDEST = 10_000
"""Columns that no table needs: numbers are never cut, a wide table is left to the terminal."""
MOST_COLUMNS = 7
"""More quantities than this of few populations are shown as rows, which fit a terminal."""
ROUNDING = 1e-12
"""Imaginary parts below this are those of real numbers."""


def at_time(data: Any) -> str:
    """The last time of a dataset, with the unit that it names: `t = 12 ms`."""
    return moment(float(data["time"].values.ravel()[-1]), time_unit_of(data))


def say_time_unit(result: Any) -> None:
    """In which unit times are, where one is named."""
    if text := in_words(time_unit_of(result)):
        typer.echo(text)


def print_json(data: Any) -> None:
    """Print nested data as JSON, with null where a number is not finite.

    It has the report of the network that the command has read.
    """
    from ..numerics.results import plain

    typer.echo(json.dumps(plain({**data, **noted()}), indent=1))


def print_table(
    title: str, rows: Sequence[dict[str, Any]], digits: int = 5, *, of: Any = None
) -> None:
    """Print rows as a table; few rows with many columns are printed with a line per column.

    Columns of times and rates have the unit that `of` names, a result or parameters.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        typer.echo(f"{title}: none")
        return
    rows = headed(rows, time_unit_of(of))
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(rows[0]) > MOST_COLUMNS > len(rows):
        rows = _turned(rows, names)
        names = list(rows[0])
    table = Table()
    for name in names:
        left = isinstance(rows[0].get(name), str)
        table.add_column(Text(name), justify="left" if left else "right")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(name), digits)) for name in names))
    console = Console()
    console.print(title, style="bold", markup=False, highlight=False)
    wide = console.options.update(max_width=WIDEST)
    console.width = max(console.width, console.measure(table, options=wide).maximum)
    console.print(table)


def _turned(rows: Sequence[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """Rows as columns, headed by their first entry where that tells them apart."""
    labels = [str(row[names[0]]) for row in rows]
    unique = len(set(labels)) == len(labels)
    columns = labels if unique else [str(k + 1) for k in range(len(rows))]
    return [
        {"": name, **{column: row.get(name) for column, row in zip(columns, rows, strict=True)}}
        for name in names[unique:]
    ]


def _cell(value: Any, digits: int) -> str:
    if isinstance(value, complex):
        imaginary = "" if abs(value.imag) < ROUNDING else f"{value.imag:+.6g}i"
        return f"{value.real:.6g}{imaginary}"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    return "" if value is None else str(value)


def by_population(dataset: Any) -> list[dict[str, Any]]:
    """A row for each population of a dataset."""
    from ..numerics.results import Numbers

    return Numbers.of(dataset).by_population()


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Warnings as one line each on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", message=DAMAGED)
        yield
    for text in dict.fromkeys(str(w.message) for w in caught):
        typer.echo(f"warning: {text}", err=True)


@contextmanager
def progress(shown: bool) -> Iterator[Say]:
    """A progress bar on standard error, only on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
    with bar, wanted(False):  # a bar says that there is work
        task = bar.add_task("", total=1.0)

        def say(text: str, part: float) -> None:
            bar.update(task, description=text, completed=part)

        yield say


def within(say: Say, start: float, end: float) -> Say:
    """Progress of a part of the work, from `start` to `end` of the whole."""
    return lambda text, part: say(text, start + (end - start) * part)
