"""Random networks with prescribed first- and second-order synaptic statistics."""

from __future__ import annotations

import operator
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import NetworkError
from .feasibility import check_feasible, neuron_covariances, residual_moments, strength_covariances
from .network import Network
from .parameters import Parameters

TILE = 512


class Drawn(NamedTuple):
    """Synapses J[i, j] from j onto i, (N, N), and `rows` and `offsets` as in `Network`, None where a sampler does not know them."""

    weights: np.ndarray
    rows: np.ndarray | None = None
    offsets: np.ndarray | None = None


class Sampler(ABC):
    """A way to draw the synapses of a network; final classes implement `weights`, and `draw` where they know more of each neuron."""

    @abstractmethod
    def weights(self, parameters: Parameters, rng: np.random.Generator, dtype: np.dtype) -> np.ndarray:
        """Synapses J[i, j] from j onto i, (N, N), neurons in the order of their populations."""

    def draw(self, parameters: Parameters, rng: np.random.Generator, dtype: np.dtype) -> Drawn:
        """The synapses, and what is known of each neuron."""
        return Drawn(self.weights(parameters, rng, dtype))


@dataclass(frozen=True)
class Gaussian(Sampler):
    """Jointly Gaussian synapses with exactly the given means, variances and motif correlations.

    J_ij = Jbar_pq + a_i^q + b_j^p + w_ij, i in p, j in q: (a^1..a^P, b^1..b^P) of a neuron has the covariance
    `strength_covariances` / N^2, and w_ij has the variance A_pq g_pq^2 / N and is correlated with w_ji alone (theory,
    section 1.2). The offset xi_i of the neuron's input is standard normal, independent of the a, and
    N Cov(b_i^p, xi_i) = sqrt(N) g_pq tau_inp[p, q]. Exact at every N: nothing is asymptotic.
    """

    def weights(self, parameters, rng, dtype):
        return self.draw(parameters, rng, dtype).weights

    def draw(self, parameters, rng, dtype):
        sizes, mean = parameters.sizes, np.asarray(parameters.mean)
        a, b = _strengths(parameters, rng)
        J = rng.standard_normal((sum(sizes), sum(sizes)), dtype=dtype)
        _scale_residual(J, parameters)
        slices = _slices(sizes)
        for p, rows in enumerate(slices):
            for q, columns in enumerate(slices):
                in_row = (mean[p, q] + a[rows, q]).astype(dtype)[:, None]
                in_column = b[columns, p].astype(dtype)
                for tile in _tiles(rows):
                    block = J[tile, columns]
                    block += in_row[tile.start - rows.start : tile.stop - rows.start]
                    block += in_column
        # last, so that a seed's synapses do not depend on it
        return Drawn(J, float(parameters.N) * a, _offsets(parameters, a, b, rng))


def sample(parameters: Parameters, seed: int, *, sampler: Sampler | None = None, dtype: Any = np.float64) -> Network:
    """A network drawn from the ensemble that `parameters` describe; the same seed gives the same network.

    Neurons are ordered by population, `parameters.sizes` of them. `sampler` is `Gaussian()` unless given; `dtype` is
    float64 or float32. The diagonal (a neuron's synapse onto itself) has its block's mean and variance. The network's
    `rows` and `offsets` are what `simulate` needs for the heterogeneous inputs `in_strength` and `spread`.

    Raises `InfeasibleStatisticsError` where no network has these statistics, `NetworkError` for a seed that is not an
    integer >= 0, an empty population, or a matrix that does not fit into memory.
    """
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise NetworkError(f"dtype {dtype} cannot hold synapses: use float64 or float32")
    seed, sizes = as_seed(seed), parameters.sizes
    if min(sizes) < 1:
        empty = parameters.populations[int(np.argmin(sizes))]
        raise NetworkError(f"population {empty} has no neuron at N = {sum(sizes)}: use more neurons")
    check_feasible(parameters)
    require_memory(2 * sum(sizes) ** 2 * dtype.itemsize, f"a network of {sum(sizes)} neurons in {dtype}")
    weights, rows, offsets = (sampler or Gaussian()).draw(parameters, np.random.default_rng(seed), dtype)
    return Network(weights, parameters.populations, np.repeat(np.arange(len(sizes)), sizes), seed, parameters, rows, offsets)


def require_memory(needed: float, what: str) -> None:
    """Raise `NetworkError` if `needed` bytes exceed the memory that is free."""
    free = available_memory()
    if free is not None and needed > free:
        raise NetworkError(f"{what} needs {needed / 2**30:.3g} GiB, {free / 2**30:.3g} GiB are free: "
                           "use fewer neurons, dtype=float32, or a machine with more memory")  # fmt: skip


def available_memory() -> int | None:
    """Bytes that can be allocated now; None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def as_seed(seed: Any) -> int:
    """An integer >= 0, or `NetworkError`."""
    try:
        value = operator.index(seed)
    except TypeError:
        value = -1
    if value < 0:
        raise NetworkError(f"seed = {seed!r} must be an integer, at least 0: a network can then be drawn again")
    return value


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


def _offsets(parameters: Parameters, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """xi, (N,), from its conditional distribution given a and b."""
    own = rng.standard_normal(len(a))
    if not np.any(np.asarray(parameters.tau_inp) != 0):
        return own
    strengths = float(parameters.N) * np.hstack([a, b])
    for members, covariance in zip(_slices(parameters.sizes), neuron_covariances(parameters), strict=True):
        across = covariance[:-1, -1]
        regression = np.linalg.pinv(covariance[:-1, :-1], rcond=1e-12, hermitian=True) @ across
        own[members] *= np.sqrt(max(covariance[-1, -1] - regression @ across, 0))
        own[members] += strengths[members] @ regression
    return own


def _scale_residual(Z: np.ndarray, parameters: Parameters) -> None:
    """Turn normal numbers into w, in place: w_ij = scale_pq (c Z_ij + s Z_ji), c^2 + s^2 = 1, 2 c s = correlation."""
    A, B = residual_moments(parameters)
    A = np.maximum(A, 0)
    scale = np.sqrt(A / float(parameters.N)) * np.asarray(parameters.g)
    bound = np.sqrt(A * A.T)
    rho = np.clip(np.divide(B, bound, out=np.zeros_like(B), where=bound > 0), -1, 1)
    c, s = ((np.sqrt(1 + rho) + sign * np.sqrt(1 - rho)) / 2 for sign in (1, -1))
    alone = np.diagonal(Z).copy()
    tiles = [(p, tile) for p, rows in enumerate(_slices(parameters.sizes)) for tile in _tiles(rows)]
    for k, (p, rows) in enumerate(tiles):
        for q, columns in tiles[k:]:
            upper, lower = Z[rows, columns], Z[columns, rows]
            across = lower.T.copy() if s[p, q] != 0 else None
            if rows != columns:
                _mix(lower, None if across is None else upper.T, c[p, q], s[p, q], scale[q, p])
            _mix(upper, across, c[p, q], s[p, q], scale[p, q])
    # a synapse onto oneself has no partner to mix with
    np.fill_diagonal(Z, alone * np.repeat(np.diagonal(scale), parameters.sizes).astype(Z.dtype))


def _mix(Z: np.ndarray, partner: np.ndarray | None, c: float, s: float, scale: float) -> None:
    Z *= float(scale * c)
    if partner is not None:
        Z += float(scale * s) * partner


def _slices(sizes: tuple[int, ...]) -> list[slice]:
    stops = np.cumsum(sizes).tolist()
    return [slice(stop - n, stop) for stop, n in zip(stops, sizes, strict=True)]


def _tiles(rows: slice) -> Iterator[slice]:
    for start in range(rows.start, rows.stop, TILE):
        yield slice(start, min(start + TILE, rows.stop))
