"""Standard errors of the assortativity of one network, as of a sample of neurons.

Gamma_pq is the coefficient of a regression of synapses on f_i f_j'. With the synapses' deviations
R_ij from what strengths and Gamma explain, g = f Cov_p(f)^-1 and h = f Cov_q(f)^-1, its error is a
sum over pairs of neurons,

    delta Gamma_pq = sum_ij psi_ij,     psi_ij = g_i R_ij h_j' / (N_p N_q).

What single neurons and pairs contribute to the variance (Hoeffding's decomposition) is V_1 + V_2;
leaving out one neuron at a time counts V_1 + 2 V_2, the sum of squares of what each neuron takes
part in, and V_2 is the sum of squares over pairs (see `jackknife`).

Where features are measured strengths, what the residual adds to them counts as the neuron's own. A
neuron also moves the strengths of all others along their features, by f_i' Gamma f_k, and what
depends on them: that is added to what it takes part in. Source: docs/theory.md, section 6.1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sps

from .network import Network
from .strengths import NeuronStrengths, assortativity, inverse_covariance
from .sums import ROWS

FEWEST = 3  # neurons; nothing is known of how a smaller population varies


def assortativity_errors(network: Network, features: np.ndarray | NeuronStrengths) -> np.ndarray:
    """Standard errors of a network's `assortativity`, by the jackknife over neurons.

    They are estimates of its spread among networks of the same ensemble and size. The time is
    proportional to the number of synapses.

    Args:
        network: whose synapses are stored.
        features: of every neuron, centred in its population, (N, F), as it was drawn with them; or
            those that `neuron_strengths` measured, which depend on the synapses, too.

    Returns:
        (P, P, F, F); NaN where a population of fewer than 3 neurons takes part.

    Raises:
        NetworkError: the synapses are not stored.
    """
    own = features if isinstance(features, NeuronStrengths) else None
    f = own.features if own is not None else np.asarray(features, dtype=float)
    sums = _Sums.of(network, f)
    errors = np.full(sums.gamma.shape, np.nan)
    for p, q in np.ndindex(errors.shape[:2]):
        if min(sums.sizes[p], sums.sizes[q]) >= FEWEST:
            pair = _Pair.of(sums, p, q)
            counted, pairs = pair.single, pair.squares()
            if own is not None:
                counted = counted + _by_features(sums, pair, own.slopes)
            first = np.square(counted).sum(axis=0) - 2 * pairs
            errors[p, q] = np.sqrt(np.maximum(first, 0.0) + np.maximum(pairs, 0.0))
    return errors


class _Sums(NamedTuple):
    """Sums of a network's synapses by neuron and population of the other neuron.

    f: features, (N, F); g: f Cov(f)^-1; rows, columns: means of J_ij over j, and of J_ji, (N, P);
    onto, from_: sums of J_ij g_j over j, and of J_ji g_j, (N, P, F); squares, column_squares,
    partners: sums over all j of squares of deviations of J_ij, of J_ji, and of their products.
    """

    network: Network
    members: list[np.ndarray]
    gamma: np.ndarray
    f: np.ndarray
    g: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    onto: np.ndarray
    from_: np.ndarray
    squares: np.ndarray
    column_squares: np.ndarray
    partners: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        return np.array(self.network.sizes, dtype=float)

    @classmethod
    def of(cls, network: Network, f: np.ndarray) -> _Sums:
        (N, F), P = f.shape, network.P
        members, sizes = [network.members(p) for p in range(P)], np.asarray(network.sizes, float)
        g = np.zeros((N, F))
        for m in members:
            g[m] = f[m] @ inverse_covariance(f[m])
        spread = _by_population(np.c_[np.ones(N), g], members)
        forward = _times(network.matrix, spread.reshape(N, -1)).reshape(spread.shape)
        backward = _times(network.matrix, spread.reshape(N, -1), True).reshape(spread.shape)
        rows, columns = forward[:, :, 0] / sizes, backward[:, :, 0] / sizes
        squares, column_squares, partners = _second_order(network.matrix)
        return cls(
            network,
            members,
            assortativity(network, f),
            f,
            g,
            rows,
            columns,
            forward[:, :, 1:],
            backward[:, :, 1:],
            squares - rows**2 @ sizes,
            column_squares - columns**2 @ sizes,
            partners - (rows * columns) @ sizes,
        )


def _by_population(values: np.ndarray, members: list[np.ndarray]) -> np.ndarray:
    """(N, K) as (N, P, K), 0 but for each neuron's own population."""
    spread = np.zeros((len(values), len(members), values.shape[1]))
    for p, own in enumerate(members):
        spread[own, p] = values[own]
    return spread


def _times(W: Any, values: np.ndarray, transposed: bool = False) -> np.ndarray:
    """W values, or W' values, in double precision; of a dense matrix some rows at once."""
    if sps.issparse(W):
        return np.asarray((W.T if transposed else W) @ values, dtype=float)
    found = np.zeros(values.shape)
    for start in range(0, len(W), ROWS):
        part = slice(start, start + ROWS)
        block = W[part].astype(float)
        if transposed:
            found += block.T @ values[part]
        else:
            found[part] = block @ values
    return found


def _second_order(W: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums over j of J_ij^2, of J_ji^2 and of J_ij J_ji."""
    if sps.issparse(W):
        W = W.astype(float)
        square, both = W.multiply(W), W.multiply(W.T.tocsr())
        onto, from_, mutual = square.sum(axis=1), square.sum(axis=0), both.sum(axis=1)
        return np.asarray(onto), np.asarray(from_), np.asarray(mutual)
    N = len(W)
    squares, column_squares, partners = np.zeros((3, N))
    for start in range(0, N, ROWS):
        part = slice(start, start + ROWS)
        block = W[part].astype(float)
        partners[part] = np.einsum("ij,ji->i", block, W[:, part].astype(float))
        squares[part] = np.einsum("ij,ij->i", block, block)
        column_squares += np.einsum("ij,ij->j", block, block)
    return squares, column_squares, partners


class _Pair(NamedTuple):
    """Gamma_pq: what neurons and pairs of neurons contribute to its error.

    R_ij = J_ij - A_i' B_j; rho, sigma: sums of R_ij h_j / N_q over j, and of R_ij g_i / N_p over i;
    single: sums of the psi_ij in which a neuron takes part, (N, F, F).
    """

    sums: _Sums
    p: int
    q: int
    A: np.ndarray
    B: np.ndarray
    rho: np.ndarray
    sigma: np.ndarray
    single: np.ndarray

    @classmethod
    def of(cls, s: _Sums, p: int, q: int) -> _Pair:
        target, source, gamma = s.members[p], s.members[q], s.gamma[p, q]
        n, m = s.sizes[p], s.sizes[q]
        f, e = s.f[target], s.f[source]
        mean = s.rows[target, q].mean()
        A = np.c_[s.rows[target, q], np.ones(len(f)), f @ gamma]
        B = np.c_[np.ones(len(e)), s.columns[source, p] - mean, e]
        # the other population's strengths make the same sums for all
        onto, from_ = s.onto[target, q], s.from_[source, p]
        rho = (onto - onto.mean(axis=0)) / m - f @ gamma
        sigma = (from_ - from_.mean(axis=0)) / n - e @ gamma.T
        single = np.zeros((len(s.f), *gamma.shape))
        single[target] += s.g[target][:, :, None] * rho[:, None, :] / n
        single[source] += sigma[:, :, None] * s.g[source][:, None, :] / m
        return cls(s, p, q, A, B, rho, sigma, single)

    def squares(self) -> np.ndarray:
        """Sums over pairs of neurons of psi_ij^2, or of (psi_ij + psi_ji)^2, (F, F)."""
        s = self.sums
        target, source = s.members[self.p], s.members[self.q]
        g2, h2 = s.g[target] ** 2, s.g[source] ** 2
        total = np.zeros((g2.shape[1], h2.shape[1]))
        weighted = _outer(self.B, h2)
        for rows, J in _blocks(s.network.matrix, target, source):
            square = J.multiply(J) if sps.issparse(J) else J * J
            total += g2[rows].T @ (square @ h2)
            along = (J @ weighted).reshape(-1, self.B.shape[1], h2.shape[1])
            felt = np.einsum("is,isl->il", self.A[rows], along)
            total -= 2 * g2[rows].T @ felt
        both = _moments(g2, self.A, self.A), _moments(h2, self.B, self.B)
        total += both[0].reshape(len(both[0]), -1) @ both[1].reshape(len(both[1]), -1).T
        if self.p == self.q:
            total += self._partners(target)
        return total / (s.sizes[self.p] * s.sizes[self.q]) ** 2

    def _partners(self, own: np.ndarray) -> np.ndarray:
        """Sums over pairs of (g_i R_ij h_j') (g_j R_ji h_i') of one population, (F, F)."""
        g = self.sums.g[own]
        e = _outer(g, g)
        weighted, total = _outer(self.A, e), np.zeros(e.shape[1])
        for rows, J, back in _mutual(self.sums.network.matrix, own):
            both = J.multiply(back) if sps.issparse(J) else J * back
            total += np.sum(e[rows] * (both @ e), axis=0)
            along = (J @ weighted).reshape(-1, self.A.shape[1], e.shape[1])
            total -= 2 * np.sum(e[rows] * np.einsum("is,isc->ic", self.B[rows], along), axis=0)
        ends = _moments(e, self.A, self.B), _moments(e, self.B, self.A)
        total += np.sum(ends[0] * ends[1], axis=(1, 2))
        return total.reshape(g.shape[1], g.shape[1])


def _outer(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(n, K) and (n, L) as (n, K L)."""
    return (one[:, :, None] * other[:, None, :]).reshape(len(one), -1)


def _moments(weights: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """[k, s, t]: sums over neurons of weights[., k] one[., s] other[., t]."""
    found = weights.T @ _outer(one, other)
    return found.reshape(weights.shape[1], one.shape[1], other.shape[1])


def _blocks(W: Any, target: np.ndarray, source: np.ndarray):
    """Rows of a block of synapses, some at once if it is dense, in double precision."""
    step = len(target) if sps.issparse(W) else ROWS
    for start in range(0, len(target), step):
        rows = target[start : start + step]
        J = W[rows][:, source] if sps.issparse(W) else W[np.ix_(rows, source)]
        yield slice(start, start + len(rows)), J.astype(float)


def _mutual(W: Any, own: np.ndarray):
    """`_blocks` of one population, and the synapses in the other direction."""
    for part, J in _blocks(W, own, own):
        rows = own[part]
        back = W[own][:, rows].T.tocsr() if sps.issparse(W) else W[np.ix_(own, rows)].T
        yield part, J, back.astype(float)


def _by_features(s: _Sums, pair: _Pair, slopes: np.ndarray) -> np.ndarray:
    """What neurons contribute by the strengths of those that they are connected to, (N, F, F)."""
    gamma, N = s.gamma[pair.p, pair.q], len(s.f)
    target, source = s.members[pair.p], s.members[pair.q]
    inverse = [inverse_covariance(s.f[m]) for m in (target, source)]
    found = np.zeros((N, gamma.size))
    for way in range(2):  # by in_i, and by out_i
        d, e = slopes[target, :, way], slopes[source, :, way]
        onto = (d @ inverse[0])[:, :, None] * pair.rho[:, None, :]
        onto -= s.g[target][:, :, None] * (d @ gamma)[:, None, :]
        from_ = pair.sigma[:, :, None] * (e @ inverse[1])[:, None, :]
        from_ -= (e @ gamma.T)[:, :, None] * s.g[source][:, None, :]
        for role, own, change in ((pair.p, target, onto), (pair.q, source, from_)):
            along = change.reshape(len(own), -1).T @ s.f[own] / len(own)
            for r, others in enumerate(s.members):
                felt = s.gamma[role, r].T if way == 0 else s.gamma[r, role]
                found[others] += s.f[others] @ felt @ along.T
    return found.reshape(N, *gamma.shape)
