"""Networks from tables: a list of edges, and a table of neurons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from ...numbers import counted
from ..tables import (
    Column,
    Table,
    kept_by,
    names_of,
    numbers_in,
    open_table,
    rounded_id,
    taken,
    values_in,
)
from .columns import EdgeColumns, edge_columns
from .formats import origin
from .network import Network
from .neurons import NeuronTable, as_table, column_names, lost_digits, neuron_table
from .options import ReadOptions, checked_labels
from .reading import both_ends
from .weights import refuse_negative

WHAT = "edge list"


def read_edges(
    edges: Any,
    nodes: Any = None,
    options: ReadOptions | None = None,
    **given: Any,
) -> Network:
    """A sparse network from a table of edges and, if given, a table of neurons.

    Tables are text (.csv, .tsv, .txt; plain, or packed as .gz, .bz2, .xz or .zip), whose separator,
    encoding, comments and header are recognised; .xlsx, .parquet and .feather; data frames. Blanks
    and quotes around cells do not count, and the ids `2` and `2.0` are one neuron. Neurons stand in
    the order of their table; without one, in that of their ids.

    Args:
        edges: a row for each edge, with columns of sources, targets and weights.
        nodes: a row for each neuron, with columns `id` and `label`; or labels by id, as a mapping
            or a pandas Series.
        options: how to read; by default those of `ReadOptions`.
        given: single options, by keyword.

    Returns:
        The network, with its report `reading`; without `label` it has one population, "all".

    Raises:
        NetworkError: a missing file or column, weights that are not finite numbers, and ids or
            labels that are missing or ambiguous.
    """
    chosen = ReadOptions.of(options, given)
    if of := chosen.given(("kind", "rows", "cache")):
        raise NetworkError(
            f"read_edges reads a list of edges, which has no {', '.join(of)}: these are for "
            "read_network, which takes labels as well"
        )
    return edges_of(_open(edges, chosen), nodes, chosen, labelled=False)


def _open(edges: Any, options: ReadOptions) -> Table:
    return open_table(
        edges,
        WHAT,
        part=options.part,
        separator=options.separator,
        encoding=options.encoding,
    )


def edges_of(table: Table, nodes: Any, options: ReadOptions, *, labelled: bool) -> Network:
    """The network of a table of edges; `labelled` looks for labels of neurons by itself."""
    if nodes is None and options.label is not None:
        raise NetworkError("label is a column of a table of neurons: give its path as `nodes`")
    node_table = None if nodes is None else as_table(nodes, options)
    columns = edge_columns(table, options, options.filters, column_names(node_table))
    listed = _listed(table, columns, options)
    found = [listed.source, listed.target]
    neurons = None
    if node_table is None:
        names, (source, target) = names_of(found)
    else:
        known = names_of(found)[0]
        neurons = neuron_table(node_table, options, known, columns.others, labelled=labelled)
        names, (source, target, order) = names_of([*found, neurons.id])
        names, source, target = _in_order(names, source, target, order, neurons)
    _refuse_nameless(table, columns, listed, names, source, target)
    del found
    listed = listed._replace(source=source, target=target)
    return _network(table, columns, listed, names, neurons, options)


class _Edges(NamedTuple):
    """Edges that filters keep: ids, weights, their rows in the table, and what was missing."""

    source: Any
    target: Any
    weights: np.ndarray
    rows: np.ndarray | None
    dropped: int
    missing: int
    notes: tuple[str, ...] = ()


def _listed(table: Table, columns: EdgeColumns, options: ReadOptions) -> _Edges:
    purposes = {columns.pre: "id", columns.post: "id"}
    if columns.weight is not None:
        purposes[columns.weight] = "number"
    for _, k in columns.filters:
        purposes.setdefault(k, "text")
    found = table.columns(purposes, columns.header)
    rows = _rows(table, columns, found)
    ends: list[Column] = [found.pop(k) for k in (columns.pre, columns.post)]
    total = len(ends[0][0] if isinstance(ends[0], tuple) else ends[0])
    kept = total if rows is None else len(rows)
    if columns.weight is None:
        weighed = _Weights(np.ones(kept), 0, ("every edge has the weight 1",))
    else:
        weighed = _weights(table, columns, found[columns.weight], rows, options)
    if rows is not None:
        ends = [taken(own, rows) for own in ends]
    for own in ends:
        if rounded := rounded_id(own):
            raise NetworkError(f"{table.what}: {lost_digits(rounded)}")
    return _Edges(ends[0], ends[1], weighed.values, rows, total - kept, *weighed[1:])


def _rows(table: Table, columns: EdgeColumns, found: dict[int, Column]) -> np.ndarray | None:
    """The rows that filters keep; None: all."""
    kept = None
    for wanted, k in columns.filters:
        own = kept_by(wanted, found[k])
        if not own.any():
            raise NetworkError(
                f"{table.what}: no edge has {wanted}; its values are {values_in(found[k])}"
            )
        kept = own if kept is None else kept & own
    if kept is None:
        return None
    if not kept.any():
        said = ", ".join(str(wanted) for wanted, _ in columns.filters)
        raise NetworkError(f"{table.what}: no edge satisfies where = {said}")
    return np.flatnonzero(kept)


class _Weights(NamedTuple):
    """The weights, how many of them were missing, and what is to be noted."""

    values: np.ndarray
    missing: int
    notes: tuple[str, ...] = ()


def _weights(
    table: Table, columns: EdgeColumns, column: Column, rows: Any, options: ReadOptions
) -> _Weights:
    if rows is not None:
        column = taken(column, rows)
    found = numbers_in(column, options.decimal)
    values = found.values
    if found.decimal == "?":
        refuse_decimal(table.what, column)
    bad = np.flatnonzero(found.bad | (found.missing & (options.missing == "refuse")))
    if len(bad):
        row = int(bad[0] if rows is None else rows[bad[0]])
        text = column.texts[column.codes[bad[0]]] if isinstance(column, tuple) else column[bad[0]]
        missing = bool(found.missing[bad[0]])
        remedy = (
            "complete it, or use missing='zero'"
            if missing
            else "is the weight in another column? Say weight="
        )
        raise NetworkError(
            f"{table.what}, {table.line(row, columns.header)}: the weight {str(text).strip()!r} is "
            f"not a finite number ({len(bad)} such lines): {remedy}"
            + (_header(columns) if row == 0 and not columns.header and not missing else "")
        )
    values = np.where(found.missing, 0.0, values) if found.missing.any() else values
    notes = ("numbers have a decimal comma",) if found.decimal == "," else ()
    return _Weights(values, int(found.missing.sum()), notes)


def _header(columns: EdgeColumns) -> str:
    return "; if it is a header, name the columns, e.g. weight='synapses'"


def refuse_decimal(what: str, column: Column) -> None:
    """Raise `NetworkError` for numbers whose comma has two meanings."""
    texts = column.texts if isinstance(column, tuple) else []
    text = next((text for text in texts if "," in text), "")
    raise NetworkError(
        f"{what}: does the comma of {text!r} begin the decimals, or separate thousands? Say "
        "decimal=',' or decimal='.'"
    )


def _in_order(
    names: np.ndarray, source: np.ndarray, target: np.ndarray, order: np.ndarray, own: NeuronTable
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids in the order of the table of neurons, then those that it does not have."""
    unique, counts = np.unique(order, return_counts=True)
    if len(unique) < len(order):
        raise NetworkError(
            f"{own.what}: {(counts > 1).sum()} ids occur more than once, e.g. "
            f"'{names[unique[counts > 1][0]]}'"
        )
    others = np.setdiff1d(np.arange(len(names)), order)
    every = np.concatenate([order, others])
    place = np.empty(len(names), dtype=np.int32)
    place[every] = np.arange(len(names))
    return names[every], place[source], place[target]


def _refuse_nameless(
    table: Table, columns: EdgeColumns, listed: _Edges, names: np.ndarray, source, target
) -> None:
    empty = np.flatnonzero(names == "")
    if not len(empty):
        return
    bad = np.flatnonzero((source == empty[0]) | (target == empty[0]))
    if len(bad):
        row = int(bad[0] if listed.rows is None else listed.rows[bad[0]])
        raise NetworkError(
            f"{table.what}, {table.line(row, columns.header)}: a neuron's id is missing "
            f"({len(bad)} such lines)"
        )
    raise NetworkError("the table of neurons has a row without an id: remove it")


def _network(
    table: Table,
    columns: EdgeColumns,
    listed: _Edges,
    names: np.ndarray,
    neurons: NeuronTable | None,
    options: ReadOptions,
) -> Network:
    labels, used, count = np.full(len(names), "all"), np.ones(len(names), dtype=bool), len(names)
    if neurons is not None:
        used = neurons.used()
        count = len(used)
        labels = neurons.labels(names[:count], used, options)
        _refuse_unknown(listed, names, count, options, table.what)
    i, j, values = _kept(listed, used, count, options)
    number = int(used.sum())
    own = names[:count] if used.all() else names[:count][used]
    if not len(values):
        raise NetworkError(
            f"{table.what}: no edge joins two of the {number} neurons: do both files use the same "
            "ids?"
        )
    weights = sps.coo_array((values, (i, j)), shape=(number, number)).tocsr()
    weights.sum_duplicates()
    copies = len(values) - weights.nnz
    if copies and options.duplicates == "refuse":
        _refuse_duplicates(i, j, own, weights, table.what)
    weights.eliminate_zeros()
    if options.negative == "refuse":
        refuse_negative(weights, own)
    network = Network.of(weights, checked_labels(labels[used], options), ids=own)
    reading = replace(
        origin(table),
        orientation=columns.orientation,
        duplicates=copies,
        missing=listed.missing,
        dropped_edges=listed.dropped + len(listed.weights) - len(values),
        dropped_neurons=count - number,
        labels="" if neurons is None else neurons.labels_from,
    ).noting(*listed.notes)
    own_report = reading.counted(network.weights, network.labels, network.populations, own)
    return replace(network, reading=own_report)


def _kept(
    listed: _Edges, used: np.ndarray, count: int, options: ReadOptions
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and values of the edges that the matrix has."""
    i, j, values = listed.target, listed.source, listed.weights
    keep = None
    if not used.all() or (len(i) and max(i.max(), j.max()) >= count):
        number = np.full(max(count, int(max(i.max(), j.max(), 0)) + 1), -1, dtype=np.int32)
        number[:count][used] = np.arange(int(used.sum()))
        i, j = number[i], number[j]
        keep = (i >= 0) & (j >= 0)
    if options.self_synapses == "drop":
        others = i != j
        keep = others if keep is None else keep & others
    return (i, j, values) if keep is None else (i[keep], j[keep], values[keep])


def _refuse_unknown(
    listed: _Edges, names: np.ndarray, count: int, options: ReadOptions, what: str
) -> None:
    bad = np.flatnonzero((listed.target >= count) | (listed.source >= count))
    if len(bad) and options.unknown == "refuse":
        ends = (listed.target[bad[0]], listed.source[bad[0]])
        name = names[next(k for k in ends if k >= count)]
        raise NetworkError(
            f"{what}: {len(bad)} edges have a neuron that is not in the table, e.g. "
            f"'{name}': complete the table, or use unknown='drop'"
        )


def _refuse_duplicates(
    i: np.ndarray, j: np.ndarray, names: np.ndarray, weights: sps.csr_array, what: str
) -> None:
    pairs, counts = np.unique(i.astype(np.int64) * len(names) + j, return_counts=True)
    a, b = divmod(int(pairs[np.argmax(counts > 1)]), len(names))
    note = both_ends(weights)
    several = counted(int((counts > 1).sum()), "edge")
    raise NetworkError(
        f"{what}: {several} given more than once, e.g. from '{names[b]}' onto "
        f"'{names[a]}': remove the copies, or add their weights with duplicates='sum'"
        + (f" ({note})" if note else "")
    )
