"""Variances and motifs that leave a given network exactly its own residual.

Motifs are measured of distinct synapses, as an ensemble has them. What the rows and columns of a
given network leave of its synapses is less than what an ensemble's do, as finite sums follow their
own residual:

    g_pq^2 / N = < (J_ij - Jbar_pq)^2 >,       tau_con[p,q,r] g_pq g_pr / N = < a_i^q a_i^r >,
    A_pq g_pq^2 / N = < (J_ij - Jbar_pq - a_i^q - b_j^p)^2 >.

Averages are over neurons. Of a population of one neuron nothing is left. Source: docs/theory.md,
sections 1.2 and 6.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sps

from ..parameters import Parameters
from .network import Network
from .sums import ROWS

CONSTANT = 1e-12  # of the mean square, below which a variance is that of rounding


def of_given_rows(
    parameters: Parameters, network: Network, rows: np.ndarray, columns: np.ndarray
) -> Parameters:
    """The parameters with g, tau_con and tau_div of the network's own rows and columns.

    Args:
        parameters: with the statistics measured on the network.
        network: whose synapses are stored.
        rows: u_i^q of its neurons, (N, P).
        columns: b_j^p, (N, P).
    """
    P, N = network.P, network.N
    g2 = N * _variances(network, np.asarray(parameters.mean))
    con, div = np.zeros((2, P, P, P))
    for p in range(P):
        members = network.members(p)
        u, b = rows[members], columns[members]
        con[p], div[p] = u.T @ u / (N * len(members)), N * b.T @ b / len(members)
    g = np.sqrt(g2)
    con = _ratio(con, g[:, :, None] * g[:, None, :])
    div = _ratio(div, g.T[:, :, None] * g.T[:, None, :])
    # rounding must not make the residual of a population of one neuron negative
    left = 1 - np.einsum("pqq->pq", con) - np.einsum("qpp->pq", div)
    index = np.arange(P)
    div[:, index, index] += np.minimum(left, 0).T
    return parameters.replace(g=g, tau_con=con, tau_div=div)


def _variances(network: Network, mean: np.ndarray) -> np.ndarray:
    """<(J_ij - Jbar_pq)^2>, (P, P), of all synapses, absent ones included."""
    W: Any = network.matrix
    Z = np.eye(network.P)[network.labels]
    if sps.issparse(W):
        squares = Z.T @ (W.astype(float).power(2) @ Z)
    else:
        parts = (slice(start, start + ROWS) for start in range(0, network.N, ROWS))
        squares = sum(Z[own].T @ (np.square(W[own], dtype=float) @ Z) for own in parts)
    sizes = np.asarray(network.sizes, dtype=float)
    squares = squares / np.outer(sizes, sizes)
    found = squares - mean**2
    return np.where(found > CONSTANT * squares, found, 0.0)


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)
