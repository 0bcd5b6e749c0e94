"""A table from whatever holds one: a file by its suffix, or a data frame."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

from ...errors import NetworkError
from .cells import Numbers
from .columns import Column
from .frames import COLUMNAR, SHEETS, FrameTable, read_frame
from .packed import named, place_of
from .text import TextTable

TEXTS = (".csv", ".tsv", ".txt", ".tab", ".dat", ".edges", ".edgelist", "")
TABLES = (*TEXTS[:-1], *SHEETS, *COLUMNAR)
"""Suffixes of tables."""


class Table(Protocol):
    """Rows and columns, whose cells get their meaning by what they are asked for."""

    @property
    def what(self) -> str:
        """Names the table in errors."""

    @property
    def head(self) -> list[list[str]]:
        """Cells of the first rows, as text."""

    @property
    def header(self) -> list[str] | None:
        """Names of the columns where they are certain to be names."""

    @property
    def comment(self) -> list[str] | None:
        """What a comment before the table may name its columns."""

    @property
    def width(self) -> int:
        """Number of columns."""

    def line(self, row: int, header: bool) -> str:
        """Where a row stands, such as "line 7"."""

    def columns(self, wanted: Mapping[int, str], header: bool) -> dict[int, Column]:
        """Columns by position, each for the purpose "id", "number" or "text"."""

    def numbers(self, header: bool, left: bool, decimal: str | None = None) -> Numbers:
        """All cells as numbers, without a first row or column that are names."""


def open_table(
    source: Any,
    what: str,
    *,
    part: str | None = None,
    role: str = "edges",
    separator: str | None = None,
    encoding: str | None = None,
) -> Table:
    """The table in a file or a pandas data frame.

    Args:
        source: a path, packed or not, or a data frame.
        what: what it holds, for errors: "edge list"; "" where that is not known.
        part: of several sheets, or files in an archive, the one.
        role: of several files in an archive, the one that is taken without `part`.
        separator: of the columns of a text; recognised by default.
        encoding: of a text; recognised by default.

    Raises:
        NetworkError: there is no such file, or no table is recognised in it.
    """
    if hasattr(source, "iloc") and hasattr(source, "columns"):
        if source.index.name is not None or source.index.inferred_type == "string":
            source = source.reset_index()  # ids of neurons are often kept there
        has_names = source.columns.inferred_type not in ("integer", "floating")
        return FrameTable(what, source, has_names)
    if not os.path.isfile(source):
        raise NetworkError(f"there is no {what or 'file'} {source}")
    place = place_of(source, part, role)
    if place.suffix in (*SHEETS, *COLUMNAR):
        return read_frame(place, what, part)
    if place.suffix not in TEXTS:
        known = ", ".join(TABLES)
        raise NetworkError(f"{named(what, place)}: tables are read from {known}, packed or not")
    return TextTable.open(place, what, separator, encoding)
