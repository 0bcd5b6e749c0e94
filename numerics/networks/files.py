"""The arrays of a network file by name, in NumPy's .npz or in HDF5."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...errors import NetworkError
from ...files import write_with

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
    writer = _write_hdf5 if path.suffix in HDF5 else _write_npz
    try:
        return write_with(path, lambda part: writer(part, content))
    except OSError as error:
        raise NetworkError(
            f"the network cannot be written to {path}: {error.strerror or error}"
        ) from error


def read_arrays(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The arrays of a file; raises what NumPy or h5py do where it is missing or damaged."""
    if Path(path).suffix in HDF5:
        import h5py

        with open(path, "rb") as stream, h5py.File(stream, "r") as file:
            return {name: _from_hdf5(file[name]) for name in file}
    with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _write_npz(path: str, content: Mapping[str, np.ndarray]) -> None:
    with open(path, "wb") as file:
        np.savez(file, allow_pickle=False, **content)


def _write_hdf5(path: str, content: Mapping[str, np.ndarray]) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for name, array in content.items():
            text = array.dtype.kind == "U"
            file.create_dataset(name, data=array.astype(h5py.string_dtype()) if text else array)


def _from_hdf5(dataset) -> np.ndarray:
    import h5py

    text = h5py.check_string_dtype(dataset.dtype) is not None
    return np.asarray(dataset.asstr()[()], dtype=str) if text else np.asarray(dataset[()])
