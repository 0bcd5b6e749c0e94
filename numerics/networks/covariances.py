"""Means, variances and covariances of pairs of synapses, as arrays over populations."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Covariances:
    """A number for each kind of pair of synapses, or for something measured of it.

    Args:
        mean, variance, reciprocal: (P, P).
        convergent, divergent, chain: (P, P, P).
    """

    mean: np.ndarray
    variance: np.ndarray
    convergent: np.ndarray
    divergent: np.ndarray
    chain: np.ndarray
    reciprocal: np.ndarray
