"""The Gaussian field of all synapses, tile by tile: the deviation of J_ij from its mean is a_i^q + b_j^p + w_ij, i in p, j in q.

(a^1..a^P, b^1..b^P) of a neuron has the covariance `strength_covariances` / N^2; w_ij has the variance A_pq g_pq^2 / N and is correlated
with w_ji alone (theory, section 1.2). Each tile has random bits of its own, keyed by the seed and the tile's position: any part of the
field can be drawn again, in any order and by any number of threads, and is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..parameters import Parameters, neuron_covariances, residual_moments, strength_covariances

TILE = 512
"""Neurons along a tile. The field of a seed depends on it."""


class Tile(NamedTuple):
    """Neurons of one population that are next to each other."""

    population: int
    rows: slice


@dataclass(frozen=True, eq=False)
class Field:
    """Deviations of the synapses of one network from their means; make one with `Field.of`.

    a[i, q], b[j, p]: (N, P); tiles: which neurons belong to which; scale[p, q]: standard deviation of w; direct[p, q], swapped[p, q]:
    w_ij = scale (direct Z_ij + swapped Z_ji), Z independent standard normal
    """

    seed: int
    dtype: np.dtype
    sizes: tuple[int, ...]
    a: np.ndarray
    b: np.ndarray
    offsets: np.ndarray
    tiles: tuple[Tile, ...]
    scale: np.ndarray
    direct: np.ndarray
    swapped: np.ndarray

    @classmethod
    def of(cls, parameters: Parameters, seed: int, dtype: np.dtype) -> Field:
        """The field of a seed; dtype, of w: float32 or float64 (other numbers)."""
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, 0])))
        a, b = _strengths(parameters, rng)
        A, B = residual_moments(parameters)
        A = np.maximum(A, 0)
        bound = np.sqrt(A * A.T)
        rho = np.clip(np.divide(B, bound, out=np.zeros_like(B), where=bound > 0), -1, 1)
        direct, swapped = ((np.sqrt(1 + rho) + sign * np.sqrt(1 - rho)) / 2 for sign in (1, -1))
        scale = np.sqrt(A / float(parameters.N)) * np.asarray(parameters.g)
        # last, so that a seed's synapses do not depend on the offsets
        return cls(
            seed,
            np.dtype(dtype),
            parameters.sizes,
            a,
            b,
            _offsets(parameters, a, b, rng),
            tuple(_tiles(parameters.sizes)),
            scale,
            direct,
            swapped,
        )

    @property
    def N(self) -> int:
        """Number of neurons."""
        return len(self.a)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Every pair of tiles once, (I, J) with I <= J."""
        return ((i, j) for i in range(len(self.tiles)) for j in range(i, len(self.tiles)))

    def residual(self, i: int, j: int) -> tuple[np.ndarray, np.ndarray]:
        """w of the tile (i, j), neurons of tile j onto neurons of tile i, and of (j, i); the same array where i = j. New arrays; i <= j."""
        (p, rows), (q, columns) = self.tiles[i], self.tiles[j]
        shape = rows.stop - rows.start, columns.stop - columns.start
        c, s = self.direct[p, q], self.swapped[p, q]
        upper = self._normal(shape, i, j)
        if i == j:
            alone = np.diagonal(upper).copy()
            _mix(upper, upper.T.copy() if s else None, c, s, self.scale[p, p])
            # a synapse onto oneself has no partner to mix with
            np.fill_diagonal(upper, alone * self.dtype.type(self.scale[p, p]))
            return upper, upper
        lower = self._normal(shape[::-1], j, i)
        across = lower.T.copy() if s else None
        _mix(lower, upper.T if s else None, c, s, self.scale[q, p])
        _mix(upper, across, c, s, self.scale[p, q])
        return upper, lower

    def strengths(self, i: int, j: int) -> tuple[np.ndarray, np.ndarray]:
        """a and b of the tile (i, j) as a column (n_i, 1) and a row (n_j,)."""
        (p, rows), (q, columns) = self.tiles[i], self.tiles[j]
        return self.a[rows, q].astype(self.dtype)[:, None], self.b[columns, p].astype(self.dtype)

    def _normal(self, shape: tuple[int, int], i: int, j: int) -> np.ndarray:
        return normal(
            np.random.SFC64(np.random.SeedSequence([self.seed, 1, i, j])), shape, self.dtype
        )


def normal(bits: np.random.BitGenerator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Standard normal numbers from random bits by Box and Muller's method: sqrt(-2 log u) cos(2 pi v) and sin.

    u and v have 32 random bits for float32 (|z| up to 6.8), 64 for float64 (9.4). A third of the time of NumPy's `standard_normal`, since
    elementary functions are vectorised; for the same reason the last digit may differ between kinds of processors.
    """
    pairs = (int(np.prod(shape)) + 1) // 2
    raw = bits.random_raw(pairs if dtype == np.float32 else 2 * pairs)
    whole = raw.view(np.uint32) if dtype == np.float32 else raw
    smallest = dtype.type(2.0 ** (-8 * whole.itemsize))
    z = np.multiply(whole, smallest, dtype=dtype, casting="unsafe")
    radius, angle = z[:pairs], z[pairs:]
    radius += smallest / 2
    np.log(radius, out=radius)
    radius *= dtype.type(-2)
    np.sqrt(radius, out=radius)
    angle *= dtype.type(2 * np.pi)
    across = np.sin(angle)
    np.cos(angle, out=angle)
    angle *= radius
    radius *= across
    return z[: int(np.prod(shape))].reshape(shape)


def _mix(Z: np.ndarray, partner: np.ndarray | None, c: float, s: float, scale: float) -> None:
    """scale (c Z + s partner), in place."""
    Z *= Z.dtype.type(scale * c)
    if partner is not None:
        Z += Z.dtype.type(scale * s) * partner


def _tiles(sizes: tuple[int, ...]) -> Iterator[Tile]:
    for p, rows in enumerate(blocks(sizes)):
        for start in range(rows.start, rows.stop, TILE):
            yield Tile(p, slice(start, min(start + TILE, rows.stop)))


def aligned(N: int, dtype: np.dtype) -> np.ndarray:
    """An N x N array, not initialised, that begins at a multiple of 64 bytes: JAX then need not copy it."""
    raw = np.empty(N * N * dtype.itemsize + 64, np.uint8)
    first = -raw.ctypes.data % 64
    return raw[first : first + N * N * dtype.itemsize].view(dtype).reshape(N, N)


def blocks(sizes: tuple[int, ...]) -> list[slice]:
    """The neurons of each population."""
    stops = np.cumsum(sizes).tolist()
    return [slice(stop - n, stop) for stop, n in zip(stops, sizes, strict=True)]


def _strengths(parameters: Parameters, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """a[i, q] and b[j, p], each (N, P)."""
    covariances = strength_covariances(parameters) / float(parameters.N) ** 2
    parts = []
    for n, covariance in zip(parameters.sizes, covariances, strict=True):
        values, vectors = np.linalg.eigh(covariance)
        # the symmetric root does not depend on the signs that LAPACK gives the eigenvectors: one seed, one network
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        parts.append(rng.standard_normal((n, len(root))) @ root)
    both = np.concatenate(parts)
    return both[:, : parameters.P], both[:, parameters.P :]


def _offsets(
    parameters: Parameters, a: np.ndarray, b: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """xi, (N,), from its conditional distribution given a and b."""
    own = rng.standard_normal(len(a))
    if not np.any(np.asarray(parameters.tau_inp) != 0):
        return own
    strengths = float(parameters.N) * np.hstack([a, b])
    for members, covariance in zip(
        blocks(parameters.sizes), neuron_covariances(parameters), strict=True
    ):
        across = covariance[:-1, -1]
        regression = np.linalg.pinv(covariance[:-1, :-1], rcond=1e-12, hermitian=True) @ across
        own[members] *= np.sqrt(max(covariance[-1, -1] - regression @ across, 0))
        own[members] += strengths[members] @ regression
    return own
