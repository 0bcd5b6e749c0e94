"""Networks from files of all kinds, by their suffix."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from ..tables import TABLES, Place, Table, open_table, place_of
from .caching import cached
from .columns import has_edges, may_be_matrix, width_of
from .edges import edges_of
from .files import HDF5, read_arrays
from .formats import origin, packing
from .graphs import FORMATS, read_graph
from .matrices import one_matrix, read_matrix, table_matrix
from .network import Network
from .options import ReadOptions
from .reading import Reading
from .sonata import is_sonata, read_sonata
from .sources import OF_EDGES, built, graph_matrix, oriented
from .stored import reading

MATRICES = {".npy": "NumPy array", ".mtx": "Matrix Market", ".mat": "MATLAB"}
KNOWN = (".npz", *HDF5, *TABLES, *MATRICES, *FORMATS)
WITH_PARTS = (".npz", ".mat", *HDF5, ".xlsx", ".xlsm")
EDGE_COLUMNS = 3  # pre, post, weight; a wider table without a header is a matrix


def read_network(
    path: str | os.PathLike,
    labels: Any = None,
    options: ReadOptions | None = None,
    **given: Any,
) -> Network:
    """A network from a file, by its suffix.

    - .npz: written by `Network.save`, or by SciPy's `save_npz`, or a square array; .h5, .hdf5: by
      `Network.save`, or edges in the SONATA format.
    - .csv, .tsv, .txt, .xlsx, .parquet, .feather: a list of edges, or an adjacency matrix; the
      option `kind` says which where shape and header do not. A matrix may have the names of its
      neurons in the first row, the first column, or both.
    - .npy, .mtx, .mat: NumPy's array, a Matrix Market file, a variable of MATLAB.
    - .graphml, .gexf, .gml, .net (Pajek), .json (node-link): a graph, which needs networkx.

    Text and graphs may be packed (.gz, .bz2, .xz, .zip). What was found is in `reading` of the
    network, the report to look at first.

    Args:
        path: the file.
        labels: one for each neuron, in order; or, where neurons have names, a mapping or pandas
            Series by name; or a file with one on each line, or with columns id and label; of a
            graph, also the name of a node's attribute. None: those of the file, or one
            population, "all".
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
    with _naming(path, labels):
        return (
            _read(path, labels, chosen)
            if chosen.cache is None
            else cached(path, labels, chosen, _read)
        )


@contextmanager
def _naming(*paths: Any) -> Iterator[None]:
    """Say of a refusal which file it is about."""
    try:
        yield
    except NetworkError as error:
        files = [str(path) for path in paths if isinstance(path, str | os.PathLike)]
        if any(name in str(error) for name in files):
            raise
        raise NetworkError(f"{paths[0]}: {error}") from error


def _read(path: Path, labels: Any, options: ReadOptions) -> Network:
    place = place_of(path, options.part)
    suffix = place.suffix
    if not place.member and suffix not in WITH_PARTS:
        options.refuse(("part",), path, "is one table or graph, and has no")
    if suffix in TABLES:
        return _from_table(path, labels, options)
    options.refuse(("pre", "post"), path, "is not a list of edges and has no")
    if options.kind == "edges":
        raise NetworkError(f"{path} is not a table: kind='edges' is for tables")
    if suffix in FORMATS:
        options.refuse(("kind", "rows", *OF_EDGES), path, "is a graph, which has no")
        graph = read_graph(place, options)
        matrix = graph_matrix(graph, labels, options)
        return built(matrix, None, options, _report(place, FORMATS[suffix]))
    if suffix in HDF5 and is_sonata(path):
        return read_sonata(path, labels, options)
    options.refuse(("weight", "unknown"), path, "is not a list of edges and has no")
    if suffix in (".npz", *HDF5):
        return _from_arrays(path, labels, replace(options, kind=None))
    if suffix not in MATRICES:
        raise NetworkError(
            f"{path}: a network is not read from a file with this suffix: known are "
            f"{', '.join(KNOWN)}, and text and graphs packed as .gz, .bz2, .xz or .zip"
        )
    weights = read_matrix(place, options)
    matrix = oriented(weights, None, labels, options)
    return built(matrix, None, options, _report(place, MATRICES[suffix]))


def _report(place: Place, written: str) -> Reading:
    return Reading(source=str(place), format=written + packing(place))


def _from_table(path: Path, labels: Any, options: ReadOptions) -> Network:
    table = open_table(
        path, "", part=options.part, separator=options.separator, encoding=options.encoding
    )
    if (options.kind or _kind(path, table, options)) == "edges":
        if options.rows != "target":
            raise NetworkError(
                f"{path} is a list of edges: say which column is the source with pre=, post="
            )
        if labels is not None and not _by_name(labels):
            raise NetworkError(
                f"{path} is a list of edges, whose neurons have ids: give their labels by id, as a "
                "mapping, or a file with the columns id and label"
            )
        return edges_of(table, labels, replace(options, kind=None), labelled=labels is not None)
    options.refuse(OF_EDGES, path, "is not a list of edges and has no")
    options.refuse(("weight",), path, "is not a list of edges and has no")
    weights, ids = table_matrix(table, options)
    if weights.shape[0] != weights.shape[1]:
        raise NetworkError(
            f"{path}: a network needs a square matrix, and this one has {weights.shape[0]} rows of "
            f"{weights.shape[1]} numbers; if it is a list of edges, say which columns are meant, "
            "e.g. pre=0, post=1, weight=2"
        )
    return built(oriented(weights, ids, labels, options), None, options, origin(table))


def _by_name(labels: Any) -> bool:
    return isinstance(labels, str | os.PathLike) or hasattr(labels, "items")


def _kind(path: Path, table: Table, options: ReadOptions) -> str:
    """What a table is, by its names and its shape."""
    if has_edges(table) or options.given(("pre", "post", "weight")):
        return "edges"
    lines, width = len(table.head), width_of(table)
    if width > EDGE_COLUMNS:
        return "adjacency" if may_be_matrix(table) else "edges"
    if lines == width:
        raise NetworkError(
            f"{path}: {lines} lines of {width} columns may be edges or a matrix: use kind='edges' "
            "or kind='adjacency'"
        )
    return "edges"


def _from_arrays(path: Path, labels: Any, options: ReadOptions) -> Network:
    own = None if path.suffix.lower() in HDF5 else _foreign(path, options)
    if own is not None:
        said = "SciPy sparse matrix" if sps.issparse(own) else "NumPy arrays"
        matrix = oriented(own, None, labels, options)
        return built(matrix, None, options, Reading(source=str(path), format=said))
    network = Network.load(path)
    if labels is None and not options.given():
        return network
    values = np.asarray(network.populations)[network.labels]
    ids = network.ids
    matrix = oriented(network.matrix, ids, values if labels is None else labels, options)
    return built(matrix, None, options, Reading(source=str(path), format="motifield"))


def _foreign(path: Path, options: ReadOptions) -> Any:
    """A matrix that SciPy or NumPy wrote; None for a file of ours."""
    with reading(path):
        content = read_arrays(path)
        if "populations" in content and "labels" in content:
            return None
        if "format" not in content:
            return one_matrix(content, path, options.part)
        if content["format"].dtype.kind not in "SU":
            return None
        matrix = sps.load_npz(path)
        if hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)
        return matrix
