"""Theory against networks: verdict, pictures, tables."""

from __future__ import annotations

from typing import Any

from ...time_units import in_words
from ..plots import verification_figures
from ..verification import NetworkVerification, Verification
from .parts import Heading, Part, Rows, Text, Verdict, pictures


def verification_parts(result: Verification | NetworkVerification) -> tuple[list[Part], list[Part]]:
    """What a page shows of one comparison: what was found, and the numbers."""
    found: list[Part] = [Verdict.of(result.passed, ("Passed", "Failed"), result.criterion)]
    if unit := in_words(result.time_unit):
        found.append(Text(unit))
    found += pictures(verification_figures(result).items())
    all_rows = Rows(result.rows(), "All numbers at the last time", is_open=True)
    return found, [*_summaries(result), all_rows]


def _summaries(result: Verification | NetworkVerification) -> list[Part]:
    """Of an ensemble: limits, p-values, how rates are spread. They are among the rows of one."""
    if not isinstance(result, Verification):
        return []
    tables: dict[str, list[dict[str, Any]]] = {
        "Extrapolated to infinite size": result.json()["limits"],
        "p-values of mean and spread, all quantities together": (
            [] if result.verdict is None else [result.verdict.json()]
        ),
        "Rates across the neurons of each population at the last time": result.spread_rows(),
    }
    shown = ([Heading(caption), Rows(rows)] for caption, rows in tables.items() if rows)
    return [part for parts in shown for part in parts]
