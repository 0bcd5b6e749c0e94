"""Linear filters as differential equations, in observer form, and spectral radii.

y = H(d/dt) u, H = (n_0 + n_1 s + ...) / (1 + d_1 s + ... + d_m s^m), is the first of m states,

    T dz_k/dt = z_{k+1} - a_k z_1 + b_k u,   z_{m+1} = 0,
    T = d_m^(1/m),   a_k = d_{m-k} / T^(m-k),   b_k = n_{m-k} / T^(m-k).

Filters of different orders stand side by side: the states beyond the first, "inner" ones, are kept
only where a filter has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Orders = int | tuple[int, ...]


class Filters(NamedTuple):
    """Coefficients of n filters of order at most m; those of a lower order end with zeros."""

    T: Float[Array, " n"]
    a: Float[Array, "m n"]
    b: Float[Array, "m n"]

    def at(self, rows: Any) -> Filters:
        """Some of the filters."""
        return Filters(self.T[rows], self.a[:, rows], self.b[:, rows])

    def gain(self, orders: Orders) -> Float[Array, " n"]:
        """H(0), the answer to a constant input."""
        rows = np.arange(len(self.T))
        return self.b[np.broadcast_to(np.asarray(orders), rows.shape) - 1, rows]


def observer(above: Sequence[Any], below: Sequence[Any], n: int, m: int) -> Filters:
    """One form of filter for n populations.

    Args:
        above: coefficients of 1, s, s^2, ... in the numerator, numbers or (n,).
        below: those of the denominator; the first is 1.
        n: number of populations.
        m: order to fill up to.
    """

    # numbers stay with NumPy: outside of jit, JAX would compile every operation
    xp: Any = jnp if any(isinstance(c, jax.Array) for c in (*above, *below)) else np

    def rows(coefficients):
        return xp.stack([xp.broadcast_to(xp.asarray(c, dtype=float), (n,)) for c in coefficients])

    own = len(below) - 1
    d = rows(below)
    T = xp.power(d[own], 1.0 / own)
    powers = T[None, :] ** np.arange(own - 1, -1, -1.0)[:, None]
    padding = xp.zeros((m - own, n))
    a = xp.concatenate([d[:own][::-1] / powers, padding])
    b = xp.concatenate([rows([*above, *[0.0] * (own - len(above))])[::-1] / powers, padding])
    return Filters(*map(jnp.asarray, (T, a, b)))


def select(forms: Sequence[Filters], of: tuple[int, ...] | None) -> Filters:
    """The filters of populations that have different forms: population p that of forms[of[p]]."""
    if of is None:
        return forms[0]
    rows = np.arange(len(of))
    T, a, b = (jnp.stack([getattr(f, name) for f in forms]) for name in ("T", "a", "b"))
    return Filters(T[np.array(of), rows], a[np.array(of), :, rows].T, b[np.array(of), :, rows].T)


def inner_places(orders: Orders, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Level (from 1) and row of each inner state of n filters."""
    each = np.broadcast_to(np.asarray(orders), (n,))
    places = [(k, row) for k in range(1, int(each.max())) for row in range(n) if each[row] > k]
    return np.array([k for k, _ in places], dtype=int), np.array(
        [row for _, row in places], dtype=int
    )


def low_pass(x: Array, u: Array, filters: Filters) -> Array:
    """dx/dt of filters of order 1.

    x and u have the filters along their first axis, or any shape where there is one filter.
    """
    T, a, b = (_along(v, x) for v in (filters.T, filters.a[0], filters.b[0]))
    return (b * u - a * x) / T


def respond(
    x: Array, inner: Array, u: Array, filters: Filters, orders: Orders
) -> tuple[Array, Array]:
    """Time derivatives of outputs x, (n, ...), and inner states, (h, ...), under the input u.

    `inner_places` tells which the inner ones are.
    """
    levels, rows = inner_places(orders, len(x))
    m = len(filters.a)
    z = jnp.zeros((m, *x.shape)).at[0].set(x).at[levels, rows].set(inner)
    beyond = jnp.concatenate([z[1:], jnp.zeros((1, *x.shape))])
    T, a, b = (
        _along(filters.T, x),
        jnp.stack([_along(v, x) for v in filters.a]),
        jnp.stack([_along(v, x) for v in filters.b]),
    )
    change = (beyond - a * x[None] + b * jnp.broadcast_to(u, x.shape)[None]) / T[None]
    return change[0], change[levels, rows]


def noise_places(orders: Orders, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels k <= l and row of each inner covariance, without the outputs' variances, k = l = 0."""
    each = np.broadcast_to(np.asarray(orders), (n,))
    m = int(each.max())
    places = [
        (k, j, row)
        for k in range(m)
        for j in range(max(k, 1), m)
        for row in range(n)
        if each[row] > j
    ]
    k, j, row = (np.array([p[axis] for p in places], dtype=int) for axis in range(3))
    return k, j, row


def diffuse(
    variance: Array, inner: Array | None, D: Array, filters: Filters, orders: Orders
) -> tuple[Array, Array]:
    """Time derivatives of the covariances of filter states that white noise drives.

    dV/dt = (M V + V M^T) / T + 2 D b b^T / T^2, (M V)_kl = V_{k+1,l} - a_k V_{1,l}; for the unit
    filter dV/dt = 2 (D - V).

    Args:
        variance: of the outputs, (n,).
        inner: the other covariances, in the order of `noise_places`; None where there are none.
        D: half the intensity of the noise, (n,).
        filters: of order at most m.
        orders: of each.

    Returns:
        The derivatives of both.
    """
    k, j, row = noise_places(orders, len(variance))
    m = len(filters.a)
    V = jnp.zeros((m, m, len(variance))).at[0, 0].set(variance)
    if inner is not None:
        V = V.at[k, j, row].set(inner).at[j, k, row].set(inner)
    once = jnp.concatenate([V[1:], jnp.zeros_like(V[:1])]) - filters.a[:, None, :] * V[:1]
    T, D = filters.T[None, None], jnp.asarray(D)[None, None]
    change = (once + once.swapaxes(0, 1)) / T + 2 * D * filters.b[:, None, :] * filters.b[
        None, :, :
    ] / T**2
    return change[0, 0], change[k, j, row]


def _along(v: Array, x: Array) -> Array:
    """Coefficients along the first axis of x."""
    return v.reshape(-1, *(1,) * (x.ndim - 1))


SMALLEST = 1e-300  # in place of a zero denominator
SQUARINGS = 60  # (M + 1)^(2^60) has settled on its leading mode, unless that is double to rounding


def spectral_radius(matrix: np.ndarray) -> np.ndarray:
    """Largest absolute eigenvalue of each matrix of a stack, (..., P, P).

    It is exactly 0 where no population acts on itself, through others or alone: rounding errors of
    eigenvalues would be of the order of their P-th root.
    """
    reached = matrix != 0
    for _ in range(matrix.shape[-1].bit_length()):
        reached = reached | (reached @ reached)
    loops = np.einsum("...pp->...p", reached).any(-1)
    return np.where(loops, np.abs(np.linalg.eigvals(matrix)).max(-1), 0.0)


@jax.jit
def bulk_radius_square(
    residual: Float[Array, "P P"], slope_square: Float[Array, " P"]
) -> Float[Array, ""]:
    """Squared radius of the bulk of J diag(phi'(x)), for residual synapses without reciprocity.

    It is the largest eigenvalue of alpha_q g_pq^2 A_pq < phi_q'^2 >: beyond 1 the static state is
    unstable to the residual synapses. Pure; derivatives are those of a simple eigenvalue,
    l^T dM r / l^T r with the left and right eigenvectors.

    Args:
        residual: alpha_q g_pq^2 A_pq over (target p, source q), as in `Couplings`.
        slope_square: < phi_q'^2 > by population; 1 for the connectivity itself.

    Returns:
        The squared radius. Source: `docs/theory.md`, section 2.2.
    """
    matrix = residual * slope_square[None, :]
    still = jax.lax.stop_gradient(matrix)
    size = jnp.maximum(jnp.max(jnp.sum(still, axis=1)), SMALLEST)
    # no entry is negative: the shift makes the leading eigenvalue the only one of its size
    power = still / size + jnp.eye(len(still))

    def square(_: Any, power: Array) -> Array:
        power = power @ power
        return power / jnp.max(power)

    power = jax.lax.fori_loop(0, SQUARINGS, square, power)
    right, left = jnp.sum(power, axis=1), jnp.sum(power, axis=0)
    return left @ matrix @ right / (left @ right)


def standardised(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standard deviations, and eigenvalues and eigenvectors of the correlation matrix.

    A quantity that does not vary has the deviation 1, and adds an eigenvalue 0.
    """
    deviations = np.sqrt(np.diag(covariance))
    scale = np.where(deviations > 0, deviations, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    return scale, values, vectors


def whitening(covariance: np.ndarray, smallest: float) -> np.ndarray:
    """W with W C W^T = 1, which makes quantities of the covariance C independent.

    Args:
        covariance: (n, n).
        smallest: combinations of quantities whose variance, in units of single ones, is below this
            are left out: they nearly follow from others.

    Returns:
        (rank, n); the inverse of the Cholesky factor, lower triangular, where none is left out.
    """
    scale, values, vectors = standardised(covariance)
    kept = values >= smallest
    if kept.all():
        return np.linalg.inv(np.linalg.cholesky(covariance / np.outer(scale, scale))) / scale
    return (vectors[:, kept] / np.sqrt(values[kept])).T / scale
