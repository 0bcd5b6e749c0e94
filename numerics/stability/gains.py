"""The gain of the bulk at many fixed points at once: along branches, and over grids."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ..distributions import Cloud, clouds_at
from ..linear import spectral_radius
from ..parameters import FILTERS, Couplings, Parameters
from ..system import System, Units
from .bulk import Bulk
from .filters import worst

INVARIANT, SMALLEST = 1e-12, 1e-300  # a new direction this small, relative to the slopes, is none
NODES = 24  # of the distribution of slopes, exact for polynomials of degree 47
SCAN = np.concatenate([[0.0], np.geomspace(0.05, 20.0, 16)])
"""Frequencies at which the bulk of plain units with reciprocal residuals is looked at."""


def bulk_gains(
    system: System, batch: Parameters, mean: np.ndarray, variance: np.ndarray
) -> np.ndarray:
    """The gain of the bulk at n fixed points, x ~ N(mean, variance): below 1 it does not grow.

    As `Stability.gain`. With reciprocal residuals the frequency is scanned coarsely, and only where
    the bulk can grow at all; elsewhere it is the gain at frequency 0.

    Args:
        system: the compiled equations.
        batch: parameters with a leading axis n on every array, as `stacked` makes them.
        mean: of the inputs of each population, (n, P).
        variance: likewise, (n, P).

    Returns:
        (n,); infinite where a transfer function jumps, NaN where white noise keeps x from resting
        and where a transfer function varies too finely to be averaged.
    """
    noisy = np.any(np.asarray(batch.noise) > 0, axis=-1)
    couplings = jax.tree.map(np.asarray, jax.vmap(Couplings.of)(batch))
    units = _units(system, batch, len(mean))
    gains = np.full(len(mean), np.nan)
    for k, clouds in enumerate(clouds_at(system, batch, mean, variance)):
        residual, pairs = couplings.residual[k], couplings.pairs[k]
        if clouds is not None and not noisy[k]:
            gains[k] = _gain(Bulk(clouds, residual, pairs), units[k])
    return gains


def _gain(bulk: Bulk, units: Units | None) -> float:
    """units: None for dx/dt = -x + input."""
    squares = np.array([c.average(c.slopes**2) for c in bulk.clouds])
    if np.any(np.isinf(squares) & np.any(bulk.variance > 0, axis=0)):
        return np.inf
    squares = np.where(np.isinf(squares), 0.0, squares)
    radius = float(np.sqrt(spectral_radius(bulk.variance * squares[None, :])))
    if units is None and not bulk.is_reciprocal:
        return radius
    bulk = Bulk(tuple(map(_reduced, bulk.clouds)), bulk.variance, bulk.pairs)
    if units is not None:
        return worst(bulk, units, 0.0)[0]
    omega = SCAN if 2 * radius >= 1 else SCAN[:1]  # |B| <= A at most doubles the radius
    z = np.repeat(1 + 1j * omega[:, None], bulk.P, axis=1)
    level = bulk.outside(z)[1]
    return float(np.sqrt(level.max()))


def _reduced(cloud: Cloud) -> Cloud:
    """The same distribution of slopes on few nodes: Gauss quadrature, by Lanczos' algorithm."""
    from scipy.linalg import eigh_tridiagonal

    held = cloud.weights > 0
    slopes, vector = cloud.slopes[held], np.sqrt(cloud.weights[held])
    scale = max(float(np.abs(slopes).max(initial=0.0)), SMALLEST)
    basis, diagonal, beside = [vector / np.linalg.norm(vector)], [], []
    while True:
        new = slopes * basis[-1]
        diagonal.append(float(basis[-1] @ new))
        for _ in range(2):  # once leaves rounding
            new = new - np.array(basis).T @ (np.array(basis) @ new)
        size = float(np.linalg.norm(new))
        if len(basis) == NODES or size <= INVARIANT * scale:
            break
        basis.append(new / size)
        beside.append(size)
    nodes, vectors = eigh_tridiagonal(diagonal, beside)
    weights = vectors[0] ** 2
    return Cloud(weights, np.zeros(len(nodes)), np.zeros(len(nodes)), nodes, cloud.variance)


def _units(system: System, batch: Parameters, n: int) -> list[Units | None]:
    """The units of each set; None where they are dx/dt = -x + input."""
    plain = jax.tree.map(np.asarray, batch)
    known: dict[bytes, Any] = {}
    found = []
    for k in range(n):
        own = jax.tree.map(lambda v, k=k: v[k], plain)
        key = b"".join(v.tobytes() for kind in FILTERS for v in getattr(own, kind).values())
        if key not in known:
            made = Units.of(system.mean_field.architecture, own)
            known[key] = None if made.is_plain or made.is_noisy else made
        found.append(known[key])
    return found
