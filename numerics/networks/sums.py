"""Sums over a neuron's synapses by the group of the neuron at their other end."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sps

ROWS = 256  # of a dense matrix at once: 16 MB in float64 at N = 8000, which caches hold


class GroupSums(NamedTuple):
    """By neuron i and group of j, sums over j; the last, by group of i, sums over i."""

    rows: np.ndarray  # of J_ij
    columns: np.ndarray  # of J_ji
    squares: np.ndarray  # of J_ij^2
    partners: np.ndarray  # of J_ij J_ji
    column_squares: np.ndarray | None  # [j, p] of J_ij^2


def sums_by_group(W: Any, groups: np.ndarray, targets: np.ndarray | None = None) -> GroupSums:
    """The sums, of a dense or sparse matrix; groups, targets: 0 or 1 for neuron and group."""
    if sps.issparse(W):
        W, Z, square = W.astype(float), sps.csr_array(groups), W.astype(float).power(2)
        products = (W @ Z, W.T @ Z, square @ Z, W.multiply(W.T.tocsr()) @ Z)
        rows, columns, squares, partners = (a.toarray() for a in products)
        rest = None if targets is None else square.T @ targets
        return GroupSums(rows, columns, squares, partners, rest)
    N, C = groups.shape
    rows, columns, squares, partners = np.zeros((4, N, C))
    column_squares = None if targets is None else np.zeros(targets.shape)
    for start in range(0, N, ROWS):
        part = slice(start, min(start + ROWS, N))
        block = W[part].astype(float)
        rows[part] = block @ groups
        columns += block.T @ groups[part]
        partners[part] = (block * W[:, part].T) @ groups
        squares[part] = np.square(block, out=block) @ groups
        if targets is not None:
            column_squares += block.T @ targets[part]
    return GroupSums(rows, columns, squares, partners, column_squares)
