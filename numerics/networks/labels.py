"""Labels of neurons that have an order or names: from files, tables, mappings and Series."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...errors import NetworkError
from ..tables import Table, TextTable, coded, labels_of, names_of
from . import headings
from .neurons import as_table, is_keyed, neuron_table
from .options import ReadOptions


class Labels(NamedTuple):
    """Labels of neurons in their order, and which neurons filters keep (None: all)."""

    values: Any
    wanted: np.ndarray | None = None


def labels_by_name(
    labels: Any, names: Sequence[Any] | np.ndarray | None, count: int, options: ReadOptions
) -> Labels:
    """Labels in the order of the neurons; a list or array has this order already.

    Args:
        labels: a file with one on each line, or with columns id and label; a table of neurons; a
            mapping or Series by name; anything else is returned as it is.
        names: of the neurons; None: they are their numbers from 0.
        count: of neurons.
        options: how a file is read.

    Raises:
        NetworkError: a file that cannot be read, ids twice, or of no neuron.
    """
    keyed = is_keyed(labels)
    frame = hasattr(labels, "iloc") and hasattr(labels, "columns")
    path = isinstance(labels, str | os.PathLike)
    if not (keyed or frame or path):
        if of := options.given(("id", "label", "where")):
            raise NetworkError(
                f"{', '.join(of)}: these are for tables, and the labels of neurons are not one: "
                "give it as labels="
            )
        return Labels(labels)
    own_names = [str(k) for k in range(count)] if names is None else [str(name) for name in names]
    if keyed and _is_numbered(labels, count) and not _shared(labels, own_names):
        return Labels(list(labels))
    table = as_table(labels, options)
    if path and _one_each(table, names):
        return Labels(_in_order(table, count))
    if path and names is None:
        raise NetworkError(
            f"{table.what} has ids, the matrix has no names of neurons: give one label on each "
            "line, in its order"
        )
    return _matched(table, own_names, options)


def _is_numbered(labels: Any, count: int) -> bool:
    """Whether a Series has no names, only an order."""
    return type(getattr(labels, "index", None)).__name__ == "RangeIndex" and len(labels) == count


def _shared(labels: Any, names: Sequence[str]) -> bool:
    return bool({str(own) for own, _ in labels.items()} & set(names))


def _one_each(table: Table, names: Any) -> bool:
    """Whether a file has one label on each line: one column, or labels that have blanks."""
    return table.width == 1 or (
        names is None and isinstance(table, TextTable) and table.dialect.separator is None
    )


def _in_order(table: Table, count: int) -> np.ndarray:
    whole = table.lines() if isinstance(table, TextTable) else table.columns({0: "text"}, False)[0]
    labels = labels_of(whole)
    if len(labels) == count + 1 and headings.labels([str(labels[0])]):
        return labels[1:]
    return labels


def _matched(table: Table, names: Sequence[str], options: ReadOptions) -> Labels:
    own = neuron_table(table, options, names, options.filters, labelled=True)
    known, (codes, order) = names_of([own.id, coded(list(names))])
    if len(np.unique(codes)) < len(codes):
        unique, counts = np.unique(codes, return_counts=True)
        raise NetworkError(
            f"{table.what}: {(counts > 1).sum()} ids occur more than once, e.g. "
            f"'{known[unique[counts > 1][0]]}'"
        )
    labels, used = labels_of(own.label), own.used()  # type: ignore[arg-type]
    place = np.full(len(known), -1)
    place[codes] = np.arange(len(codes))
    at = place[order]
    if (at < 0).all():
        raise NetworkError(
            f"{table.what} has none of the {len(names)} neurons, e.g. not {names[0]!r}: do both "
            "use the same ids?"
        )
    own_row = np.maximum(at, 0)
    return Labels(np.where(at < 0, "", labels[own_row]), (at < 0) | used[own_row])
