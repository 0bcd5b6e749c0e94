"""Networks from what others pass: arrays, sparse matrices, data frames and graphs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from ..archives import SMALLER
from ..machine import require_memory
from ..tables import FrameTable, label_of, name_of
from .columns import has_edges
from .edges import WHAT, edges_of
from .graphs import filtered, graph_of, graph_weights, is_graph, node_labels
from .labels import Labels, labels_by_name
from .market import NEURON
from .network import Network, name_at
from .options import ReadOptions, checked_labels
from .reading import Reading
from .weights import dense_weights, settle, sparse_weights

ORIENTATIONS = {
    "target": "rows are target neurons, columns are source neurons: J[row, column]",
    "source": "rows are source neurons, columns are target neurons: J[column, row]",
    "graph": "an edge u -> v has the source u and the target v: J[v, u]",
}
OF_EDGES = ("pre", "post", "unknown")
TEXT = ("decimal", "separator", "encoding", "part", "cache")


def as_network(
    source: Any,
    labels: Any = None,
    populations: Sequence[str] | None = None,
    options: ReadOptions | None = None,
    **given: Any,
) -> Network:
    """A network from a matrix, a data frame, or a directed graph.

    An edge u -> v of a graph is the synapse from u onto v. A data frame is a matrix whose rows and
    columns are matched by their names, or a table of edges.

    Args:
        source: a square array, a SciPy sparse matrix, a pandas data frame, a graph of networkx or
            igraph; arrays are copied.
        labels: one for each neuron in order, names or indices into `populations`; a mapping or
            pandas Series by the neurons' names (of a matrix without names, their numbers from 0);
            a table of neurons; the name of an attribute of a graph's nodes. None: the attribute
            that is named like a type, or one population, "all".
        populations: their names, where labels are indices or their order matters.
        options: how to read; by default those of `ReadOptions`.
        given: single options, by keyword.

    Raises:
        NetworkError: naming the neuron, synapse or population, for what the options refuse, for
            options that are unknown, and for an empty population.
    """
    chosen = ReadOptions.of(options, given)
    if is_frame(source):
        table = FrameTable(WHAT, source)
        if chosen.kind == "edges" or (chosen.kind is None and has_edges(table)):
            return edges_of(table, labels, replace(chosen, kind=None), labelled=labels is not None)
    chosen = replace(chosen, kind=None if is_frame(source) else chosen.kind)
    if of := chosen.given(("kind", *OF_EDGES)):
        raise NetworkError(f"a matrix or graph is not a list of edges and has no {', '.join(of)}")
    matrix = matrix_of(source, labels, chosen)
    return built(matrix, populations, chosen, Reading(source=type(source).__name__))


class Matrix(NamedTuple):
    """Weights as they were given, row = target, with the ids and labels of neurons.

    Args:
        weights: an array or a sparse matrix.
        ids: names of the neurons; None: they have none.
        labels: of each neuron, and which are wanted.
        orientation: what rows and columns are.
        populations: where the labels are from.
    """

    weights: Any
    ids: np.ndarray | None
    labels: Labels
    orientation: str
    populations: str = ""


def is_frame(source: Any) -> bool:
    """Whether this is a pandas data frame."""
    return hasattr(source, "iloc") and hasattr(source, "columns")


def matrix_of(source: Any, labels: Any, options: ReadOptions) -> Matrix:
    """The matrix of a graph, data frame or array."""
    if is_graph(source):
        return graph_matrix(source, labels, options)
    if "weight" in options.given():
        raise NetworkError("weight= names an attribute of a graph's edges; a matrix has none")
    ids = None
    if is_frame(source):
        source, ids = _frame(source)
    return oriented(source, ids, labels, options)


def oriented(source: Any, ids: Any, labels: Any, options: ReadOptions) -> Matrix:
    """A matrix with its rows as targets."""
    if options.rows == "source":
        source = source.T if sps.issparse(source) else np.asarray(source).T
    count = source.shape[0] if getattr(source, "shape", ()) else len(source)
    own = labels_by_name(labels, ids, count, options)
    return Matrix(source, ids, own, ORIENTATIONS[options.rows], said_labels(labels))


def graph_matrix(source: Any, labels: Any, options: ReadOptions) -> Matrix:
    """The matrix of a graph, with labels from its nodes where no others are given."""
    graph, orientation = graph_of(source), ORIENTATIONS["graph"]
    ids = graph.ids
    named = isinstance(labels, str) and not Path(labels).is_file()
    if labels is not None and not named:
        weights = graph_weights(graph, np.ones(len(graph.ends), dtype=bool), options)
        own = labels_by_name(labels, ids, len(ids), options)
        return Matrix(weights, ids, own, orientation, said_labels(labels))
    edges, nodes = filtered(graph, options)
    name = labels if named else options.label
    values, found = node_labels(graph, None if name is None else str(name))
    said = f"attribute {found} of the nodes" if found else ""
    own = Labels(values, nodes)
    return Matrix(graph_weights(graph, edges, options), ids, own, orientation, said)


def said_labels(labels: Any) -> str:
    """Where labels are from, in words."""
    if labels is None:
        return ""
    return str(labels) if isinstance(labels, str | os.PathLike) else type(labels).__name__


def _frame(frame: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """The values of a data frame and the names of its neurons; columns in the order of rows."""
    import pandas as pd

    rows, columns = ([name_of(str(v)) for v in own] for own in (frame.index, frame.columns))
    if all(isinstance(v, pd.RangeIndex) for v in (frame.index, frame.columns)):
        rows = columns = []
    values = frame.to_numpy(dtype=object) if frame.dtypes.eq(object).any() else frame.to_numpy()
    return aligned_by_name(values, rows, columns, "the data frame")


def aligned_by_name(
    values: np.ndarray, rows: Sequence[str], columns: Sequence[str], what: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """A matrix with its columns in the order of its rows, and the names of these.

    Raises:
        NetworkError: rows and columns name different neurons, or one of them twice.
    """
    if not rows and not columns:
        return values, None
    for names, side in ((rows, "rows"), (columns, "columns")):
        if len(set(names)) < len(names):
            twice = next(name for name in names if list(names).count(name) > 1)
            raise NetworkError(f"{what}: two of its {side} have the name {twice!r}: rename one")
    if set(rows) != set(columns):
        apart = sorted(set(rows) ^ set(columns))
        raise NetworkError(
            f"{what}: its rows and its columns name different neurons, e.g. {apart[0]!r} is only "
            f"in its {'rows' if apart[0] in set(rows) else 'columns'}: both need all of them"
        )
    if list(rows) != list(columns):
        at = {name: k for k, name in enumerate(columns)}
        values = values[:, [at[name] for name in rows]]
    return values, np.array(rows, dtype=str)


def built(
    matrix: Matrix,
    populations: Sequence[str] | None,
    options: ReadOptions,
    reading: Reading,
) -> Network:
    """The network of a matrix, with what the options say and the report of reading."""
    source, ids = matrix.weights, matrix.ids
    _require_neurons(source)
    weights, copies = (
        sparse_weights(source, options, ids) if sps.issparse(source) else (dense_weights(source), 0)
    )
    entries = _count(weights)
    missing = settle(weights, options, ids)
    N = weights.shape[0] if weights.ndim else 0
    names, used = _labelled(matrix.labels, N, options, ids)
    if not used.all():
        weights, names = weights[used][:, used], names[used]
        ids = None if ids is None else ids[used]
    names, populations = _merged(names, populations, options)
    network = Network.of(weights, names, populations, ids=ids)
    said = replace(
        reading,
        orientation=matrix.orientation,
        duplicates=copies,
        missing=missing,
        dropped_edges=entries - missing - _count(weights),
        dropped_neurons=N - int(used.sum()),
        labels=matrix.populations,
    )
    own = said.counted(network.weights, network.labels, network.populations, ids)
    return replace(network, reading=own)


def _count(weights: Any) -> int:
    """Weights that are not 0."""
    return int(np.count_nonzero(weights.data if sps.issparse(weights) else weights))


def _require_neurons(source: Any) -> None:
    """Check that memory suffices for the neurons alone: a sparse matrix may declare any number."""
    N = max(getattr(source, "shape", ()), default=0)
    require_memory(NEURON * N, f"a network of {N} neurons", SMALLER)


def _merged(
    names: np.ndarray, populations: Sequence[str] | None, options: ReadOptions
) -> tuple[np.ndarray, list[str] | None]:
    """Labels with small populations put together, and the populations that are left."""
    if names.dtype.kind in "iu":
        if options.smallest == 1:
            checked_labels(names, options)
            return names, None if populations is None else list(populations)
        counted = (names + 1).astype(str)
        names = counted if populations is None else np.asarray(populations)[names]
    names = checked_labels(names.astype(str), options)
    if populations is None or options.smallest == 1:
        return names, None if populations is None else list(populations)
    return names, [p for p in [*populations, options.other] if p in names]


def _labelled(
    given: Labels, N: int, options: ReadOptions, ids: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and which neurons are wanted and have one."""
    labels = np.full(N, "all") if given.values is None else given.values
    # text beside NaN would become "nan"
    array = labels if isinstance(labels, np.ndarray) else np.array(list(labels), dtype=object)
    if array.shape != (N,):
        raise NetworkError(
            f"labels have shape {array.shape}; {N} neurons need one label each: ({N},)"
        )
    if all(isinstance(v, int) for v in array.tolist()):
        return array.astype(np.int64), np.ones(N, bool)
    text = np.array(["" if v is None or v != v else label_of(str(v)) for v in array.tolist()])
    wanted = np.ones(N, bool) if given.wanted is None else given.wanted
    lacking = wanted & (text == "")
    if lacking.any() and options.unlabelled == "refuse":
        raise NetworkError(
            f"{lacking.sum()} neurons have no label, e.g. {name_at(int(np.argmax(lacking)), ids)}: "
            "label them, or use unlabelled='drop'"
        )
    used = wanted & ~lacking
    if not used.any():
        raise NetworkError("no neuron has a label")
    return text, used
