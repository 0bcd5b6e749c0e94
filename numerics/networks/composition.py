"""What a network is made of: synapses, those of neurons onto themselves, isolated neurons."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sps

from .network import Network
from .sources import ORIENTATIONS
from .sums import ROWS


def anatomy(network: Network) -> dict[str, Any]:
    """What a reader of a file wants to see before trusting what is measured on it.

    Args:
        network: whose synapses are stored.

    Returns:
        `orientation`: which neurons are sources, and which targets; `neurons`; `edges`, the
        synapses that are not 0; `self_synapses` among them; `isolated`, the neurons without a
        synapse from or onto another neuron; `duplicates`, the edges that were added to others
        when the network was read.

    Raises:
        NetworkError: the synapses are not stored.
    """
    rows, columns, own = _degrees(network.matrix)
    read = network.read
    return {
        "orientation": ORIENTATIONS["target"] if read is None else read.orientation,
        "neurons": network.N,
        "edges": int(rows.sum()),
        "self_synapses": int(own.sum()),
        "isolated": int(np.sum((rows == own) & (columns == own))),
        "duplicates": 0 if read is None else read.duplicates,
    }


def _degrees(W: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By neuron: synapses onto it, synapses that it makes, and whether one is its own."""
    own = (W.diagonal() != 0).astype(np.int64)
    if sps.issparse(W):
        there = sps.csr_array((W.data != 0, W.indices, W.indptr), shape=W.shape).astype(np.int64)
        return there.sum(axis=1), there.sum(axis=0), own
    rows, columns = np.zeros((2, len(W)), dtype=np.int64)
    for start in range(0, len(W), ROWS):
        there = W[start : start + ROWS] != 0
        rows[start : start + ROWS] = np.count_nonzero(there, axis=1)
        columns += np.count_nonzero(there, axis=0)
    return rows, columns, own
