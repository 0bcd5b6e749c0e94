"""What every verb returns: a result with a status, a dataset, a table, a picture, and a file."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from ..errors import MotifieldError, SolverError, SpecError
from ..files import write_bytes, write_text, write_with
from ..seals import check_seal, sealed
from ..time_units import headed, measured, time_unit_of
from .archives import SMALLER
from .machine import require_memory

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

Item = TypeVar("Item")
LONGEST_REPR = 18  # lines; a repr is read at a glance
WIDEST_REPR = 14  # columns: what is left out of a table is what somebody looks for
SUFFIXES = (".nc", ".csv", ".json")


class Code(StrEnum):
    """The kinds of outcome that a verb can have; `Code.is_failure` tells which of them raise."""

    OK = "ok"
    UNDECIDED = "undecided"  # there is a result, and something about it could not be settled
    INCOMPLETE = "incomplete"  # part of what was asked is there
    REJECTED = "rejected"  # the comparison that was asked for came out negative
    NOT_CONVERGED = "not converged"
    DIVERGED = "diverged"
    OUT_OF_RANGE = "out of range"  # a solution at which the equations do not hold

    @property
    def is_failure(self) -> bool:
        """Whether there is no result to go on with."""
        return self in (Code.NOT_CONVERGED, Code.DIVERGED, Code.OUT_OF_RANGE)


class Status(str):
    """How a computation ended: a text to read, with a code to branch on.

    A status is its message, so `print(status)` reads well and files keep it; `status.code` is one
    of `Code`. A status without a code is `Code.OK` if the text is "ok", and has to say its code
    otherwise.

    Args:
        message: what happened, with numbers, and what to do.
        code: one of `Code`; default `Code.OK`, for the message "ok" alone.

    Raises:
        ValueError: the message is not "ok" and there is no code, or the other way round.
    """

    code: Code

    def __new__(cls, message: str = "ok", code: Code | str | None = None) -> Status:
        if isinstance(message, Status) and code is None:
            return message
        kind = Code.OK if code is None else Code(code)
        if (message == "ok") != (kind is Code.OK):
            raise ValueError(f"the status {message!r} does not go with the code {kind.value!r}")
        made = super().__new__(cls, message)
        made.code = kind
        return made

    @property
    def message(self) -> str:
        """The text: "ok", or what happened and what to do."""
        return str(self)

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for is there."""
        return self.code is Code.OK

    def json(self) -> dict[str, str]:
        """The message and the code, as files have them."""
        return {"status": str(self), "code": self.code.value}

    def __reduce__(self) -> tuple[Any, ...]:
        return (Status, (str(self), self.code))


OK = Status()


def incomplete(notes: Sequence[str]) -> Status:
    """ "ok", or what is missing."""
    return Status("; ".join(notes), Code.INCOMPLETE) if notes else OK


def raise_on_failure(status: Status, throw: bool = True) -> None:
    """Raise `SolverError` with the message if the status is a failure and `throw` is true."""
    if throw and status.code.is_failure:
        raise SolverError(status.message)


@dataclass(frozen=True, eq=False)
class Numbers:
    """Arrays by name over named dimensions, which become a dataset when one is asked for.

    xarray then loads, which takes longer than many computations.

    Args:
        variables: dimensions, values and attributes by name.
        coords: coordinates by name, each along a dimension of its own.
        attrs: attributes of the dataset.
        time_unit: the name of the unit of times; "" where none is.
    """

    variables: Mapping[str, tuple[tuple[str, ...], np.ndarray, Mapping[str, Any]]]
    coords: Mapping[str, Any]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    time_unit: str = ""

    @classmethod
    def of(cls, dataset: xr.Dataset) -> Numbers:
        """Those of a dataset."""
        made = cls(
            {
                str(n): (tuple(map(str, v.dims)), v.values, v.attrs)
                for n, v in dataset.data_vars.items()
            },
            {str(n): v.values for n, v in dataset.coords.items()},
            dataset.attrs,
            time_unit_of(dataset),
        )
        made.__dict__["dataset"] = dataset
        return made

    @cached_property
    def dataset(self) -> xr.Dataset:
        """As a dataset."""
        import xarray as xr

        made = xr.Dataset(dict(self.variables), coords=self.coords, attrs=self.attrs)
        return measured(made, self.time_unit)

    def __contains__(self, name: str) -> bool:
        return name in self.variables

    def __iter__(self) -> Iterator[str]:
        yield from (*self.variables, *self.coords)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.variables[name][1] if name in self else np.asarray(self.coords[name])

    def last(self, dimension: str) -> Numbers:
        """At the end of a dimension."""
        variables = {
            name: (tuple(d for d in dims if d != dimension), _last(values, dims, dimension), attrs)
            for name, (dims, values, attrs) in self.variables.items()
        }
        coords = {name: v for name, v in self.coords.items() if name != dimension}
        return Numbers(variables, coords, self.attrs, self.time_unit)

    def by_population(self, names: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """A row for each population; what belongs to a distinct filter has a column for each."""
        shown = self.variables if names is None else names
        rows: list[dict[str, Any]] = [{"population": str(p)} for p in self["population"]]
        for name in shown:
            dims, values, _ = self.variables[name]
            others = itertools.product(*(self[d] for d in dims if d != "population"))
            labels = [" ".join([name, *map(str, other)]) for other in others]
            along = np.moveaxis(values, dims.index("population"), 0).reshape(len(rows), -1)
            for row, own in zip(rows, along, strict=True):
                row |= {label: float(v) for label, v in zip(labels, own, strict=True)}
        return rows


def _last(values: np.ndarray, dims: tuple[str, ...], dimension: str) -> np.ndarray:
    return np.take(values, -1, axis=dims.index(dimension)) if dimension in dims else values


class Result:
    """What a verb returns. Subclasses are immutable and say what they hold.

    A subclass has, as fields or as properties, a `title` (what it is, in a few words), a `status`
    (how the computation ended) and a `dataset` (the numbers by name, over named dimensions), and a
    method `rows` for its table. Everything else follows: `table()`, plain data as `json()`, a
    picture as `plot()`, and `save(path)`, which `motifield.load` reads back. `result["name"]` is a
    variable of the dataset.
    """

    if TYPE_CHECKING:  # declared, not defined: a field of a dataclass must not meet a property

        @property
        def title(self) -> str: ...

        @property
        def status(self) -> Status: ...

        @property
        def dataset(self) -> xr.Dataset: ...

    def rows(self) -> list[dict[str, Any]]:
        """The table's rows as mappings; by default the dataset, a row for each coordinate."""
        return self.dataset.to_dataframe().reset_index().to_dict("records")

    def table(self) -> pd.DataFrame:
        """What one would print: the main numbers, a row each.

        Columns of times and rates name the unit where one was given, as "period (ms)".
        """
        import pandas as pd

        return pd.DataFrame(headed(self.rows(), self.time_unit))

    @property
    def time_unit(self) -> str:
        """The name of the unit of times, as `time_unit` of the parameters; "" where none is."""
        owners: list[Any] = [getattr(self, name, None) for name in ("numbers", "parameters", "fit")]
        known = [owner.time_unit for owner in owners if hasattr(owner, "time_unit")]
        return next(filter(None, known), "") if known else time_unit_of(self.dataset)

    def json(self) -> dict[str, Any]:
        """Plain data for machines; complex numbers as [real, imaginary], NaN as None."""
        own = getattr(self, "numbers", None)
        if own is None:
            own = {str(n): v.values for n, v in self.dataset.variables.items()}
        return {**self.status.json(), **plain({name: own[name] for name in own})}

    def picked(self, *names: str) -> dict[str, Any]:
        """Fields and properties by name, as they are."""
        return {name: getattr(self, name) for name in names}

    def plot(self, **options: Any) -> Figure:
        """A picture, as a matplotlib figure.

        Args:
            options: those of the function of `motifield.plots` that draws this kind of result.

        Raises:
            NotImplementedError: there is no picture of this kind of result.
        """
        # pictures stand above results, and load only when one is asked for
        return import_module("motifield.numerics.plots").draw_result(self, **options)

    def save(self, path: str | Path) -> None:
        """Write the numbers to .nc, .csv or .json, whole or not at all.

        A .nc file can be read back with `motifield.load`.

        Raises:
            SpecError: another suffix.
            FileError: the file cannot be written.
        """
        save_dataset(self._described(), path)

    def _described(self) -> xr.Dataset:
        about = {"title": self.title, **self.status.json()}
        return measured(self.dataset, self.time_unit).assign_attrs(about)

    def summary(self) -> list[str]:
        """Lines for the repr: the numbers that one looks for first."""
        short = "{:.5g}".format  # complex numbers, too
        table = self.table()
        shown = table.to_string(max_rows=10, max_cols=WIDEST_REPR, float_format=short)
        return shown.splitlines()

    def __getitem__(self, name: Any) -> Any:
        return self.dataset[name]

    def _heading(self) -> str:
        """The title, or the kind of result in words where nobody gave it one."""
        return self.title or re.sub("(?<=[a-z])(?=[A-Z])", " ", type(self).__name__).capitalize()

    def __repr__(self) -> str:
        lines = [f"{self._heading()}: {self.status}", *self.summary()]
        if len(lines) > LONGEST_REPR:
            lines = [*lines[: LONGEST_REPR - 1], "..."]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = f"<p><b>{escape(self._heading())}</b>: {escape(str(self.status))}</p>"
        return head + self.table().to_html(index=False, border=0, max_rows=20, na_rep="")


class Solution(Result):
    """A result of a solver, which converges or does not."""

    @property
    def converged(self) -> bool:
        """Whether the status is "ok": a solution was found, and the equations hold there."""
        return self.status.ok


class Collection(Result, Generic[Item]):
    """A result made of parts: `result[0]`, `len(result)`, `for part in result`."""

    @property
    def parts(self) -> tuple[Item, ...]:
        """All parts, in their order."""
        raise NotImplementedError

    @property
    def time_unit(self) -> str:
        """That of the first part."""
        return time_unit_of(self.parts[0]) if self.parts else ""

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.parts)

    def __getitem__(self, k: Any) -> Any:
        return self.dataset[k] if isinstance(k, str) else self.parts[k]


class Settled(Result):
    """A result whose status is always "ok": what cannot be computed raises."""

    @property
    def status(self) -> Status:
        """Always "ok"."""
        return OK


class Noted(Result):
    """A result that notes what was not reached."""

    notes: tuple[str, ...]

    @property
    def status(self) -> Status:
        """ "ok", or what was not reached."""
        return incomplete(self.notes)


@dataclass(frozen=True, repr=False)
class Saved(Result):
    """A result that was read from a file: its numbers, title and status.

    It has what the numbers alone allow: it cannot be used to go on computing.
    """

    title: str
    status: Status
    dataset: xr.Dataset

    def summary(self) -> list[str]:
        """The variables with their dimensions and ranges."""
        lines = []
        for name, values in self.dataset.data_vars.items():
            where = ", ".join(f"{d}: {n}" for d, n in values.sizes.items())
            ends = ""
            if values.dtype.kind in "fi" and values.size:
                ends = f"  {float(values.min()):.5g} to {float(values.max()):.5g}"
            lines.append(f"  {name} ({where}){ends}")
        return lines


def load(path: str | Path) -> Saved:
    """Read a result that `save` wrote to a .nc file.

    Args:
        path: a .nc file.

    Returns:
        The numbers, title and status of the result.

    Raises:
        SpecError: the file is not there, or is not a saved result.
    """
    if not Path(path).is_file():
        raise SpecError(f"there is no file {path}")
    try:
        dataset = read_dataset(path)
        about = dataset.attrs
        if {"title", "status", "code"} <= set(about):
            return Saved(about["title"], Status(about["status"], about["code"]), dataset)
    except MotifieldError:
        raise
    except Exception as error:  # h5netcdf and xarray raise many kinds on damaged files
        raise SpecError(f"{path} is no netCDF file of a result: {error}") from None
    raise SpecError(f"{path} holds a dataset, but not one that a result's save() wrote")


def read_dataset(path: str | Path) -> xr.Dataset:
    """The dataset of a .nc file; raises whatever h5netcdf and xarray do on a damaged one."""
    import xarray as xr

    check_seal(path)
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        require_memory(opened.nbytes, f"{path}, unpacked,", SMALLER)
        return opened.load()


def netcdf(dataset: xr.Dataset) -> bytes:
    """The contents of a .nc file with their checksum: HDF5 itself crashes on a full disk."""
    return sealed(dataset.to_netcdf(engine="h5netcdf"))


def save_dataset(dataset: xr.Dataset, path: str | Path) -> None:
    """Write a dataset to .nc, .csv or .json; a complex variable as `name_real` and `name_imag`."""
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise SpecError(f"cannot write {path}: the suffix must be one of {', '.join(SUFFIXES)}")
    for name in [str(n) for n, v in dataset.variables.items() if v.dtype.kind == "c"]:
        parts = {f"{name}_real": dataset[name].real, f"{name}_imag": dataset[name].imag}
        dataset = dataset.assign(parts).drop_vars(name)
    if path.suffix == ".nc":
        write_bytes(path, netcdf(dataset))
    elif path.suffix == ".csv":
        write_with(path, lambda temporary: dataset.to_dataframe().to_csv(temporary))
    else:
        write_text(path, json.dumps(plain(dataset.to_dict()), default=str) + "\n")


def plain(value: Any) -> Any:
    """Arrays, mappings and sequences as plain data that JSON can hold; NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
