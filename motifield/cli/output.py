"""How a command ends: write, draw, print, exit status."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ..time_units import time_unit_of
from .options import AsJson, Output, Plot
from .terminal import Say, print_json, print_table, progress


@dataclass(frozen=True)
class Out:
    """Where a result goes."""

    output: Output = None
    plot: Plot = None
    as_json: AsJson = False

    def progress(self) -> AbstractContextManager[Say]:
        """A progress bar, unless JSON is asked for."""
        return progress(not self.as_json)

    def conclude(
        self,
        result: Any,
        heading: str,
        *,
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
        if self.output is not None:
            _write_numbers(result, self.output, numbers)
        if self.plot is not None:
            from ..numerics.plots import draw_result, save

            save(draw_result(result, **(drawing or {})), self.plot)
        if self.as_json:
            unit = time_unit_of(result)
            known = {"time_unit": unit} if unit else {}
            print_json({**(result.json() if answer is None else answer), **known, **(more or {})})
        else:
            print_table(heading, result.rows() if rows is None else rows, of=result)
            if then is not None:
                then()
        if not (result.status == "ok" if ok is None else ok):
            raise typer.Exit(1)


def _write_numbers(result: Any, output: Path, numbers: Any = None) -> None:
    """Write a result's dataset, or the one given in its place."""
    from ..numerics.results import save_dataset

    if numbers is None:
        result.save(output)
    else:
        save_dataset(numbers, output)
