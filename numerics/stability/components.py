"""Stability where strengths have components, or synapses know features of both neurons.

Outliers are the eigenvalues of the mean-field equations, the bulk that of the residual synapses,
whose gains are averaged over the components. Both are exact for large N at `SecondMoment` points
where no reciprocal residual is left.
"""

from __future__ import annotations

import numpy as np

from ..parameters import Couplings, Parameters
from .bulk import Bulk
from .modes import VANISHING
from .outliers import Found, ordered


def component_outliers(bulk: Bulk, eigenvalues: np.ndarray) -> Found:
    """Eigenvalues of the equations, z = 1 + s, outside of the bulk, and those inside of it."""
    sizes = np.abs(eigenvalues)
    values = ordered(eigenvalues[sizes > VANISHING * max(sizes.max(initial=0.0), 1e-300)])
    level = bulk.outside(np.repeat(values[:, None], bulk.P, axis=1))[1]
    return Found(values[level < 1], values[level >= 1], None)


def connectivity_modes(parameters: Parameters) -> np.ndarray:
    """Eigenvalues of the synapses J_ij themselves that strengths and features make.

    The equations of phi(x) = x without input, in (K, kappa, theta), are linear:
    dK = sum_q N alpha_q (Jbar_pq K_q + Cov_q(b^p, x)), kappa_q = alpha_q K_q,
    theta_p = sum_q N alpha_q Gamma_pq Cov_q(f, x), with x = kappa.u + theta.f + K.
    """
    own, P = parameters.strengths, parameters.P
    assert own is not None
    S, F = np.asarray(own.covariance), len(own.features)
    size = float(parameters.N) * np.asarray(parameters.fractions)
    u, b, f = slice(P), slice(P, 2 * P), slice(2 * P, 2 * P + F)
    K, kappa, theta = slice(P), slice(P, 2 * P), slice(2 * P, 2 * P + P * F)
    T = np.zeros((2 * P + P * F,) * 2)
    T[K, K] = np.asarray(Couplings.of_numbers(parameters).mean)
    T[K, kappa] = np.einsum("q,qpr->pr", size, S[:, b, u])
    T[K, theta] = np.einsum("q,qpk->pqk", size, S[:, b, f]).reshape(P, P * F)
    T[kappa, K] = np.diag(np.asarray(parameters.fractions))
    gamma = size[None, :, None, None] * np.asarray(own.gamma)
    T[theta, kappa] = np.einsum("pqkl,qlr->pkr", gamma, S[:, f, u]).reshape(P * F, P)
    T[theta, theta] = np.einsum("pqkl,qlt->pkqt", gamma, S[:, f, f]).reshape(P * F, P * F)
    return np.linalg.eigvals(T)
