"""Populations of a network without labels: neurons that connect with the same groups alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sps
from scipy.cluster.vq import ClusterError, kmeans2
from scipy.sparse.linalg import LinearOperator, svds

from ...errors import NetworkError
from .network import FEW_NEURONS, Network

METHODS = ("spectral", "block-model")
RESTARTS = 20  # of k-means, whose minima are local
SWEEPS = 50  # over all neurons; the likelihood stops rising after a few
SHORTEST = 1e-12  # vector of a neuron; one without synapses has no direction
TINY = 1e-300  # no logarithm of 0


def find_populations(weights: Any, P: int, seed: int = 0, method: str = "spectral") -> np.ndarray:
    """Find populations of neurons that send to, and receive from, the same groups.

    "spectral" is k-means of the leading P left and right singular vectors of
    J_ij / sqrt((s_i + s)(t_j + t)), s_i and t_j the sums of |J| over row i and column j, s and t
    their averages (Rohe, Qin and Yu, PNAS 113, 12679, 2016). Each neuron's vector has length one,
    so that it does not matter how many synapses a neuron has, only with whom.

    "block-model" goes on from there to a maximum of the likelihood of the degree-corrected block
    model, sum_pq m_pq log(m_pq / (m_p. m_.q)), m_pq the sum of the weights from q onto p (Karrer
    and Newman, Phys. Rev. E 83, 016107, 2011). It is often better where populations have few
    synapses. Time is O(nnz P) per iteration, and memory that of the weights.

    Args:
        weights: a square array, a sparse matrix or a `Network` (whose labels are not used),
            row = target; not negative for "block-model".
        P: number of populations, at least 1 and below N.
        seed: of the starts of k-means.
        method: "spectral" or "block-model".

    Returns:
        The population 0, ..., P - 1 of every neuron, (N,), the largest first; with them,
        `Network.of(weights, labels)` is a network.

    Raises:
        NetworkError: another P or method, no synapse, a population that comes out empty, or
            negative weights for the block model.
    """
    if method not in METHODS:
        raise NetworkError(f"method={method!r} is unknown: use {' or '.join(map(repr, METHODS))}")
    own = weights if isinstance(weights, Network) else _unlabelled(weights)
    W = own.matrix
    N = W.shape[0]
    if not (isinstance(P, int | np.integer) and 1 <= P < max(N, 2)):
        raise NetworkError(
            f"P = {P} populations cannot be found among {N} neurons: use an integer from 1 to "
            f"{N - 1}"
        )
    strengths = [np.asarray(abs(W).sum(axis=axis, dtype=float)).ravel() for axis in (1, 0)]
    if not strengths[0].any():
        raise NetworkError(
            "the network has no synapses, from which populations could be told apart"
        )
    if method == "block-model" and W.min() < 0:
        raise NetworkError(
            "some weights are negative, and the block model is one of counts: use "
            "method='spectral', or the weights' absolute values"
        )
    if P == 1:
        return np.zeros(N, dtype=np.int64)
    labels = _clusters(_vectors(W, strengths, P, seed), P, seed)
    if method == "block-model":
        labels = _most_likely(W, labels, P)
    sizes = np.bincount(labels, minlength=P)
    if not sizes.all():
        raise NetworkError(
            f"only {np.count_nonzero(sizes)} of {P} populations have neurons: the network has "
            "fewer that differ, ask for fewer"
        )
    return np.argsort(np.argsort(-sizes, kind="stable"))[labels]


def _unlabelled(weights: Any) -> Network:
    return Network.of(weights, np.zeros(np.shape(weights)[0], int))


def _vectors(W: Any, strengths: list[np.ndarray], P: int, seed: int) -> np.ndarray:
    left, right = (1 / np.sqrt(s + s.mean()) for s in strengths)
    if W.shape[0] < FEW_NEURONS or P > W.shape[0] // 2:
        u, _, vt = np.linalg.svd(left[:, None] * (W.toarray() if sps.issparse(W) else W) * right)
        u, vt = u[:, :P], vt[:P]
    else:
        scaled = LinearOperator(
            W.shape,
            dtype=float,
            matvec=lambda v: left * (W @ (right * v.ravel())),
            rmatvec=lambda v: right * (W.T @ (left * v.ravel())),
        )
        u, _, vt = svds(scaled, k=P, v0=np.random.default_rng(seed).standard_normal(W.shape[0]))
    return np.hstack(
        [
            part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), SHORTEST)
            for part in (u, vt.T)
        ]
    )


def _clusters(points: np.ndarray, P: int, seed: int) -> np.ndarray:
    """The best of several runs of k-means."""
    rng, best, least = np.random.default_rng(seed), np.zeros(len(points), dtype=np.int64), np.inf
    for _ in range(RESTARTS):
        try:
            centres, labels = kmeans2(points, P, minit="++", rng=rng, missing="raise")
        except ClusterError:  # a population came out empty: another start
            continue
        distance = float(np.sum((points - centres[labels]) ** 2))
        if distance < least:
            best, least = labels.astype(np.int64), distance
    return best


def _most_likely(W: Any, labels: np.ndarray, P: int) -> np.ndarray:
    """Every neuron goes to its most likely population, given those of the others.

    Until the likelihood does not rise.
    """
    highest = -np.inf
    best = labels
    for _ in range(SWEEPS):
        Z = np.eye(P)[labels]
        received, sent = np.asarray(W @ Z), np.asarray(W.T @ Z)
        m = Z.T @ received
        logs = np.log(
            np.maximum(m, TINY) / np.maximum(np.outer(m.sum(axis=1), m.sum(axis=0)), TINY)
        )
        likelihood = float(np.sum(m * logs))
        if likelihood <= highest:
            break
        highest, best = likelihood, labels
        labels = np.argmax(received @ logs.T + sent @ logs, axis=1)
    return best
