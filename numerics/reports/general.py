"""Any result on a page: its status, its picture, its table."""

from __future__ import annotations

from typing import Any

from ...numbers import counted
from ...time_units import headed, in_words
from ..plots import draw_result
from ..results import Code, Result
from .parts import SHORT, Part, Rows, Text, Verdict, pictures

MOST = 1000
"""Rows that a page shows; more are read by programs."""


def result_parts(result: Result) -> tuple[list[Part], list[Part]]:
    """What a page shows of a result: what was found, and the numbers."""
    found: list[Part] = [_status(result)]
    if unit := in_words(result.time_unit):
        found.append(Text(unit))
    try:
        figure = draw_result(result)
    except NotImplementedError:  # there is no picture of this kind
        return found, _table(result)
    return [*found, *pictures([(result.title, figure)])], _table(result)


def _status(result: Result) -> Verdict:
    code = result.status.code
    if code is Code.OK:
        return Verdict("passed", "Done", "")
    bad = code.is_failure or code is Code.REJECTED
    return Verdict("failed" if bad else "open", code.value.capitalize(), result.status.rstrip("."))


def _table(result: Result) -> list[Part]:
    rows: list[dict[str, Any]] = headed(result.rows(), result.time_unit)
    caption = counted(len(rows), "row") if len(rows) > SHORT else ""
    own: list[Part] = [Rows(rows[:MOST], caption)]
    if len(rows) > MOST:
        own.append(Text(f"The first {MOST} of them; the result's save() writes all numbers."))
    return own
