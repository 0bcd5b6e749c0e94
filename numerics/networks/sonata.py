"""Edges and nodes in the SONATA format, two HDF5 files.

Dai et al. 2020, The SONATA data format for efficient description of large-scale network models,
PLOS Computational Biology 16 (2): e1007696.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import NetworkError
from ..archives import SMALLER
from ..machine import require_memory
from ..tables import FrameTable, explained
from .edges import edges_of
from .network import Network
from .options import ReadOptions

ENDS = ("source_node_id", "target_node_id")
WEIGHTS = ("syn_weight", "weight")
LIBRARY = "@library"


def is_sonata(path: Path) -> bool:
    """Whether an HDF5 file has edges as SONATA lays them out."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return isinstance(file.get("edges"), h5py.Group)
    except OSError:
        return False


def read_sonata(path: Path, labels: Any, options: ReadOptions) -> Network:
    """The network of a population of edges.

    Args:
        path: the file of edges.
        labels: the file of nodes, where `label` names an attribute; or labels by node id.
        options: `part` names the population, `weight` the attribute of edges.

    Raises:
        NetworkError: several populations, edges between two populations of nodes, no weights.
    """
    import h5py

    with _explained(path), h5py.File(path, "r") as file:
        name, group = _population(path, file["edges"], options.part)
        nodes = _node_population(path, group)
        frame = _edges(path, group, options)
    if isinstance(labels, str | os.PathLike) and Path(labels).suffix.lower() in (".h5", ".hdf5"):
        labels = _nodes(Path(labels), nodes, options)
    table = FrameTable(f"{path} (edges {name})", frame)
    weight = None if options.weight is None else "weight"
    own = replace(options, pre=ENDS[0], post=ENDS[1], weight=weight, part=None, kind=None)
    network = edges_of(table, labels, own, labelled=labels is not None)
    if network.reading is None:
        return network
    return replace(network, reading=replace(network.reading, source=str(path), format="SONATA"))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say of a file that lacks what SONATA asks for, or is damaged, which one it is."""
    try:
        with explained(path, "read as SONATA"):
            yield
    except KeyError as error:
        raise NetworkError(f"{path} cannot be read as SONATA: {error}") from error


def _population(path: Path, edges: Any, part: str | None) -> tuple[str, Any]:
    names = list(edges)
    chosen = [name for name in names if part in (None, name)]
    if len(chosen) != 1:
        raise NetworkError(
            f"{path} has the populations of edges {', '.join(names)}: name one of them with part="
        )
    return chosen[0], edges[chosen[0]]


def _node_population(path: Path, group: Any) -> str:
    names = []
    for end in ENDS:
        own = group[end].attrs.get("node_population", "")
        names.append(own.decode() if isinstance(own, bytes) else str(own))
    if names[0] != names[1]:
        raise NetworkError(
            f"{path}: its edges go from the nodes {names[0]!r} to the nodes {names[1]!r}, whose "
            "ids are not the same: a network has edges within one population of nodes"
        )
    return names[0]


def _edges(path: Path, group: Any, options: ReadOptions) -> Any:
    import pandas as pd

    require_memory(4.0 * sum(group[end].nbytes for end in ENDS), f"{path}, unpacked,", SMALLER)
    columns = {end: np.asarray(group[end]).astype(np.int64) for end in ENDS}
    own = _attributes(group, "edge")
    if options.weight is not None:
        wanted = WEIGHTS if options.weight is ... else (str(options.weight),)
        found = next((name for name in wanted if name in own), None)
        if found is None:
            raise NetworkError(
                f"{path}: edges have no attribute {' or '.join(wanted)}: they have "
                f"{', '.join(own) or 'none'}; use weight='...', or weight=None for 1 each"
            )
        columns["weight"] = own.pop(found)
    others = {name: values for name, values in own.items() if name not in columns}
    return pd.DataFrame(columns | others)


def _nodes(path: Path, population: str, options: ReadOptions) -> Any:
    """The table of nodes, with the ids and all attributes."""
    import h5py
    import pandas as pd

    if not path.is_file():
        raise NetworkError(f"there is no file {path}")
    with _explained(path), h5py.File(path, "r") as file:
        names = list(file.get("nodes", ()))
        chosen = population if population in names else names[0] if len(names) == 1 else None
        if chosen is None:
            raise NetworkError(f"{path} has no nodes {population!r}: it has {', '.join(names)}")
        group = file["nodes"][chosen]
        own = _attributes(group, "node")
        count = len(group["node_type_id"])
        ids = np.asarray(group["node_id"]) if "node_id" in group else np.arange(count)
    own.pop("node_id", None)
    return pd.DataFrame({"id": ids.astype(np.int64)} | own)


def _attributes(group: Any, kind: str) -> dict[str, np.ndarray]:
    """The attributes of all edges or nodes, which stand in groups 0, 1, ... of their own.

    An attribute that a group lacks is missing there.
    """
    count = len(group[f"{kind}_type_id"])
    which = _whole(group, f"{kind}_group_id", count)
    place = _whole(group, f"{kind}_group_index", count, np.arange(count))
    found: dict[str, np.ndarray] = {}
    for number in np.unique(which):
        own = group.get(str(number))
        rows = np.flatnonzero(which == number)
        for name, values in ({} if own is None else own).items():
            if not hasattr(values, "dtype") or getattr(values, "ndim", 0) != 1:
                continue
            array = _decoded(own, name, values)[place[rows]]
            if name not in found:
                empty = np.nan if array.dtype.kind in "fiub" else ""
                kind_of = float if array.dtype.kind in "fiub" else object
                found[name] = np.full(count, empty, dtype=kind_of)
            found[name][rows] = array
    found[f"{kind}_type_id"] = np.asarray(group[f"{kind}_type_id"])
    return found


def _whole(group: Any, name: str, count: int, default: Any = None) -> np.ndarray:
    if name in group:
        return np.asarray(group[name])
    return np.zeros(count, dtype=int) if default is None else default


def _decoded(group: Any, name: str, values: Any) -> np.ndarray:
    """An attribute; text that is kept as positions in a library, as text."""
    library = group.get(LIBRARY)
    if library is not None and name in library:
        return library[name].asstr()[()][np.asarray(values)]
    return values.asstr()[()] if values.dtype.kind == "O" else np.asarray(values)
