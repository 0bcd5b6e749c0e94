"""Text to ids, labels and numbers: the one place where cells of tables get their meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

MISSING = frozenset({"", "nan", "na", "n/a", "#n/a", "none", "null", "<na>", "nat"})
"""What programs write for a value that is not known, in small letters."""

WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")  # an integer that was kept as a real number
ROUNDED = re.compile(r"[+-]?[0-9]\.[0-9]+[eE]\+?[0-9]{2,}")  # as spreadsheets show long integers
INTEGER = re.compile(r"0|-?[1-9][0-9]*")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
COMMA = re.compile(r"[+-]?([0-9]+,[0-9]*|,[0-9]+)([eE][+-]?[0-9]+)?")
GROUPS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
DOTTED = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]*)?")


def clean(text: str) -> str:
    """A cell without blanks and quotes around it."""
    text = text.strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text


def is_missing(text: str) -> bool:
    """Whether a cell that is clean holds no value."""
    return text.lower() in MISSING


def name_of(text: str) -> str:
    """The id in a cell; integers have one form, `2` for `2.0`, and keep all their digits."""
    text = clean(text)
    found = WHOLE.fullmatch(text)
    return found[1] if found else text


def label_of(text: str) -> str:
    """The label in a cell, "" where it is missing."""
    text = name_of(text)
    return "" if is_missing(text) else text


def is_number(text: str) -> bool:
    """Whether a cell is a number in any of the ways that `numbers_of` reads."""
    text = clean(text)
    return any(form.fullmatch(text) for form in (NUMBER, COMMA, GROUPS, DOTTED))


class Numbers(NamedTuple):
    """Numbers of a list of cells.

    Args:
        values: NaN where there is none.
        missing: cells that hold no value.
        bad: cells that are no number.
        decimal: the decimal sign: ".", ",", or "?" where the cells allow two readings.
    """

    values: np.ndarray
    missing: np.ndarray
    bad: np.ndarray
    decimal: str

    def each(self, change: Callable[[np.ndarray], np.ndarray]) -> Numbers:
        """The same numbers in another order or shape."""
        arrays = (change(own) for own in (self.values, self.missing, self.bad))
        values, missing, bad = arrays
        return Numbers(values, missing, bad, self.decimal)


def numbers_of(texts: Sequence[str], decimal: str | None = None) -> Numbers:
    """The numbers in cells, with one decimal sign for all of them.

    A comma is a decimal sign where one of the cells can have no other (`3,5`), and separates
    thousands where one can have no other (`1,234,567`, `1,234.5`). Cells such as `1,234` alone do
    not tell.

    Args:
        texts: the cells.
        decimal: the decimal sign, if it is known.
    """
    cells = [clean(text) for text in texts]
    missing = np.array([is_missing(cell) for cell in cells], dtype=bool)
    sign = decimal or _decimal(cells)
    forms = (COMMA, DOTTED, NUMBER) if sign == "," else (NUMBER, GROUPS)
    values, bad = np.full(len(cells), np.nan), np.zeros(len(cells), dtype=bool)
    for k, cell in enumerate(cells):
        if missing[k]:
            continue
        form = next((own for own in forms if own.fullmatch(cell)), None)
        if form is None or (sign == "," and form is NUMBER and "." in cell):
            bad[k] = True
            continue
        values[k] = float(_plain(cell, sign))
    bad |= np.isinf(values)
    return Numbers(values, missing, bad, sign)


def _plain(cell: str, sign: str) -> str:
    return cell.replace(".", "").replace(",", ".") if sign == "," else cell.replace(",", "")


def _decimal(cells: list[str]) -> str:
    """The decimal sign that cells show; "?" where they do not tell, or contradict each other."""
    commas = [c for c in cells if "," in c and any(f.fullmatch(c) for f in (COMMA, DOTTED, GROUPS))]
    if not commas:
        return "."
    grouped = [cell for cell in commas if GROUPS.fullmatch(cell)]
    certain = any("." in cell or cell.count(",") > 1 for cell in grouped)
    if len(grouped) == len(commas):
        return "." if certain else "?"
    points = any("." in cell and NUMBER.fullmatch(cell) for cell in cells)
    return "?" if certain or points else ","
