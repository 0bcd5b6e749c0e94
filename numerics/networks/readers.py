"""Networks from files of all kinds, by their suffix."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from .edges import read_edges
from .files import HDF5, read_arrays
from .matrices import read_labels, read_matrix, shape_of
from .network import Network
from .options import COLUMNS, ReadOptions
from .sources import as_network
from .stored import reading

TABLES = (".csv", ".tsv", ".txt")
MATRICES = (".npy", ".mtx")
EDGE_COLUMNS = 3  # pre, post, weight; a wider table is a matrix


def read_network(
    path: str | os.PathLike,
    labels: Any = None,
    options: ReadOptions | None = None,
    **given: Any,
) -> Network:
    """A network from a file, by its suffix.

    - .npz: written by `Network.save`, or by SciPy's `save_npz`; .h5, .hdf5: by `Network.save`.
    - .csv, .tsv, .txt, also .gz: a list of edges, up to 3 columns, or an adjacency matrix; the
      option `kind` says which where the shape does not (3 x 3 or smaller). If the corner of a
      matrix is not a number, its first row and column are names of neurons.
    - .npy, .mtx (.mtx.gz): NumPy's array, a Matrix Market file.
    - .graphml: a graph, which needs networkx.

    Args:
        path: the file.
        labels: one for each neuron, in order; or a file with one on each line, or with columns id
            and label where neurons have names; of a graph, also the name of a node's attribute.
            None: those of the file, or one population, "all".
        options: how to read; by default those of `ReadOptions`.
        given: single options, by keyword.

    Returns:
        The network; one that `Network.save` wrote keeps its seed and parameters where no labels
        and options are given.

    Raises:
        NetworkError: a missing, damaged or ambiguous file, and whatever `as_network` refuses.
    """
    path, chosen = Path(path), ReadOptions.of(options, given)
    if not path.is_file():
        raise NetworkError(f"there is no file {path}")
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix in TABLES and (chosen.kind or _kind(path)) == "edges":
        return _from_edges(path, labels, replace(chosen, kind=None))
    chosen.refuse(COLUMNS, path, "is not a list of edges and has no")
    chosen = replace(chosen, kind=None)
    if suffix == ".graphml":
        return _from_graph(path, labels, chosen)
    chosen.refuse(("weight",), path, "is not a list of edges and has no")
    if suffix in (".npz", *HDF5):
        return _from_arrays(path, labels, chosen)
    if suffix not in (*TABLES, *MATRICES):
        known = ", ".join((".npz", *HDF5, *TABLES, *MATRICES, ".graphml"))
        raise NetworkError(
            f"{path}: a network is not read from a file with this suffix: known are {known}, and "
            ".csv.gz, .mtx.gz"
        )
    weights, names = read_matrix(path, suffix)
    return as_network(weights, read_labels(labels, names), options=chosen)


def _from_arrays(path: Path, labels: Any, options: ReadOptions) -> Network:
    own = None if path.suffix in HDF5 else _scipy_sparse(path)
    if own is not None:
        return as_network(own, read_labels(labels), options=options)
    network = Network.load(path)
    if labels is None and not options.given():
        return network
    names = np.asarray(network.populations)[network.labels]
    given = names if labels is None else read_labels(labels)
    return as_network(network.weights, given, options=options)


def _scipy_sparse(path: Path) -> sps.sparray | None:
    """A matrix written by SciPy; None for another file."""
    with reading(path):
        content = read_arrays(path)
        if "format" not in content or content["format"].dtype.kind not in "SU":
            return None
        matrix = sps.load_npz(path)
        if hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)
        return matrix


def _from_graph(path: Path, labels: Any, options: ReadOptions) -> Network:
    try:
        import networkx
    except ImportError as error:
        raise NetworkError(
            f"{path} is read by networkx, which is not installed: pip install 'motifield[graphs]'"
        ) from error
    try:
        graph = networkx.read_graphml(path)
    except Exception as error:  # parsers raise errors of their own
        raise NetworkError(f"{path} cannot be read as GraphML: {error}") from error
    attribute = isinstance(labels, str) and not Path(labels).is_file()
    own = labels if attribute else read_labels(labels, list(graph.nodes))
    return as_network(graph, own, options=options)


def _kind(path: Path) -> str:
    lines, width = shape_of(path)
    if width > EDGE_COLUMNS:
        return "adjacency"
    if lines == width:
        raise NetworkError(
            f"{path}: {lines} lines of {width} columns may be edges or a matrix: use kind='edges' "
            "or kind='adjacency'"
        )
    return "edges"


def _from_edges(path: Path, labels: Any, options: ReadOptions) -> Network:
    if options.rows != "target":
        raise NetworkError(
            f"{path} is a list of edges: say which column is the source with pre=, post="
        )
    if labels is None:
        return read_edges(path, options=options)
    if not isinstance(labels, str | os.PathLike):
        raise NetworkError(
            f"{path} is a list of edges, whose neurons have ids: give their labels as a file with "
            "the columns id and label"
        )
    id = 0 if options.id is None else options.id
    label = 1 if options.label is None else options.label
    return read_edges(path, labels, replace(options, id=id, label=label))
