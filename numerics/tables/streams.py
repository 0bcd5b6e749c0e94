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

WORDS = ("name", "text")  # kinds of columns of text: ids, and whatever filters ask for
BLOCK = 2**24  # bytes
PLAIN = ("utf-8", "utf-8-sig")
BOM = b"\xef\xbb\xbf"
POWERS = 10 ** np.arange(1, 19)


class NotPlain(Exception):
    """The table is not one that is read in blocks."""


def read_blocks(
    place: Place, dialect: Dialect, wanted: Mapping[int, str], header: bool
) -> dict[int, Column]:
    """Columns of a table, as `TextTable.columns` returns them.

    Raises:
        NotPlain: pyarrow is not installed, or the table is not plain.
    """
    try:
        import pyarrow.csv  # noqa: F401
    except ImportError:
        raise NotPlain from None
    if dialect.separator is None:
        raise NotPlain
    widths = {len(row) for row in dialect.head}
    if len(widths) > 1:
        raise NotPlain
    kinds = {k: _kind(dialect, k, purpose, header) for k, purpose in wanted.items()}
    while True:
        try:
            return _read(place, dialect, kinds, header)
        except _Text as found:
            kinds = kinds | {found.column: "name"}


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
    return "name" if purpose == "id" else "text"


def _read(
    place: Place, dialect: Dialect, kinds: Mapping[int, str], header: bool
) -> dict[int, Column]:
    parts: dict[int, list[np.ndarray]] = {k: [] for k in kinds}
    texts: dict[int, dict[str, int]] = {k: {} for k, kind in kinds.items() if kind in WORDS}
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
        found[k] = Coded(whole, list(texts[k])) if kind in WORDS else whole
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
    rest = stream.readline().removeprefix(BOM)
    for _ in range(skipped):
        if b"\r" in rest.rstrip(b"\r\n"):
            raise NotPlain
        rest = stream.readline()
    while block := stream.read(BLOCK):
        yield b"".join((rest, block, stream.readline()))
        rest = b""
    if rest:
        yield rest


def _parsed(block: bytes, dialect: Dialect, kinds: Mapping[int, str]) -> dict[int, Any]:
    import pyarrow as pa
    from pyarrow import csv

    _require_plain(block)
    words = pa.dictionary(pa.int32(), pa.string())
    types = {"real": pa.float64(), "text": words, "name": words}
    own = {str(k): types.get(kind, pa.string()) for k, kind in kinds.items()}
    try:
        table = csv.read_csv(
            pa.BufferReader(block),
            csv.ReadOptions(
                column_names=[str(k) for k in range(len(dialect.head[0]))],
                block_size=len(block) + 1,
                use_threads=False,
            ),
            csv.ParseOptions(delimiter=str(dialect.separator)),
            csv.ConvertOptions(include_columns=list(own), column_types=own),
        )
    except pa.ArrowInvalid:
        raise NotPlain from None
    return {k: _column(table[str(k)], kind, k) for k, kind in kinds.items()}


def _require_plain(block: bytes) -> None:
    """Raise `NotPlain` for comments, and for letters that are not UTF-8."""
    for sign in (b"#", b"%"):
        # to look for one byte is many times faster than for two
        if sign in block and (block.startswith(sign) or b"\n" + sign in block):
            raise NotPlain
    if not block.isascii():
        try:
            block.decode("utf-8")
        except UnicodeDecodeError:
            raise NotPlain from None


def _column(chunks: Any, kind: str, k: int) -> Any:
    """Numbers, or codes and the words that they stand for."""
    array = chunks.combine_chunks()
    if hasattr(array, "chunks"):
        array = array.chunk(0)
    if array.null_count:
        raise NotPlain
    if kind in WORDS:
        words = array.dictionary.to_pylist()
        if any("\n" in word or "\r" in word for word in words):
            raise NotPlain
        if kind == "name" and any(not word.strip() for word in words):
            raise NotPlain
        return array.indices.to_numpy(), words
    if kind == "integer":
        return _integers(array, k)
    found = array.to_numpy(zero_copy_only=False)
    if not np.isfinite(found).all():
        raise NotPlain
    return found


def _integers(array: Any, k: int) -> np.ndarray:
    """Ids as integers; `_Text` where one of them has another form, such as `007` or `2.0`."""
    import pyarrow as pa
    from pyarrow import compute

    try:
        values = compute.cast(array, pa.int64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        raise _Text(k) from None
    size = np.abs(values)
    signs = np.count_nonzero(values < 0)
    digits = sum(np.count_nonzero(size >= power) for power in POWERS) + len(values)
    if digits + signs != compute.sum(compute.binary_length(array)).as_py():
        raise _Text(k)
    return values
