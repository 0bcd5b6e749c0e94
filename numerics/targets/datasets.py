"""Targets in xarray datasets: a variable for each quantity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ...errors import ParameterError
from .table import BASELINE, NUMBERS, PAIRED, QUANTITIES, Row, label_of

DIMS = ("population", "condition", "against", "level", "time")


def to_dataset(rows: Sequence[Row], covariance: np.ndarray | None) -> xr.Dataset:
    """Rows by quantity, over population, condition and, where used, against, level and time.

    See `Targets.dataset`.
    """
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
    """The rows of a dataset such as `to_dataset` makes, not checked, and the covariance.

    See `Targets.from_dataset`.

    Raises:
        ParameterError: other variables or dimensions, or labels without a value.
    """
    present = [quantity for quantity in QUANTITIES if quantity in dataset.data_vars]
    kinds = ("", "_error", "_weight", "_held_out")
    known = {"covariance", *(f"{quantity}{kind}" for quantity in present for kind in kinds)}
    unknown = [str(name) for name in dataset.data_vars if name not in known]
    if not present or unknown:
        what = f"has a variable {unknown[0]!r}" if present else "has no quantity"
        raise ParameterError(
            f"the dataset {what}: its variables are {', '.join(QUANTITIES)}, each with NAME_error, "
            "and if needed NAME_weight, NAME_held_out"
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
            "the dataset has a covariance, but no coordinate target that says in which order the "
            "targets stand in it"
        )
    return [row for row in rows if not np.isnan(row["value"])], None


def _rows_of(dataset: xr.Dataset, quantity: str) -> list[Row]:
    values = dataset[quantity]
    foreign = [str(dim) for dim in values.dims if dim not in DIMS]
    if foreign:
        raise ParameterError(
            f"the dataset's variable {quantity} has a dimension {foreign[0]!r}; it can have "
            f"{', '.join(DIMS)}"
        )
    unnamed = [str(dim) for dim in values.dims if dim not in values.coords]
    if unnamed:
        raise ParameterError(
            f"the dataset's variable {quantity} has no coordinate for its dimension "
            f"{unnamed[0]!r}: name its entries"
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
