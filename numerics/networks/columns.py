"""Which columns of a table of edges are sources, targets and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...errors import NetworkError
from ..tables import INTEGER, Filter, Table, is_missing, is_number
from . import headings
from .neurons import column_at, first_row
from .options import ReadOptions


class EdgeColumns(NamedTuple):
    """Positions of the columns of a table of edges.

    Args:
        pre: of sources.
        post: of targets.
        weight: of weights; None: every edge is 1.
        names: of all columns, where they have some.
        header: whether these are the first row.
        filters: of edges, with their columns.
        others: filters of columns that are not in the table.
    """

    pre: int
    post: int
    weight: int | None
    names: list[str] | None
    header: bool
    filters: list[tuple[Filter, int]]
    others: list[Filter]

    def called(self, k: int) -> str:
        """A column in words."""
        name = self.names[k] if self.names is not None else ""
        return f"column {k + 1} ({name})" if name else f"column {k + 1}"

    @property
    def orientation(self) -> str:
        """Which column is the source, in words."""
        pre, post = self.called(self.pre), self.called(self.post)
        return f"{pre} is the source, {post} the target: J[target, source]"


def edge_columns(
    table: Table, options: ReadOptions, wanted: Sequence[Filter], neurons: Sequence[str] | None
) -> EdgeColumns:
    """The columns of a table of edges.

    Args:
        table: the table.
        options: `pre`, `post` and `weight` may say which columns are meant.
        wanted: filters of edges or neurons.
        neurons: names of the columns of a table of neurons, which filters may mean; None: there is
            no such table.

    Raises:
        NetworkError: columns that are not there, or that cannot be told.
    """
    weight = None if options.weight is ... else options.weight
    given = [own for own in (options.pre, options.post, weight) if own is not None]
    names, header = _names(table, given)
    pre, post = _ends(table, options, names)
    place = None if options.weight is None else _weight(table, options, names, header, (pre, post))
    filters, others = _split(table, names, wanted, neurons)
    return EdgeColumns(pre, post, place, names, header, filters, others)


def has_edges(table: Table) -> bool:
    """Whether the names of the columns are those of edges."""
    return any(
        names is not None and headings.are_edges(names)
        for names in (table.header, table.comment, table.head[0])
    )


def may_be_matrix(table: Table) -> bool:
    """Whether all cells are numbers, beyond a first row and column that may be names."""
    cells = [cell for row in table.head[1:] for cell in row[1:]]
    return all(is_number(cell) or is_missing(cell) for cell in cells)


def width_of(table: Table) -> int:
    """Columns, without those that are empty at the end of every row."""
    filled = [k for row in table.head for k, cell in enumerate(row[: table.width]) if cell]
    return max(filled, default=0) + 1


def _names(table: Table, given: Sequence[str | int]) -> tuple[list[str] | None, bool]:
    if table.header is not None:
        return table.header, False
    by_name = [isinstance(own, str) for own in given]
    if len(set(by_name)) > 1:
        raise NetworkError(
            f"{table.what}: columns {list(given)} mix names and positions: use names if the file "
            "has a header, positions if it has none"
        )
    first, comment = first_row(table), table.comment
    if comment is not None and headings.are_edges(comment):
        return comment, False
    if comment is not None and given and set(given) <= set(comment):
        return comment, False
    if headings.are_edges(first) or (given and by_name[0]):
        return first, True
    if not _is_header(table, first):
        return None, False
    if given:
        return None, True
    raise NetworkError(
        f"{table.what}, first line: its columns {first} do not say which are sources, targets "
        "and weights: name them, e.g. "
        f"pre={first[0]!r}, post={first[1] if len(first) > 1 else ''!r}, "
        f"weight={first[2] if len(first) > 2 else None!r}; if these are no names, one of them is "
        "no number that can be read"
    )


def _is_header(table: Table, first: Sequence[str]) -> bool:
    """Whether text stands above nothing but numbers."""
    body = table.head[1:]
    if not body:
        return False
    for k in range(len(first)):
        cells = [row[k] for row in body if k < len(row)]
        form = INTEGER.fullmatch if k < 2 else is_number
        numbers = [bool(form(cell)) for cell in cells if not is_missing(cell)]
        if numbers and all(numbers) and not (is_number(first[k]) or is_missing(first[k])):
            return True
    return False


def _ends(table: Table, options: ReadOptions, names: list[str] | None) -> tuple[int, int]:
    found = []
    for k, (own, known) in enumerate(
        ((options.pre, headings.sources), (options.post, headings.targets))
    ):
        if own is not None:
            found.append(column_at(table, own, names))
        elif names is None or (found_by_name := known(names)) == []:
            if names is not None and options.pre is None:
                side = ("source", "target")[k]
                raise NetworkError(
                    f"{table.what}: which of its columns {names} is the {side}? Say "
                    f"{('pre', 'post')[k]}="
                )
            found.append(column_at(table, k, None))
        elif len(found_by_name) > 1:
            several = [names[j] for j in found_by_name]
            raise NetworkError(
                f"{table.what}: {several} may all be the {('source', 'target')[k]}: say which with "
                f"{('pre', 'post')[k]}="
            )
        else:
            found.append(found_by_name[0])
    if found[0] == found[1]:
        raise NetworkError(
            f"{table.what}: one column is source and target: say which ones with pre=, post="
        )
    return found[0], found[1]


def _weight(
    table: Table,
    options: ReadOptions,
    names: list[str] | None,
    header: bool,
    ends: tuple[int, int],
) -> int:
    if options.weight is not None and options.weight is not ...:
        return column_at(table, options.weight, names)  # type: ignore[arg-type]
    if names is None:
        width = width_of(table)
        free = [k for k in range(width) if k not in ends]
        if len(free) == 1:
            return free[0]
        if not free:
            raise NetworkError(
                f"{table.what} has no column of weights, only {width}: use weight=None where every "
                "edge is 1"
            )
        raise NetworkError(
            f"{table.what} has {width} columns without names: say which of them are meant, as "
            "positions from 0: pre=0, post=1, weight=2"
        )
    found = [k for k in headings.weights(names) if k not in ends]
    if len(found) == 1:
        return found[0]
    why = "none of them is known as" if not found else f"{[names[k] for k in found]} may all be"
    raise NetworkError(
        f"{table.what} has the columns {names}, and {why} the weight: say weight='...', or "
        "weight=None where every edge is 1"
    )


def _split(
    table: Table, names: list[str] | None, wanted: Sequence[Filter], neurons: Sequence[str] | None
) -> tuple[list[tuple[Filter, int]], list[Filter]]:
    """Filters of edges with their columns, and those of neurons."""
    own, others = [], []
    for one in wanted:
        kind, dot, name = str(one.column).partition(".")
        column: str | int = one.column
        if dot and kind in ("edges", "neurons") and name:
            here, column = kind == "edges", name
        else:
            here = neurons is None or (names is not None and column in names)
            if here and neurons is not None and column in neurons:
                raise NetworkError(
                    f"where: edges and neurons both have a column {column!r}: write "
                    f"'edges.{one}' or 'neurons.{one}'"
                )
        if here:
            own.append((one._replace(column=column), column_at(table, column, names)))
        else:
            others.append(one._replace(column=column))
    return own, others
