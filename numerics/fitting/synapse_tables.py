"""Tables of physiology: pairs probed for synapses, and amplitudes, pooled by population."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ParameterError
from ..targets import read_cells

if TYPE_CHECKING:
    import pandas as pd


Labels = Mapping[str, str | Sequence[str]]


def read_connections(
    path: str | os.PathLike,
    labels: Labels,
    *,
    pre: str = "pre",
    post: str = "post",
    connected: str = "n_connected",
    probed: str = "n_probed",
    separator: str = ",",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pairs connected and pairs probed, from a table of classes.

    Args:
        path: a file with a row per pair of classes.
        labels: {population: its class in the file, or several, whose counts are added}.
        pre, post, connected, probed: names of the columns.
        separator: of the columns.

    Returns:
        Two DataFrames with targets as index and sources as columns.

    Raises:
        ParameterError: a file or column that is not there, pairs of classes that are missing or
            there twice, cells that are no numbers.
    """
    table = _read(path, (pre, post), (connected, probed), separator)
    counts = {}
    for target, onto in labels.items():
        for source, from_ in labels.items():
            rows = [
                _row(table, (a, b), f"from {a} onto {b}", path)
                for b in _several(onto)
                for a in _several(from_)
            ]
            counts[target, source] = [sum(row[k] for row in rows) for k in range(2)]
    both = [_frame({at: values[k] for at, values in counts.items()}, labels) for k in range(2)]
    return both[0], both[1]


def read_amplitudes(
    path: str | os.PathLike,
    labels: Labels,
    *,
    state: str = "resting",
    pre: str = "pre",
    post: str = "post",
    instead: Mapping[tuple[str, str], tuple[str, str]] | None = None,
    separator: str = " ",
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Mean, standard deviation and number of amplitudes, from a table of classes.

    Args:
        path: a file with a row per pair of classes, and the columns mean_STATE, std_STATE, N_STATE,
            such as mean_resting; an empty cell or [] is missing.
        labels: as in `read_connections`; of several classes, all their synapses are pooled, within
            and between them.
        state: in the names of the columns.
        pre, post: names of the columns of the classes.
        instead: {(target, source): (post, pre) of the row to take in its place}, for pairs that
            were not measured.
        separator: of the columns.

    Returns:
        Three DataFrames with targets as index and sources as columns; NaN where there are none.

    Raises:
        ParameterError: as `read_connections` does.
    """
    table = _read(path, (pre, post), (f"mean_{state}", f"std_{state}", f"N_{state}"), separator)
    pooled = {}
    for target, onto in labels.items():
        for source, from_ in labels.items():
            pairs = [(a, b) for b in _several(onto) for a in _several(from_)]
            if instead and (target, source) in instead:
                pairs = [instead[target, source][::-1]]
            pooled[target, source] = _pooled(
                [_row(table, pair, f"from {pair[0]} onto {pair[1]}", path) for pair in pairs]
            )
    mean, sd, n = (
        _frame({at: values[k] for at, values in pooled.items()}, labels) for k in range(3)
    )
    return mean, sd, n


def _pooled(rows: list[tuple[float, ...]]) -> tuple[float, float, float]:
    """Mean, standard deviation (n - 1) and number of the union of samples."""
    known = [row for row in rows if np.all(np.isfinite(row)) and row[2] > 0]
    if not known:
        return np.nan, np.nan, 0.0
    means, sds, counts = np.array(known).T
    n = counts.sum()
    mean = counts @ means / n
    squares = (counts - 1) @ sds**2 + counts @ (means - mean) ** 2
    return float(mean), float(np.sqrt(squares / (n - 1))) if n > 1 else np.nan, float(n)


def _several(label: str | Sequence[str]) -> list[str]:
    return [label] if isinstance(label, str) else list(label)


def _frame(values: Mapping[tuple[str, str], float], labels: Labels) -> pd.DataFrame:
    import pandas as pd

    names = list(labels)
    return pd.DataFrame(
        [[values[target, source] for source in names] for target in names],
        index=names,
        columns=names,
        dtype=float,
    )


def _read(
    path: str | os.PathLike, keys: tuple[str, str], columns: Sequence[str], separator: str
) -> dict[tuple[str, str], tuple[float, ...]]:
    table = read_cells(path, separator)
    lost = [name for name in (*keys, *columns) if name not in table.columns]
    if lost:
        raise ParameterError(
            f"{path} has no column {lost[0]!r}: its columns are {', '.join(table.columns)}"
        )
    found: dict[tuple[str, str], tuple[float, ...]] = {}
    for k, cells in enumerate(table[[*keys, *columns]].itertuples(index=False), start=1):
        pair = (str(cells[0]).strip(), str(cells[1]).strip())
        if pair in found:
            raise ParameterError(
                f"{path}, row {k}: synapses from {pair[0]} onto {pair[1]} are there twice"
            )
        found[pair] = tuple(
            _number(cell, f"{path}, row {k}, column {name}")
            for cell, name in zip(cells[2:], columns, strict=True)
        )
    return found


def _number(cell: str, where: str) -> float:
    if cell.strip().lower() in ("", "[]", "nan", "na"):
        return np.nan
    try:
        return float(cell)
    except ValueError:
        raise ParameterError(f"{where}: {cell!r} is no number") from None


def _row(
    table: Mapping[tuple[str, str], tuple[float, ...]],
    pair: tuple[str, str],
    words: str,
    path: str | os.PathLike,
) -> tuple[float, ...]:
    if pair not in table:
        raise ParameterError(
            f"{path} has no row {words}; its classes are "
            f"{', '.join(sorted({name for key in table for name in key}))}"
        )
    return table[pair]
