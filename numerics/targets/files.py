"""Measured numbers in files (.csv, .json, .nc) and in xarray datasets. Reading one never runs code."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ...errors import ParameterError
from ...files import write_text, write_with
from .table import BASELINE, COLUMNS, NUMBERS, PAIRED, QUANTITIES, Row, is_missing, label_of

REQUIRED = ("quantity", "population", "value")
SUFFIXES = (".csv", ".csv.gz", ".json", ".nc")
DIMS = ("population", "condition", "against", "level", "time")
COVARIANCE = "covariance "
"""Starts the names of the columns of a .csv file that hold the covariance between targets."""


def read_rows(path: str | os.PathLike) -> tuple[list[Row], np.ndarray | None]:
    """The rows of a file, not checked, and the covariance of its targets if it has one. Raises `ParameterError`."""
    suffix = _suffix(path)
    if suffix == ".nc":
        return _read_netcdf(path)
    text = _text_of(path, suffix)
    return _from_json(text, path) if suffix == ".json" else _from_csv(text, path)


def write_rows(rows: Sequence[Row], covariance: np.ndarray | None, path: str | os.PathLike) -> Path:
    """Write whole or not at all to .csv, .json or .nc. Raises `ParameterError` for other suffixes, and where it cannot be written."""
    suffix = _suffix(path)
    try:
        if suffix == ".nc":
            return write_with(
                Path(path),
                lambda temporary: to_dataset(rows, covariance).to_netcdf(
                    temporary, engine="h5netcdf"
                ),
            )
        if suffix == ".json":
            return write_text(
                Path(path), json.dumps(plain(rows, covariance), indent=1, allow_nan=False) + "\n"
            )
        text = _to_csv(rows, covariance)
        if suffix == ".csv":
            return write_text(Path(path), text)
        return write_with(
            Path(path),
            lambda temporary: Path(temporary).write_bytes(gzip.compress(text.encode(), mtime=0)),
        )
    except OSError as error:
        raise ParameterError(
            f"the targets cannot be written to {path}: {error.strerror or error}"
        ) from None


def plain(rows: Sequence[Row], covariance: np.ndarray | None) -> dict[str, Any]:
    """As data for JSON; what is missing is None."""
    return {
        "targets": [
            {name: None if is_missing(row[name]) else row[name] for name in COLUMNS} for row in rows
        ],
        "covariance": None if covariance is None else covariance.tolist(),
    }


def to_dataset(rows: Sequence[Row], covariance: np.ndarray | None) -> xr.Dataset:
    """By quantity, over population, condition and, where used, against, level and time; see `Targets.dataset`."""
    coordinates: dict[str, Any] = {}
    for dim in DIMS:
        values = [row[dim] for row in rows if dim in _dims_of(row["quantity"], rows)]
        if values and dim in NUMBERS:
            coordinates[dim] = np.unique(np.asarray(values, dtype=float))  # NaN once, at the end
        elif values:
            coordinates[dim] = list(dict.fromkeys(values))
    data: dict[str, Any] = {}
    for quantity in dict.fromkeys(row["quantity"] for row in rows):
        data |= _variables(quantity, rows, coordinates)
    coordinates["target"] = [label_of(row) for row in rows]
    if covariance is not None:
        data["covariance"] = (("target", "target2"), covariance)
        coordinates["target2"] = coordinates["target"]
    return xr.Dataset(data, coords=coordinates)


def _variables(quantity: str, rows: Sequence[Row], coordinates: dict[str, Any]) -> dict[str, Any]:
    dims = _dims_of(quantity, rows)
    shape = tuple(len(coordinates[dim]) for dim in dims)
    filled: dict[str, Any] = {
        "": np.full(shape, np.nan),
        "_error": np.full(shape, np.nan),
        "_weight": np.ones(shape),
        "_held_out": np.zeros(shape, dtype=bool),
    }
    for row in rows:
        if row["quantity"] == quantity:
            at = tuple(_position(row[dim], coordinates[dim]) for dim in dims)
            for name, column in (
                ("", "value"),
                ("_error", "error"),
                ("_weight", "weight"),
                ("_held_out", "held_out"),
            ):
                filled[name][at] = row[column]
    return {
        f"{quantity}{name}": (dims, array, {"meaning": QUANTITIES[quantity]} if not name else {})
        for name, array in filled.items()
    }


def from_dataset(dataset: xr.Dataset) -> tuple[list[Row], np.ndarray | None]:
    """The rows of a dataset such as `to_dataset` makes, not checked, and the covariance; see `Targets.from_dataset`."""
    present = [quantity for quantity in QUANTITIES if quantity in dataset.data_vars]
    kinds = ("", "_error", "_weight", "_held_out")
    known = {"covariance", *(f"{quantity}{kind}" for quantity in present for kind in kinds)}
    unknown = [str(name) for name in dataset.data_vars if name not in known]
    if not present or unknown:
        what = f"has a variable {unknown[0]!r}" if present else "has no quantity"
        raise ParameterError(
            f"the dataset {what}: its variables are {', '.join(QUANTITIES)}, each with NAME_error, and if needed NAME_weight, "
            "NAME_held_out"
        )
    rows = [row for quantity in present for row in _rows_of(dataset, quantity)]
    covariance = (
        np.asarray(dataset["covariance"].values, dtype=float) if "covariance" in dataset else None
    )
    if "target" in dataset.coords:
        own, order = (
            {label_of(row): row for row in rows},
            [str(name) for name in dataset["target"].values],
        )
        lost = [name for name in order if name not in own]
        if lost:
            raise ParameterError(
                f"the dataset's coordinate target lists {lost[0]!r}, of which it has no value"
            )
        return [own[name] for name in order], covariance
    if covariance is not None:
        raise ParameterError(
            "the dataset has a covariance, but no coordinate target that says in which order the targets stand in it"
        )
    return [row for row in rows if not np.isnan(row["value"])], None


def _rows_of(dataset: xr.Dataset, quantity: str) -> list[Row]:
    values = dataset[quantity]
    foreign = [str(dim) for dim in values.dims if dim not in DIMS]
    if foreign:
        raise ParameterError(
            f"the dataset's variable {quantity} has a dimension {foreign[0]!r}; it can have {', '.join(DIMS)}"
        )
    unnamed = [str(dim) for dim in values.dims if dim not in values.coords]
    if unnamed:
        raise ParameterError(
            f"the dataset's variable {quantity} has no coordinate for its dimension {unnamed[0]!r}: name its entries"
        )
    kinds = {
        "value": quantity,
        "error": f"{quantity}_error",
        "weight": f"{quantity}_weight",
        "held_out": f"{quantity}_held_out",
    }
    columns = {
        column: dataset[name].broadcast_like(values).values
        for column, name in kinds.items()
        if name in dataset
    }
    fixed = {
        str(name): _item(values.coords[name].values)
        for name in DIMS
        if name in values.coords and name not in values.dims
    }
    rows = []
    for at in np.ndindex(values.shape):
        row: Row = {
            "quantity": quantity,
            "condition": BASELINE,
            "against": "",
            "level": np.nan,
            "time": np.nan,
            **fixed,
        }
        row |= {
            str(dim): _item(values.coords[dim].values[k])
            for dim, k in zip(values.dims, at, strict=True)
        }
        rows.append(row | {column: _item(array[at]) for column, array in columns.items()})
    return rows


def _dims_of(quantity: str, rows: Sequence[Row]) -> tuple[str, ...]:
    used = (
        {"population", "condition"}
        | ({"against"} if quantity in PAIRED else set())
        | ({"level"} if quantity == "rate_quantile" else set())
    )
    if any(row["quantity"] == quantity and np.isfinite(row["time"]) for row in rows):
        used.add("time")
    return tuple(dim for dim in DIMS if dim in used)


def _position(value: Any, along: Any) -> int:
    if isinstance(value, str):
        return along.index(value)
    return int(np.flatnonzero(np.isnan(along) if np.isnan(value) else along == value)[0])


def _item(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic | np.ndarray) else value


def _suffix(path: str | os.PathLike) -> str:
    name = Path(path).name.lower()
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return suffix
    raise ParameterError(f"{path}: targets are in files that end in {', '.join(SUFFIXES)}")


def _text_of(path: str | os.PathLike, suffix: str) -> str:
    try:
        content = Path(path).read_bytes()
        return (gzip.decompress(content) if suffix.endswith(".gz") else content).decode("utf-8-sig")
    except FileNotFoundError:
        raise ParameterError(f"there is no file {path}") from None
    except UnicodeDecodeError as error:
        raise ParameterError(f"{path} is not text in UTF-8: {error}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise ParameterError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or error}"
        ) from None


def _read_netcdf(path: str | os.PathLike) -> tuple[list[Row], np.ndarray | None]:
    if not Path(path).is_file():
        raise ParameterError(f"there is no file {path}")
    try:
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            dataset.load()
    except (OSError, ValueError, KeyError, TypeError) as error:
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
            f"{path} must hold a list of rows, or a table of `targets`, such a list, and `covariance`"
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
            f"{path} has no column {lost[0] if lost else 'error'!r}: its first line names columns, of which quantity, population, "
            f"value and error (or weight) are needed; it is {','.join(header)!r}"
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
            f"{path} has {len(rows)} rows and {len(columns)} columns of their covariance: it needs {COVARIANCE}1 to "
            f"{COVARIANCE}{len(rows)}, or none of them (errors alone, targets independent)"
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
