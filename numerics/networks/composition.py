"""What a network is made of: synapses, those of neurons onto themselves, isolated neurons."""

from __future__ import annotations

from typing import Any

import numpy as np

from .network import Network
from .reading import degrees
from .sources import ORIENTATIONS


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
    rows, columns, own = degrees(network.matrix)
    read = network.reading
    return {
        "orientation": ORIENTATIONS["target"] if read is None else read.orientation,
        "neurons": network.N,
        "edges": int(rows.sum()),
        "self_synapses": int(own.sum()),
        "isolated": int(np.sum((rows == own) & (columns == own))),
        "duplicates": 0 if read is None else read.duplicates,
    }
