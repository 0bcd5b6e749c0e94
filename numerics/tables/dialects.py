"""How a text writes a table: comments, separator, the width of its rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ...errors import NetworkError
from .cells import clean

COMMENTS = ("#", "%")
SEPARATORS = ("\t", ";", "|", ",")
BLANKS = re.compile(r'"[^"]*"|\S+')
IN_NUMBER = re.compile(r"[+-]?[0-9.,]+([eE][+-]?[0-9]+)?")
SIGN = re.compile('"?sep=(.)"?', re.IGNORECASE)  # the line by which spreadsheets name a separator
HEAD = 50  # lines by which a table is recognised
NAMES = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", None: "blanks"}


class Dialect(NamedTuple):
    """How a table is written.

    Args:
        separator: of cells; None: any number of blanks.
        head: the cells of the first lines.
        width: of the table.
        comment: the cells of the comment that stands before them, None where there is none.
        skipped: lines before the first one of the table.
        comments: lines of comments among them.
    """

    separator: str | None
    head: list[list[str]]
    width: int
    comment: list[str] | None
    skipped: int
    comments: int


def data_lines(lines: Iterable[str], first: int = 1) -> Iterator[tuple[int, str]]:
    """Number and text of the lines that are neither empty nor comments."""
    for number, line in enumerate(lines, first):
        text = line.strip()
        filled = text.strip(',;|"') != "" and not text.startswith(COMMENTS)
        if filled and not SIGN.fullmatch(text):
            yield number, line


def dialect_of(lines: Iterable[str], what: str, separator: str | None = None) -> Dialect:
    """How the table that these lines begin is written.

    Args:
        lines: of the file, from its beginning.
        what: names the file, for errors.
        separator: the one that the user gives.

    Raises:
        NetworkError: the file is empty, or two separators fit.
    """
    found: list[str] = []
    comments: list[str] = []
    skipped = 0
    for number, line in enumerate(lines, 1):
        if line.strip().startswith(COMMENTS):
            if not found:
                comments.append(line.strip().lstrip("#% \t"))
            continue
        if not found and separator is None and (named := SIGN.fullmatch(line.strip())):
            separator = named[1]
        for _, text in data_lines([line]):
            skipped = skipped if found else number - 1
            found.append(text.rstrip("\n"))
        if len(found) == HEAD:
            break
    if not found:
        why = f": its {len(comments)} lines are comments, which begin with # or %"
        raise NetworkError(f"{what} is empty" + (why if comments else ""))
    sign = _given(separator) if separator is not None else _separator(found, what)
    head = [cells_of(line, sign) for line in found]
    last = cells_of(comments[-1], sign) if comments else []
    width = _usual(head)
    return Dialect(sign, head, width, last if len(last) == width else None, skipped, len(comments))


def _usual(rows: list[list[str]]) -> int:
    """The width of most rows below the first one, which may be a header."""
    widths = [len(row) for row in rows[1:] or rows]
    return max(widths, key=widths.count)


def cells_of(line: str, separator: str | None) -> list[str]:
    """The cells of a line, clean."""
    if separator is None:
        return [clean(cell) for cell in BLANKS.findall(line)]
    rows = csv.reader(io.StringIO(line), delimiter=separator, skipinitialspace=True)
    return [clean(cell) for cell in next(rows, [""])]


def _given(separator: str) -> str | None:
    names = {name: sign for sign, name in NAMES.items()} | {"\\t": "\t", " ": None, "": None}
    sign = names.get(separator, separator)
    if sign is not None and len(sign) != 1:
        known = ", ".join(repr(name) for name in NAMES.values())
        raise NetworkError(f"separator={separator!r} is not one character: use it, or {known}")
    return sign


def _separator(lines: list[str], what: str) -> str | None:
    split = {sign: [(line, cells_of(line, sign)) for line in lines] for sign in SEPARATORS}
    # a separator inside of quotes leaves cells with half of them
    sound = [s for s, rows in split.items() if not any('"' in c for _, own in rows for c in own)]
    fit = [sign for sign in sound if _width(lines, sign) > 1]
    for sign in fit:
        others = [own for own in fit if own != sign]
        left = [(line, c) for line, own in split[sign] for c in own if any(o in c for o in others)]
        if all(IN_NUMBER.fullmatch(cell) or f'"{cell}"' in line for line, cell in left):
            return sign
    if fit:
        names = " or ".join(repr(NAMES[sign]) for sign in fit)
        raise NetworkError(
            f"{what}: its columns may be separated in several ways: use separator={names}"
        )
    if _width(lines, None) > 1:
        return None
    inside = [sign for sign in sound if any(len(own) > 1 for _, own in split[sign])]
    return inside[0] if inside else None


def _width(lines: list[str], separator: str | None) -> int:
    """Cells of every line, the first of which may lack one; 0 where they differ."""
    widths = [len(cells_of(line, separator)) for line in lines]
    body = widths[1:] or widths
    same = len(set(body)) == 1 and widths[0] in (body[0], body[0] - 1)
    return body[0] if same else 0
