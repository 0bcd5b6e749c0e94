"""A network that was read once is kept in a file, as long as what it was read from is the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import NetworkError
from .files import SUFFIXES, read_arrays, write_arrays
from .network import Network
from .options import ReadOptions

KEY = "cache.key"
CHUNK = 2**22


def cached(
    path: Path,
    labels: Any,
    options: ReadOptions,
    read: Callable[[Path, Any, ReadOptions], Network],
) -> Network:
    """The network in the file `options.cache`, or what is read, which is then written there.

    Raises:
        NetworkError: the file is there and keeps no network that was read.
    """
    place, own = Path(str(options.cache)), _without_cache(options)
    if place.suffix.lower() not in SUFFIXES:
        raise NetworkError(f"cache={str(place)!r} must end in {' or '.join(SUFFIXES)}")
    key = _key(path, labels, own)
    if place.exists():
        found = read_arrays(place).get(KEY) if _is_ours(place) else None
        if found is None:
            raise NetworkError(
                f"cache={str(place)!r} is there, and not a network that was kept by cache=: name "
                "another file, or remove it"
            )
        if str(found) == key:
            return Network.load(place)
    network = read(path, labels, own)
    write_arrays(place, network.arrays() | {KEY: np.asarray(key)})
    return network


def _is_ours(place: Path) -> bool:
    try:
        return KEY in read_arrays(place)
    except Exception:  # NumPy and h5py raise many kinds on other files
        return False


def _without_cache(options: ReadOptions) -> ReadOptions:
    values = {own.name: getattr(options, own.name) for own in fields(options)}
    return ReadOptions(**(values | {"cache": None}))


def _key(path: Path, labels: Any, options: ReadOptions) -> str:
    """What decides which network is read: contents of files, options, and our version."""
    found = hashlib.sha256(f"{version('motifield')} {path} {options!r}".encode())
    _add(found, path)
    if isinstance(labels, str | os.PathLike) and Path(labels).is_file():
        _add(found, Path(labels))
    elif labels is not None:
        values = list(labels.items()) if hasattr(labels, "items") else labels
        said = values.tolist() if isinstance(values, np.ndarray) else values
        if isinstance(labels, Mapping) or not hasattr(labels, "columns"):
            found.update(repr(said).encode())
        else:
            found.update(labels.to_csv().encode())
    return found.hexdigest()


def _add(found: Any, path: Path) -> None:
    with open(path, "rb") as stream:
        while part := stream.read(CHUNK):
            found.update(part)
