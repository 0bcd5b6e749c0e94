"""Periodic orbits as equations: orthogonal collocation on a uniform mesh.

u'(tau) = T f(u, s) on 0 <= tau < 1, u periodic, is solved at Gauss-Legendre points (matrices and
monodromy of jaxcont), with an integral phase condition whose reference is renewed along the branch.
"""

# jaxcont's public `periodic_orbit_problem` does not serve: it starts from a simulated orbit and
# holds the parameter while it corrects, which at a Hopf point falls back to the fixed point; here
# a first cycle of small amplitude is corrected with the amplitude held. `jaxcont.core.collocation`
# has no public face, for which pyproject.toml pins jaxcont below the next minor version.

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxcont.core.collocation import collocation_matrices, lagrange_eval_weights, monodromy_matrix
from jaxtyping import Array, Float

from .along import Along
from .normal_form import lyapunov_coefficient

NCOL = 4  # collocation points of an interval, as AUTO's default: order 8 at mesh points
FINE = 12  # points of an interval at which a cycle is described: smooth in a picture


class Orbit(eqx.Module):
    """Residuals of a periodic orbit.

    The unknowns are x = (states at mesh points, at collocation points, T / T0, s), states over
    sqrt(number of points).

    Args:
        along: the scaled field.
        rate: differentiates over an interval, (m, m), m = c + 1.
        end: extrapolates to its end, (m,).
        weights: of the quadrature at collocation points, (c,).
        reference: the orbit that fixes the phase, at collocation points.
        slope: its derivative there, of unit root mean square.
        period: T0.
    """

    along: Along
    rate: Float[Array, "m m"]
    end: Float[Array, " m"]
    weights: Float[Array, " c"]
    reference: Float[Array, "i c n"]
    slope: Float[Array, "i c n"]
    period: Float[Array, ""]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Mesh intervals, collocation points in each, states."""
        i, c, n = self.reference.shape
        return i, c, n

    def parts(self, x: Any) -> Any:
        """Scaled states at mesh points (i, n) and collocation points (i, c, n), period and s."""
        i, c, n = self.shape
        states = x[:-2] * np.sqrt(i * (c + 1))
        return (
            states[: i * n].reshape(i, n),
            states[i * n :].reshape(i, c, n),
            self.period * x[-2],
            x[-1],
        )

    def pack(self, mesh: np.ndarray, inner: np.ndarray, period: float, s: float) -> np.ndarray:
        """x from its parts."""
        i, c, _ = self.shape
        states = np.concatenate([mesh.ravel(), inner.ravel()]) / np.sqrt(i * (c + 1))
        return np.concatenate([states, [period / float(self.period), s]])

    def field(self, u: Any, s: Any, _: Any = None) -> Any:
        """The scaled vector field."""
        return self.along(jnp.append(u, s))

    def __call__(self, x: Any) -> Any:
        mesh, inner, T, s = self.parts(x)
        nodes = jnp.concatenate([mesh[:, None, :], inner], axis=1)
        change = jnp.einsum("jk,ikn->ijn", self.rate, nodes)[:, 1:]
        flow = jax.vmap(jax.vmap(lambda u: self.field(u, s)))(inner)
        defect = change - T / self.shape[0] * flow
        continuous = jnp.roll(mesh, -1, axis=0) - jnp.einsum("k,ikn->in", self.end, nodes)
        phase = (
            jnp.einsum("c,icn,icn->", self.weights, inner - self.reference, self.slope)
            / self.shape[0]
        )
        return jnp.concatenate([defect.ravel(), continuous.ravel(), phase[None]])


@eqx.filter_jit
def _slope(orbit: Orbit, x):
    _, inner, T, s = orbit.parts(x)
    return inner, T * jax.vmap(jax.vmap(lambda u: orbit.field(u, s)))(inner)


@eqx.filter_jit
def described(orbit: Orbit, fine, x):
    """The monodromy matrix, and states and observables on a fine grid of one period."""
    mesh, inner, T, s = orbit.parts(x)
    along, n = orbit.along, orbit.shape[2]
    monodromy = monodromy_matrix(
        orbit.field, orbit.rate, orbit.end, 1.0 / orbit.shape[0], mesh, inner, T, s
    )
    nodes = jnp.concatenate([mesh[:, None, :], inner], axis=1)
    states = jnp.einsum("fk,ikn->ifn", fine, nodes).reshape(-1, n) * along.scale[None, :]
    own = along.at(along.values(jnp.append(mesh[0], s)))
    states = jax.vmap(lambda y: along.model.follow(y, own))(states)
    return monodromy, states, jax.vmap(lambda y: along.model.observables(y, own))(states), T


def renewed(orbit: Orbit, x: np.ndarray) -> Orbit:
    """The same with the orbit x as the reference of the phase."""
    inner, slope = _slope(orbit, jnp.asarray(x))
    return eqx.tree_at(
        lambda o: (o.reference, o.slope), orbit, (inner, slope / jnp.sqrt(jnp.mean(slope**2)))
    )


def size_of(orbit: Orbit, x: np.ndarray) -> float:
    """Root mean square distance of an orbit from its average."""
    mesh = np.asarray(orbit.parts(x)[0])
    return float(np.sqrt(np.mean(np.sum((mesh - mesh.mean(axis=0)) ** 2, axis=1))))


def first_orbit(
    along: Along, x: np.ndarray, intervals: int
) -> tuple[Orbit, np.ndarray, np.ndarray]:
    """Equations, the fixed point as an orbit, and the direction of small cycles."""
    omega, _, q = lyapunov_coefficient(along, x)
    q = q / np.asarray(along.scale)
    rate, end, gauss, weights = collocation_matrices(NCOL)
    mesh = np.arange(intervals) / intervals
    inner = mesh[:, None] + gauss[None, :] / intervals

    def wave(tau: np.ndarray, shift: float = 0.0) -> np.ndarray:
        return np.real(q * np.exp(2j * np.pi * tau[..., None] + 1j * shift))

    still = np.broadcast_to(x[: along.n], (*inner.shape, along.n))
    slope = wave(inner, np.pi / 2)
    period = 2 * np.pi / omega
    orbit = Orbit(
        along,
        *(
            jnp.asarray(v)
            for v in (rate, end, weights, still, slope / np.sqrt(np.mean(slope**2)), period)
        ),
    )
    start = orbit.pack(
        np.broadcast_to(x[: along.n], (intervals, along.n)), still, period, float(x[-1])
    )
    direction = orbit.pack(wave(mesh), wave(inner), 0.0, 0.0)
    return orbit, start, direction / np.linalg.norm(direction)


def fine_weights() -> np.ndarray:
    """Weights that interpolate an interval at equidistant phases, (FINE, NCOL + 1)."""
    _, _, gauss, _ = collocation_matrices(NCOL)
    nodes = np.concatenate([[0.0], gauss])
    return np.array([lagrange_eval_weights(nodes, p) for p in np.arange(FINE) / FINE])
