"""The spectral radius of a network's synapses."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sps
from scipy.sparse.csgraph import connected_components

from ...errors import NetworkError
from .network import FEW_NEURONS, Network

MOST_DENSE = 3000  # neurons whose eigenvalues are all computed where ARPACK finds none
TOLERANCE = 1e-10


def spectral_radius(network: Network) -> float:
    """Largest absolute eigenvalue of the weights; exactly 0 without loops of synapses.

    An eigenvalue belongs to neurons that reach each other along synapses. Each such group is
    searched alone: without loops, as in a feed-forward network, rounding errors of the whole
    matrix would be of the order of their n-th root (ARPACK, from a fixed start).

    Args:
        network: whose synapses are stored.

    Raises:
        NetworkError: they are drawn again at every use, or no eigenvalue is found.
    """
    weights = network.matrix
    graph = sps.csr_array(weights != 0)
    count, group = connected_components(graph, directed=True, connection="strong")
    sizes = np.bincount(group, minlength=count)
    radius = float(np.abs(weights.diagonal())[sizes[group] == 1].max(initial=0.0))
    for k in np.flatnonzero(sizes > 1):
        own = np.flatnonzero(group == k)
        block = weights if len(own) == network.N else weights[own][:, own]
        radius = max(radius, _largest(block))
    return radius


def _largest(weights: np.ndarray | sps.csr_array) -> float:
    """The largest absolute eigenvalue of neurons that all reach each other."""
    from scipy.sparse.linalg import ArpackError, eigs

    N = weights.shape[0]
    if N >= FEW_NEURONS:
        options: Any = {"k": 1, "which": "LM", "v0": np.ones(N), "tol": TOLERANCE}
        try:
            values = eigs(weights.astype(float), return_eigenvectors=False, **options)
            return float(np.abs(values).max())
        except ArpackError:  # as where all eigenvalues are equally large
            if N > MOST_DENSE:
                raise NetworkError(
                    f"no largest eigenvalue of {N} neurons that reach each other is found: many "
                    "are equally large; scale the weights by their standard deviation instead"
                ) from None
    dense = weights.toarray() if isinstance(weights, sps.csr_array) else weights
    return float(np.abs(np.linalg.eigvals(dense.astype(float))).max())
