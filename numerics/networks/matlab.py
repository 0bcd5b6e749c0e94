"""Variables of MATLAB files, of version 5 (SciPy) and 7.3 (HDF5)."""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.io
import scipy.sparse as sps

from ..archives import SMALLER
from ..machine import require_memory
from ..tables import Place, opened, require_room

HDF5 = b"\x89HDF\r\n\x1a\n"
STARTS = (0, 512)  # where the HDF5 part of a file begins
CLASS = "MATLAB_class"
SPARSE = "MATLAB_sparse"
HEADER = 128  # bytes before the first element of a file of version 5; the last two give the order
ORDERS = {b"IM": "<", b"MI": ">"}
SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}  # bytes, of types of numbers
TEXTS, MATRIX, PACKED = (16, 17, 18), 14, 15  # types of other elements
SPARSE_CLASS, NUMBERS = 5, range(6, 16)  # classes of arrays: 5 is sparse, 6 to 15 hold numbers


def read_matlab(place: Place) -> dict[str, Any]:
    """Arrays and sparse matrices by name; raises what SciPy and h5py do on damaged files."""
    require_room(place, 2)
    with opened(place) as stream:
        content = stream.read()
    if any(content[start : start + len(HDF5)] == HDF5 for start in STARTS):
        return _version_73(content, place)
    names = _numeric(content)
    found = scipy.io.loadmat(io.BytesIO(content), variable_names=names)
    return {name: own for name, own in found.items() if not name.startswith("__")}


class _Element(NamedTuple):
    """An element of a file of version 5: its type, and its bytes."""

    type: int
    content: bytes

    def whole(self, order: str) -> np.ndarray:
        """The integers of flags and dimensions."""
        if self.type not in (5, 6) or len(self.content) % 4:
            raise ValueError("the header of an array is damaged")
        return np.frombuffer(self.content, f"{order}i4")


def _numeric(content: bytes) -> list[str] | None:
    """The names of the variables that are numbers; None: all, of a file of version 4.

    SciPy crashes where elements are not as they say, and need not read other variables.

    Raises:
        ValueError: a damaged file.
    """
    order = ORDERS.get(content[HEADER - 2 : HEADER])
    if order is None:
        return None  # or no such file, which SciPy finds
    found = []
    for element in _elements(content[HEADER:], order):
        packed = element.type == PACKED
        inside = _elements(zlib.decompress(element.content), order) if packed else [element]
        found += [_checked(own, order) for own in inside]
    return [name for name in found if name]


def _elements(content: bytes, order: str) -> Iterator[_Element]:
    """The elements that follow each other; a short one has its bytes within its tag."""
    at = 0
    while at + 8 <= len(content):
        kind, size = (int(v) for v in np.frombuffer(content, f"{order}u4", 2, at))
        if kind >> 16:
            kind, size, start, step = kind & 0xFFFF, kind >> 16, at + 4, 8
        else:
            start, step = at + 8, 8 + (size if kind == PACKED else -(-size // 8) * 8)
        known = kind in SIZES or kind in (*TEXTS, MATRIX, PACKED)
        if not known or start + size > len(content) or (step == 8 and size > 4):
            raise ValueError(f"an element of type {kind} and {size} bytes is damaged")
        yield _Element(kind, content[start : start + size])
        at += step
    if content[at:].strip(b"\0"):
        raise ValueError("it ends within an element")


def _checked(element: _Element, order: str) -> str:
    """The name of an array of numbers, which is as long as it says; "" of another variable."""
    if element.type != MATRIX:
        raise ValueError(f"an element of type {element.type} stands where an array should be")
    parts = list(_elements(element.content, order))
    if not parts:
        return ""
    flags = parts[0].whole(order)
    if parts[0].type != 6 or len(flags) != 2 or len(parts) < 3:
        raise ValueError("the header of an array is damaged")
    kind, is_complex = int(flags[0]) & 0xFF, bool(int(flags[0]) & 0x800)
    if kind not in NUMBERS and kind != SPARSE_CLASS:
        return ""
    shape = [int(own) for own in parts[1].whole(order)]
    data = parts[3:]
    numeric = all(own.type in SIZES for own in data)
    if len(shape) < 2 or min(shape) < 0 or not numeric or parts[2].type not in (1, 16):
        raise ValueError("the header of an array is damaged")
    counts = [len(own.content) / SIZES[own.type] for own in data]
    if kind == SPARSE_CLASS:
        _check_sparse(shape, data, counts, order)
    elif counts != [math.prod(shape)] * (1 + is_complex):
        raise ValueError(f"an array of shape {shape} has {counts} numbers")
    return parts[2].content.decode("latin-1")


def _check_sparse(shape: list[int], data: list[_Element], counts: list[float], order: str) -> None:
    """Rows, starts of columns, and numbers of a sparse matrix must fit to each other."""
    if len(data) < 2:
        raise ValueError("a sparse matrix is damaged")
    rows, starts = (own.whole(order) for own in data[:2])
    used = int(starts[-1]) if len(starts) else -1
    fits = (
        len(starts) == shape[1] + 1
        and (np.diff(starts) >= 0).all()
        and starts[0] == 0
        and 0 <= used <= min([len(rows), *counts[2:]])
        and (used == 0 or (rows[:used].min() >= 0 and rows[:used].max() < shape[0]))
    )
    if not fits:
        raise ValueError("the entries of a sparse matrix are damaged")


def _version_73(content: bytes, place: Place) -> dict[str, Any]:
    import h5py

    found: dict[str, Any] = {}
    with h5py.File(io.BytesIO(content), "r") as file:
        for name, own in file.items():
            if name.startswith("#"):
                continue
            if isinstance(own, h5py.Group):
                if SPARSE in own.attrs:
                    found[name] = _sparse(own)
            elif own.dtype.kind in "fiub" and not own.attrs.get("MATLAB_empty", 0):
                require_memory(own.nbytes, f"{place}, unpacked,", SMALLER)
                # MATLAB keeps columns together: HDF5 shows the transpose
                found[name] = np.asarray(own).T
    return found


def _sparse(group: Any) -> sps.csc_array:
    columns = np.asarray(group["jc"])
    shape = (int(group.attrs[SPARSE]), len(columns) - 1)
    if "data" not in group:
        return sps.csc_array(shape)
    entries = (np.asarray(group["data"]), np.asarray(group["ir"]), columns)
    made = sps.csc_array(entries, shape=shape)
    made.check_format(full_check=True)
    return made
