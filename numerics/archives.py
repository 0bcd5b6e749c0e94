"""NumPy's .npz archives, read with care: sizes before contents, and every checksum."""

from __future__ import annotations

import gzip
import math
import os
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from .machine import available_memory, require_memory

CHUNK = 2**24
TABLE = 4  # a table takes at least this many times the memory of its text
SMALLER = "read a smaller file, or use a machine with more memory"


def write_npz(path: str | os.PathLike, content: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name."""
    with open(path, "wb") as stream:
        np.savez(stream, allow_pickle=False, **content)


def read_npz(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The arrays of a file by name, none of which runs code.

    Raises:
        NetworkError: they do not fit into memory.
        Exception: whatever zipfile and NumPy raise on a damaged file.
    """
    with open(path, "rb") as stream, zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        require_memory(sum(own.file_size for own in members), f"{path}, unpacked,", SMALLER)
        found = {own.filename.removesuffix(".npy"): _member(archive, own) for own in members}
    if len(found) < len(members):
        raise ValueError("two of its arrays have one name")
    return found


def read_npy(path: str | os.PathLike) -> np.ndarray:
    """The array of a .npy file; raises as `read_npz`."""
    size = os.path.getsize(path)
    require_memory(size, f"{path}", SMALLER)
    with open(path, "rb") as stream:
        return _array(stream, size)


def require_text(path: str | os.PathLike) -> None:
    """Check that a table's text fits into memory, packed (.gz) or plain.

    Raises:
        NetworkError: it does not.
        OSError, EOFError, ValueError: it is missing or damaged.
    """
    size = os.path.getsize(path)
    if os.fspath(path).endswith(".gz"):
        size = 0
        try:
            with gzip.open(path) as stream:
                while (part := stream.read(CHUNK)) and size * TABLE <= available_memory():
                    size += len(part)
        except zlib.error as error:
            raise ValueError(f"it is damaged: {error}") from None
    require_memory(size * TABLE, f"{path}, as a table,", SMALLER)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as stream:
        return _array(stream, member.file_size)


def _array(stream: Any, size: int) -> np.ndarray:
    """The array in a stream of this many bytes, which it must fill."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(stream)
    if version not in readers:
        raise ValueError(f"an array has the format {version}, which is not known")
    shape, fortran, dtype = readers[version](stream)
    if dtype.hasobject:
        raise ValueError("an array holds Python objects, which are code")
    declared, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if declared != there or any(n < 0 for n in shape):
        raise ValueError(f"an array of shape {shape} takes {declared} bytes, the file has {there}")
    raw = np.empty(declared, dtype=np.uint8)
    at = 0
    while at < declared and (part := stream.read(min(CHUNK, declared - at))):
        raw[at : at + len(part)] = np.frombuffer(part, dtype=np.uint8)
        at += len(part)
    if at < declared or stream.read(1):  # at the end, zipfile compares the checksum
        raise ValueError(f"an array ends after {at} of {declared} bytes")
    array = raw.view(dtype) if declared else np.empty(math.prod(shape), dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
