"""A checksum at the end of HDF5 and netCDF files, whose formats have none of their contents.

What follows the end of the data is no matter to whatever reads these formats; a program that
changes a file removes it.
"""

from __future__ import annotations

import hashlib
import os

MARK = b"motifield SHA-256 "
LENGTH = len(MARK) + hashlib.sha256().digest_size
CHUNK = 2**24


def sealed(content: bytes | memoryview) -> bytes:
    """The content of a file with its checksum."""
    return b"".join((content, MARK, hashlib.sha256(content).digest()))


def seal(path: str | os.PathLike) -> None:
    """Append its checksum to a file."""
    with open(path, "r+b") as stream:
        digest = _digest(stream, os.path.getsize(path))
        stream.seek(0, os.SEEK_END)
        stream.write(MARK + digest)


def check_seal(path: str | os.PathLike) -> None:
    """Compare a file with its checksum; one without is older, or was changed by another program.

    Raises:
        ValueError: they differ.
        OSError: the file cannot be read.
    """
    size = os.path.getsize(path) - LENGTH
    if size < 0:
        return
    with open(path, "rb") as stream:
        stream.seek(size)
        end = stream.read(LENGTH)
        stream.seek(0)
        if end.startswith(MARK) and end != MARK + _digest(stream, size):
            raise ValueError("its contents do not have the checksum that they were written with")


def _digest(stream, size: int) -> bytes:
    """SHA-256 of the first bytes."""
    found = hashlib.sha256()
    while size > 0 and (part := stream.read(min(CHUNK, size))):
        found.update(part)
        size -= len(part)
    return found.digest()
