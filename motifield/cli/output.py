"""How a command ends: write, draw, print, exit status."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from ..errors import SpecError
from .terminal import print_json, print_table

DATA_SUFFIXES = (".nc", ".csv", ".json")


def conclude(
    result: Any,
    heading: str,
    *,
    output: Path | None = None,
    plot: Path | None = None,
    as_json: bool = False,
    numbers: Any = None,
    drawing: Mapping[str, Any] | None = None,
    answer: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    rows: Sequence[dict[str, Any]] | None = None,
    then: Callable[[], None] | None = None,
    ok: bool | None = None,
) -> None:
    """Write, draw and print a result, and exit with status 1 unless it is as asked for.

    Args:
        result: of a verb.
        heading: of the printed table.
        output: file for the numbers.
        plot: file for the picture.
        as_json: print JSON instead of tables.
        numbers: the dataset that is written; default: the result's.
        drawing: options of the picture.
        answer: the JSON; default: the result's.
        more: further entries of the JSON.
        rows: of the printed table; default: the result's.
        then: prints what follows the table.
        ok: whether the exit status is 0; default: whether the result's status is.

    Raises:
        typer.Exit: with status 1, unless it is ok.
    """
    if output is not None:
        write_numbers(result, output, numbers)
    if plot is not None:
        from ..numerics.plots import draw_result, save

        save(draw_result(result, **(drawing or {})), plot)
    if as_json:
        print_json({**(result.json() if answer is None else answer), **(more or {})})
    else:
        print_table(heading, result.rows() if rows is None else rows)
        if then is not None:
            then()
    if not (result.status == "ok" if ok is None else ok):
        raise typer.Exit(1)


def write_numbers(result: Any, output: Path, numbers: Any = None) -> None:
    """Write a result's dataset, or the one given in its place."""
    from ..numerics.results import save_dataset

    if numbers is None:
        result.save(output)
    else:
        save_dataset(numbers, output)


def check_files(
    output: Path | None, plot: Path | None, suffixes: Sequence[str] | None = DATA_SUFFIXES
) -> None:
    """Raise `SpecError` for files that cannot be written, before the work begins.

    Args:
        output: file for numbers.
        plot: file for a picture.
        suffixes: those that the output may have; None: any.
    """
    if output is not None and suffixes is not None and output.suffix not in suffixes:
        several = "one of " * (len(suffixes) > 1)
        raise SpecError(f"cannot write {output}: the suffix must be {several}{', '.join(suffixes)}")
    for path in (output, plot):
        if path is not None and not path.parent.is_dir():
            raise SpecError(f"cannot write {path}: the folder {path.parent} does not exist")
    if plot is not None:
        from ..numerics.plots import check_drawable

        check_drawable(plot)


def check_network_file(path: Path) -> None:
    """Raise `NetworkError` for a network file that cannot be written, before the work begins."""
    from ..errors import NetworkError
    from ..numerics.networks import SUFFIXES

    if path.suffix not in SUFFIXES:
        raise NetworkError(
            f"the network cannot be written to {path}: "
            f"the suffix must be one of {', '.join(SUFFIXES)}"
        )
    if not path.parent.is_dir():
        raise NetworkError(
            f"the network cannot be written to {path}: the folder {path.parent} does not exist"
        )
