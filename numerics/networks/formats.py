"""How files of tables are written, in the words of the report of reading."""

from __future__ import annotations

from ..tables import SEPARATOR_NAMES, Place, Table, TextTable
from .reading import Reading


def origin(table: Table) -> Reading:
    """The report of the file of a table and of how it is written."""
    if not isinstance(table, TextTable):
        return Reading(source=table.what, format="table")
    dialect = table.dialect
    written = f"text, separated by {SEPARATOR_NAMES.get(dialect.separator, dialect.separator)}"
    if table.read_as not in ("utf-8", "utf-8-sig"):
        written += f", in {table.read_as}"
    if dialect.comments:
        written += f", {dialect.comments} lines of comments before it"
    return Reading(str(table.place), written + packing(table.place)).noting(_unread(table.place))


def packing(place: Place) -> str:
    """How a file is packed, in words."""
    return f", packed as {place.packing}" if place.packing else ""


def _unread(place: Place) -> str:
    """A note on the other files of an archive."""
    return f"not read: {', '.join(place.others)}" if place.others else ""
