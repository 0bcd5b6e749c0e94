"""Targets in files, .csv, .json and .nc; reading one never runs code."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FileError, MotifieldError, ParameterError
from ...files import write_with
from ..archives import require_text
from ..results import netcdf, read_dataset
from .datasets import from_dataset, to_dataset
from .table import COLUMNS, Row, is_missing

REQUIRED = ("quantity", "population", "value")
SUFFIXES = (".csv", ".csv.gz", ".json", ".nc")
COVARIANCE = "covariance "
"""Starts the names of columns of a .csv file that hold the covariance between targets."""


def read_rows(path: str | os.PathLike) -> tuple[list[Row], np.ndarray | None]:
    """The rows of a file, not checked, and the covariance of its targets if it has one.

    Raises:
        ParameterError: the file is not there, or cannot be read.
    """
    suffix = _suffix(path)
    if suffix == ".nc":
        return _read_netcdf(path)
    text = _text_of(path, suffix)
    return _from_json(text, path) if suffix == ".json" else _from_csv(text, path)


def save_rows(rows: Sequence[Row], covariance: np.ndarray | None, path: str | os.PathLike) -> None:
    """Write whole or not at all to .csv, .csv.gz, .json or .nc.

    Raises:
        ParameterError: another suffix, or a file that cannot be written.
    """
    suffix = _suffix(path)
    try:
        write_with(Path(path), lambda temporary: _write(rows, covariance, temporary, suffix))
    except FileError as error:
        reason = str(error).removeprefix(f"cannot write {path}: ")
        raise ParameterError(f"the targets cannot be written to {path}: {reason}") from None


def _write(rows: Sequence[Row], covariance: np.ndarray | None, path: str, suffix: str) -> None:
    if suffix == ".nc":
        Path(path).write_bytes(netcdf(to_dataset(rows, covariance)))
        return
    if suffix == ".json":
        text = json.dumps(plain(rows, covariance), indent=1, allow_nan=False) + "\n"
    else:
        text = _to_csv(rows, covariance)
    content = text.encode()
    # without the time of writing, the same targets give the same file
    packed = gzip.compress(content, mtime=0) if suffix.endswith(".gz") else content
    Path(path).write_bytes(packed)


def plain(rows: Sequence[Row], covariance: np.ndarray | None) -> dict[str, Any]:
    """As data for JSON; what is missing is None."""
    return {
        "targets": [
            {name: None if is_missing(row[name]) else row[name] for name in COLUMNS} for row in rows
        ],
        "covariance": None if covariance is None else covariance.tolist(),
    }


def _suffix(path: str | os.PathLike) -> str:
    name = Path(path).name.lower()
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return suffix
    raise ParameterError(f"{path}: targets are in files that end in {', '.join(SUFFIXES)}")


def _text_of(path: str | os.PathLike, suffix: str) -> str:
    try:
        require_text(path)
        content = Path(path).read_bytes()
        return (gzip.decompress(content) if suffix.endswith(".gz") else content).decode("utf-8-sig")
    except MotifieldError:
        raise
    except FileNotFoundError:
        raise ParameterError(f"there is no file {path}") from None
    except UnicodeDecodeError as error:
        raise ParameterError(f"{path} is not text in UTF-8: {error}") from None
    except (OSError, EOFError, ValueError) as error:
        raise ParameterError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or error}"
        ) from None


def _read_netcdf(path: str | os.PathLike) -> tuple[list[Row], np.ndarray | None]:
    if not Path(path).is_file():
        raise ParameterError(f"there is no file {path}")
    try:
        dataset = read_dataset(Path(path))
    except MotifieldError:
        raise
    except Exception as error:  # h5netcdf and xarray raise many kinds on damaged files
        raise ParameterError(f"{path} cannot be read as netCDF: {error}") from None
    return from_dataset(dataset)


def _from_json(text: str, path: str | os.PathLike) -> tuple[list[Row], np.ndarray | None]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"{path} is not valid JSON: {error}") from None
    covariance = data.get("covariance") if isinstance(data, dict) else None
    rows = (
        data.get("targets")
        if isinstance(data, dict) and set(data) <= {"targets", "covariance"}
        else data
    )
    if not isinstance(rows, list):
        raise ParameterError(
            f"{path} must hold a list of rows, or a table of `targets`, such a list, and "
            "`covariance`"
        )
    try:
        return rows, None if covariance is None else np.asarray(covariance, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{path}: the covariance is no matrix of numbers") from None


def _from_csv(text: str, path: str | os.PathLike) -> tuple[list[Row], np.ndarray | None]:
    try:
        lines = [
            line
            for line in csv.reader(io.StringIO(text, newline=""), strict=True)
            if any(cell.strip() for cell in line)
        ]
    except csv.Error as error:
        raise ParameterError(f"{path} cannot be read as CSV: {error}") from None
    header = [name.strip() for name in lines[0]] if lines else []
    lost = [name for name in REQUIRED if name not in header]
    if lost or not {"error", "weight"} & set(header):
        raise ParameterError(
            f"{path} has no column {lost[0] if lost else 'error'!r}: its first line names columns, "
            "of which quantity, population, value and error (or weight) are needed; it is "
            f"{','.join(header)!r}"
        )
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise ParameterError(f"{path}: the column {twice[0]!r} is there twice")
    for k, line in enumerate(lines[1:], start=1):
        if len(line) != len(header):
            raise ParameterError(
                f"{path}: row {k} has {len(line)} cells, the header has {len(header)}"
            )
    rows = [dict(zip(header, line, strict=True)) for line in lines[1:]]
    return [
        {k: v for k, v in row.items() if not k.startswith(COVARIANCE)} for row in rows
    ], _csv_covariance(header, rows, path)


def _csv_covariance(
    header: list[str], rows: list[Row], path: str | os.PathLike
) -> np.ndarray | None:
    columns = [name for name in header if name.startswith(COVARIANCE)]
    if not columns:
        return None
    if columns != [f"{COVARIANCE}{k}" for k in range(1, len(rows) + 1)]:
        raise ParameterError(
            f"{path} has {len(rows)} rows and {len(columns)} columns of their covariance: it needs "
            f"{COVARIANCE}1 to {COVARIANCE}{len(rows)}, or none of them (errors alone, targets "
            "independent)"
        )
    try:
        return np.array(
            [
                [float(row[name]) if row[name].strip() else np.nan for name in columns]
                for row in rows
            ]
        )
    except ValueError as error:
        raise ParameterError(f"{path}: a cell of the covariance is no number: {error}") from None


def _to_csv(rows: Sequence[Row], covariance: np.ndarray | None) -> str:
    extra = [] if covariance is None else [f"{COVARIANCE}{k}" for k in range(1, len(rows) + 1)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *extra])
    for k, row in enumerate(rows):
        numbers = [] if covariance is None else [repr(float(v)) for v in covariance[k]]
        writer.writerow([*(_cell(row[name]) for name in COLUMNS), *numbers])
    return text.getvalue()


def _cell(value: Any) -> str:
    if is_missing(value):
        return ""
    return (
        str(value).lower()
        if isinstance(value, bool)
        else value
        if isinstance(value, str)
        else repr(float(value))
    )
