"""Adjacency matrices and labels of neurons, from files."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from ...errors import NetworkError
from ..archives import SMALLER, read_npy, require_text
from ..machine import require_memory
from .sources import NEURON

ENTRY = 48.0  # bytes of an entry: its indices and weight, as they are read, sorted and kept
SEPARATORS = (",", ";", "\t")


def read_matrix(path: Path, suffix: str) -> tuple[Any, list[str] | None]:
    """The matrix in a file, and the names of its neurons where it has them."""
    try:
        if suffix == ".npy":
            return read_npy(path), None
        if suffix == ".mtx":
            _require_market(path)
            return scipy.io.mmread(path), None
        require_text(path)
        return _table(path)
    except NetworkError:
        raise
    except (OSError, EOFError, ValueError) as error:
        raise NetworkError(f"{path} cannot be read as a matrix: {error}") from error


def shape_of(path: Path) -> tuple[int, int]:
    """Lines that are not empty (up to 5 of them), and columns of the first."""
    first, lines = "", 0
    try:
        with _open(path) as file:
            for line in file:
                if line.strip():
                    first, lines = first or line, lines + 1
                if lines == 5:
                    break
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise NetworkError(f"{path} cannot be read as text: {error}") from error
    if not lines:
        raise NetworkError(f"{path} is empty")
    return lines, len(_split(first, _separator(first)))


def read_labels(labels: Any, names: Sequence[Any] | None = None) -> Any:
    """Labels in the order of the neurons; what is not a path is returned as it is.

    The file has one label on each line or, where neurons have `names`, columns id and label.
    """
    if not isinstance(labels, str | os.PathLike):
        return labels
    path = Path(labels)
    try:
        require_text(path)
        with _open(path) as file:
            lines = [line.rstrip("\r\n") for line in file]
    except NetworkError:
        raise
    except FileNotFoundError as error:
        raise NetworkError(f"there is no file of labels {path}") from error
    except (OSError, EOFError, ValueError) as error:
        raise NetworkError(f"the labels {path} cannot be read as text: {error}") from error
    while lines and not lines[-1].strip():
        lines.pop()
    separator = next((s for s in SEPARATORS if any(s in line for line in lines)), None)
    if separator is None:
        return np.array([line.strip() for line in lines])
    pairs = [[cell.strip() for cell in line.split(separator)][:2] for line in lines]
    if names is None:
        raise NetworkError(
            f"the labels {path} have ids, the matrix has no names of neurons: give one label on "
            "each line, in its order"
        )
    of = dict(pair for pair in pairs if len(pair) == 2)
    if len(of) < len(pairs):
        raise NetworkError(
            f"the labels {path} have {len(pairs)} lines and {len(of)} different ids with a label"
        )
    unknown = [str(n) for n in names if str(n) not in of]
    if len(unknown) == len(names):
        raise NetworkError(
            f"the labels {path} have none of the {len(names)} neurons, e.g. not {unknown[0]!r}"
        )
    return np.array([of.get(str(n), "") for n in names])


def _require_market(path: Path) -> None:
    """Check that a Matrix Market file fits into memory, from what its header declares."""
    rows, columns, entries, layout, *_ = scipy.io.mminfo(path)
    needed = 16.0 * rows * columns if layout == "array" else ENTRY * entries
    what = f"{path}, which declares {rows} rows and {entries} entries,"
    require_memory(needed + NEURON * max(rows, columns), what, SMALLER)


def _table(path: Path) -> tuple[np.ndarray, list[str] | None]:
    import pandas as pd

    with _open(path) as file:
        first = file.readline()
    separator = _separator(first)
    read: dict[str, Any] = {
        "header": None,
        "sep": r"\s+" if separator is None else separator,
        "skipinitialspace": True,
    }
    cells = _split(first, separator)
    if _is_number(cells[0]):
        table = pd.read_csv(path, **read)
        return _numbers(table, path, 1), None
    table = pd.read_csv(path, dtype=str, keep_default_na=False, **read)
    columns, rows = table.iloc[0, 1:].tolist(), table.iloc[1:, 0].tolist()
    if columns != rows:
        different = next(
            (f"{a!r} and {b!r}" for a, b in zip(columns, rows, strict=False) if a != b),
            f"{len(columns)} and {len(rows)} neurons",
        )
        raise NetworkError(
            f"{path}: the first row and the first column name different neurons ({different}), or "
            "in another order"
        )
    return _numbers(table.iloc[1:, 1:], path, 2), [str(name).strip() for name in rows]


def _numbers(table: Any, path: Path, line: int) -> np.ndarray:
    """Weights, NaN where a cell is empty."""
    try:
        return table.replace("", "nan").to_numpy(dtype=float)
    except ValueError as error:
        raise NetworkError(
            f"{path}: a cell of the matrix, which starts in line {line}, is not a number: {error}"
        ) from error


def _separator(line: str) -> str | None:
    return next((s for s in SEPARATORS if s in line), None)


def _split(line: str, separator: str | None) -> list[str]:
    return [
        cell.strip()
        for cell in (line.split() if separator is None else line.rstrip("\r\n").split(separator))
    ]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _open(path: Path) -> Any:
    return (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else open(path, encoding="utf-8")
    )
