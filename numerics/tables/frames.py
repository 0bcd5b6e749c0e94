"""Tables that have types of their own: data frames, spreadsheets, Parquet and Feather files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import NetworkError
from .cells import Numbers, clean
from .columns import Column, coded, in_rows
from .dialects import HEAD
from .packed import Place, explained, named, opened, require_room

SHEETS = (".xlsx", ".xlsm")
COLUMNAR = (".parquet", ".feather", ".arrow")
PACKAGES = {"pyarrow": "tables", "openpyxl": "tables", "pynwb": "nwb"}


@dataclass(frozen=True)
class FrameTable:
    """A table with names of columns and values of any type.

    Args:
        what: names the table in errors.
        frame: the pandas data frame.
        named: whether its columns have names; they are positions otherwise.
        first: the number of the line with the first row, in a spreadsheet; None elsewhere.
    """

    what: str
    frame: Any
    named: bool = True
    first: int | None = None

    comment = None

    @property
    def head(self) -> list[list[str]]:
        """Cells of the first rows, below the header where there is one."""
        rows = self.frame.head(HEAD)
        columns = [_texts(rows.iloc[:, k]) for k in range(self.width)]
        return [list(row) for row in zip(*columns, strict=True)]

    @property
    def header(self) -> list[str] | None:
        """The names of the columns."""
        return [clean(str(name)) for name in self.frame.columns] if self.named else None

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.frame.shape[1]

    def line(self, row: int, header: bool) -> str:
        """Where a row stands: "line 7" of a spreadsheet, "row 6" elsewhere, counted from 1."""
        return f"row {row + 1}" if self.first is None else f"line {row + header + self.first}"

    def columns(self, wanted: Mapping[int, str], header: bool) -> dict[int, Column]:
        """Some columns, by their positions; the first row may be a header, if there is none."""
        skipped = 0 if self.named else int(header)
        return {k: _column(self.frame.iloc[skipped:, k]) for k in wanted}

    def numbers(self, header: bool, left: bool, decimal: str | None = None) -> Numbers:
        """All cells as numbers (rows, columns), without a first row and column that are none."""
        own = self.frame.iloc[0 if self.named else int(header) :, int(left) :]
        columns = [_texts(own.iloc[:, k]) for k in range(own.shape[1])]
        cells = [cell for row in zip(*columns, strict=True) for cell in row]
        return in_rows(coded(cells), len(own), decimal)


def read_frame(place: Place, what: str, part: str | None = None) -> FrameTable:
    """The table of a spreadsheet, or of a Parquet or Feather file.

    Args:
        place: the file.
        what: names it in errors.
        part: the sheet, where there are several.

    Raises:
        NetworkError: a damaged file, several sheets, or a package that is not installed.
    """
    where = named(what, place)
    with explained(where):
        require_room(place, 1)
        with opened(place) as stream:
            if place.suffix in SHEETS:
                return _sheet(stream, where, part)
            return FrameTable(where, _with_index(_columnar(stream, place.suffix, where)))


def _with_index(frame: Any) -> Any:
    """A frame whose index, if it has names, is its first column."""
    import pandas as pd

    if isinstance(frame.index, pd.RangeIndex):
        return frame
    return frame.rename_axis(frame.index.name or "").reset_index()


def _columnar(stream: Any, suffix: str, where: str) -> Any:
    pyarrow = needed("pyarrow", where)
    try:
        if suffix == ".parquet":
            from pyarrow import parquet

            return parquet.read_table(pyarrow.BufferReader(stream.read())).to_pandas(
                types_mapper=_nullable(pyarrow)
            )
        from pyarrow import feather

        table = feather.read_table(pyarrow.BufferReader(stream.read()))
        return table.to_pandas(types_mapper=_nullable(pyarrow))
    except Exception as error:  # pyarrow and pandas raise many kinds on damaged files
        raise NetworkError(f"{where} cannot be read: {error}") from error


def _nullable(pyarrow: Any) -> Any:
    """Integers stay integers where some are missing."""
    import pandas as pd

    return {pyarrow.int64(): pd.Int64Dtype(), pyarrow.uint64(): pd.UInt64Dtype()}.get


def _sheet(stream: Any, where: str, part: str | None) -> FrameTable:
    openpyxl = needed("openpyxl", where)
    import pandas as pd

    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises many kinds on damaged files
        raise NetworkError(f"{where} cannot be read as a workbook: {error}") from error
    full = [name for name in book.sheetnames if book[name].max_row and _first(book[name])]
    chosen = [part] if part in book.sheetnames else full if part is None else []
    if len(chosen) != 1:
        raise NetworkError(
            f"{where} has the sheets {', '.join(book.sheetnames)}: name one of them with part="
        )
    rows = [list(row) for row in book[chosen[0]].iter_rows(values_only=True)]
    empty = next((k for k, row in enumerate(rows) if any(v is not None for v in row)), 0)
    rows = [row for row in rows if any(value is not None for value in row)]
    frame = pd.DataFrame(rows, dtype=object)
    frame = frame.loc[:, frame.notna().any()]
    frame.columns = range(frame.shape[1])
    return FrameTable(where, frame, named=False, first=1 + empty)


def _first(sheet: Any) -> bool:
    return any(value is not None for row in sheet.iter_rows(values_only=True) for value in row)


def needed(package: str, where: str) -> Any:
    """A package that only some files need.

    Raises:
        NetworkError: it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise NetworkError(
            f"{where} is read by {package}, which is not installed: "
            f"pip install 'motifield[{PACKAGES[package]}]'"
        ) from error


def _column(series: Any) -> Column:
    """A column of a data frame: integers and real numbers as they are, whatever else as text."""
    kind = getattr(series.dtype, "kind", "O")
    if kind == "b":
        return series.to_numpy(dtype=float)
    if kind in "iu" and not series.isna().any():
        values = series.to_numpy()
        if kind == "i" or (values < 2**63).all():
            return values.astype(np.int64)
    if kind == "f":
        return series.to_numpy(dtype=float, na_value=np.nan)
    return coded(_texts(series))


def _texts(series: Any) -> list[str]:
    return ["" if _none(value) else _text(value) for value in series.tolist()]


def _text(value: Any) -> str:
    """A value as text; a real number in the shortest form that is exact."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return clean(str(value))


def _none(value: Any) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or value is pd.NaT or value != value
