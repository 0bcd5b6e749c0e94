"""How the letters of a text are encoded: UTF-8, UTF-16, or one byte each."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any

from ...errors import NetworkError
from ..archives import CHUNK
from .packed import Place, opened

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
SAMPLE = 2**16
MANY = 0.3  # of the bytes of text in UTF-16, those that are 0 on one side
WINDOWS = bytes(range(0x80, 0xA0))  # letters in Windows-1252, control characters in Latin-1


def starts_as_utf8(place: Place) -> bool:
    """Whether the beginning of a text is UTF-8; raises as `encoding_of` on damaged files."""
    with opened(place) as stream:
        head = stream.read(SAMPLE)
    if b"\0" in head:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def encoding_of(place: Place, given: str | None = None) -> str:
    """The encoding of a whole text.

    A byte order mark decides, or the zeros of UTF-16; otherwise a text that is valid UTF-8 is
    UTF-8, and another one has one byte for each letter: Windows-1252 where it uses bytes that
    Latin-1 does not, Latin-1 elsewhere.

    Args:
        place: the text.
        given: the encoding that the user names, which is then only tested.

    Raises:
        NetworkError: it is no text, or not in the encoding that is given.
        Exception: what the libraries raise on damaged files.
    """
    if given is not None:
        try:
            return given if _decodes(place, given) else _refuse(place, f"is not in {given}")
        except LookupError as error:
            raise NetworkError(
                f"encoding={given!r} is unknown: use 'utf-8' or 'latin-1'"
            ) from error
    with opened(place) as stream:
        head = stream.read(SAMPLE)
    for mark, name in MARKS.items():
        if head.startswith(mark):
            return name if _decodes(place, name) else _refuse(place, f"is not valid {name}")
    if wide := _wide(head):
        return wide if _decodes(place, wide) else _refuse(place, f"is not valid {wide}")
    if b"\0" in head:
        _refuse(place, "is not a text: it has bytes that are 0")
    if _decodes(place, "utf-8"):
        return "utf-8"
    windows = any(part.translate(None, WINDOWS) != part for part in _parts(place))
    return "cp1252" if windows and _decodes(place, "cp1252") else "latin-1"


def _refuse(place: Place, why: str) -> Any:
    raise NetworkError(f"{place} {why}: say in what it is encoded with encoding=, or save it anew")


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark, in which every other byte of most texts is 0."""
    half = len(head) // 2
    if half < 2 or len(head) % 2:
        return None
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        other = head[::2] if name == "utf-16-le" else head[1::2]
        if zeros.count(0) > MANY * half and not other.count(0):
            return name
    return None


def _decodes(place: Place, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        for part in _parts(place):
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _parts(place: Place) -> Iterator[bytes]:
    with opened(place) as stream:
        while part := stream.read(CHUNK):
            yield part
