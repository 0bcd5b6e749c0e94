"""Variables of MATLAB files, of version 5 (SciPy) and 7.3 (HDF5)."""

from __future__ import annotations

import io
from typing import Any

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


def read_matlab(place: Place) -> dict[str, Any]:
    """Arrays and sparse matrices by name; raises what SciPy and h5py do on damaged files."""
    require_room(place, 2)
    with opened(place) as stream:
        content = stream.read()
    if any(content[start : start + len(HDF5)] == HDF5 for start in STARTS):
        return _version_73(content, place)
    found = scipy.io.loadmat(io.BytesIO(content))
    return {name: own for name, own in found.items() if not name.startswith("__")}


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
    return sps.csc_array(entries, shape=shape)
