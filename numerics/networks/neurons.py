"""Tables of neurons: their ids, labels, and which of them are wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...errors import NetworkError
from ..tables import (
    INTEGER,
    Column,
    Filter,
    Table,
    kept_by,
    labels_of,
    names_of,
    open_table,
    rounded_id,
    values_in,
)
from . import headings
from .options import ReadOptions

WHAT = "table of neurons"


class NeuronTable(NamedTuple):
    """The columns of a table of neurons: ids, labels, and those that filters ask for.

    Args:
        what: names the table in errors.
        id: the column of ids.
        label: the column of labels, None where populations are not asked for.
        label_name: its name, for errors.
        filters: each with its column.
    """

    what: str
    id: Column
    label: Column | None
    label_name: str
    filters: list[tuple[Filter, Column]]

    @property
    def labels_from(self) -> str:
        """Where the labels are from, in words."""
        return "" if self.label is None else f"{self.label_name} of the {self.what}"

    def used(self) -> np.ndarray:
        """Whether each neuron passes the filters.

        Raises:
            NetworkError: a value that none has, or no neuron is left.
        """
        used = np.ones(len(self.id.codes if isinstance(self.id, tuple) else self.id), dtype=bool)
        for wanted, column in self.filters:
            kept = kept_by(wanted, column)
            if not kept.any():
                raise NetworkError(
                    f"{self.what}: no neuron has {wanted}; its values are {values_in(column)}"
                )
            used &= kept
        if not used.any():
            said = ", ".join(str(wanted) for wanted, _ in self.filters)
            raise NetworkError(f"{self.what}: no neuron satisfies where = {said}")
        return used

    def labels(self, names: np.ndarray, used: np.ndarray, options: ReadOptions) -> np.ndarray:
        """The labels, "" for neurons that are not wanted; changes `used` where one is missing.

        Raises:
            NetworkError: missing labels, where they are refused; no label at all.
        """
        if self.label is None:
            return np.full(len(names), "all")
        labels = labels_of(self.label)
        lacking = np.flatnonzero(used & (labels == ""))
        if len(lacking) and options.unlabelled == "refuse":
            raise NetworkError(
                f"{self.what}: {len(lacking)} neurons have no {self.label_name}, e.g. "
                f"'{names[lacking[0]]}': label them, or use unlabelled='drop'"
            )
        used[lacking] = False
        if not used.any():
            raise NetworkError(f"{self.what}: no neuron has a {self.label_name}")
        return labels


def is_keyed(source: Any) -> bool:
    """Whether this is a mapping or a pandas Series."""
    series = hasattr(source, "items") and hasattr(source, "index")
    return (isinstance(source, Mapping) or series) and not hasattr(source, "columns")


def as_table(source: Any, options: ReadOptions) -> Table:
    """A path, a data frame, or labels by id (a mapping or Series) as a table."""
    if is_keyed(source):
        import pandas as pd

        pairs = list(source.items())
        columns = {"id": [own for own, _ in pairs], "label": [own for _, own in pairs]}
        source = pd.DataFrame(columns, dtype=object)
    return open_table(
        source,
        WHAT,
        part=options.part if str(source).lower().endswith((".xlsx", ".xlsm")) else None,
        role="nodes",
        separator=options.separator,
        encoding=options.encoding,
    )


def column_names(table: Table | None) -> list[str] | None:
    """What may be the names of a table's columns; None without a table."""
    if table is None:
        return None
    return table.header or [*table.head[0], *(table.comment or ())]


def neuron_table(
    table: Table,
    options: ReadOptions,
    known: Sequence[str] | np.ndarray,
    wanted: Sequence[Filter] = (),
    *,
    labelled: bool,
) -> NeuronTable:
    """The columns of a table of neurons.

    Args:
        table: the table.
        options: `id` and `label` may say which columns are meant.
        known: ids of neurons that have synapses, by which the column of ids is recognised.
        wanted: filters of neurons.
        labelled: whether the column of labels is looked for where `label` is not given.

    Raises:
        NetworkError: columns that are not there, or that cannot be told.
    """
    ids = set(map(str, known))
    names, header = _names(table, options, ids, wanted)
    id = _id_column(table, options, names, header, ids)
    label = (
        _label_column(table, options, names, id) if labelled or options.label is not None else None
    )
    places = [(own, column_at(table, own.column, names)) for own in wanted]
    purposes = {id: "id"} | ({} if label is None else {label: "text"})
    purposes |= {k: "text" for _, k in places if k not in purposes}
    found = table.columns(purposes, header)
    if rounded := rounded_id(found[id]):
        raise NetworkError(f"{table.what}: {lost_digits(rounded)}")
    said = options.label if names is not None and isinstance(options.label, str) else None
    if said is None and label is not None:
        said = names[label] if names is not None and names[label] else f"label (column {label})"
    own = NeuronTable(
        table.what,
        found[id],
        None if label is None else found[label],
        said or "label",
        [(wanted, found[k]) for wanted, k in places],
    )
    if names is None and own.label is not None and options.id is options.label is None:
        _refuse_header(table, own, ids)
    return own


def lost_digits(text: str) -> str:
    """Says of an id that it is rounded."""
    return (
        f"the id {text} has lost digits, as long integers do in spreadsheets and in columns of "
        "real numbers: export ids as text or as integers"
    )


def column_at(table: Table, column: str | int, names: Sequence[str] | None) -> int:
    """The position of a column.

    Raises:
        NetworkError: there is none, or several have this name.
    """
    said = list(names) if names is not None else list(range(table.width))
    if names is None or isinstance(column, int):
        text = str(column)
        place = int(text) if text.isdigit() else -1
        if not 0 <= place < table.width:
            raise NetworkError(f"{table.what} has no column {column!r}: its columns are {said}")
        return place
    exact = [k for k, name in enumerate(names) if name == column.strip()]
    same = exact or [k for k, n in enumerate(names) if n.lower() == column.strip().lower()]
    if not same:
        raise NetworkError(f"{table.what} has no column {column!r}: its columns are {said}")
    if len(same) > 1:
        raise NetworkError(f"{table.what} has {len(same)} columns {column!r}: rename one of them")
    return same[0]


def first_row(table: Table) -> list[str]:
    """The cells of the first row by column; R writes none above the names of rows.

    Raises:
        NetworkError: it has fewer cells than the rows below it, and it cannot be told where.
    """
    first, body = list(table.head[0]), table.head[1:]
    while len(first) > table.width and not first[-1]:
        first.pop()
    if len(first) == table.width:
        return first
    if len(first) == table.width - 1:
        if all(len(row) < table.width or row[-1] == "" for row in body):
            return [*first, ""]
        beside = [row[0] for row in body]
        if any(beside == [str(k + start) for k in range(len(body))] for start in (0, 1)):
            return ["", *first]
        if set(beside) <= set(first):
            return ["", *first]
    raise NetworkError(
        f"{table.what}: its first row has {len(first)} cells, the rows below it {table.width}: "
        "complete the names of its columns"
    )


def _names(
    table: Table, options: ReadOptions, known: set[str], wanted: Sequence[Filter]
) -> tuple[list[str] | None, bool]:
    """Names of the columns, if they have some, and whether these are the first row."""
    if table.header is not None:
        return table.header, False
    given = [own for own in (options.id, options.label) if own is not None]
    given += [own.column for own in wanted if isinstance(own.column, str)]
    first = first_row(table)
    if any(isinstance(own, str) and not own.isdigit() for own in given):
        if any(isinstance(own, int) for own in given):
            raise NetworkError(
                f"{table.what}: columns {given} mix names and positions: use names if it has a "
                "header, positions if it has none"
            )
        return first, True
    if table.comment is not None and headings.ids(table.comment):
        return table.comment, False
    named = bool(headings.ids(first) or headings.labels(first))
    if named and not any(cell in known for cell in first if cell):
        return first, True
    body = [row[0] for row in table.head[1:]]
    if body and all(map(INTEGER.fullmatch, body)) and not INTEGER.fullmatch(first[0]):
        return (None, True) if given else (first, True)
    return None, False


def _id_column(
    table: Table, options: ReadOptions, names: list[str] | None, header: bool, known: set[str]
) -> int:
    if options.id is not None:
        return column_at(table, options.id, names)
    found = [] if names is None else headings.ids(names)
    if names is not None and not found and table.width <= 2:
        found = [0]
    if names is None:
        return 0
    if not found:
        raise NetworkError(
            f"{table.what}: which of its columns {names} has the ids of neurons? Say id="
        )
    if len(found) == 1:
        return found[0]
    columns = table.columns(dict.fromkeys(found, "id"), header)
    shared = {k: len(known.intersection(names_of([columns[k]])[0].tolist())) for k in found}
    return max(found, key=lambda k: shared[k])  # the first of equals


def _label_column(table: Table, options: ReadOptions, names: list[str] | None, id: int) -> int:
    if options.label is not None:
        return column_at(table, options.label, names)
    if names is None:
        if table.width < 2:
            raise NetworkError(f"{table.what} has one column: it needs ids and labels of neurons")
        return 1
    found = [k for k in headings.labels(names) if k != id]
    if not found and table.width == 2:
        found = [1 - id]
    if len(found) != 1:
        raise NetworkError(
            f"{table.what}: which of its columns {names} has the populations? Say label="
        )
    return found[0]


def _refuse_header(table: Table, own: NeuronTable, known: set[str]) -> None:
    """Ask back where the first row may be a header: no known neuron, and a label of its own."""
    if not known or own.label is None or isinstance(own.label, np.ndarray):
        return
    names, (codes,) = names_of([own.id])
    labels = labels_of(own.label)
    others = known.intersection(names[codes[1:]].tolist())
    if others and names[codes[0]] not in known and np.sum(labels == labels[0]) == 1:
        raise NetworkError(
            f"{table.what}: its first row, {', '.join(table.head[0])}, may be a header: name the "
            f"columns if it is, id={table.head[0][0]!r}, label={table.head[0][1]!r}, or say "
            "id=0, label=1 if it is none"
        )
