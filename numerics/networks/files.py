"""The arrays of a network file by name, in NumPy's .npz or in HDF5."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FileError, NetworkError
from ...files import write_with
from ...seals import check_seal, seal
from ..archives import SMALLER, read_npz, write_npz
from ..machine import require_memory

HDF5 = (".h5", ".hdf5")
SUFFIXES = (".npz", *HDF5)


def write_arrays(path: str | os.PathLike, content: Mapping[str, np.ndarray]) -> Path:
    """Write arrays to a .npz or .h5 file, whole or not at all.

    Raises:
        NetworkError: another suffix, or a file that cannot be written.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise NetworkError(
            f"the network cannot be written to {path}: the suffix must be one of "
            f"{', '.join(SUFFIXES)}"
        )
    writer = _write_hdf5 if path.suffix in HDF5 else write_npz
    try:
        return write_with(path, lambda part: writer(part, content))
    except FileError as error:
        reason = str(error).removeprefix(f"cannot write {path}: ")
        raise NetworkError(f"the network cannot be written to {path}: {reason}") from error


def read_arrays(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The arrays of a file; raises what NumPy or h5py do where it is missing or damaged."""
    if Path(path).suffix.lower() not in HDF5:
        return read_npz(path)
    import h5py

    check_seal(path)
    with open(path, "rb") as stream, h5py.File(stream, "r") as file:
        declared = sum(file[name].nbytes for name in file)
        require_memory(declared, f"{path}, unpacked,", SMALLER)
        return {name: _from_hdf5(file[name]) for name in file}


def _write_hdf5(path: str, content: Mapping[str, np.ndarray]) -> None:
    import h5py

    stream = _Stream(path)
    try:
        with h5py.File(stream, "w") as file:
            for name, array in content.items():
                text = array.dtype.kind == "U"
                given = array.astype(h5py.string_dtype()) if text else array
                file.create_dataset(name, data=given)
    finally:
        stream.finish()
    seal(path)


def _from_hdf5(dataset) -> np.ndarray:
    import h5py

    text = h5py.check_string_dtype(dataset.dtype) is not None
    return np.asarray(dataset.asstr()[()], dtype=str) if text else np.asarray(dataset[()])


class _Stream:
    """A file for HDF5 to write to, which keeps the first error for later.

    HDF5 crashes the process when its file system is full. To the library every write succeeds;
    `finish` raises what went wrong.

    Args:
        path: the file, which exists.
    """

    def __init__(self, path: str):
        self._file = open(path, "w+b")  # noqa: SIM115  (`finish` closes it)
        self._error: OSError | None = None

    def write(self, content: Any) -> int:
        try:
            if self._error is None:
                self._file.write(content)
                self._file.flush()
        except OSError as error:
            self._error = error
        return len(content)

    def read(self, count: int = -1) -> bytes:
        """By this method h5py knows a file; it calls `readinto`."""
        return self._file.read(count)

    def readinto(self, buffer: Any) -> int:
        found = self._file.read(len(buffer)) if self._error is None else b""
        buffer[:] = found.ljust(len(buffer), b"\0")
        return len(buffer)

    def truncate(self, size: int) -> int:
        try:
            if self._error is None:
                self._file.truncate(size)
        except OSError as error:
            self._error = error
        return size

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        """Every write is flushed as it is made."""

    def finish(self) -> None:
        """Close the file; raises the first `OSError` of a write."""
        try:
            self._file.close()
        finally:
            if self._error is not None:
                raise self._error
