"""The bulk of a random network's spectrum: the cloud that the residual synapses w_ij make, and how a mode passes through it.

Of the matrix w_ij d_j, Var w_ij = A_pq g_pq^2 / N, Cov(w_ij, w_ji) = B_pq g_pq g_qp / N, d of population q with distribution P_q, the
diagonal of the resolvent at z outside of the bulk is 1 / (z - Gamma_p d) (cavity method), with

    Gamma_p = sum_q alpha_q g_pq g_qp B_pq X_q,     X_q = < d / (z - Gamma_q d) >_q,     X ~ <d> / z at infinity,

and z is outside as long as the spectral radius of alpha_q g_pq^2 A_pq < |d / (z - Gamma_q d)|^2 >_q is below 1; on the boundary it is 1.
With B = 0 this is a disc; of one population with d = 1 the ellipse of semi-axes g (A +- B) / sqrt(A) (Sommers, Crisanti, Sompolinsky and
Stein, Phys Rev Lett 1988); of several populations the boundary of Kuczala and Sharpee, Phys Rev E 2016.
Units that are filters have z_q = 1 / (M_q(s) S_q(s)) for each population in place of z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import sympy as sp

from ..errors import ExpressionError, ParameterError, SolverError
from .couplings import Couplings
from .parameters import Parameters
from .system import System

REACH, ORDER = 9.0, 16
PANELS, MOST_PANELS, PRECISION = 8, 1024, 1e-10
LEAST_VARIANCE = 1e-8
ANGLES = 181


@dataclass(frozen=True)
class Cloud:
    """The units of one population at a fixed point: x = h + feedback phi(x), h normal.

    weights: of the quadrature over h; t: (h - mean) / variance; rates: phi(x); slopes: phi'(x)
    """

    weights: np.ndarray
    t: np.ndarray
    rates: np.ndarray
    slopes: np.ndarray
    variance: float

    def average(self, values: np.ndarray) -> Any:
        """Over the population, along the last axis."""
        return values @ self.weights


UNIT_CLOUD = Cloud(np.ones(1), np.zeros(1), np.ones(1), np.ones(1), np.inf)
"""Units of gain 1, for the spectrum of the connectivity itself."""


@dataclass(frozen=True)
class Bulk:
    """The residual synapses of P populations.

    variance[p, q]: alpha_q g_pq^2 A_pq; pairs[p, q]: alpha_q g_pq g_qp B_pq
    """

    clouds: tuple[Cloud, ...]
    variance: np.ndarray
    pairs: np.ndarray

    @classmethod
    def of(cls, parameters: Parameters, clouds: Sequence[Cloud] | None = None) -> Bulk:
        """That of the connectivity, or with the gains of the units."""
        own = Couplings.of(parameters)
        return cls(tuple(clouds or (UNIT_CLOUD,) * parameters.P), np.asarray(own.residual), np.asarray(own.pairs))

    @property
    def P(self) -> int:
        """Number of populations."""
        return len(self.clouds)

    @property
    def is_reciprocal(self) -> bool:
        """Whether B is not 0, beyond rounding."""
        return bool(np.abs(self.pairs).max() > 1e-12 * max(self.variance.max(), 1e-300))

    @property
    def radius(self) -> float:
        """sqrt of the largest eigenvalue of alpha_q g_pq^2 A_pq <d^2>_q: the radius of the disc if B = 0."""
        squares = np.array([c.average(c.slopes**2) for c in self.clouds])
        return float(np.sqrt(spectral_radius(self.variance * squares)))

    def gains(self, z: np.ndarray, gamma: np.ndarray) -> list[np.ndarray]:
        """d / (z - Gamma d) of the units of each population; z and gamma (..., P)."""
        return [c.slopes / (z[..., q, None] - gamma[..., q, None] * c.slopes) for q, c in enumerate(self.clouds)]

    def transmission(self, z: np.ndarray, X: np.ndarray) -> np.ndarray:
        """alpha_q g_pq^2 A_pq < |d / (z - Gamma_q d)|^2 >_q, (..., P, P)."""
        gains = self.gains(z, X @ self.pairs.T)
        squares = np.stack([c.average(np.abs(v) ** 2) for c, v in zip(self.clouds, gains, strict=True)], axis=-1)
        return self.variance * squares[..., None, :]

    def response(self, z: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
        """X, (..., P), by Newton's method from `start`; where it does not converge, nan."""
        z = np.asarray(z, dtype=complex)
        first = np.stack([c.average(c.slopes) for c in self.clouds]) / z
        if not self.is_reciprocal:
            return first
        X = np.where(np.isfinite(start), start, first) if start is not None else first
        error = np.full(z.shape[:-1], np.inf)
        with np.errstate(all="ignore"):
            for _ in range(30):
                gains = self.gains(z, X @ self.pairs.T)
                value = np.stack([c.average(v) for c, v in zip(self.clouds, gains, strict=True)], axis=-1)
                slope = np.stack([c.average(v**2) for c, v in zip(self.clouds, gains, strict=True)], axis=-1)
                matrix = np.eye(self.P) - slope[..., :, None] * self.pairs
                step = np.linalg.solve(np.where(np.isfinite(matrix), matrix, np.eye(self.P)), (value - X)[..., None])[..., 0]
                X = X + step
                error = np.abs(step).max(-1) / np.maximum(np.abs(X).max(-1), 1e-300)
                if np.all((error < 1e-13) | ~np.isfinite(error)):
                    break
        return np.where((error < 1e-10)[..., None], X, np.nan)

    def level(self, z: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Spectral radius of the transmission: below 1 outside of the bulk; infinite where X is not known."""
        known = np.isfinite(X).all(-1)
        matrix = self.transmission(z, np.where(known[..., None], X, 0))
        return np.where(known, spectral_radius(matrix), np.inf)

    def outside(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """X and level at z, (..., P), followed from far away, so that X is on the branch that is <d>/z at infinity."""
        z = np.asarray(z, dtype=complex)
        away = np.maximum(4 * self.extent / np.maximum(np.abs(z).min(-1, keepdims=True), 1e-300), 1.0)
        X = None
        for part in (1.0, 0.5, 0.2, 0.05, 0.0) if self.is_reciprocal else (0.0,):
            X = self.response(z * away**part, X)
        assert X is not None
        return X, self.level(z, X)

    @property
    def extent(self) -> float:
        """A radius that holds the bulk: twice the one without reciprocal motifs, since |B| <= A there."""
        return 2 * self.radius or 1.0

    def boundary(self, angles: int = ANGLES) -> np.ndarray:
        """The boundary as a closed curve, (n,), complex, counterclockwise from the positive real axis. All 0 where there is no residual."""
        r = self.radius
        if r == 0 or not self.is_reciprocal:
            return r * np.exp(1j * np.linspace(0, 2 * np.pi, 2 * angles - 1))
        direction = np.exp(1j * np.linspace(0, np.pi, angles))
        inner, outer = np.zeros(angles), np.full(angles, 1.0001 * self.extent)
        X = self.outside(self._each(outer * direction))[0]
        for part in np.linspace(1, 0, 41)[1:-1]:  # inward until the first crossing of each ray
            trial = np.where(inner > 0, outer, part * self.extent)
            new, level = self._along(trial * direction, X)
            crossed = (level >= 1) & (inner == 0)
            inner = np.where(crossed, trial, inner)
            free = (level < 1) & (inner == 0)
            outer, X = np.where(free, trial, outer), np.where(free[:, None], new, X)
        for _ in range(46):
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


def spectral_radius(matrix: np.ndarray) -> np.ndarray:
    """Of matrices (..., P, P) without negative entries."""
    return np.abs(np.linalg.eigvals(matrix)).max(-1)


def cloud(system: System, parameters: Parameters, p: int, mean: float, variance: float, feedback: float = 0.0) -> Cloud:
    """Units of population p with h ~ N(mean, variance), x = h + feedback phi_p(x): Gauss-Legendre panels in x, cut at the breaks of phi,
    halved until <phi'>, <phi'^2> and <phi^2> no longer change. Variances below 1e-8 count as 1e-8.

    Raises `ParameterError` for a transfer function that jumps, `SolverError` where x(h) has several values or the panels do not suffice.
    """
    variance = max(float(variance), LEAST_VARIANCE)
    cuts = breaks(system, parameters, p)
    width = np.sqrt(variance)
    low, high = (_solve(system, parameters, p, mean + sign * REACH * width, feedback) for sign in (-1, 1))
    inside = [b for b in cuts if low < b < high]
    panels, last, before = PANELS, None, None
    while True:
        edges = np.unique(np.concatenate([np.linspace(low, high, panels + 1), inside]))
        made = _on(system, parameters, p, edges, mean, variance, feedback)
        sums = np.array([made.average(v) for v in (made.slopes, made.slopes**2, made.rates**2)])
        if last is not None and np.all(np.abs(sums - before) <= PRECISION * np.maximum(np.abs(sums), 1e-6)):
            return last
        last, before, panels = made, sums, 2 * panels
        if panels > MOST_PANELS:
            raise SolverError(f"the averages over population {parameters.populations[p]} do not settle: its transfer function varies on a scale "
                              f"far below the deviation {width:.3g} of its inputs")  # fmt: skip


def _on(system, parameters, p, edges, mean, variance, feedback) -> Cloud:
    nodes, weights = np.polynomial.legendre.leggauss(ORDER)
    half = np.diff(edges)[:, None] / 2
    x = (edges[:-1, None] + half * (1 + nodes)).ravel()
    rates, slopes = map(np.asarray, system.transfer_and_slope(jnp.asarray(x), p, parameters))
    stretch = 1 - feedback * slopes
    if np.any(stretch <= 0):
        raise SolverError(f"x = h + Gamma phi(x) has several solutions in population {parameters.populations[p]} (1 - Gamma phi' = "
                          f"{stretch.min():.3g} at x = {x[np.argmin(stretch)]:.3g}): the cavity solution is not valid there")  # fmt: skip
    offset = x - feedback * rates - mean
    density = np.exp(-(offset**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    w = (half * weights).ravel() * stretch * density
    return Cloud(w / w.sum(), offset / variance, rates, slopes, variance)


def _solve(system: System, parameters: Parameters, p: int, h: float, feedback: float) -> float:
    """x with x - feedback phi(x) = h, by bisection."""
    if feedback == 0:
        return h
    reach = 1.0
    while not _field(system, parameters, p, h - reach, feedback) < h < _field(system, parameters, p, h + reach, feedback):
        reach *= 2
        if reach > 1e9:
            raise SolverError(f"x = h + Gamma phi(x) has no solution in population {parameters.populations[p]}: Gamma = {feedback:.3g}")
    low, high = h - reach, h + reach
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _field(system, parameters, p, middle, feedback) < h else (low, middle)
    return (low + high) / 2


def _field(system: System, parameters: Parameters, p: int, x: float, feedback: float) -> float:
    return x - feedback * float(system.transfer(jnp.asarray(float(x)), p, parameters))


def breaks(system: System, parameters: Parameters, p: int) -> list[float]:
    """Where phi_p bends. Raises `ParameterError` where it jumps: its slope is infinite there."""
    architecture = system.mean_field.architecture
    f = architecture.distinct_transfers[architecture.transfer_index(parameters.P)[p]]
    if f.function is not None:
        found = [float(b) for b in f.breaks]
    else:
        own = system.transfer_parameters(parameters)
        at = {s: float(np.broadcast_to(np.asarray(own[str(s)]), (parameters.P,))[p]) for s in f.defaults}
        try:
            a, b = (float(v.subs(at)) for v in (f.affine.a, f.affine.b))
            found = [(float(sp.N(u.subs(at))) - b) / a for u in f.pieces.breaks] if a else []
        except ExpressionError:
            found = []
    for place in found:
        step = 1e-9 * max(1.0, abs(place))
        left, right = (float(system.transfer(jnp.asarray(place + sign * step), p, parameters)) for sign in (-1, 1))
        if abs(right - left) > 1e-5 * max(1.0, abs(left), abs(right)):
            raise ParameterError(f"the transfer function of population {parameters.populations[p]} jumps at x = {place:.4g}: its slope is "
                                 "infinite there, and no state is stable against the residual of the synapses")  # fmt: skip
    return sorted(found)
