"""Random distributions of strengths and features, and random assortativity, for a `World`.

Written from the theory's text (docs/theory.md, sections 1.2 and 6.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

PARTS = 20  # weights of components are multiples of 1 / PARTS, so that samples have them exactly
EXPLAINED = 0.12  # of the residual's variance, by assortativity: it must leave some


@dataclass(frozen=True)
class Distribution:
    """Components of (u, N b, f, xi) in each population: P, P, F and 1 entries.

    Args:
        weight: [m, q].
        means: [m, q, entry]; their weighted sums are 0.
        covariances: [m, q, entry, entry], within components.
        F: Number of features.
    """

    weight: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    F: int

    @property
    def total(self) -> np.ndarray:
        """[q, entry, entry], the covariance over the whole population."""
        return _total(self.weight, self.means, self.covariances)

    def scaled(self, units: np.ndarray) -> Distribution:
        """With entries in other units, [q, entry]."""
        outer = units[:, :, None] * units[:, None, :]
        return Distribution(self.weight, self.means * units, self.covariances * outer, self.F)

    def arrays(self, N: float) -> dict[str, np.ndarray]:
        """Moments by the names of their symbols, b per synapse."""
        P, F = self.weight.shape[1], self.F
        u, b, f = slice(0, P), slice(P, 2 * P), slice(2 * P, 2 * P + F)
        mean, cov = self.means, self.covariances
        return {
            "weight": self.weight,
            "mean_in": mean[:, :, u],
            "mean_out": mean[:, :, b] / N,
            "mean_feature": mean[:, :, f],
            "cov_in": cov[:, :, u, u],
            "cov_in_feature": cov[:, :, u, f],
            "cov_features": cov[:, :, f, f],
            "cov_out_in": cov[:, :, b, u] / N,
            "cov_out_feature": cov[:, :, b, f] / N,
            "feature_covariance": self.total[:, f, f],
        }


def draw(
    rng: np.random.Generator, architecture: Any, motifs: frozenset[str], P: int
) -> Distribution:
    """A random distribution with the motifs that are there, in units of g / sqrt(N) for (a, b)."""
    own, F = architecture.strengths, len(architecture.features)
    M = 1 if not own.has_centres else 3 if own.has_widths else 2 * P + 2
    counts = np.array([1 + rng.multinomial(PARTS - M, np.ones(M) / M) for _ in range(P)])
    weight = counts.T / PARTS
    D = 2 * P + F
    unit = np.concatenate([np.full(2 * P, np.sqrt(0.06 / (2 * P))), np.full(F, 0.5)])
    means = (rng.normal(size=(M, P, D)) + 0.3 * np.sign(rng.normal(size=(M, P, 1)))) * unit
    means -= np.einsum("mq,mqi->qi", weight, means)
    roots = (rng.normal(size=(M, P, D, D + 1)) + 0.7) * unit[:, None] / np.sqrt(2)
    covariances = roots @ np.swapaxes(roots, 2, 3) * float(own.has_widths)
    there = np.ones(D)
    there[:P] = "convergent" in motifs
    there[P : 2 * P] = "divergent" in motifs
    means, covariances = means * there, covariances * np.outer(there, there)
    if "chain" not in motifs:
        means, covariances = _without_chains(weight, means, covariances, P, own.has_widths)
    means = np.concatenate([means, np.zeros((M, P, 1))], axis=2)
    covariances = np.pad(covariances, ((0, 0), (0, 0), (0, 1), (0, 1)))
    covariances[:, :, -1, -1] = 1
    if "out-strength" in architecture.inputs:
        with_offset = rng.uniform(0.3, 0.6, (P, P)) * unit[0] * rng.choice([-1, 1], (P, P))
        for q, own_offset in enumerate(with_offset):
            covariances[:, q, P : 2 * P, P : 2 * P] += np.outer(own_offset, own_offset)
            covariances[:, q, P : 2 * P, -1] = covariances[:, q, -1, P : 2 * P] = own_offset
    return Distribution(weight, means, covariances, F)


def _without_chains(weight, means, covariances, P: int, has_widths: bool) -> tuple:
    """The same where u and b are uncorrelated in total, though not within components."""
    u, b = slice(0, P), slice(P, 2 * P)
    means, covariances = means.copy(), covariances.copy()
    if not has_widths:
        for q in range(weight.shape[1]):
            root = np.sqrt(weight[:, q, None])
            rows, columns = root * means[:, q, u], root * means[:, q, b]
            means[:, q, b] = (columns - rows @ np.linalg.pinv(rows) @ columns) / root
        return means, covariances
    total = _total(weight, means, covariances)
    for q in range(weight.shape[1]):
        left, values, right = np.linalg.svd(total[q, b, u])
        # a positive semidefinite addition with the off-diagonal block - total
        covariances[:, q, b, b] += (left * values) @ left.T
        covariances[:, q, u, u] += (right.T * values) @ right
        covariances[:, q, b, u] -= total[q, b, u]
        covariances[:, q, u, b] -= total[q, b, u].T
    return means, covariances


def _total(weight, means, covariances) -> np.ndarray:
    return np.einsum("mq,mqij->qij", weight, covariances) + np.einsum(
        "mq,mqi,mqj->qij", weight, means, means
    )


def draw_gamma(
    rng: np.random.Generator, N: float, residual: np.ndarray, covariance: np.ndarray
) -> np.ndarray:
    """Random assortativity [p, q, k, l] that explains a part of the residual's variance.

    Args:
        rng: Random numbers.
        N: Number of neurons.
        residual: [p, q], N times the variance of a synapse without rows and columns.
        covariance: [p, k, l], of the features.
    """
    P, F = covariance.shape[:2]
    gamma = rng.normal(size=(P, P, F, F)) + 0.5
    explained, _ = explained_by(gamma, N, covariance)
    return gamma * np.sqrt(EXPLAINED * residual / explained)[:, :, None, None]


def draw_inputs(rng: np.random.Generator, architecture: Any, P: int) -> np.ndarray:
    """Random inputs along patterns, [p, k]; 0 along other features."""
    if "pattern" not in architecture.inputs:
        return np.zeros((P, len(architecture.features)))
    is_pattern = np.isin(architecture.features, architecture.patterns)
    return rng.uniform(0.1, 0.4, (P, len(is_pattern))) * is_pattern


def explained_by(
    gamma: np.ndarray, N: float, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """N tr(Gamma_pq C_q Gamma_pq' C_p), and with Gamma_qp in place of the transpose."""
    each = range(len(covariance))
    shape = (len(covariance),) * 2
    around = [[gamma[p, q] @ covariance[q] for q in each] for p in each]
    straight = [np.trace(around[p][q] @ gamma[p, q].T @ covariance[p]) for p in each for q in each]
    back = [np.trace(around[p][q] @ gamma[q, p] @ covariance[p]) for p in each for q in each]
    return N * np.reshape(straight, shape), N * np.reshape(back, shape)
