"""Tables in text files."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import NetworkError
from .cells import Numbers
from .columns import Coded, Column, coded, in_rows
from .dialects import Dialect, data_lines, dialect_of
from .encodings import encoding_of, starts_as_utf8
from .packed import Place, explained, named, opened, require_room

ROWS = 2**18  # rows that are read at a time
LETTERS = 2**22  # of a text that are read at a time
FAST = 2**22  # bytes from which a text is read in blocks, by pyarrow if it is there
OPEN = re.compile(r"EOF inside string starting at row (\d+)")
WIDTHS = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


@dataclass(frozen=True)
class TextTable:
    """A table in a text file, whose rows are read when they are asked for.

    Args:
        what: names the table in errors: "edge list edges.csv".
        place: where it is.
        given: the encoding of its text, if it is known.
        dialect: how it is written.
        size: bytes of its text.
    """

    what: str
    place: Place
    given: str | None
    dialect: Dialect
    size: int

    @classmethod
    def open(
        cls, place: Place, what: str, separator: str | None = None, encoding: str | None = None
    ) -> TextTable:
        """Recognise the table of a text file; raises `NetworkError` where that fails."""
        said = named(what, place)
        with explained(said, "read as text"):
            size = require_room(place)
            # of a large text, the rest is tested when it is read
            large = encoding is None and size >= FAST and starts_as_utf8(place)
            found = "utf-8-sig" if large else encoding_of(place, encoding)
            with _lines(place, found) as lines:
                dialect = dialect_of(lines, said, separator)
        return cls(said, place, None if large else found, dialect, size)

    @property
    def read_as(self) -> str:
        """The encoding in which rows were read so far, as far as it is known."""
        return self.given or vars(self).get("encoding", "utf-8")

    @cached_property
    def encoding(self) -> str:
        """The encoding of the whole text."""
        return encoding_of(self.place) if self.given is None else self.given

    @property
    def head(self) -> list[list[str]]:
        """Cells of the first rows; the first of them may be a header."""
        return self.dialect.head

    @property
    def header(self) -> list[str] | None:
        """The names of the columns where they are certain to be names; of a text they are not."""
        return None

    @property
    def comment(self) -> list[str] | None:
        """What the comment before the table may name its columns."""
        return self.dialect.comment

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.dialect.width

    def line(self, row: int, header: bool) -> str:
        """Where a row stands in the file: "line 7"."""
        with explained(self.what), _lines(self.place, self.encoding) as lines:
            for k, (number, _) in enumerate(data_lines(lines)):
                if k == row + header:
                    return f"line {number}"
        return f"row {row + 1}"

    def columns(self, wanted: Mapping[int, str], header: bool) -> dict[int, Column]:
        """Some columns.

        Args:
            wanted: of each column's position, what it is for: "id", "number" or "text".
            header: whether the first row is none.

        Raises:
            NetworkError: a damaged file, or a row with more cells than others.
        """
        from .streams import PLAIN, NotPlain, read_blocks

        with explained(self.what, "read as a table"):
            if self.size >= FAST and self.given in (None, *PLAIN):
                try:
                    return read_blocks(self.place, self.dialect, wanted, header)
                except NotPlain:
                    pass  # read line by line, which finds what is wrong, or knows it
            return self._by_lines(wanted, header)

    def lines(self) -> Coded:
        """The whole lines of the table, where blanks do not separate its columns."""
        with explained(self.what), _lines(self.place, self.encoding) as lines:
            return coded([line for _, line in data_lines(lines)])

    def numbers(self, header: bool, left: bool, decimal: str | None = None) -> Numbers:
        """All cells as numbers (rows, columns).

        Args:
            header: whether the first row is none.
            left: whether the first column is none.
            decimal: the decimal sign, if it is known.
        """
        positions = list(range(int(left), self.width))
        with explained(self.what, "read as a table"):
            if decimal != ",":
                with suppress(ValueError, TypeError):
                    parts = list(self._parts(positions, header, float))
                    grid = np.concatenate([part.to_numpy() for part in parts])
                    if not np.isinf(grid).any():
                        missing = np.isnan(grid)
                        return Numbers(grid, missing, np.zeros_like(missing), ".")
            builder, rows = _Builder(), 0
            for part in self._wide(positions, header):
                builder.add(part.stack(future_stack=True))
                rows += len(part)
        return in_rows(builder.column(), rows, decimal)

    def _wide(self, positions: list[int], header: bool) -> Iterator[Any]:
        """Parts of the table; raises `NetworkError` for a row with more cells than others."""
        try:
            yield from self._parts(positions, header)
        except ValueError as error:
            if "No columns to parse" in str(error):
                raise NetworkError(f"{self.what} has no rows below its header") from error
            if quote := OPEN.search(str(error)):
                raise NetworkError(
                    f"{self.what}, {self.line(int(quote[1]), False)}: a quote is opened there, and "
                    "never closed"
                ) from error
            found = WIDTHS.search(str(error))
            if found is None:
                raise
            # pandas counts the rows that it is given from 1
            where = self.line(int(found[2]) - 1 - header, header)
            raise NetworkError(
                f"{self.what}, {where}: it has {found[3]} cells, the rows before it {found[1]}"
            ) from error

    def _by_lines(self, wanted: Mapping[int, str], header: bool) -> dict[int, Column]:
        positions = list(wanted)
        builders = {k: _Builder() for k in positions}
        for part in self._wide(positions, header):
            for k, builder in builders.items():
                builder.add(part[k])
        return {k: builder.column() for k, builder in builders.items()}

    def _parts(self, positions: list[int], header: bool, kind: type = str) -> Iterator[Any]:
        """Parts of some columns, as text or as the nearest real numbers."""
        import pandas as pd

        with _lines(self.place, self.encoding) as lines:
            rows = data_lines(lines)
            if header:
                next(rows, None)
            how: Any = {
                "sep": r"\s+" if self.dialect.separator is None else self.dialect.separator,
                "header": None,
                # of the other columns nothing is asked; to leave them out (`usecols`) would also
                # let pass rows with more cells
                "dtype": {k: kind if k in positions else str for k in range(self.width)},
                "keep_default_na": False,
                "skipinitialspace": True,
                "chunksize": ROWS,
            }
            if kind is float and int(pd.__version__.partition(".")[0]) < 3:
                how["float_precision"] = "round_trip"  # later versions round rightly by themselves
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)
                for part in pd.read_csv(_Stream(rows), **how):
                    yield part[positions]


def text_of(place: Place, encoding: str | None = None) -> str:
    """A whole text; raises what the libraries do on damaged files."""
    require_room(place)
    with opened(place) as stream:
        return stream.read().decode(encoding_of(place, encoding))


class _Builder:
    """A column of text whose parts come one after another."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._codes: list[np.ndarray] = []

    def add(self, part: Any) -> None:
        import pandas as pd

        codes, texts = pd.factorize(part.fillna("").to_numpy(dtype=object))
        place = np.array([self._at.setdefault(text, len(self._at)) for text in texts], np.int32)
        self._codes.append(place[codes] if len(place) else np.zeros(0, np.int32))

    def column(self) -> Coded:
        empty = [np.zeros(0, np.int32)]
        return Coded(np.concatenate(self._codes or empty), list(self._at))


class _Stream(io.TextIOBase):
    """Lines as a file that pandas reads."""

    def __init__(self, rows: Iterator[tuple[int, str]]):
        self._rows, self._rest = rows, ""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> str:
        wanted = LETTERS if size is None or size < 0 else size
        parts, count = [self._rest], len(self._rest)
        for _, line in self._rows:
            parts.append(line if line.endswith("\n") else line + "\n")
            count += len(parts[-1])
            if count >= wanted and size is not None and size >= 0:
                break
        text = "".join(parts)
        self._rest = text[wanted:] if size is not None and size >= 0 else ""
        return text[: len(text) - len(self._rest)]

    def __next__(self) -> str:  # type: ignore[override]
        line = next(self._rows)[1]
        return line if line.endswith("\n") else line + "\n"


@contextmanager
def _lines(place: Place, encoding: str) -> Iterator[Iterator[str]]:
    """The lines of a text, whatever ends them."""
    with opened(place) as stream, io.TextIOWrapper(stream, encoding, newline=None) as text:
        yield text
