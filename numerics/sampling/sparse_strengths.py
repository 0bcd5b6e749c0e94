"""Sparse networks whose neurons have strengths of any distribution, and assortativity.

J_ij = S_ij (M_ij + w_ij) / c_pq, i in p, j in q: M_ij = Jbar_pq + a_i^q + b_j^p + f_i' Gamma_pq f_j
as in dense networks, S_ij = 1 with the probability c_pq, independently, else 0, and w Gaussian.
Given the neurons' strengths the mean of J_ij is M_ij, so that mean, con, div, chn and Gamma are
those of M at every N; variance and reciprocity are those asked for with

    Var w_ij = c_pq (g_pq^2 / N + Jbar_pq^2) - Jbar_pq^2 - Var M_ij,
    Cov(w_ij, w_ji) = (B_pq g_pq g_qp - E_back) / N

(`docs/theory.md`, sections 1.2 and 6.1).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...errors import InfeasibleStatisticsError
from ..parameters import Parameters, unexplained_moments
from .field import Field
from .sparse_tiles import both_ways

STREAM = 5  # of presence; others are 0 to 4
ROUNDING = 1e-12


class MixedTiles(NamedTuple):
    """Tiles of one network; make them with `MixedTiles.of`.

    positions(present, on_diagonal): indices of the synapses that stay, in a flattened tile.
    """

    field: Field
    mean: np.ndarray
    probability: np.ndarray
    seed: int
    positions: Callable[[np.ndarray, bool], np.ndarray]

    @classmethod
    def of(
        cls, parameters: Parameters, probability: np.ndarray, seed: int, positions
    ) -> MixedTiles:
        """Raises `InfeasibleStatisticsError` where too few synapses are present."""
        field = _field(Field.of(parameters, seed), parameters, probability)
        return cls(field, np.asarray(parameters.mean), probability, seed, positions)

    def tile(self, i: int, j: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Of the tiles (i, j) and (j, i) positions and weights of synapses."""
        places, weights = [], []
        for (k, l), w in zip(both_ways(i, j), self.field.residual(i, j), strict=False):
            (p, _), (q, _) = self.field.tiles[k], self.field.tiles[l]
            in_row, in_column = self.field.strengths(k, l)
            w = w + (in_row + self.mean[p, q] + in_column)
            if (assorted := self.field.assorted(k, l)) is not None:
                w += assorted
            bits = np.random.SFC64(np.random.SeedSequence([self.seed, STREAM, k, l]))
            c = self.probability[p, q]
            present = np.random.Generator(bits).random(w.shape) < c
            places.append(self.positions(present, k == l))
            weights.append(w.ravel()[places[-1]] / c if c else np.zeros(0))
        return places, weights


def _field(field: Field, parameters: Parameters, c: np.ndarray) -> Field:
    """The field with the residual of the weights."""
    N, g, mean = float(parameters.N), np.asarray(parameters.g), np.asarray(parameters.mean)
    A, B = unexplained_moments(parameters)
    whole = mean**2 + g**2 / N
    known = whole - A * g**2 / N  # of the mean and M
    variance = c * whole - known
    few = variance < -ROUNDING * whole
    back = B * g * g.T / N
    bound = np.sqrt(np.maximum(variance, 0) * np.maximum(variance.T, 0))
    few |= np.abs(back) > bound + ROUNDING * np.sqrt(whole * whole.T)
    few &= (g > 0) & (c > 0)
    if np.any(few):
        p, q = np.argwhere(few)[0]
        least = (known + np.abs(back)) / np.where(whole > 0, whole, 1.0)
        names = parameters.populations
        raise InfeasibleStatisticsError(
            f"synapses {names[p]} <- {names[q]}: strengths, assortativity and reciprocity leave no "
            f"residual for weights that are present with the probability {c[p, q]:.4g}: it must be "
            f"about {least[p, q]:.4g} at least, or lower mean, gamma or reciprocity"
        )
    variance = np.maximum(variance, 0)
    rho = np.clip(np.divide(back, bound, out=np.zeros_like(back), where=bound > 0), -1, 1)
    direct, swapped = ((np.sqrt(1 + rho) + sign * np.sqrt(1 - rho)) / 2 for sign in (1, -1))
    return dataclasses.replace(field, scale=np.sqrt(variance), direct=direct, swapped=swapped)
