"""Networks from what others store and pass: arrays, sparse matrices, graphs, and files of all these."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from .edges import merge_small, one_of, read_edges
from .files import HDF5, read_arrays
from .matrices import read_labels, read_matrix
from .network import Network, load_network

TABLES = (".csv", ".tsv", ".txt")
MATRICES = (".npy", ".mtx")
KINDS = ("edges", "adjacency")


def read_network(
    path: str | os.PathLike,
    labels: Any = None,
    *,
    kind: str | None = None,
    rows: str = "target",
    missing: str = "refuse",
    negative: str = "keep",
    self_synapses: str = "keep",
    duplicates: str = "refuse",
    unlabelled: str = "refuse",
    smallest: int = 1,
    other: str = "other",
    **columns: Any,
) -> Network:
    """A network from a file, by its suffix:

    .npz: written by `Network.save`, or by SciPy's `save_npz`; .h5, .hdf5: by `Network.save`
    .csv, .tsv, .txt, also .gz: a list of edges, up to 3 columns, or an adjacency matrix; `kind`, "edges" or "adjacency", says which where the
        shape does not (3 x 3 or smaller). A matrix has separators of its own or blanks, and if its corner is not a number, names of neurons in
        its first row and column
    .npy, .mtx (.mtx.gz): NumPy's array, a Matrix Market file; .graphml: a graph, which needs networkx

    labels: one label for each neuron, in order; or a file with one on each line, or with the columns id and label (no header) where neurons
        have names; of a graph, also the name of a node's attribute. Without them there is one population, "all"
    columns: of a list of edges, `pre`, `post`, `weight`, `id`, `label`, `where`, `unknown` as in `read_edges`; `label` and `where` with a
        table of neurons as `labels`, whose columns are by default the positions 0 and 1. `weight` of a graph: the edges' attribute
    others: as in `as_network`

    Raises `NetworkError` for a missing, damaged or ambiguous file, and for whatever `as_network` refuses.
    """
    path = Path(path)
    if not path.is_file():
        raise NetworkError(f"there is no file {path}")
    options: dict[str, Any] = {
        "rows": rows,
        "missing": missing,
        "negative": negative,
        "self_synapses": self_synapses,
        "unlabelled": unlabelled,
        "smallest": smallest,
        "other": other,
    }
    if kind is not None and kind not in KINDS:
        raise NetworkError(f"kind={kind!r} is unknown: use {' or '.join(map(repr, KINDS))}")
    suffix = _suffix(path)
    if suffix in (".npz", *HDF5):
        _no_columns(path, columns)
        own = None if suffix in HDF5 else _scipy_sparse(path)
        if own is not None:
            return as_network(own, read_labels(labels), duplicates=duplicates, **options)
        network = load_network(path)
        changed = labels is not None or options != _DEFAULTS
        return (
            as_network(
                network.weights, _own_labels(network, labels), duplicates=duplicates, **options
            )
            if changed
            else network
        )
    if suffix == ".graphml":
        graph = _graphml(path)
        own = (
            labels
            if isinstance(labels, str) and not Path(labels).is_file()
            else read_labels(labels, list(graph.nodes))
        )
        return as_network(graph, own, duplicates=duplicates, **columns, **options)
    if suffix in TABLES:
        kind = kind or _kind(path)
        if kind == "edges":
            return _from_edges(path, labels, columns, duplicates, options)
    elif suffix not in MATRICES:
        known = ", ".join((".npz", *HDF5, *TABLES, *MATRICES, ".graphml"))
        raise NetworkError(
            f"{path}: a network is not read from a file with this suffix: known are {known}, and .csv.gz, .mtx.gz"
        )
    _no_columns(path, columns)
    weights, names = read_matrix(path, suffix)
    return as_network(weights, read_labels(labels, names), duplicates=duplicates, **options)


def as_network(
    source: Any,
    labels: Any = None,
    populations: Sequence[str] | None = None,
    *,
    weight: str | None = "weight",
    rows: str = "target",
    missing: str = "refuse",
    negative: str = "keep",
    self_synapses: str = "keep",
    duplicates: str = "refuse",
    unlabelled: str = "refuse",
    smallest: int = 1,
    other: str = "other",
) -> Network:
    """A network from a square array, a SciPy sparse matrix, or a directed networkx graph, whose edge u -> v is the synapse from u onto v.

    labels: one for each neuron, names or indices into `populations`, or for each node of a graph, or the name of a node's attribute; None:
        one population, "all"
    weight: the edges' attribute that holds the weight; None: every edge is 1
    rows: of a matrix are the "target" neurons of the synapses, or their "source"
    missing: a weight that is not known (NaN, None) is refused, or counts as no synapse ("zero")
    negative: weights below 0 are kept or refused (counts of synapses have none)
    self_synapses: keep or drop the synapses of a neuron onto itself
    duplicates: an edge given twice, in a sparse matrix in coordinates or a multigraph, is refused, or its weights are summed ("sum")
    unlabelled: a neuron without a label (None, NaN, "") is refused, or dropped with its synapses ("drop")
    smallest, other: populations of fewer than `smallest` neurons become one population, `other`. A population of one neuron has no variance
        between its neurons, and motifs within it are 0

    Raises `NetworkError`, naming the neuron, synapse or population, for what is refused, for options that are unknown, and for an empty
    population.
    """
    for name, value, options in (
        ("rows", rows, ("target", "source")),
        ("missing", missing, ("refuse", "zero")),
        ("negative", negative, ("keep", "refuse")),
        ("self_synapses", self_synapses, ("keep", "drop")),
        ("duplicates", duplicates, ("refuse", "sum")),
        ("unlabelled", unlabelled, ("refuse", "drop")),
    ):
        one_of(name, value, *options)
    if hasattr(source, "edges") and hasattr(source, "is_directed"):
        source, labels = _graph(source, labels, weight)
    elif rows == "source":
        source = source.T if sps.issparse(source) else np.asarray(source).T
    weights = _sparse(source, duplicates) if sps.issparse(source) else _dense(source)
    _weigh(weights, missing, negative, self_synapses)
    N = weights.shape[0]
    names, used = _labelled(np.full(N, "all") if labels is None else labels, N, unlabelled)
    if not used.all():
        weights, names = weights[used][:, used], names[used]
    if smallest > 1:
        if names.dtype.kind in "iu":
            names = (
                np.asarray(populations)[names]
                if populations is not None
                else (names + 1).astype(str)
            )
        names = merge_small(names.astype(str), smallest, other)
        populations = (
            None if populations is None else [p for p in [*populations, other] if p in names]
        )
    return Network.of(weights, names, populations)


def _sparse(source: Any, duplicates: str) -> sps.csr_array:
    entries = sps.coo_array(source)
    i, j = entries.coords
    pairs, counts = np.unique(i.astype(np.int64) * entries.shape[1] + j, return_counts=True)
    if len(pairs) < len(i) and duplicates == "refuse":
        a, b = divmod(int(pairs[np.argmax(counts > 1)]), entries.shape[1])
        raise NetworkError(
            f"{(counts > 1).sum()} synapses are given more than once, e.g. that from neuron {b} onto neuron {a}: remove the "
            "copies, or add their weights with duplicates='sum'"
        )
    made = sps.csr_array(entries.tocsr(), dtype=_dtype(entries.dtype), copy=True)
    made.sum_duplicates()
    return made


def _dense(source: Any) -> np.ndarray:
    try:
        array = np.array(source)
        array = (
            np.where(array == None, np.nan, array).astype(float) if array.dtype == object else array  # noqa: E711
        )
        return array.astype(_dtype(array.dtype), copy=False)
    except (TypeError, ValueError) as error:
        raise NetworkError(f"weights are not a matrix of numbers: {error}") from error


def _dtype(dtype: np.dtype) -> np.dtype:
    return np.dtype(dtype if dtype == np.float32 or dtype.kind not in "fiub" else np.float64)


def _weigh(weights: Any, missing: str, negative: str, self_synapses: str) -> None:
    """Apply the options to a matrix of our own, in place."""
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or weights.dtype.kind != "f":
        return  # `Network.of` says what is wrong
    values = weights.data if sps.issparse(weights) else weights
    unknown = np.isnan(values)
    if unknown.any():
        if missing == "refuse":
            raise NetworkError(
                f"{unknown.sum()} weights are missing, e.g. {_where(weights, unknown)}: complete them, or use missing='zero'"
            )
        values[unknown] = 0
    if negative == "refuse":
        _refuse_negative(weights)
    if self_synapses == "drop":
        if sps.issparse(weights):
            i = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
            values[i == weights.indices] = 0
        else:
            np.fill_diagonal(weights, 0)
    if sps.issparse(weights):
        weights.eliminate_zeros()


def _refuse_negative(weights: Any) -> None:
    below = (weights.data if sps.issparse(weights) else weights) < 0
    if below.any():
        raise NetworkError(f"{below.sum()} weights are negative, e.g. {_where(weights, below)}")


def _where(weights: Any, bad: np.ndarray) -> str:
    if sps.issparse(weights):
        k = int(np.argmax(bad))
        i, j = int(np.searchsorted(weights.indptr, k, side="right")) - 1, int(weights.indices[k])
    else:
        i, j = (int(k) for k in np.argwhere(bad)[0])
    return f"that of the synapse from neuron {j} onto neuron {i}"


def _labelled(labels: Any, N: int, unlabelled: str) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and which neurons have one."""
    # text beside NaN would become "nan"
    array = labels if isinstance(labels, np.ndarray) else np.array(list(labels), dtype=object)
    if array.shape != (N,):
        raise NetworkError(
            f"labels have shape {array.shape}; {N} neurons need one label each: ({N},)"
        )
    if all(isinstance(v, int) for v in array.tolist()):
        return array.astype(np.int64), np.ones(N, bool)
    text = np.array(["" if v is None or v != v else str(v).strip() for v in array.tolist()])
    used = text != ""
    if not used.all() and unlabelled == "refuse":
        raise NetworkError(
            f"{N - used.sum()} neurons have no label, e.g. neuron {int(np.argmin(used))}: label them, or use unlabelled='drop'"
        )
    if not used.any():
        raise NetworkError("no neuron has a label")
    if all(
        isinstance(v, float) for v in array.tolist()
    ):  # integers that stand beside missing labels
        text = np.array([v.removesuffix(".0") for v in text])
    return text, used


def _graph(graph: Any, labels: Any, weight: str | None) -> tuple[sps.coo_array, Any]:
    if not graph.is_directed():
        raise NetworkError(
            "the graph is undirected, and a synapse has a direction: use graph.to_directed() if every edge is two synapses"
        )
    nodes = list(graph.nodes)
    at = {node: k for k, node in enumerate(nodes)}
    edges = list(graph.edges(data=True))
    values = [1.0 if weight is None else data.get(weight) for _, _, data in edges]
    if edges and weight is not None and all(v is None for v in values):
        raise NetworkError(
            f"no edge of the graph has the attribute {weight!r}: name the one with the weights, or use weight=None for 1 each"
        )
    try:
        numbers = np.array([np.nan if v is None else float(v) for v in values])
    except (TypeError, ValueError) as error:
        raise NetworkError(
            f"the attribute {weight!r} of an edge is not a number: {error}"
        ) from error
    i, j = ([at[edge[k]] for edge in edges] for k in (1, 0))
    if isinstance(labels, str):
        own = [graph.nodes[node].get(labels) for node in nodes]
        if all(v is None for v in own):
            raise NetworkError(f"no node of the graph has the attribute {labels!r}")
        labels = [None if v is None else str(v) for v in own]
    elif isinstance(labels, Mapping):
        labels = [labels.get(node) for node in nodes]
    return sps.coo_array((numbers, (i, j)), shape=(len(nodes), len(nodes))), labels


def _graphml(path: Path) -> Any:
    try:
        import networkx
    except ImportError as error:
        raise NetworkError(
            f"{path} is read by networkx, which is not installed: pip install 'motifield[graphs]'"
        ) from error
    try:
        return networkx.read_graphml(path)
    except Exception as error:  # parsers raise errors of their own
        raise NetworkError(f"{path} cannot be read as GraphML: {error}") from error


def _suffix(path: Path) -> str:
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


def _scipy_sparse(path: Path) -> sps.sparray | None:
    """A matrix written by SciPy; None for another file."""
    try:
        content = read_arrays(path)
        return (
            sps.load_npz(path)
            if "format" in content and content["format"].dtype.kind in "SU"
            else None
        )
    except Exception:  # `load_network` says what is wrong with the file
        return None


def _own_labels(network: Network, labels: Any) -> Any:
    return (
        np.asarray(network.populations)[network.labels] if labels is None else read_labels(labels)
    )


def _no_columns(path: Path, columns: Mapping[str, Any]) -> None:
    if columns:
        raise NetworkError(f"{path} is not a list of edges and has no {', '.join(columns)}")


def _kind(path: Path) -> str:
    from .matrices import shape_of

    lines, width = shape_of(path)
    if width > 3:
        return "adjacency"
    if lines == width:
        raise NetworkError(
            f"{path}: {lines} lines of {width} columns may be edges or a matrix: use kind='edges' or kind='adjacency'"
        )
    return "edges"


def _from_edges(
    path: Path, labels: Any, columns: dict[str, Any], duplicates: str, options: dict[str, Any]
) -> Network:
    own = dict(columns)
    if options["rows"] != "target":
        raise NetworkError(
            f"{path} is a list of edges: say which column is the source with pre=, post="
        )
    if labels is not None and not isinstance(labels, str | os.PathLike):
        raise NetworkError(
            f"{path} is a list of edges, whose neurons have ids: give their labels as a file with the columns id and label"
        )
    if labels is not None:
        own = {"id": 0, "label": 1} | own
    passed = {
        k: options[k] for k in ("missing", "self_synapses", "unlabelled", "smallest", "other")
    }
    network = read_edges(path, labels, duplicates=duplicates, **passed, **own)
    if options["negative"] == "refuse":
        _refuse_negative(network.weights)
    return network


_DEFAULTS = {
    "rows": "target",
    "missing": "refuse",
    "negative": "keep",
    "self_synapses": "keep",
    "unlabelled": "refuse",
    "smallest": 1,
    "other": "other",
}
