"""Large plain text tables, read in blocks by pyarrow on all cores.

Only what cannot be misunderstood is read here: rows of one width in UTF-8, integers in their one
form, numbers with a point. Everything else is left to the reader that goes line by line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from ..machine import cores
from .cells import INTEGER, NUMBER
from .columns import Coded, Column
from .dialects import Dialect
from .packed import Place, opened

BLOCK = 2**24  # bytes
ENCODINGS = ("utf-8", "utf-8-sig")
BOM = b"\xef\xbb\xbf"


class NotPlain(Exception):
    """The table is not one that is read in blocks."""


def read_blocks(
    place: Place, encoding: str, dialect: Dialect, wanted: Mapping[int, str], header: bool
) -> dict[int, Column]:
    """Columns of a table, as `TextTable.columns` returns them.

    Raises:
        NotPlain: pyarrow is not installed, or the table is not plain.
    """
    try:
        import pyarrow.csv  # noqa: F401
    except ImportError:
        raise NotPlain from None
    if encoding not in ENCODINGS or dialect.separator is None:
        raise NotPlain
    widths = {len(row) for row in dialect.head}
    if len(widths) > 1:
        raise NotPlain
    kinds = {k: _kind(dialect, k, purpose, header) for k, purpose in wanted.items()}
    while True:
        try:
            return _read(place, dialect, kinds, header)
        except _Text as found:
            kinds = kinds | {found.column: "text"}


class _Text(Exception):
    """A column of integers has other ids, too."""

    def __init__(self, column: int):
        super().__init__()
        self.column = column


def _kind(dialect: Dialect, k: int, purpose: str, header: bool) -> str:
    cells = [row[k] for row in dialect.head[header:]]
    if purpose == "id" and all(INTEGER.fullmatch(cell) for cell in cells):
        return "integer"
    if purpose == "number":
        if not all(NUMBER.fullmatch(cell) for cell in cells):
            raise NotPlain
        return "real"
    return "text"


def _read(
    place: Place, dialect: Dialect, kinds: Mapping[int, str], header: bool
) -> dict[int, Column]:
    parts: dict[int, list[np.ndarray]] = {k: [] for k in kinds}
    texts: dict[int, dict[str, int]] = {k: {} for k, kind in kinds.items() if kind == "text"}
    count = max(1, min(cores(), 4))
    with ThreadPoolExecutor(count) as pool, opened(place) as stream:
        waiting: deque[Future] = deque()
        for block in _blocks(stream, dialect.skipped + header):
            waiting.append(pool.submit(_parsed, block, dialect, kinds))
            if len(waiting) > count:
                _take(waiting.popleft().result(), parts, texts)
        while waiting:
            _take(waiting.popleft().result(), parts, texts)
    found: dict[int, Column] = {}
    for k, kind in kinds.items():
        whole = np.concatenate(parts.pop(k) or [np.zeros(0, np.int32)])
        found[k] = Coded(whole, list(texts[k])) if kind == "text" else whole
    return found


def _take(
    block: Mapping[int, Any], parts: dict[int, list[np.ndarray]], texts: dict[int, dict[str, int]]
) -> None:
    for k, own in block.items():
        if isinstance(own, np.ndarray):
            parts[k].append(own)
            continue
        codes, words = own
        at = texts[k]
        place = np.array([at.setdefault(word, len(at)) for word in words], dtype=np.int32)
        parts[k].append(place[codes])


def _blocks(stream: Any, skipped: int) -> Iterator[bytes]:
    """Whole lines of a file, BLOCK bytes or so at a time, without the first ones."""
    rest = stream.read(BLOCK).removeprefix(BOM)
    for _ in range(skipped):
        _, end, rest = rest.partition(b"\n")
        if not end:
            raise NotPlain
    while True:
        more = stream.read(BLOCK)
        cut = rest.rfind(b"\n") + 1 if more else len(rest)
        if not cut and more:
            raise NotPlain
        if cut:
            yield rest[:cut]
        rest = rest[cut:] + more
        if not rest:
            return


def _parsed(block: bytes, dialect: Dialect, kinds: Mapping[int, str]) -> dict[int, Any]:
    import pyarrow as pa
    from pyarrow import csv

    if any(sign in block for sign in (b"\n#", b"\n%", b"\r\r")) or block[:1] in (b"#", b"%"):
        raise NotPlain
    separator = str(dialect.separator).encode()
    types = {"real": pa.float64(), "text": pa.dictionary(pa.int32(), pa.string())}
    # where a cell begins with a sign or a 0, integers may have another form than their own
    form = pa.string() if _may_differ(block, separator) else pa.int64()
    own = {str(k): types.get(kind, form) for k, kind in kinds.items()}
    width = len(dialect.head[0])
    try:
        table = csv.read_csv(
            pa.BufferReader(block),
            csv.ReadOptions(
                column_names=[str(k) for k in range(width)],
                block_size=2 * BLOCK,
                use_threads=False,
            ),
            csv.ParseOptions(delimiter=str(dialect.separator)),
            csv.ConvertOptions(include_columns=list(own), column_types=own),
        )
    except pa.ArrowInvalid as error:
        raise _reason(str(error), kinds) from None
    return {k: _column(table[str(k)].combine_chunks(), kind, k) for k, kind in kinds.items()}


def _may_differ(block: bytes, separator: bytes) -> bool:
    first = (b"\n", separator, b" ", b'"', b"\t")
    return block[:1] in (b"0", b"+", b"-") or any(
        before + sign in block for before in first for sign in (b"0", b"+", b"-")
    )


def _reason(text: str, kinds: Mapping[int, str]) -> Exception:
    """A column of ids that are no integers is read as text; whatever else is not plain."""
    for k, kind in kinds.items():
        if kind == "integer" and f"column #{k}:" in text:
            return _Text(k)
    return NotPlain()


def _column(array: Any, kind: str, k: int) -> Any:
    import pyarrow as pa
    from pyarrow import compute

    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if kind == "text":
        if array.null_count:
            raise NotPlain
        words = array.dictionary.to_pylist()
        if any("\n" in word or "\r" in word for word in words):
            raise NotPlain
        return array.indices.to_numpy(), words
    if kind == "integer" and pa.types.is_string(array.type):
        try:
            values = compute.cast(array, pa.int64())
        except pa.ArrowInvalid:
            raise _Text(k) from None
        if not compute.all(compute.equal(compute.cast(values, pa.string()), array)).as_py():
            raise _Text(k)
        array = values
    if array.null_count:
        raise NotPlain
    found = array.to_numpy(zero_copy_only=False)
    if kind == "real" and not np.isfinite(found).all():
        raise NotPlain
    return found
