"""The bulk of a random network's spectrum: the cloud that the residual synapses w_ij make.

Of the matrix w_ij d_j, Var w_ij = A_pq g_pq^2 / N, Cov(w_ij, w_ji) = B_pq g_pq g_qp / N, d of
population q with distribution P_q, the diagonal of the resolvent at z outside of the bulk is
1 / (z - Gamma_p d) (cavity method), with

    Gamma_p = sum_q alpha_q g_pq g_qp B_pq X_q,
    X_q = < d / (z - Gamma_q d) >_q,    X ~ <d> / z at infinity,

and z is outside as long as the spectral radius of alpha_q g_pq^2 A_pq < |d / (z - Gamma_q d)|^2 >_q
is below 1; on the boundary it is 1. With B = 0 this is a disc; of one population with d = 1 the
ellipse of semi-axes g (A +- B) / sqrt(A) (Sommers, Crisanti, Sompolinsky and Stein, Phys Rev Lett
1988); of several populations the boundary of Kuczala and Sharpee, Phys Rev E 2016. Units that are
filters have z_q = 1 / (M_q(s) S_q(s)) for each population in place of z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..distributions import UNIT_CLOUD, Cloud
from ..linear import bulk_radius_square, spectral_radius
from ..parameters import Couplings, Parameters

ANGLES = 181  # of the upper half of the boundary: a degree each
NEWTON_STEPS, CONVERGED, SETTLED = 30, 1e-10, 1e-13  # of X; relative changes
PATH = (1.0, 0.5, 0.2, 0.05, 0.0)  # powers of a far factor, along which X is followed to z
RAYS = 41  # points of each ray from far away to 0, between which the boundary is bracketed
BISECTIONS = 46  # 1e-15 of the bracket


@dataclass(frozen=True, eq=False)
class Bulk:
    """The residual synapses of P populations.

    Args:
        clouds: distributions of the gains d in each population.
        variance: alpha_q g_pq^2 A_pq, (P, P).
        pairs: alpha_q g_pq g_qp B_pq, (P, P).
    """

    clouds: tuple[Cloud, ...]
    variance: np.ndarray
    pairs: np.ndarray

    @classmethod
    def of(cls, parameters: Parameters, clouds: Sequence[Cloud] | None = None) -> Bulk:
        """That of the connectivity, or with the gains of the units."""
        own = Couplings.of_numbers(parameters)
        return cls(
            tuple(clouds or (UNIT_CLOUD,) * parameters.P),
            np.asarray(own.residual),
            np.asarray(own.pairs),
        )

    @property
    def P(self) -> int:
        """Number of populations."""
        return len(self.clouds)

    @property
    def is_reciprocal(self) -> bool:
        """Whether B is not 0, beyond rounding."""
        return bool(np.abs(self.pairs).max() > 1e-12 * max(self.variance.max(), 1e-300))

    @cached_property
    def radius(self) -> float:
        """Radius of the disc if B = 0: sqrt of the largest eigenvalue of variance <d^2>_q."""
        squares = np.array([c.average(c.slopes**2) for c in self.clouds])
        return float(np.sqrt(bulk_radius_square(self.variance, squares)))

    def gains(self, z: np.ndarray, gamma: np.ndarray) -> list[np.ndarray]:
        """d / (z - Gamma d) of the units of each population; z and gamma (..., P)."""
        return [
            c.slopes / (z[..., q, None] - gamma[..., q, None] * c.slopes)
            for q, c in enumerate(self.clouds)
        ]

    def transmission(self, z: np.ndarray, X: np.ndarray) -> np.ndarray:
        """alpha_q g_pq^2 A_pq < |d / (z - Gamma_q d)|^2 >_q, (..., P, P)."""
        gains = self.gains(z, X @ self.pairs.T)
        return self.variance * self._average([np.abs(v) ** 2 for v in gains])[..., None, :]

    def _average(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Of values of each population's units, (..., P)."""
        return np.stack([c.average(v) for c, v in zip(self.clouds, values, strict=True)], axis=-1)

    def response(self, z: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
        """X, (..., P), by Newton's method from `start`; where it does not converge, nan."""
        z = np.asarray(z, dtype=complex)
        first = np.stack([c.average(c.slopes) for c in self.clouds]) / z
        if not self.is_reciprocal:
            return first
        X = np.where(np.isfinite(start), start, first) if start is not None else first
        error = np.full(z.shape[:-1], np.inf)
        with np.errstate(all="ignore"):
            for _ in range(NEWTON_STEPS):
                gains = self.gains(z, X @ self.pairs.T)
                value = self._average(gains)
                slope = self._average([v**2 for v in gains])
                matrix = np.eye(self.P) - slope[..., :, None] * self.pairs
                step = np.linalg.solve(
                    np.where(np.isfinite(matrix), matrix, np.eye(self.P)), (value - X)[..., None]
                )[..., 0]
                X = X + step
                error = np.abs(step).max(-1) / np.maximum(np.abs(X).max(-1), 1e-300)
                if np.all((error < SETTLED) | ~np.isfinite(error)):
                    break
        return np.where((error < CONVERGED)[..., None], X, np.nan)

    def level(self, z: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Spectral radius of the transmission: below 1 outside of the bulk.

        Infinite where X is not known.
        """
        known = np.isfinite(X).all(-1)
        matrix = self.transmission(z, np.where(known[..., None], X, 0))
        return np.where(known, spectral_radius(matrix), np.inf)

    def outside(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """X and level at z, (..., P).

        X is followed from far away, so that it is on the branch that is <d>/z at infinity.
        """
        z = np.asarray(z, dtype=complex)
        away = np.maximum(
            4 * self.extent / np.maximum(np.abs(z).min(-1, keepdims=True), 1e-300), 1.0
        )
        X = None
        for part in PATH if self.is_reciprocal else (0.0,):
            X = self.response(z * away**part, X)
        assert X is not None
        return X, self.level(z, X)

    @property
    def extent(self) -> float:
        """A radius that holds the bulk: twice that without reciprocal motifs, as |B| <= A."""
        return 2 * self.radius or 1.0

    def boundary(self, angles: int = ANGLES) -> np.ndarray:
        """The boundary as a closed curve, (n,), complex, counterclockwise from the real axis.

        All 0 where there is no residual.
        """
        r = self.radius
        if r == 0 or not self.is_reciprocal:
            return r * np.exp(1j * np.linspace(0, 2 * np.pi, 2 * angles - 1))
        direction = np.exp(1j * np.linspace(0, np.pi, angles))
        inner, outer = np.zeros(angles), np.full(angles, 1.0001 * self.extent)
        X = self.outside(self._each(outer * direction))[0]
        for part in np.linspace(1, 0, RAYS)[1:-1]:  # inward until the first crossing of each ray
            trial = np.where(inner > 0, outer, part * self.extent)
            new, level = self._along(trial * direction, X)
            crossed = (level >= 1) & (inner == 0)
            inner = np.where(crossed, trial, inner)
            free = (level < 1) & (inner == 0)
            outer, X = np.where(free, trial, outer), np.where(free[:, None], new, X)
        for _ in range(BISECTIONS):
            trial = (inner + outer) / 2
            new, level = self._along(trial * direction, X)
            free = level < 1
            outer, inner = np.where(free, trial, outer), np.where(free, inner, trial)
            X = np.where(free[:, None], new, X)
        half = outer * direction
        return np.concatenate([half, half[-2::-1].conj()])

    def _along(self, z: np.ndarray, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        new = self.response(self._each(z), X)
        return new, self.level(self._each(z), new)

    def _each(self, z: np.ndarray) -> np.ndarray:
        """The same z in every population."""
        return np.repeat(np.asarray(z, dtype=complex)[..., None], self.P, axis=-1)
