"""Sparse networks in which the presence of synapses carries strengths and assortativity.

J_ij = S_ij W_ij, i in p, j in q, with weights W of any distribution, independent and of mean m_pq,
and S_ij = 1 with the probability

    c_ij = M_ij / m_pq,      M_ij = Jbar_pq + a_i^q + b_j^p + f_i' Gamma_pq f_j.

Given the neurons' strengths the mean of J_ij is M_ij, so that mean, con, div, chn and Gamma are
those of M at every N. <J^2> = <c_ij> <W^2> is what the probability and the weights make of it, and
pairs are present together with

    P(S_ij S_ji = 1) = (1 + a_pq) c_ij c_ji,
    a_pq <c_ij c_ji> m_pq m_qp = (B_pq g_pq g_qp - E_back) / N

(`docs/theory.md`, sections 1.2 and 6.1). Probabilities are between 0 and 1: where strengths ask for
others, no such network has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...errors import InfeasibleStatisticsError
from ..parameters import Parameters, unexplained_moments
from .field import Field

STREAM = 6  # of presence; others are 0 to 5
ROUNDING = 1e-12


class PresentTiles(NamedTuple):
    """Tiles of one network; make them with `PresentTiles.of`.

    mean: Jbar; weight: m, the mean weights; together: a, all by block;
    positions(present, on_diagonal): indices of the synapses that stay, in a flattened tile.
    """

    field: Field
    names: tuple[str, ...]
    mean: np.ndarray
    weight: np.ndarray
    together: np.ndarray
    seed: int
    positions: Callable[[np.ndarray, bool], np.ndarray]

    @classmethod
    def of(cls, parameters: Parameters, weight: np.ndarray, seed: int, positions) -> PresentTiles:
        """weight: mean of the weights of present synapses, (P, P)."""
        mean, g = np.asarray(parameters.mean), np.asarray(parameters.g)
        unit = g * g.T / float(parameters.N)
        back = unexplained_moments(parameters)[1] * unit
        both = mean * mean.T + np.asarray(parameters.tau_rec) * unit - back
        lost = (weight * weight.T == 0) & (np.abs(back) > ROUNDING * unit)
        if np.any(lost):
            _refuse_zero_mean(parameters.populations, *np.argwhere(lost)[0])
        together = np.divide(back, both, out=np.zeros_like(back), where=both != 0)
        field, own = Field.of(parameters, seed), (mean, weight, together)
        return cls(field, parameters.populations, *own, seed, positions)

    def tile(self, i: int, j: int) -> list[np.ndarray]:
        """Of the tiles (i, j) and (j, i) the positions of synapses."""
        (p, _), (q, _) = self.field.tiles[i], self.field.tiles[j]
        if i == j:
            c = self._probability(i, i)
            drawn, joint = self._uniform(i, i, c.shape), self._joint(c, c, p, p)
            present = drawn < c
            later = np.tril(drawn < _conditional(joint, c, c.T, present.T), -1)
            return [self.positions(np.triu(present) | later, True)]
        c, other = self._probability(i, j), self._probability(j, i)
        first = self._uniform(i, j, c.shape) < c
        given = _conditional(self._joint(other, c, q, p), other, c.T, first.T)
        second = self._uniform(j, i, other.shape) < given
        return [self.positions(first, False), self.positions(second, False)]

    def _uniform(self, i: int, j: int, shape: tuple[int, ...]) -> np.ndarray:
        bits = np.random.SFC64(np.random.SeedSequence([self.seed, STREAM, i, j]))
        return np.random.Generator(bits).random(shape)

    def _probability(self, i: int, j: int) -> np.ndarray:
        """c_ij of a tile; raises `InfeasibleStatisticsError`."""
        (p, _), (q, _) = self.field.tiles[i], self.field.tiles[j]
        in_row, in_column = self.field.strengths(i, j)
        M = in_row + self.mean[p, q] + in_column
        if (assorted := self.field.assorted(i, j)) is not None:
            M = M + assorted
        if self.weight[p, q] == 0:
            if np.any(M != 0):
                _refuse_zero_mean(self.names, p, q)
            return np.zeros(M.shape)
        c = M / self.weight[p, q]
        outside = (c < -ROUNDING) | (c > 1 + ROUNDING)
        if np.any(outside):
            raise InfeasibleStatisticsError(
                f"synapses {self.names[p]} <- {self.names[q]}: strengths and assortativity ask for "
                f"probabilities of presence from {c.min():.3g} to {c.max():.3g} "
                f"({outside.mean():.2g} of the pairs are not between 0 and 1): lower the motifs or "
                "gamma, change the probability, or take marginals.Gaussian(), whose weights carry "
                "the strengths"
            )
        return np.clip(c, 0, 1)

    def _joint(self, c: np.ndarray, other: np.ndarray, p: int, q: int) -> np.ndarray:
        """P(S_ij S_ji = 1), as c is indexed; raises `InfeasibleStatisticsError`."""
        joint = (1 + self.together[p, q]) * c * other.T
        low, high = np.maximum(c + other.T - 1, 0), np.minimum(c, other.T)
        outside = (joint < low - ROUNDING) | (joint > high + ROUNDING)
        if np.any(outside):
            raise InfeasibleStatisticsError(
                f"synapses {self.names[p]} <- {self.names[q]} and back: {outside.mean():.2g} of "
                "the pairs cannot be present together as often as reciprocal motifs ask for: bring "
                f"tau_rec[{self.names[p]},{self.names[q]}] nearer to what chains and gamma make of "
                "it, or take marginals.Gaussian()"
            )
        return np.clip(joint, low, high)


def _conditional(
    joint: np.ndarray, c: np.ndarray, other: np.ndarray, present: np.ndarray
) -> np.ndarray:
    """The probability of each synapse, given whether the one back is present.

    Args:
        joint: that both are present.
        c: that the synapse is.
        other: that the one back is.
        present: whether the one back is.
    """
    known = np.where(present, other, 1 - other)
    left = np.where(present, joint, c - joint)
    return np.divide(left, known, out=np.zeros_like(left), where=known > 0)


def _refuse_zero_mean(names: tuple[str, ...], p: int, q: int) -> None:
    raise InfeasibleStatisticsError(
        f"synapses {names[p]} <- {names[q]}: weights of mean 0 have no strengths, assortativity or "
        "reciprocity by their presence alone: take marginals.Gaussian(), whose weights carry them"
    )
