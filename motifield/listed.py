"""What an object is, as lines to print and as a table in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape


class Listed:
    """An object that shows itself as a title and rows, in the console and in notebooks.

    A subclass has a method `described`, of the title and the rows. They are read at a glance: what
    is absent is left out.
    """

    def described(self) -> tuple[str, Mapping[str, str]]:
        """The title, and what stands for what."""
        raise NotImplementedError

    def __repr__(self) -> str:
        title, rows = self.described()
        return "\n".join([title, *(f"  {name}: {value}" for name, value in rows.items())])

    def _repr_html_(self) -> str:
        title, rows = self.described()
        return f"<p><b>{escape(title)}</b></p>{html_table(rows.items())}"


def html_table(rows: Iterable[Iterable[str]]) -> str:
    """Rows of cells as an HTML table without a head."""
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
