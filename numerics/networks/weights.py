"""Weights as they were given become those of a network: what is missing, negative, or twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sps

from ...errors import NetworkError
from ...numbers import counted
from .network import name_at
from .options import ReadOptions


def synapse_at(i: int, j: int, ids: Any) -> str:
    """A synapse in words."""
    return f"that of the synapse from {name_at(j, ids)} onto {name_at(i, ids)}"


def sparse_weights(source: Any, options: ReadOptions, ids: Any = None) -> tuple[sps.csr_array, int]:
    """The matrix, and how many of its entries are added to others."""
    entries = sps.coo_array(source)
    i, j = entries.coords
    pairs, counts = np.unique(i.astype(np.int64) * entries.shape[1] + j, return_counts=True)
    if len(pairs) < len(i) and options.duplicates == "refuse":
        a, b = divmod(int(pairs[np.argmax(counts > 1)]), entries.shape[1])
        several = counted(int((counts > 1).sum()), "synapse")
        raise NetworkError(
            f"{several} given more than once, e.g. that from "
            f"{name_at(b, ids)} onto {name_at(a, ids)}: remove the copies, or add their weights "
            "with duplicates='sum'"
        )
    made = sps.csr_array(entries.tocsr(), dtype=_dtype(entries.dtype), copy=True)
    made.sum_duplicates()
    return made, len(i) - len(pairs)


def dense_weights(source: Any) -> np.ndarray:
    """A copy of an array of numbers; None is NaN."""
    try:
        array = np.array(source)
        if array.dtype == object:
            array = np.where(array == None, np.nan, array).astype(float)  # noqa: E711
        return array.astype(_dtype(array.dtype), copy=False)
    except (TypeError, ValueError) as error:
        raise NetworkError(f"weights are not a matrix of numbers: {error}") from error


def _dtype(dtype: np.dtype) -> np.dtype:
    return np.dtype(dtype if dtype == np.float32 or dtype.kind not in "fiub" else np.float64)


def settle(weights: Any, options: ReadOptions, ids: Any = None) -> int:
    """Apply the options to a matrix of our own, in place.

    Returns:
        How many weights were missing, and are 0 now.
    """
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or weights.dtype.kind != "f":
        return 0  # `Network.of` says what is wrong
    values = weights.data if sps.issparse(weights) else weights
    unknown = np.isnan(values)
    count = int(unknown.sum())
    if count:
        if options.missing == "refuse":
            raise NetworkError(
                f"{count} weights are missing, e.g. {_where(weights, unknown, ids)}: complete "
                "them, or use missing='zero'"
            )
        values[unknown] = 0
    if options.negative == "refuse":
        refuse_negative(weights, ids)
    if options.self_synapses == "drop":
        if sps.issparse(weights):
            i = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
            values[i == weights.indices] = 0
        else:
            np.fill_diagonal(weights, 0)
    if sps.issparse(weights):
        weights.eliminate_zeros()
    return count


def refuse_negative(weights: Any, ids: Any = None) -> None:
    """Raise `NetworkError` where a weight is below 0."""
    below = (weights.data if sps.issparse(weights) else weights) < 0
    if below.any():
        raise NetworkError(
            f"{below.sum()} weights are negative, e.g. {_where(weights, below, ids)}"
        )


def _where(weights: Any, bad: np.ndarray, ids: Any) -> str:
    if sps.issparse(weights):
        k = int(np.argmax(bad))
        i, j = int(np.searchsorted(weights.indptr, k, side="right")) - 1, int(weights.indices[k])
    else:
        i, j = (int(k) for k in np.argwhere(bad)[0])
    return synapse_at(i, j, ids)
