"""Moments of synapses and the conditions under which they can exist, of one network or of many.

Every array may have leading axes, one set of parameters for each place of them: one network has
none. Source: `docs/theory.md`, sections 1.2 and 6.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from .motifs import Motifs

TOLERANCE = 1e-10  # rounding of statistics that lie on a bound
NOTHING = 1e-300  # in place of a variance 0 that divides
SINGULAR = 1e-12  # a strength whose variance is below this part of the largest is a sum of others


@runtime_checkable
class SynapticStatistics(Protocol):
    """What this module needs of `Parameters`."""

    populations: tuple[str, ...]
    N: Any
    g: Any
    tau_con: Any
    tau_div: Any
    tau_chn: Any
    tau_rec: Any
    tau_inp: Any

    @property
    def P(self) -> int: ...

    @property
    def strengths(self) -> Any: ...

    @property
    def motifs(self) -> Motifs: ...

    def replace(self, **values: Any) -> Any: ...


def strength_covariances(parameters: SynapticStatistics) -> np.ndarray:
    """N^2 times the covariance of a neuron's in- and out-strengths (a^1..a^P, b^1..b^P).

    Returns:
        By population of the neuron, (..., P, 2P, 2P).
    """
    N, g = np.asarray(parameters.N, dtype=float)[..., None, None, None], np.asarray(parameters.g)
    con, div, chn = (
        np.asarray(t) for t in (parameters.tau_con, parameters.tau_div, parameters.tau_chn)
    )
    back = np.swapaxes(g, -1, -2)
    rows = N * g[..., :, :, None] * g[..., :, None, :] * con
    columns = N * back[..., :, :, None] * back[..., :, None, :] * div
    across = np.moveaxis(N * g[..., :, :, None] * g[..., None, :, :] * chn, -3, -1)
    return np.block([[rows, across], [np.swapaxes(across, -1, -2), columns]])


def neuron_covariances(parameters: SynapticStatistics) -> np.ndarray:
    """Covariance of a neuron's (N a^1..N a^P, N b^1..N b^P, xi), xi the offset of its input.

    Returns:
        By population of the neuron, (..., P, 2P + 1, 2P + 1).
    """
    strengths, P = strength_covariances(parameters), parameters.P
    root = np.sqrt(np.asarray(parameters.N, dtype=float))[..., None, None]
    across = (
        root * np.asarray(parameters.g) * np.asarray(parameters.tau_inp)
    )  # [p, q]: N Cov(b_j^p, xi_j), j in q
    whole = np.zeros((*strengths.shape[:-2], 2 * P + 1, 2 * P + 1))
    whole[..., :-1, :-1] = strengths
    whole[..., P:-1, -1] = whole[..., -1, P:-1] = np.swapaxes(across, -1, -2)
    whole[..., -1, -1] = 1
    return whole


def residual_moments(parameters: SynapticStatistics) -> tuple[np.ndarray, np.ndarray]:
    """A_pq and B_pq of the residual synapses w_ij, each (..., P, P).

    Var w_ij = A_pq g_pq^2 / N and Cov(w_ij, w_ji) = B_pq g_pq g_qp / N.
    """
    return residual_of(*(np.asarray(t) for t in parameters.motifs))


def residual_of(con: Any, div: Any, chn: Any, rec: Any) -> tuple[Any, Any]:
    """A and B of `residual_moments` from the four coefficients, NumPy or JAX arrays."""
    own = np.arange(rec.shape[-1])
    p, q = own[:, None], own[None, :]
    around = chn[..., p, q, p]
    A = 1 - con[..., p, q, q] - div[..., q, p, p]
    return A, rec - around - chn[..., q, p, q]


def explained_shares(parameters: SynapticStatistics) -> tuple[np.ndarray, np.ndarray]:
    """What assortativity explains in units of g_pq^2 and of g_pq g_qp; infinite where these are 0.

    Strengths of a given network are those of a network that is there: 0.
    """
    g = np.asarray(parameters.g)
    if parameters.strengths is None or parameters.strengths.quenched:
        return np.zeros_like(g), np.zeros_like(g)
    from .strengths import explained  # which needs this module

    both = explained(parameters, np) if g.ndim == 2 else jax.vmap(explained)(parameters)
    shares = []
    for part, unit in zip(both, (g**2, g * np.swapaxes(g, -1, -2)), strict=True):
        value = np.asarray(part, dtype=float)
        nothing = np.where(value == 0, 0.0, np.copysign(np.inf, value))
        shares.append(np.divide(value, unit, out=nothing, where=unit > 0))
    return shares[0], shares[1]


@dataclass(frozen=True)
class Conditions:
    """The numbers that have to keep within bounds so that a network can have the statistics.

    Args:
        chain: |tau_chn|, and its bound sqrt(tau_div[q,p,p] tau_con[q,r,r]), (..., P, P, P).
        chain_bound: that bound.
        connected: where g_pq g_qr is not 0.
        lowest: smallest eigenvalue of the covariance of a neuron's strengths, (..., P).
        largest: the largest variance there.
        share: what the correlations tau_inp explain of the offset's variance, (..., P).
        alone: where tau_inp[p, q] alone explains more than all, by (q, p), (..., P, P).
        A: of the residual, (..., P, P).
        B: of the residual.
        known: what assortativity explains in the units of A.
        back: what it explains in the units of B.
        tolerance: by how much a condition may fail, relative to the largest variance.
    """

    chain: np.ndarray
    chain_bound: np.ndarray
    connected: np.ndarray
    lowest: np.ndarray
    largest: np.ndarray
    share: np.ndarray
    alone: np.ndarray
    A: np.ndarray
    B: np.ndarray
    known: np.ndarray
    back: np.ndarray
    tolerance: float

    @property
    def chains(self) -> np.ndarray:
        """Where a chain is stronger than its ends allow, (..., P, P, P)."""
        return (self.chain - self.chain_bound) * self.connected > self.tolerance

    @property
    def covariances(self) -> np.ndarray:
        """Neurons of which populations have strengths without a covariance, (..., P)."""
        return self.lowest < -self.tolerance * self.largest

    @property
    def offsets(self) -> np.ndarray:
        """Where tau_inp explains more of the offset than there is, (..., P)."""
        return (self.share > 1 + self.tolerance) | np.any(self.alone, axis=-1)

    @property
    def variances(self) -> np.ndarray:
        """Where in- and out-strengths explain more of a synapse than there is, (..., P, P)."""
        return self.A < -self.tolerance

    @property
    def assorted(self) -> np.ndarray:
        """Where assortativity explains more of a synapse than is left, (..., P, P)."""
        return (self.known > self.A + self.tolerance) & (self.A >= -self.tolerance)

    @property
    def reciprocal_bound(self) -> np.ndarray:
        """sqrt(A A') without what assortativity explains, (..., P, P)."""
        A = np.maximum(self.A - self.known, 0)
        return np.sqrt(A * np.swapaxes(A, -1, -2))

    @property
    def reciprocities(self) -> np.ndarray:
        """Where |B| > sqrt(A A'), without what assortativity explains, (..., P, P)."""
        left = self.A - self.known >= -self.tolerance
        B = self.B - self.back
        there = left & np.swapaxes(left, -1, -2) & np.isfinite(B)
        return there & (np.abs(B) > self.reciprocal_bound + self.tolerance)

    @property
    def hold(self) -> np.ndarray:
        """Whether a network can have the statistics, (...)."""
        broken = (
            self.chains,
            self.covariances,
            self.offsets,
            self.variances,
            self.assorted,
            self.reciprocities,
        )
        lead = self.A.shape[:-2]
        flat = [np.reshape(v, (*lead, -1)) for v in broken]
        return np.asarray(~np.any(np.concatenate(flat, axis=-1), axis=-1))


def conditions(parameters: SynapticStatistics, tolerance: float = TOLERANCE) -> Conditions:
    """All conditions, for one set of parameters or for many."""
    con, div, chn, g = (
        np.asarray(t)
        for t in (parameters.tau_con, parameters.tau_div, parameters.tau_chn, parameters.g)
    )
    spread = np.einsum("...qpp->...pq", div)[..., :, :, None]
    ends = np.maximum(spread * np.einsum("...qrr->...qr", con)[..., None, :, :], 0)
    matrices = strength_covariances(parameters)
    diagonal = np.einsum("...ii->...i", matrices)
    share, alone = _offsets(parameters, tolerance)
    return Conditions(
        np.abs(chn),
        np.sqrt(ends),
        (g[..., :, :, None] * g[..., None, :, :]) > 0,
        np.linalg.eigvalsh(matrices)[..., 0],
        np.maximum(np.abs(diagonal).max(axis=-1), NOTHING),
        share,
        alone,
        *residual_moments(parameters),
        *explained_shares(parameters),
        tolerance,
    )


def _offsets(parameters: SynapticStatistics, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """What tau_inp explains of the offset's variance, 1, and what each entry of it alone does."""
    P = parameters.P
    matrices = neuron_covariances(parameters)
    across = matrices[..., :-1, -1]
    there = np.any(across != 0, axis=-1)
    share = np.zeros(there.shape)
    if there.any():
        own = across[there]
        inverse = np.linalg.pinv(matrices[there][:, :-1, :-1], rcond=SINGULAR, hermitian=True)
        share[there] = np.einsum("ki,kij,kj->k", own, inverse, own)
    out = np.einsum("...ii->...i", matrices)[..., P : 2 * P]
    return share, there[..., None] & (across[..., P:] ** 2 > (1 + tolerance) * out)
