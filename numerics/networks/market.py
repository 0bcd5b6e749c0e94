"""Matrix Market files, line by line tested before SciPy reads them."""

from __future__ import annotations

import io
import re
from typing import Any

import scipy.io

from ...errors import NetworkError
from ..archives import SMALLER
from ..machine import require_memory
from ..tables import Place, opened, require_room

ENTRY = 48.0  # bytes of an entry: its indices and weight, as they are read, sorted and kept
NEURON = 200.0  # bytes of a neuron without synapses: its label, as text and as an object, and rows
NUMBER = rb"[+-]?(?:\d++\.?\d*+|\.\d++|nan|inf(?:inity)?)(?:e[+-]?\d++)?"
VALUES = {"pattern": 0, "complex": 2}  # numbers of a weight; one for other fields


def read_market(place: Place) -> Any:
    """The matrix of a Matrix Market file.

    SciPy takes `3,5` for 3, and ends the process where a file ends within a number. Here a line
    that is not as it should be is an error.

    Raises:
        NetworkError: such a line, or more entries than fit into memory.
        Exception: whatever SciPy raises on damaged files.
    """
    require_room(place, 1)
    with opened(place) as stream:
        content = stream.read() + b"\n"
    rows, columns, entries, layout, field, _ = scipy.io.mminfo(io.BytesIO(content))
    needed = 16.0 * rows * columns if layout == "array" else ENTRY * entries
    what = f"{place}, which declares {rows} rows and {entries} entries,"
    require_memory(needed + NEURON * max(rows, columns), what, SMALLER)
    _check_lines(content, place, 2 * (layout == "coordinate"), VALUES.get(field, 1))
    return scipy.io.mmread(io.BytesIO(content))


def _check_lines(content: bytes, place: Place, indices: int, values: int) -> None:
    """Raise `NetworkError` for a line with other cells than integers and numbers."""
    cells = [rb"\d++"] * indices + [NUMBER] * values
    line = rb"[ \t]*+" + rb"[ \t]++".join(cells) + rb"[ \t]*+\r?\n"
    # possessive: nothing of what was matched is kept to be tried again
    form = re.compile(rb"(?:" + line + rb"|[ \t]*+\r?\n)*+", re.IGNORECASE)
    head = re.compile(rb"(?:[ \t]*+(?:%[^\n]*+)?\n|[ \t]*+\r\n)*+[^\n]*+\n")
    start = head.match(content)
    body = start.end() if start else 0
    found = form.match(content, body)
    end = found.end() if found else body
    if end < len(content):
        wrong = content[end:].split(b"\n", 1)[0].decode("utf-8", errors="replace").strip()
        number = content.count(b"\n", 0, end) + 1
        raise NetworkError(
            f"{place}, line {number}: {wrong!r} is not {indices} indices and {values} numbers, "
            "with a decimal point"
        )
