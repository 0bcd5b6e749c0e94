"""Assortativity of the ensemble that a network is drawn from, rather than of its own neurons.

The strengths of a network's neurons hold what residual synapses add to them, e of f + e, so that
a regression on them finds Gamma attenuated, C_m^-1 C Gamma C C_m^-1 with C_m = C + Cov(e). Motifs
are measured without what a synapse shares with itself, and give C: averages < f_i J_ij f_j' > are
divided by it. Source: docs/theory.md, sections 1.2 and 6.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import NetworkError
from ..parameters import linear_features, synaptic_units
from .network import Network
from .statistics import Statistics, measure
from .strengths import TOTALS, assortativity, neuron_strengths

LEAST = 1e-3  # of the measured variance that motifs must make; else nothing is known of the rest


def ensemble_assortativity(
    network: Network, features: Sequence[str] = TOTALS, statistics: Statistics | None = None
) -> np.ndarray:
    """Gamma of the ensemble, of total strengths as neurons have them without residual synapses.

    That is the `gamma` that `sample` takes; `assortativity` of measured strengths is the one for
    equations of a given network.

    Args:
        network: whose synapses are stored.
        features: of "in" and "out".
        statistics: measured ones of the network, if they are known.

    Returns:
        (P, P, F, F), per synapse.

    Raises:
        NetworkError: the synapses are not stored, or no variance of a feature is left beside that
            of the residual synapses.
        ParameterError: another feature.
    """
    own = neuron_strengths(network, features).features
    found = statistics or measure(network)
    parameters = found.parameters()
    sizes = float(parameters.N), np.asarray(parameters.fractions)
    along = linear_features(*sizes, tuple(features))
    without = along @ synaptic_units(parameters) @ along.T
    gamma = assortativity(network, own)
    share = np.zeros_like(without)
    for p, name in enumerate(network.populations):
        f = own[network.members(p)]
        measured = f.T @ f / len(f)
        scale = np.sqrt(np.outer(np.diag(measured), np.diag(measured)))
        if np.linalg.eigvalsh(without[p] / scale)[0] < LEAST:
            raise NetworkError(
                f"total strengths of population {name} vary no more than independent synapses "
                "make them, so that assortativity of the ensemble is unknown: use "
                "assortativity(network, features) for this network's own"
            )
        share[p] = np.linalg.solve(without[p], measured)
    return np.einsum("pkl,pqlm,qnm->pqkn", share, gamma, share)
