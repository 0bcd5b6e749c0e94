"""The table of targets: its columns, and the rows that make sense."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...errors import ParameterError

QUANTITIES: dict[str, str] = {
    "rate_mean": "mean rate across the neurons of a population",
    "rate_sd": "standard deviation of the rates across neurons (n - 1)",
    "rate_correlation": "correlation across neurons of the rates in `condition` and in `against`",
    "rate_quantile": "quantile, at `level`, of the distribution of rates across neurons",
    "rate_change": "mean rate in `condition` minus mean rate in `against`",
}
PAIRED = ("rate_correlation", "rate_change")
"""Quantities of two conditions."""
BASELINE = "baseline"
TEXTS = ("quantity", "population", "condition", "against")
NUMBERS = ("level", "time", "value", "error", "weight")
COLUMNS = (*TEXTS, *NUMBERS, "held_out")
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no", "")

Row = dict[str, Any]


def checked_rows(rows: Iterable[Mapping[str, Any]], source: str) -> list[Row]:
    """Every row with all columns, of the right kinds.

    Raises:
        ParameterError: a row makes no sense; names `source`, row (from 1) and column.
    """
    made: list[Row] = []
    seen: dict[tuple[Any, ...], int] = {}
    labels: dict[str, int] = {}
    for k, given in enumerate(rows, start=1):
        if not isinstance(given, Mapping):
            raise ParameterError(
                f"{source}: row {k} is {given!r}: a row maps columns, such as quantity and value, "
                "to what is there"
            )
        row = _checked(given, f"{source}: row {k}")
        first = seen.setdefault(_key(row), k)
        if first != k:
            raise ParameterError(
                f"{source}: row {k} is row {first} again, {label_of(row)}: keep one of the two"
            )
        like = labels.setdefault(label_of(row), k)
        if like != k:
            raise ParameterError(
                f"{source}: rows {like} and {k} have the same label, {label_of(row)}: give a "
                "condition or population another name"
            )
        made.append(row)
    if not any(np.isfinite(row["value"]) for row in made):
        raise ParameterError(
            f"{source}: nothing is left to fit: "
            + ("every value is missing" if made else "there are no rows")
        )
    return made


def label_of(row: Mapping[str, Any]) -> str:
    """A row in words, such as "rate_correlation E spontaneous-gratings".

    Different targets have different labels.
    """
    parts = [
        row["quantity"],
        row["population"],
        row["condition"] + (f"-{row['against']}" if row["against"] else ""),
    ]
    if np.isfinite(row["level"]):
        parts.insert(
            1,
            f"{row['level']:g}"
            if float(f"{row['level']:g}") == row["level"]
            else repr(float(row["level"])),
        )
    if np.isfinite(row["time"]):
        short = f"{row['time']:.2f}"
        parts.append(f"t={short if float(short) == row['time'] else repr(float(row['time']))}")
    return " ".join(parts)


def _key(row: Row) -> tuple[Any, ...]:
    conditions = (
        frozenset((row["condition"], row["against"]))
        if row["quantity"] in PAIRED
        else row["condition"]
    )
    numbers = tuple(
        float(row[name]) if np.isfinite(row[name]) else None for name in ("level", "time")
    )
    return row["quantity"], row["population"], conditions, *numbers


def _checked(given: Mapping[str, Any], where: str) -> Row:
    unknown = [name for name in given if name not in COLUMNS]
    if unknown:
        raise ParameterError(
            f"{where}: there is no column {unknown[0]!r}; there are {', '.join(COLUMNS)}"
        )
    row: Row = {name: _text(given.get(name), f"{where}, column {name}") for name in TEXTS}
    row |= {name: _number(given.get(name), f"{where}, column {name}") for name in NUMBERS}
    row["held_out"] = _truth(given.get("held_out"), f"{where}, column held_out")
    row["condition"] = row["condition"] or BASELINE
    if row["quantity"] not in QUANTITIES:
        raise ParameterError(
            f"{where}, column quantity: {row['quantity']!r} is unknown; there are "
            f"{', '.join(QUANTITIES)}"
        )
    if not row["population"]:
        raise ParameterError(f"{where}, column population: the name of a population is missing")
    _check_conditions(row, where)
    _check_level(row, where)
    _check_value(row, where)
    _weigh(row, where)
    return row


def _check_conditions(row: Row, where: str) -> None:
    quantity, against = row["quantity"], row["against"]
    if quantity in PAIRED and not against:
        raise ParameterError(
            f"{where}, column against: {quantity} needs a second condition, to which "
            f"{row['condition']!r} is compared"
        )
    if quantity in PAIRED and against == row["condition"]:
        raise ParameterError(
            f"{where}, column against: {against!r} is the condition itself: name another one"
        )
    if quantity not in PAIRED and against:
        raise ParameterError(
            f"{where}, column against: {quantity} is of one condition, but {against!r} is given: "
            "leave it empty"
        )


def _check_level(row: Row, where: str) -> None:
    level, of_a_quantile = row["level"], row["quantity"] == "rate_quantile"
    if of_a_quantile and not 0 < level < 1:
        raise ParameterError(
            f"{where}, column level: {level:g} is no level of a quantile, which lies between 0 and "
            "1"
        )
    if not of_a_quantile and not np.isnan(level):
        raise ParameterError(
            f"{where}, column level: {row['quantity']} has no level, but {level:g} is given: leave "
            "it empty"
        )


def _check_value(row: Row, where: str) -> None:
    quantity, value = row["quantity"], row["value"]
    if quantity == "rate_correlation" and abs(value) > 1:
        raise ParameterError(
            f"{where}, column value: {value:g} is no correlation, which lies between -1 and 1"
        )
    if quantity == "rate_sd" and value < 0:
        raise ParameterError(
            f"{where}, column value: {value:g} is no standard deviation, which is not negative"
        )


def _weigh(row: Row, where: str) -> None:
    """A weight without an error says how precise the value is: 1 / error^2."""
    error, weight = row["error"], row["weight"]
    if weight <= 0:
        raise ParameterError(
            f"{where}, column weight: {weight:g} must be positive: hold out what shall not be "
            "fitted, with held_out"
        )
    if np.isnan(error) and not np.isnan(weight):
        row["error"], weight = 1 / np.sqrt(weight), 1.0
    elif np.isnan(error) and not np.isnan(row["value"]):
        raise ParameterError(
            f"{where}, column error: the standard error is missing: give it, or a weight = 1 / "
            "error^2"
        )
    elif error <= 0:
        raise ParameterError(
            f"{where}, column error: {error:g} is no standard error, which is positive"
        )
    row["weight"] = 1.0 if np.isnan(weight) else weight


def is_missing(cell: Any) -> bool:
    """Whether a cell holds nothing: None, an empty text, NaN."""
    return (
        cell is None
        or (isinstance(cell, str) and not cell.strip())
        or (isinstance(cell, float | np.floating) and bool(np.isnan(cell)))
    )


def _text(cell: Any, where: str) -> str:
    if is_missing(cell):
        return ""
    if not isinstance(cell, str):
        raise ParameterError(f"{where}: {cell!r} is no text")
    return cell.strip()


def _number(cell: Any, where: str) -> float:
    if is_missing(cell):
        return np.nan
    try:
        if isinstance(cell, bool | np.bool_):
            raise ValueError
        number = float(cell)
    except (TypeError, ValueError):
        raise ParameterError(f"{where}: {cell!r} is no number") from None
    if np.isinf(number):
        raise ParameterError(f"{where}: {cell!r} is not finite")
    return number


def _truth(cell: Any, where: str) -> bool:
    text = "" if is_missing(cell) else str(cell).strip().lower()
    if text not in (*TRUE, *FALSE):
        raise ParameterError(f"{where}: {cell!r} is neither true nor false")
    return text in TRUE
