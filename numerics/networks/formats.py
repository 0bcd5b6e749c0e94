"""How files of tables are written, in the words of the report of reading."""

from __future__ import annotations

from ..tables import SEPARATOR_NAMES, Place, Table, TextTable


def described(table: Table) -> dict[str, str]:
    """The file of a table, and how it is written."""
    if not isinstance(table, TextTable):
        return {"source": table.what, "format": "table"}
    dialect = table.dialect
    written = f"text, separated by {SEPARATOR_NAMES.get(dialect.separator, dialect.separator)}"
    if table.read_as not in ("utf-8", "utf-8-sig"):
        written += f", in {table.read_as}"
    if dialect.comments:
        written += f", {dialect.comments} lines of comments before it"
    return {"source": str(table.place), "format": written + packing(table.place)}


def packing(place: Place) -> str:
    """How a file is packed, in words."""
    return f", packed as {place.packing}" if place.packing else ""


def unread(table: Table) -> tuple[str, ...]:
    """A note on the other files of an archive."""
    others = table.place.others if isinstance(table, TextTable) else ()
    return (f"not read: {', '.join(others)}",) if others else ()
