"""Columns of tables as they are kept: integers, real numbers, or text that is stored once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .cells import INTEGER, ROUNDED, Numbers, label_of, name_of, numbers_of
from .filters import ORDER, Filter

EXACT = 2**53
"""Integers beyond are rounded where they are kept as real numbers."""


class Coded(NamedTuple):
    """A column of text: row k holds texts[codes[k]]."""

    codes: np.ndarray
    texts: list[str]


Column = np.ndarray | Coded
"""A column: `Coded` text, exact integers, or real numbers."""


class Names(NamedTuple):
    """Ids: row k has names[codes[k]]; "" where it is missing."""

    codes: np.ndarray
    names: np.ndarray


def coded(values: Sequence[Any]) -> Coded:
    """A column of texts, each stored once; None and NaN are ""."""
    import pandas as pd

    codes, texts = pd.factorize(np.asarray(values, dtype=object), use_na_sentinel=True)
    own = [str(text) for text in texts]
    if (codes < 0).any():
        own.append("")
        codes = np.where(codes < 0, len(own) - 1, codes)
    return Coded(codes.astype(np.int32), own)


def names_of(columns: Sequence[Column]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Ids of several columns in one order: of numbers where all are integers, else of text.

    Returns:
        The different ids as text, and of each column the position of every row's id in them.
    """
    import pandas as pd

    if all(isinstance(own, np.ndarray) and own.dtype.kind == "i" for own in columns):
        known = pd.unique(np.concatenate([pd.unique(own) for own in columns]))
        known.sort()
        index = pd.Index(known)
        return known.astype(str), [index.get_indexer(own).astype(np.int32) for own in columns]
    split = [_names(own) for own in columns]
    every = {name for own in split for name in own.names}
    whole = all(INTEGER.fullmatch(name) for name in every if name)
    order = sorted(every, key=(lambda name: (name != "", int(name or 0))) if whole else None)
    at = {name: k for k, name in enumerate(order)}
    found = []
    for own in split:
        place = np.array([at[name] for name in own.names], dtype=np.int32)
        found.append(place[own.codes] if len(place) else np.zeros(0, dtype=np.int32))
    return np.array(order, dtype=str), found


def _names(column: Column) -> Names:
    own = as_coded(column)
    names = ["" if text.strip().lower() == "nan" else name_of(text) for text in own.texts]
    return Names(own.codes, np.array(names, dtype=object))


def taken(column: Column, rows: np.ndarray) -> Column:
    """Some rows of a column, and of text only what stands in them."""
    if not isinstance(column, Coded):
        return column[rows]
    codes = column.codes[rows]
    used, codes = np.unique(codes, return_inverse=True)
    return Coded(codes.astype(np.int32), [column.texts[k] for k in used])


def rounded_id(column: Column) -> str | None:
    """An id that has lost digits, as spreadsheets and real numbers lose them; None without one."""
    if isinstance(column, Coded):
        return next((text for text in column.texts if ROUNDED.fullmatch(text.strip())), None)
    if column.dtype.kind != "f":
        return None
    large = np.abs(column) > EXACT
    return repr(float(column[large][0])) if large.any() else None


def labels_of(column: Column) -> np.ndarray:
    """The label of every row, "" where it is missing."""
    own = as_coded(column)
    labels = np.array([label_of(text) for text in own.texts], dtype=str)
    return labels[own.codes] if len(labels) else np.zeros(len(own.codes), dtype=str)


def numbers_in(column: Column, decimal: str | None = None) -> Numbers:
    """The number of every row, as `numbers_of` reads them."""
    if isinstance(column, Coded):
        found = numbers_of(column.texts, decimal)
        return found.each(lambda own: own[column.codes])
    values = column.astype(float)
    missing = np.isnan(values)
    return Numbers(values, missing, np.isinf(values), ".")


def in_rows(cells: Coded, rows: int, decimal: str | None) -> Numbers:
    """The numbers of cells that stand row after row, as (rows, columns)."""
    found = numbers_in(cells, decimal)
    return found.each(lambda own: own.reshape(rows, -1))


def as_coded(column: Column) -> Coded:
    """A column of numbers as text."""
    import pandas as pd

    if isinstance(column, Coded):
        return column
    codes, values = pd.factorize(column)
    texts = [str(value) for value in values.tolist()]
    if (codes < 0).any():
        texts.append("")
        codes = np.where(codes < 0, len(texts) - 1, codes)
    return Coded(codes.astype(np.int32), texts)


def kept_by(wanted: Filter, column: Column) -> np.ndarray:
    """Whether each row passes a filter; values are compared as ids are, `2` and `2.0` are equal."""
    own = as_coded(column)
    if wanted.operator in ORDER:
        values = numbers_of(own.texts).values
        with np.errstate(invalid="ignore"):
            kept = ORDER[wanted.operator](values, float(wanted.values[0]))
    else:
        allowed = {name_of(value) for value in wanted.values}
        inside = wanted.operator == "="
        kept = np.array([(name_of(text) in allowed) == inside for text in own.texts], dtype=bool)
    return kept[own.codes] if len(own.texts) else np.zeros(0, dtype=bool)


def values_in(column: Column, most: int = 10) -> list[str]:
    """The first of the different values of a column, for errors."""
    return sorted({name_of(text) for text in as_coded(column).texts})[:most]
