"""Random neurons of a world, and the synapses of one neuron with each of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .world import World

# ways in which the same neurons make pairs: their average has a smaller standard error
MIXTURES = 6


class Neurons:
    """Random neurons of a world, m in each population, and their synapses with one neuron i.

    They come in mirrored groups, in which the parts of the synapses have opposite signs, so that
    averages of what is odd in them are exact but for what a test asks for.
    """

    def __init__(self, world: World, rng: np.random.Generator, m: int):
        self.world, self.rng = world, rng
        self._currents: dict[tuple[int, int], np.ndarray] = {}
        self._fields: dict[tuple[int, int], np.ndarray] = {}
        self._rates: dict[tuple[int, int, int], np.ndarray] = {}
        w, P = world, world.P
        self.rows, self.columns, self.offsets, self.noise, self.rest = [], [], [], [], []
        self.features = []
        for q in range(P):
            draws = self._draws(q, m // 4)
            self.rows.append(draws[:, :P] / w.N)
            self.columns.append(draws[:, P : 2 * P] / w.N)
            self.features.append(draws[:, 2 * P : -1])
            self.offsets.append(draws[:, -1])
            both = np.tile(rng.standard_normal((2, m // 4)), (1, 4))
            self.noise.append(np.sqrt(w.V[q]) * both[0])
            self.rest.append(both[1])
        # w_ij and w_ji for a neuron i of p and neurons j of q
        self.onto, self.back = {}, {}
        for p in range(P):
            for q in range(P):
                first, second = rng.standard_normal((2, m // 4))
                c = w.back[p, q] / np.sqrt(w.left[p, q] * w.left[q, p])
                self.onto[p, q] = _mirrored(np.sqrt(w.left[p, q] / w.N) * first)
                both = c * first + np.sqrt(1 - c * c) * second
                self.back[p, q] = _mirrored(np.sqrt(w.left[q, p] / w.N) * both)
        # neurons i whose rates are above and below the mean, for residuals that feel deviations
        self.side = np.tile(np.where(np.arange(m // 4) % 2, 1.0, -1.0), 4)

    def _draws(self, q: int, count: int) -> np.ndarray:
        """(N a^1, ..., N b^1, ..., f_1, ..., xi) of neurons of population q, in mirrored groups.

        Components have their shares of neurons exactly.
        """
        rng, own = self.rng, self.world.distribution
        normal = rng.standard_normal((count, 2 * self.world.P + self.world.F + 1))
        if own is None:
            draws = normal @ root(self.covariance(q)).T
            return np.concatenate([draws, -draws, draws, -draws])
        shares = np.round(own.weight[:, q] * count).astype(int)
        label = rng.permutation(np.repeat(np.arange(len(shares)), shares))
        roots = np.array([root(S) for S in own.covariances[:, q]])
        around, draws = own.means[label, q], np.einsum("nij,nj->ni", roots[label], normal)
        return np.concatenate([around + sign * draws for sign in (1, -1, 1, -1)])

    def covariance(self, q: int) -> np.ndarray:
        """Covariance of (N a^1, ..., N b^1, ..., xi) of a neuron of population q.

        Source: docs/theory.md, section 1.2.
        """
        w, P = self.world, self.world.P
        whole = np.eye(2 * P + 1)
        for r in range(P):
            for t in range(P):
                whole[r, t] = w.N * w.con[q, r, t] * w.g[q, r] * w.g[q, t]
                whole[P + r, P + t] = w.N * w.div[q, r, t] * w.g[r, q] * w.g[t, q]
                whole[P + r, t] = whole[t, P + r] = w.N * w.chn[r, q, t] * w.g[r, q] * w.g[q, t]
            whole[P + r, -1] = whole[-1, P + r] = np.sqrt(w.N) * w.g[r, q] * w.offset[r, q]
        return whole

    def pair_covariance(self, motif: str, p: int, q: int, r: int) -> float:
        """Covariance of two synapses that share neurons, i in p, j in q, k in r.

        The motif is "convergent" (J_ij, J_ik), "divergent" (J_ij, J_kj), "chain" (J_ij, J_jk),
        "reciprocal" (J_ij, J_ji) or "variance" (J_ij, J_ij); or parts of synapses are meant, as in
        `SynapseStatistics.of_parts`.
        """
        parts = {
            "rows": (self.rows[p][:, q], self.rows[p][:, r]),
            "columns": (self.columns[q][:, p], self.columns[q][:, r]),
            "across": (self.columns[q][:, p], self.rows[q][:, r]),
            "residual": (self.onto[p, q],) * 2,
            "back": (self.onto[p, q], self.back[p, q]),
        }
        if motif in parts:
            return float(np.mean(parts[motif][0] * parts[motif][1]))
        return float(np.mean([self._pair(motif, p, q, r) for _ in range(MIXTURES)]))

    def _pair(self, motif: str, p: int, q: int, r: int) -> float:
        """The covariance over one random choice of which neurons make a pair."""
        mixed = self.rng.permutation
        m = len(self.rest[0])
        same = np.arange(m)
        i, j, k = (same, mixed(m), mixed(m))

        def synapse(target, source, x, y, w):
            assorted = self.assorted(target, source, self.features[target][x], y)
            rows, columns = self.rows[target][x, source], self.columns[source][y, target]
            return rows + columns + assorted + w

        one = synapse(p, q, i, j, self.onto[p, q])
        if motif == "variance":
            two = one
        elif motif == "reciprocal":
            two = synapse(q, p, j, i, self.back[p, q])
        elif motif == "convergent":
            two = synapse(p, r, i, k, self.onto[p, r][mixed(m)])
        elif motif == "divergent":
            two = synapse(r, q, k, j, self.onto[r, q][mixed(m)])
        else:
            two = synapse(q, r, j, k, self.onto[q, r][mixed(m)])
        return float(np.mean(one * two) - np.mean(one) * np.mean(two))

    def assorted(self, p: int, q: int, of_target: np.ndarray, sources: Any = slice(None)) -> Any:
        """f_i' Gamma_pq f_j for neurons i of population p, or one, and j of population q."""
        if self.world.F == 0:
            return 0.0
        return np.sum((of_target @ self.world.gamma[p, q]) * self.features[q][sources], axis=-1)

    def filtered(self, p: int, q: int) -> float:
        """What the filters make of the rate of neuron i of population p, as felt in q."""
        return self.world.own_rate[p, q] * self.world.rho[q, p] / self.world.alpha[p]

    def current(self, p: int, q: int) -> np.ndarray:
        """x_j of neurons j of population q, which synapses from neuron i of p reach."""
        if (p, q) not in self._currents:
            self._currents[p, q] = self.world.felt(q, self.field(p, q))
        return self._currents[p, q]

    def field(self, p: int, q: int) -> np.ndarray:
        """h_j of the same neurons: x_j without what they feel of their own rate."""
        if (p, q) not in self._fields:
            self._fields[p, q] = self._field(p, q)
        return self._fields[p, q]

    def rate_of(self, p: int, q: int, order: int) -> np.ndarray:
        """phi(x_j), or a derivative, of the same neurons."""
        if (p, q, order) not in self._rates:
            self._rates[p, q, order] = self.world.phi(q, self.current(p, q), order)
        return self._rates[p, q, order]

    def _field(self, p: int, q: int) -> np.ndarray:
        w = self.world
        f = self.filtered(p, q)
        if w.quenched:
            f = self.side * (w.own_rate[p, q] - 1) * w.rho[q, p] / w.alpha[p]
        others = w.residual[q] - f * f * w.left[q, p] / w.N
        x = w.K[q] + w.N * self.rows[q] @ w.kappa[q] + w.z[q] * self.offsets[q] + self.noise[q]
        x = x + self.features[q] @ w.theta[q]
        return x + np.sqrt(others) * self.rest[q] + f * self.back[p, q]


def _mirrored(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values, values, -values, -values])


def root(matrix: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
