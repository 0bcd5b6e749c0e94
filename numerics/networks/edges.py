"""Networks from tables: an edge list and a table of neurons, as CSV, plain or compressed."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from .network import Network

if TYPE_CHECKING:
    import pandas as pd


def read_edges(
    edges: str | os.PathLike,
    nodes: str | os.PathLike | None = None,
    *,
    pre: str | int = 0,
    post: str | int = 1,
    weight: str | int | None = 2,
    id: str | int = "id",
    label: str | int | None = None,
    where: Mapping[str | int, Any] | None = None,
    smallest: int = 1,
    other: str = "other",
    duplicates: str = "refuse",
    unknown: str = "refuse",
    self_synapses: str = "keep",
    missing: str = "refuse",
    unlabelled: str = "refuse",
) -> Network:
    """A sparse network from an edge list and, if given, a table of neurons; both CSV, plain or compressed (.csv.gz),
    or separated by tabs (.tsv) or blanks (.txt).

    `pre`, `post` and `weight` are columns of the edge list: positions when the file has no header, names when it has
    one; `weight=None` counts every edge as 1. `id` and `label` are columns of the table, which has a header when `id`
    is a name. Neurons stand in the table's order (without a table: those of the edge list, sorted) and populations in
    sorted order of their labels; without `label` there is one population, "all".

    where: keep only the neurons with these values, `{column: value or list of values}`, and the edges among them; this
        does not make the others unknown
    smallest, other: labels with fewer than `smallest` neurons become the population `other`
    duplicates: an edge given twice is refused, or its weights are summed
    unknown: an edge whose neuron is not in the table is refused, or dropped
    self_synapses: keep or drop the edges from a neuron onto itself
    missing: an edge without a weight (empty or NaN) is refused, or counts as no synapse ("zero")
    unlabelled: a neuron with an empty label is refused, or dropped with its synapses ("drop")

    Raises `NetworkError` for a missing file or column, weights that are not finite numbers, and ids or labels that are
    missing or ambiguous.
    """
    one_of("duplicates", duplicates, "refuse", "sum")
    one_of("unknown", unknown, "refuse", "drop")
    one_of("self_synapses", self_synapses, "keep", "drop")
    one_of("missing", missing, "refuse", "zero")
    one_of("unlabelled", unlabelled, "refuse", "drop")
    source, target, values = _read_edge_list(edges, pre, post, weight, missing)
    if nodes is None:
        if label is not None or where is not None:
            raise NetworkError(
                "label and where are columns of a table of neurons: give its path as `nodes`"
            )
        known = np.unique(np.concatenate([source, target]))
        used, labels = np.ones(len(known), bool), np.full(len(known), "all")
    else:
        known, used, labels = _read_nodes(nodes, id, label, where or {}, unlabelled)
    i, j = _positions(target, known), _positions(source, known)
    _refuse_unknown(i, j, target, source, unknown, f"{edges}")
    number = np.where(used, np.cumsum(used) - 1, -1)
    keep = (i >= 0) & (j >= 0)
    i, j, values = number[i[keep]], number[j[keep]], values[keep]
    keep = (i >= 0) & (j >= 0) & ((i != j) | (self_synapses == "keep"))
    i, j, values, names = i[keep], j[keep], values[keep], known[used]
    if not len(values):
        raise NetworkError(
            f"{edges}: no edge joins two of the {len(names)} neurons: do both files use the same ids?"
        )
    if duplicates == "refuse":
        _refuse_duplicates(i, j, names, f"{edges}")
    weights = sps.coo_array((values, (i, j)), shape=(len(names), len(names))).tocsr()
    weights.eliminate_zeros()
    return Network.of(weights, merge_small(labels[used], smallest, other))


def one_of(name: str, value: Any, *options: str) -> None:
    """Raise `NetworkError` unless the value is one of two options."""
    if value not in options:
        raise NetworkError(f"{name}={value!r} is unknown: use {options[0]!r} or {options[1]!r}")


def _read_table(path: Any, columns: Sequence[str | int], what: str) -> pd.DataFrame:
    """Columns of a CSV file as text, renamed 0, 1, ... in the order asked for."""
    import pandas as pd

    named = {isinstance(column, str) for column in columns}
    if len(named) != 1:
        raise NetworkError(
            f"{what} {path}: columns {list(columns)} mix names and positions: use names if the file has "
            "a header, positions if it has none"
        )
    header = 0 if named == {True} else None
    suffixes = Path(path).suffixes
    separator = "\t" if ".tsv" in suffixes else r"\s+" if ".txt" in suffixes else ","
    options: Any = {
        "header": header,
        "dtype": str,
        "keep_default_na": False,
        "skipinitialspace": True,
        "sep": separator,
    }
    try:
        there = list(pd.read_csv(path, nrows=1, **options).columns)
        missing = [column for column in columns if column not in there]
        if missing:
            raise NetworkError(
                f"{what} {path} has no column {missing[0]!r}: its columns are {there}"
            )
        table = pd.read_csv(path, usecols=list(dict.fromkeys(columns)), **options)
    except NetworkError:
        raise
    except FileNotFoundError as error:
        raise NetworkError(f"there is no {what} {path}") from error
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise NetworkError(f"{what} {path} cannot be read as CSV: {error}") from error
    table = table[list(columns)].fillna("")
    table.columns = range(len(columns))
    return table


def _read_edge_list(
    path: Any, pre: str | int, post: str | int, weight: str | int | None, missing: str
):
    """Source ids, target ids and weights of every edge."""
    columns = [pre, post] if weight is None else [pre, post, weight]
    table = _read_table(path, columns, "edge list")
    first = 1 + isinstance(pre, str)
    source, target = (table[k].to_numpy(dtype=str) for k in (0, 1))
    nameless = np.flatnonzero((source == "") | (target == ""))
    if len(nameless):
        raise NetworkError(
            f"edge list {path}, line {nameless[0] + first}: a neuron's id is missing"
        )
    if weight is None:
        return source, target, np.ones(len(table))
    import pandas as pd

    values = pd.to_numeric(table[2], errors="coerce").to_numpy(dtype=float, copy=True)
    if missing == "zero":
        values[table[2].str.strip().str.lower().isin(["", "nan", "na"])] = 0
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        hint = (
            "; if it is a header, name the columns, e.g. weight='synapses'"
            if bad[0] == 0 and first == 1
            else ""
        )
        raise NetworkError(
            f"edge list {path}, line {bad[0] + first}: the weight '{table[2].iloc[bad[0]]}' is not a "
            f"finite number ({len(bad)} such lines){hint}"
        )
    return source, target, values


def _read_nodes(
    path: Any,
    id: str | int,
    label: str | int | None,
    where: Mapping[str | int, Any],
    unlabelled: str,
):
    """Ids of all neurons, which of them are wanted, and their labels."""
    columns = [id, *([] if label is None else [label]), *where]
    table = _read_table(path, columns, "table of neurons")
    ids = table[0].to_numpy(dtype=str)
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) < len(ids):
        raise NetworkError(
            f"table of neurons {path}: {(counts > 1).sum()} ids occur more than once, "
            f"e.g. '{unique[counts > 1][0]}'"
        )
    used = np.ones(len(ids), bool)
    for k, (column, value) in enumerate(where.items(), start=len(columns) - len(where)):
        wanted = [value] if np.ndim(value) == 0 else list(value)
        chosen = table[k].isin([str(v) for v in wanted]).to_numpy()
        if not chosen.any():
            raise NetworkError(
                f"table of neurons {path}: no neuron has {column} in {wanted}; "
                f"its values are {sorted(table[k].unique())[:10]}"
            )
        used &= chosen
    if not used.any():
        raise NetworkError(f"table of neurons {path}: no neuron satisfies where = {dict(where)}")
    labels = np.full(len(ids), "all") if label is None else table[1].to_numpy(dtype=str)
    missing = np.flatnonzero(used & (labels == ""))
    if len(missing) and unlabelled == "refuse":
        raise NetworkError(
            f"table of neurons {path}: {len(missing)} neurons have no {_column(label)}, e.g. '{ids[missing[0]]}': label them, or use "
            "unlabelled='drop'"
        )
    used[missing] = False
    if not used.any():
        raise NetworkError(f"table of neurons {path}: no neuron has a {_column(label)}")
    return ids, used, labels


def _column(label: str | int | None) -> str:
    return label if isinstance(label, str) else f"label (column {label})"


def _positions(ids: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The position of every id in `known`, -1 where it is not there."""
    import pandas as pd

    return pd.Index(known).get_indexer(pd.Index(ids))


def _refuse_unknown(i, j, target, source, unknown: str, path: str) -> None:
    bad = np.flatnonzero((i < 0) | (j < 0))
    if len(bad) and unknown == "refuse":
        k = bad[0]
        name = (target if i[k] < 0 else source)[k]
        raise NetworkError(
            f"edge list {path}: {len(bad)} edges have a neuron that is not in the table, e.g. '{name}': "
            "complete the table, or use unknown='drop'"
        )


def _refuse_duplicates(i: np.ndarray, j: np.ndarray, names: np.ndarray, path: str) -> None:
    pairs, counts = np.unique(i.astype(np.int64) * len(names) + j, return_counts=True)
    if len(pairs) < len(i):
        a, b = divmod(int(pairs[np.argmax(counts > 1)]), len(names))
        raise NetworkError(
            f"edge list {path}: {(counts > 1).sum()} edges are given more than once, "
            f"e.g. from '{names[b]}' onto "
            f"'{names[a]}': remove the copies, or add their weights with duplicates='sum'"
        )


def merge_small(labels: np.ndarray, smallest: int, other: str) -> np.ndarray:
    """Labels, with `other` in place of those that fewer than `smallest` neurons have."""
    names, counts = np.unique(labels, return_counts=True)
    return np.where(np.isin(labels, names[counts < smallest]), other, labels)
