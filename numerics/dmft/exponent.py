"""The largest Lyapunov exponent of the dynamical mean-field solution.

Two copies of a network that start close to each other have inputs whose difference is Gaussian with
the covariance d_p(t, t') = <dx(t) dx(t')>,

    (1 + d/dt)(1 + d/dt') d_p = sum_q M_pq <phi_q'(t) phi_q'(t')> d_q.

In a stationary state d = exp(lambda (t + t')) f(t - t'),

    f_p'' + sum_q M_pq <phi_q' phi_q'>(tau) f_q = (1 + lambda)^2 f_p,

whose largest eigenvalue is real and not negative (Perron and Frobenius: no coefficient that couples
is negative). One population: the ground state of Schroedinger's equation,
lambda = -1 + sqrt(1 - E_0) (Sompolinsky, Crisanti and Sommers, Phys Rev Lett 1988). At a static
state lambda is the bulk's edge.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sps
from scipy.sparse import linalg

from ..linear import spectral_radius

CONSTANT = 1e-12  # slopes that vary less with the lag are those of a static state
ABOVE = 1.001  # the shift of the inverse iteration: beyond every eigenvalue, and near the largest


def growth_rate(residual: np.ndarray, slopes: np.ndarray, tau: np.ndarray) -> float:
    """The largest exponent lambda of the residual's directions.

    Args:
        residual: M_pq = alpha_q g_pq^2 A_pq, (P, P).
        slopes: <phi_q'(t) phi_q'(t + tau)>, (lags, P).
        tau: equidistant lags from 0, (lags,).
    """
    if np.ptp(slopes, axis=0).max() < CONSTANT * np.abs(slopes).max():
        return float(np.sqrt(spectral_radius(residual * slopes[0]))) - 1
    n, P = slopes.shape
    coupling = sps.block_array(
        [[sps.diags_array(residual[p, q] * slopes[:, q]) for q in range(P)] for p in range(P)]
    )
    matrix = (sps.kron(sps.eye_array(P), _second_derivative(n, tau[1] - tau[0])) + coupling).tocsc()
    above = ABOVE * float(spectral_radius(residual * slopes.max(axis=0))) + (ABOVE - 1)
    start = np.tile(np.exp(-tau), P)
    value = linalg.eigs(matrix, k=1, sigma=above, v0=start, return_eigenvectors=False)[0]
    return float(np.sqrt(max(value.real, 0.0))) - 1


def _second_derivative(n: int, step: float) -> sps.csr_array:
    """Of even functions on lags 0, step, ..., to fourth order; mirrored at the last lag, too."""
    matrix = sps.lil_array((n, n))
    for offset, weight in ((-2, -1 / 12), (-1, 4 / 3), (0, -5 / 2), (1, 4 / 3), (2, -1 / 12)):
        for k in range(n):
            at = abs(k + offset)
            matrix[k, at if at < n else 2 * (n - 1) - at] += weight / step**2
    return matrix.tocsr()
