"""Networks from tables: an edge list and a table of neurons, as CSV, plain or compressed."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from ..archives import require_text
from .network import Network, Reading
from .options import ReadOptions, merge_small
from .sources import refuse_negative

if TYPE_CHECKING:
    import pandas as pd

NO_WEIGHT = ("", "nan", "na")  # what spreadsheets and data frames write for a missing number


def read_edges(
    edges: str | os.PathLike,
    nodes: str | os.PathLike | None = None,
    options: ReadOptions | None = None,
    **given: Any,
) -> Network:
    """A sparse network from an edge list and, if given, a table of neurons.

    Files are CSV (.csv), or separated by tabs (.tsv) or blanks (.txt), plain or compressed (.gz).
    Neurons stand in the table's order (without a table: those of the edge list, sorted), and
    populations in sorted order of their labels.

    Args:
        edges: a line for each edge, with columns `pre`, `post` and `weight`.
        nodes: a line for each neuron, with columns `id` and `label`.
        options: how to read; by default those of `ReadOptions`.
        given: single options, by keyword.

    Returns:
        The network; without `label` it has one population, "all".

    Raises:
        NetworkError: a missing file or column, weights that are not finite numbers, and ids or
            labels that are missing or ambiguous.
    """
    chosen = ReadOptions.of(options, given)
    chosen.refuse(("kind", "rows"), edges, "is a list of edges, which has no")
    pre, post = (k if c is None else c for k, c in enumerate((chosen.pre, chosen.post)))
    chosen = replace(chosen, pre=pre, post=post)
    listed = _read_edge_list(edges, chosen)
    neurons = _read_nodes(nodes, chosen, listed)
    i, j = (_positions(ids, neurons.ids) for ids in (listed.target, listed.source))
    _refuse_unknown(i, j, listed, chosen, f"{edges}")
    number = np.where(neurons.used, np.cumsum(neurons.used) - 1, -1)
    known = (i >= 0) & (j >= 0)
    i, j, values = number[i[known]], number[j[known]], listed.weights[known]
    keep = (i >= 0) & (j >= 0) & ((i != j) | (chosen.self_synapses == "keep"))
    i, j, values, names = i[keep], j[keep], values[keep], neurons.ids[neurons.used]
    if not len(values):
        raise NetworkError(
            f"{edges}: no edge joins two of the {len(names)} neurons: do both files use the same "
            "ids?"
        )
    if chosen.duplicates == "refuse":
        _refuse_duplicates(i, j, names, f"{edges}")
    copies = len(i) - len(np.unique(i.astype(np.int64) * len(names) + j))
    weights = sps.coo_array((values, (i, j)), shape=(len(names), len(names))).tocsr()
    weights.eliminate_zeros()
    if chosen.negative == "refuse":
        refuse_negative(weights)
    network = Network.of(weights, merge_small(neurons.labels[neurons.used], chosen))
    pre, post = (f"column {name!r}" for name in (chosen.pre, chosen.post))
    return replace(network, read=Reading(f"{pre} is the source, {post} the target", copies))


class _Edges(NamedTuple):
    source: np.ndarray
    target: np.ndarray
    weights: np.ndarray


class _Neurons(NamedTuple):
    """Ids of all neurons, which of them are wanted, and their labels."""

    ids: np.ndarray
    used: np.ndarray
    labels: np.ndarray


def _read_table(path: Any, columns: Sequence[str | int], what: str) -> pd.DataFrame:
    """Columns of a CSV file as text, renamed 0, 1, ... in the order asked for."""
    import pandas as pd

    named = {isinstance(column, str) for column in columns}
    if len(named) != 1:
        raise NetworkError(
            f"{what} {path}: columns {list(columns)} mix names and positions: use names if the "
            "file has a header, positions if it has none"
        )
    suffixes = Path(path).suffixes
    separator = "\t" if ".tsv" in suffixes else r"\s+" if ".txt" in suffixes else ","
    how: Any = {
        "header": 0 if named == {True} else None,
        "dtype": str,
        "keep_default_na": False,
        "skipinitialspace": True,
        "sep": separator,
    }
    try:
        require_text(path)
        there = list(pd.read_csv(path, nrows=1, **how).columns)
        if lacking := [column for column in columns if column not in there]:
            raise NetworkError(
                f"{what} {path} has no column {lacking[0]!r}: its columns are {there}"
            )
        table = pd.read_csv(path, usecols=list(dict.fromkeys(columns)), **how)
    except NetworkError:
        raise
    except FileNotFoundError as error:
        raise NetworkError(f"there is no {what} {path}") from error
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise NetworkError(f"{what} {path} cannot be read as CSV: {error}") from error
    table = table[list(columns)].fillna("")
    table.columns = range(len(columns))
    return table


def _read_edge_list(path: Any, options: ReadOptions) -> _Edges:
    weight = 2 if options.weight is ... else options.weight
    columns = [options.pre, options.post, *([] if weight is None else [weight])]
    table = _read_table(path, columns, "edge list")
    first = 1 + isinstance(options.pre, str)
    source, target = (table[k].to_numpy(dtype=str) for k in (0, 1))
    nameless = np.flatnonzero((source == "") | (target == ""))
    if len(nameless):
        raise NetworkError(
            f"edge list {path}, line {nameless[0] + first}: a neuron's id is missing"
        )
    if weight is None:
        return _Edges(source, target, np.ones(len(table)))
    return _Edges(source, target, _numbers(table[2], path, first, options))


def _numbers(column: pd.Series, path: Any, first: int, options: ReadOptions) -> np.ndarray:
    """Weights; the first one stands in this line."""
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, copy=True)
    if options.missing == "zero":
        values[column.str.strip().str.lower().isin(NO_WEIGHT)] = 0
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        header = "; if it is a header, name the columns, e.g. weight='synapses'"
        raise NetworkError(
            f"edge list {path}, line {bad[0] + first}: the weight '{column.iloc[bad[0]]}' is not "
            f"a finite number ({len(bad)} such lines)"
            + (header if bad[0] == 0 and first == 1 else "")
        )
    return values


def _read_nodes(path: Any, options: ReadOptions, listed: _Edges) -> _Neurons:
    label, where = options.label, options.where or {}
    if path is None:
        if label is not None or options.where is not None:
            raise NetworkError(
                "label and where are columns of a table of neurons: give its path as `nodes`"
            )
        known = np.unique(np.concatenate([listed.source, listed.target]))
        return _Neurons(known, np.ones(len(known), bool), np.full(len(known), "all"))
    first = "id" if options.id is None else options.id
    columns = [first, *([] if label is None else [label]), *where]
    table = _read_table(path, columns, "table of neurons")
    ids = table[0].to_numpy(dtype=str)
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) < len(ids):
        raise NetworkError(
            f"table of neurons {path}: {(counts > 1).sum()} ids occur more than once, "
            f"e.g. '{unique[counts > 1][0]}'"
        )
    used = _chosen(path, table.iloc[:, len(columns) - len(where) :], where)
    labels = np.full(len(ids), "all") if label is None else table[1].to_numpy(dtype=str)
    lacking = np.flatnonzero(used & (labels == ""))
    if len(lacking) and options.unlabelled == "refuse":
        raise NetworkError(
            f"table of neurons {path}: {len(lacking)} neurons have no {_column(label)}, e.g. "
            f"'{ids[lacking[0]]}': label them, or use unlabelled='drop'"
        )
    used[lacking] = False
    if not used.any():
        raise NetworkError(f"table of neurons {path}: no neuron has a {_column(label)}")
    return _Neurons(ids, used, labels)


def _chosen(path: Any, table: pd.DataFrame, where: Any) -> np.ndarray:
    """The neurons with the values that `where` asks for, one column of the table after another."""
    used = np.ones(len(table), bool)
    for k, (column, value) in enumerate(where.items()):
        wanted = [value] if np.ndim(value) == 0 else list(value)
        chosen = table.iloc[:, k].isin([str(v) for v in wanted]).to_numpy()
        if not chosen.any():
            raise NetworkError(
                f"table of neurons {path}: no neuron has {column} in {wanted}; "
                f"its values are {sorted(table.iloc[:, k].unique())[:10]}"
            )
        used &= chosen
    if not used.any():
        raise NetworkError(f"table of neurons {path}: no neuron satisfies where = {dict(where)}")
    return used


def _column(label: str | int | None) -> str:
    return label if isinstance(label, str) else f"label (column {label})"


def _positions(ids: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The position of every id in `known`, -1 where it is not there."""
    import pandas as pd

    return pd.Index(known).get_indexer(pd.Index(ids))


def _refuse_unknown(i, j, listed: _Edges, options: ReadOptions, path: str) -> None:
    bad = np.flatnonzero((i < 0) | (j < 0))
    if len(bad) and options.unknown == "refuse":
        k = bad[0]
        name = (listed.target if i[k] < 0 else listed.source)[k]
        raise NetworkError(
            f"edge list {path}: {len(bad)} edges have a neuron that is not in the table, e.g. "
            f"'{name}': complete the table, or use unknown='drop'"
        )


def _refuse_duplicates(i: np.ndarray, j: np.ndarray, names: np.ndarray, path: str) -> None:
    pairs, counts = np.unique(i.astype(np.int64) * len(names) + j, return_counts=True)
    if len(pairs) < len(i):
        a, b = divmod(int(pairs[np.argmax(counts > 1)]), len(names))
        raise NetworkError(
            f"edge list {path}: {(counts > 1).sum()} edges are given more than once, e.g. from "
            f"'{names[b]}' onto '{names[a]}': remove the copies, or add their weights with "
            "duplicates='sum'"
        )
