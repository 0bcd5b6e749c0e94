"""Networks from what others pass: arrays, sparse matrices and graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from ..archives import SMALLER
from ..machine import require_memory
from .network import Network, Reading
from .options import COLUMNS, ReadOptions, merge_small

ORIENTATIONS = {
    "target": "rows are target neurons, columns are source neurons",
    "source": "rows are source neurons, columns are target neurons",
    "graph": "an edge u -> v has the source u and the target v",
}
NEURON = 200.0  # bytes of a neuron without synapses: its label, as text and as an object, and rows


def as_network(
    source: Any,
    labels: Any = None,
    populations: Sequence[str] | None = None,
    options: ReadOptions | None = None,
    **given: Any,
) -> Network:
    """A network from a square array, a SciPy sparse matrix, or a directed networkx graph.

    An edge u -> v of a graph is the synapse from u onto v.

    Args:
        source: the matrix or graph; arrays are copied.
        labels: one for each neuron, names or indices into `populations`, or for each node of a
            graph, or the name of a node's attribute; None: one population, "all".
        populations: their names, where labels are indices or their order matters.
        options: how to read; by default those of `ReadOptions`.
        given: single options, by keyword.

    Raises:
        NetworkError: naming the neuron, synapse or population, for what the options refuse, for
            options that are unknown, and for an empty population.
    """
    chosen = ReadOptions.of(options, given)
    if of := chosen.given(("kind", *COLUMNS)):
        raise NetworkError(f"a matrix or graph is not a list of edges and has no {', '.join(of)}")
    graph = hasattr(source, "edges") and hasattr(source, "is_directed")
    if graph:
        source, labels = _graph(source, labels, chosen)
    elif "weight" in chosen.given():
        raise NetworkError("weight= names an attribute of a graph's edges; a matrix has none")
    elif chosen.rows == "source":
        source = source.T if sps.issparse(source) else np.asarray(source).T
    _require_neurons(source)
    orientation = ORIENTATIONS["graph" if graph else chosen.rows]
    weights, copies = _sparse(source, chosen) if sps.issparse(source) else (_dense(source), 0)
    _weigh(weights, chosen)
    N = weights.shape[0]
    names, used = _labelled(np.full(N, "all") if labels is None else labels, N, chosen)
    if not used.all():
        weights, names = weights[used][:, used], names[used]
    if chosen.smallest > 1:
        names, populations = _merged(names, populations, chosen)
    network = Network.of(weights, names, populations)
    return replace(network, read=Reading(orientation, copies))


def _require_neurons(source: Any) -> None:
    """Check that memory suffices for the neurons alone: a sparse matrix may declare any number."""
    N = max(getattr(source, "shape", ()), default=0)
    require_memory(NEURON * N, f"a network of {N} neurons", SMALLER)


def _merged(
    names: np.ndarray, populations: Sequence[str] | None, options: ReadOptions
) -> tuple[np.ndarray, list[str] | None]:
    """Labels with small populations put together, and the populations that are left."""
    if names.dtype.kind in "iu":
        counted = (names + 1).astype(str)
        names = counted if populations is None else np.asarray(populations)[names]
    names = merge_small(names.astype(str), options)
    if populations is None:
        return names, None
    return names, [p for p in [*populations, options.other] if p in names]


def _sparse(source: Any, options: ReadOptions) -> tuple[sps.csr_array, int]:
    """The matrix, and how many of its entries are added to others."""
    entries = sps.coo_array(source)
    i, j = entries.coords
    pairs, counts = np.unique(i.astype(np.int64) * entries.shape[1] + j, return_counts=True)
    if len(pairs) < len(i) and options.duplicates == "refuse":
        a, b = divmod(int(pairs[np.argmax(counts > 1)]), entries.shape[1])
        raise NetworkError(
            f"{(counts > 1).sum()} synapses are given more than once, e.g. that from neuron {b} "
            f"onto neuron {a}: remove the copies, or add their weights with duplicates='sum'"
        )
    made = sps.csr_array(entries.tocsr(), dtype=_dtype(entries.dtype), copy=True)
    made.sum_duplicates()
    return made, len(i) - len(pairs)


def _dense(source: Any) -> np.ndarray:
    try:
        array = np.array(source)
        if array.dtype == object:
            array = np.where(array == None, np.nan, array).astype(float)  # noqa: E711
        return array.astype(_dtype(array.dtype), copy=False)
    except (TypeError, ValueError) as error:
        raise NetworkError(f"weights are not a matrix of numbers: {error}") from error


def _dtype(dtype: np.dtype) -> np.dtype:
    return np.dtype(dtype if dtype == np.float32 or dtype.kind not in "fiub" else np.float64)


def _weigh(weights: Any, options: ReadOptions) -> None:
    """Apply the options to a matrix of our own, in place."""
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or weights.dtype.kind != "f":
        return  # `Network.of` says what is wrong
    values = weights.data if sps.issparse(weights) else weights
    unknown = np.isnan(values)
    if unknown.any():
        if options.missing == "refuse":
            raise NetworkError(
                f"{unknown.sum()} weights are missing, e.g. {_where(weights, unknown)}: complete "
                "them, or use missing='zero'"
            )
        values[unknown] = 0
    if options.negative == "refuse":
        refuse_negative(weights)
    if options.self_synapses == "drop":
        if sps.issparse(weights):
            i = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
            values[i == weights.indices] = 0
        else:
            np.fill_diagonal(weights, 0)
    if sps.issparse(weights):
        weights.eliminate_zeros()


def refuse_negative(weights: Any) -> None:
    """Raise `NetworkError` where a weight is below 0."""
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


def _labelled(labels: Any, N: int, options: ReadOptions) -> tuple[np.ndarray, np.ndarray]:
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
    if not used.all() and options.unlabelled == "refuse":
        raise NetworkError(
            f"{N - used.sum()} neurons have no label, e.g. neuron {int(np.argmin(used))}: label "
            "them, or use unlabelled='drop'"
        )
    if not used.any():
        raise NetworkError("no neuron has a label")
    if all(isinstance(v, float) for v in array.tolist()):
        # integers that stand beside missing labels
        text = np.array([v.removesuffix(".0") for v in text])
    return text, used


def _graph(graph: Any, labels: Any, options: ReadOptions) -> tuple[sps.coo_array, Any]:
    if not graph.is_directed():
        raise NetworkError(
            "the graph is undirected, and a synapse has a direction: use graph.to_directed() if "
            "every edge is two synapses"
        )
    weight = "weight" if options.weight is ... else options.weight
    nodes, edges = list(graph.nodes), list(graph.edges(data=True))
    values = [1.0 if weight is None else data.get(weight) for _, _, data in edges]
    if edges and weight is not None and all(v is None for v in values):
        raise NetworkError(
            f"no edge of the graph has the attribute {weight!r}: name the one with the weights, "
            "or use weight=None for 1 each"
        )
    try:
        numbers = np.array([np.nan if v is None else float(v) for v in values])
    except (TypeError, ValueError) as error:
        raise NetworkError(
            f"the attribute {weight!r} of an edge is not a number: {error}"
        ) from error
    at = {node: k for k, node in enumerate(nodes)}
    i, j = ([at[edge[k]] for edge in edges] for k in (1, 0))
    matrix = sps.coo_array((numbers, (i, j)), shape=(len(nodes), len(nodes)))
    return matrix, _node_labels(graph, nodes, labels)


def _node_labels(graph: Any, nodes: list[Any], labels: Any) -> Any:
    if isinstance(labels, str):
        own = [graph.nodes[node].get(labels) for node in nodes]
        if all(v is None for v in own):
            raise NetworkError(f"no node of the graph has the attribute {labels!r}")
        return [None if v is None else str(v) for v in own]
    if isinstance(labels, Mapping):
        return [labels.get(node) for node in nodes]
    return labels
