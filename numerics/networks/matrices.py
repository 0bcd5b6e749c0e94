"""Adjacency matrices from files: text, spreadsheets, NumPy, Matrix Market, MATLAB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import NetworkError
from ..archives import read_npy
from ..tables import (
    Place,
    Table,
    as_coded,
    is_missing,
    is_number,
    name_of,
)
from .market import read_market
from .matlab import read_matlab
from .options import ReadOptions
from .sources import aligned_by_name


def read_matrix(place: Place, options: ReadOptions) -> Any:
    """The matrix in a file of NumPy, Matrix Market or MATLAB.

    Raises:
        NetworkError: a damaged file, several matrices, or more than fits into memory.
    """
    try:
        if place.suffix == ".npy":
            _require_plain(place)
            return read_npy(place.path)
        if place.suffix == ".mtx":
            return read_market(place)
        return one_matrix(read_matlab(place), place, options.part)
    except NetworkError:
        raise
    except Exception as error:  # SciPy and h5py raise many kinds on damaged files
        raise NetworkError(f"{place} cannot be read as a matrix: {error}") from error


def one_matrix(found: Mapping[str, Any], place: Any, part: str | None) -> Any:
    """The square matrix among the arrays of a file.

    Raises:
        NetworkError: there is none, or several.
    """
    if part is not None:
        if part not in found:
            raise NetworkError(f"{place} has no {part!r}: it has {', '.join(found)}")
        return found[part]
    square = [
        name
        for name, own in found.items()
        if getattr(own, "ndim", 0) == 2
        and own.shape[0] == own.shape[1] > 1
        and own.dtype.kind in "fiub"
    ]
    if len(square) != 1:
        raise NetworkError(
            f"{place} has {len(square)} square matrices of numbers among {', '.join(found)}: say "
            "which one with part="
        )
    return found[square[0]]


def _require_plain(place: Place) -> None:
    if place.packing:
        raise NetworkError(
            f"{place.path}: unpack it, {place.suffix} is not read from a packed file"
        )


def table_matrix(table: Table, options: ReadOptions) -> tuple[np.ndarray, np.ndarray | None]:
    """The matrix in a table, and the names of its neurons where it has them.

    Names stand in the first row, in the first column, or in both. Columns are put into the order
    of the rows.

    Raises:
        NetworkError: cells that are no numbers, or names of rows that are not those of columns.
    """
    first = table.header or [*[""] * (table.width - len(table.head[0])), *table.head[0]]
    body = table.head[table.header is None :]
    corner = first[0]
    shifted = table.header is None and len(table.head[0]) < table.width
    above = any(not is_number(cell) and not is_missing(cell) for cell in first[1:])
    beside = [row[0] for row in body]
    left = any(not is_number(cell) and not is_missing(cell) for cell in beside)
    # a text in the corner, among numbers, stands above the names of rows
    corner_names = not is_number(corner) and not is_missing(corner) and not left
    above |= corner == "" or shifted or corner_names
    left |= corner == "" or shifted or (corner_names and all(map(is_number, first[1:])))
    header = above and table.header is None
    values, rows = _numbers(table, options, header, left)
    columns = [name_of(cell) for cell in first[left:]] if above else []
    if left and not above:
        columns = rows
    elif above and not left:
        rows = columns
    if rows and len(rows) != len(values):
        rows = columns = []  # `Network.of` says that it is not square
    return aligned_by_name(values, rows, columns, table.what)


def _numbers(
    table: Table, options: ReadOptions, header: bool, left: bool
) -> tuple[np.ndarray, list[str]]:
    """The numbers of a table, and the names that stand beside them."""
    grid = table.numbers(header, left, options.decimal)
    names: list[str] = []
    if left:
        column = as_coded(table.columns({0: "id"}, header)[0])
        own = [name_of(text) for text in column.texts]
        names = [own[k] for k in column.codes]
    bad = np.argwhere(grid.bad)
    if len(bad):
        row, k = (int(v) for v in bad[0])
        raise NetworkError(
            f"{table.what}, {table.line(row, header)}, column {k + 1 + left}: a weight is not a "
            f"number ({len(bad)} such cells)"
        )
    if grid.decimal == "?":
        raise NetworkError(
            f"{table.what}: do the commas of its numbers begin the decimals, or separate "
            "thousands? Say decimal=',' or decimal='.'"
        )
    return grid.values, names
