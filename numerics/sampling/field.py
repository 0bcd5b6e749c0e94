"""The Gaussian field of all synapses, tile by tile.

The deviation of J_ij from its mean is a_i^q + b_j^p + w_ij, i in p, j in q. (a^1..a^P, b^1..b^P) of
a neuron has the covariance `strength_covariances` / N^2; w_ij has the variance A_pq g_pq^2 / N and
is correlated with w_ji alone (`docs/theory.md`, section 1.2). With assortativity f_i' Gamma_pq f_j
is added, and w has what that leaves of its covariances (section 6.1). Each tile has random bits of
its own, keyed by the seed and the tile's position: any part of the field can be drawn again, in any
order and by any number of threads, and is the same. Sums are in float64; what is stored as float32
is their rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..parameters import Parameters, unexplained_moments
from .neurons import Neurons, blocks

TILE = 512
"""Neurons along a tile, 2 MB, which caches hold. The field of a seed depends on it."""


class Tile(NamedTuple):
    """Neurons of one population that are next to each other."""

    population: int
    rows: slice


@dataclass(frozen=True, eq=False)
class Field:
    """Deviations of the synapses of one network from their means; make one with `Field.of`.

    a[i, q], b[j, p]: (N, P); tiles: which neurons belong to which; scale[p, q]: standard deviation
    of w; direct[p, q], swapped[p, q]: w_ij = scale (direct Z_ij + swapped Z_ji), Z independent
    standard normal; features: f, (N, F); gamma: (P, P, F, F).
    """

    seed: int
    sizes: tuple[int, ...]
    a: np.ndarray
    b: np.ndarray
    offsets: np.ndarray
    tiles: tuple[Tile, ...]
    scale: np.ndarray
    direct: np.ndarray
    swapped: np.ndarray
    features: np.ndarray
    gamma: np.ndarray

    @classmethod
    def of(cls, parameters: Parameters, seed: int) -> Field:
        """The field of a seed."""
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, 0])))
        own, strengths, P = Neurons.of(parameters, rng), parameters.strengths, parameters.P
        A, B = unexplained_moments(parameters)
        A = np.maximum(A, 0)
        bound = np.sqrt(A * A.T)
        rho = np.clip(np.divide(B, bound, out=np.zeros_like(B), where=bound > 0), -1, 1)
        direct, swapped = ((np.sqrt(1 + rho) + sign * np.sqrt(1 - rho)) / 2 for sign in (1, -1))
        scale = np.sqrt(A / float(parameters.N)) * np.asarray(parameters.g)
        return cls(
            seed,
            parameters.sizes,
            own.a,
            own.b,
            own.offsets,
            tuple(_tiles(parameters.sizes)),
            scale,
            direct,
            swapped,
            own.features,
            np.zeros((P, P, 0, 0)) if strengths is None else np.asarray(strengths.gamma),
        )

    @property
    def N(self) -> int:
        """Number of neurons."""
        return len(self.a)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Every pair of tiles once, (I, J) with I <= J."""
        return ((i, j) for i in range(len(self.tiles)) for j in range(i, len(self.tiles)))

    def residual(self, i: int, j: int) -> tuple[np.ndarray, np.ndarray]:
        """w of the tiles (i, j) and (j, i), i <= j, from the neurons of tile j onto those of i.

        New arrays; one and the same where i = j.
        """
        (p, rows), (q, columns) = self.tiles[i], self.tiles[j]
        shape = rows.stop - rows.start, columns.stop - columns.start
        c, s = self.direct[p, q], self.swapped[p, q]
        upper = self._normal(shape, i, j)
        if i == j:
            w = _mixed(upper, upper.T, c, s, self.scale[p, p])
            # a synapse onto oneself has no partner to mix with
            np.fill_diagonal(w, np.diagonal(upper).astype(float) * self.scale[p, p])
            return w, w
        lower = self._normal(shape[::-1], j, i)
        above = _mixed(upper, lower.T, c, s, self.scale[p, q])
        return above, _mixed(lower, upper.T, c, s, self.scale[q, p])

    def strengths(self, i: int, j: int) -> tuple[np.ndarray, np.ndarray]:
        """a and b of the tile (i, j) as a column (n_i, 1) and a row (n_j,)."""
        (p, rows), (q, columns) = self.tiles[i], self.tiles[j]
        return self.a[rows, q][:, None], self.b[columns, p]

    def assorted(self, i: int, j: int) -> np.ndarray | None:
        """f_i' Gamma_pq f_j of the tile (i, j), None where synapses know no features."""
        (p, rows), (q, columns) = self.tiles[i], self.tiles[j]
        if not self.features.shape[1]:
            return None
        onto, source = self.features[rows] @ self.gamma[p, q], self.features[columns]
        # by outer products, whose digits do not depend on the linear algebra library
        return np.asarray(
            sum(o[:, None] * s for o, s in zip(onto.T, source.T, strict=True)), dtype=float
        )

    def _normal(self, shape: tuple[int, int], i: int, j: int) -> np.ndarray:
        return normal(np.random.SFC64(np.random.SeedSequence([self.seed, 1, i, j])), shape)


def normal(bits: np.random.BitGenerator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers from random bits: sqrt(-2 log u) cos(2 pi v) and sin.

    The method is that of Box and Muller. u and v have 32 random bits, so that |z| is below 6.8, and
    z is float32: networks of both precisions have the same numbers, and elementary functions of
    float32 are vectorised, which takes a third of the time of NumPy's `standard_normal`. For the
    same reason the last digit may differ between kinds of processors.
    """
    pairs = (int(np.prod(shape)) + 1) // 2
    smallest = np.float32(2.0**-32)
    z = np.multiply(bits.random_raw(pairs).view(np.uint32), smallest, dtype=np.float32)
    radius, angle = z[:pairs], z[pairs:]
    radius += smallest / 2
    np.log(radius, out=radius)
    radius *= np.float32(-2)
    np.sqrt(radius, out=radius)
    angle *= np.float32(2 * np.pi)
    across = np.sin(angle)
    np.cos(angle, out=angle)
    angle *= radius
    radius *= across
    return z[: int(np.prod(shape))].reshape(shape)


def _mixed(Z: np.ndarray, partner: np.ndarray, c: float, s: float, scale: float) -> np.ndarray:
    """scale (c Z + s partner) in float64."""
    w = Z.astype(np.float64)
    w *= scale * c
    if s:
        other = partner.astype(np.float64, order="C")
        other *= scale * s
        w += other
    return w


def _tiles(sizes: tuple[int, ...]) -> Iterator[Tile]:
    for p, rows in enumerate(blocks(sizes)):
        for start in range(rows.start, rows.stop, TILE):
            yield Tile(p, slice(start, min(start + TILE, rows.stop)))


def aligned(N: int, dtype: np.dtype) -> np.ndarray:
    """An N x N array, not initialised, at a multiple of 64 bytes: JAX then need not copy it."""
    raw = np.empty(N * N * dtype.itemsize + 64, np.uint8)
    first = -raw.ctypes.data % 64
    return raw[first : first + N * N * dtype.itemsize].view(dtype).reshape(N, N)
