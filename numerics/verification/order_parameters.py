"""A finite network's fixed point as a law of large numbers.

The sums over its neurons, what they expect of themselves, and their sampling noise. Given a few
sums over neurons, each neuron of population p has, independently,

    x = h + c_p phi(x),   h = m_p + sum_q kappa_q u^q + sigma_p xi + eta,

with in- and out-strengths (u, v) and the offset xi as they were drawn, and eta normal. The sums
are, over population q,

    R_q = < phi >,   C_q = < phi^2 >,   W_p = sum_q alpha_q < v^p phi >_q,
    c_p = sum_q alpha_q g_pq g_qp B_pq < phi' / (1 - c_q phi') >_q,
    kappa_q = alpha_q R_q + h_q,   m_p = I_p + sum_q N alpha_q Jbar_pq R_q + W_p,
    Var eta_p = sum_q alpha_q g_pq^2 A_pq C_q.

Where B = 0 (then c = 0) a Gaussian network with one fixed point is exactly equivalent to such
independent neurons, at any N: the density of a solution x (Kac and Rice) is that of independent
neurons times the expected determinant of 1 - J phi', in which the rows of w are independent, so
that it is the determinant of the equations of the sums alone. Where B is not 0,
w phi = eta + c phi with c normal, of covariance g_pq g_qp B_pq / N, and the determinant weights c
by exp(N (Psi(Gamma) - Psi(c))), Psi(c) = sum_p alpha_p < log(1 - c_p phi') >_p + c beta^-1 c / 2,
beta_pq = g_pq g_qp B_pq, Gamma where Psi is stationary: to leading order c is Gamma, the sum above,
and a noise of covariance (beta^-1 - diag(alpha < (phi' / (1 - c phi'))^2 >))^-1 / N.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...errors import SolverError
from ..distributions import cloud
from ..linear import bulk_radius_square
from ..parameters import Couplings, Parameters, neuron_covariances
from ..system import System, held_inputs

STEPS = 60  # of Newton's method, far more than it takes from a closure's point
PRECISION = 1e-10  # of the sums, relative: what is left of their rounding
LEAST_VARIANCE = 1e-8  # of the input currents; below it the density of h cannot be followed
LOCAL = 5
"""Sums over a population besides < v^p phi >: of phi, phi^2, phi'/(1 - c phi'), x, (x - mean)^2."""
ROUNDING = 1e-12  # of the largest A g^2: a smaller g g' B is 0


class Fields(NamedTuple):
    """What neurons feel, given the sums.

    h ~ N(mean, variance), across[p, s] = Cov(v^s, h), along[p, q] = Cov(u^q, h), noise: Var eta.
    """

    mean: Any
    variance: Any
    across: Any
    along: Any
    noise: Any


class Ensemble(eqx.Module):
    """Parameters of the neurons.

    inputs: I_p, h_q, sigma_p, (P,) each; strengths: covariance of (u, v, xi), (P, 2P + 1, 2P + 1).
    """

    own: Couplings
    inputs: tuple[Array, Array, Array]
    strengths: Array

    @classmethod
    def of(cls, parameters: Parameters, time: float = 0.0) -> Ensemble:
        """Inputs at their values at `time`."""
        return cls(
            Couplings.of_numbers(parameters),
            held_inputs(parameters, time),
            jnp.asarray(neuron_covariances(parameters)),
        )

    @property
    def P(self) -> int:
        """Number of populations."""
        return len(self.strengths)

    @property
    def pairs(self) -> np.ndarray:
        """g_pq g_qp B_pq, symmetric; exactly 0 where it is so but for rounding."""
        made = np.asarray(self.own.pairs) / np.asarray(self.own.fractions)
        return np.where(
            np.abs(made) > ROUNDING * max(float(np.max(self.own.residual)), 1e-300), made, 0.0
        )

    @property
    def is_reciprocal(self) -> bool:
        """Whether B is not 0."""
        return bool(np.any(self.pairs))

    def fields(self, theta: Any) -> Fields:
        """theta: R, C, W and c, one after the other, (4P,)."""
        R, C, W, _ = theta.reshape(4, self.P)
        mean, along, beside = self.inputs
        kappa = jnp.broadcast_to(self.own.fractions * R + along, (self.P, self.P))
        weights = jnp.concatenate([kappa, jnp.zeros_like(kappa), beside[:, None]], axis=1)
        onto = jnp.einsum("pst,pt->ps", self.strengths, weights)
        noise = self.own.residual @ C
        variance = jnp.einsum("ps,ps->p", onto, weights) + noise
        return Fields(
            mean + self.own.mean @ R + W, variance, onto[:, self.P : -1], onto[:, : self.P], noise
        )


class Neurons(eqx.Module):
    """The populations where the sums are `theta`, on nodes of a quadrature.

    Arrays are (P, n), padded with weight 0.
    """

    ensemble: Ensemble
    theta: np.ndarray
    weights: np.ndarray
    h: np.ndarray
    rates: np.ndarray
    slopes: np.ndarray

    @classmethod
    def at(
        cls, system: System, parameters: Parameters, ensemble: Ensemble, theta: np.ndarray
    ) -> Neurons:
        """Raises `SolverError` as `cloud`, and where the neurons of a population do not differ."""
        fields, c = ensemble.fields(jnp.asarray(theta)), theta[3 * ensemble.P :]
        mean, variance = np.asarray(fields.mean), np.asarray(fields.variance)
        if not np.all(np.isfinite(mean)) or not variance.min() > LEAST_VARIANCE:
            name = parameters.populations[int(np.argmin(variance))]
            raise SolverError(
                f"the neurons of population {name} do not differ (the variance of their inputs is "
                f"{variance.min():.3g}): there is no sampling noise to expand in"
            )
        clouds = [
            cloud(system, parameters, p, float(mean[p]), float(variance[p]), float(c[p]))
            for p in range(ensemble.P)
        ]
        size = max(len(own.weights) for own in clouds)

        def padded(values: Any) -> np.ndarray:
            return np.stack([np.pad(v, (0, size - len(v)), mode="edge") for v in values])

        weights = np.stack([np.pad(own.weights, (0, size - len(own.weights))) for own in clouds])
        return cls(
            ensemble,
            theta,
            weights,
            padded([mean[p] + own.t * own.variance for p, own in enumerate(clouds)]),
            padded([own.rates for own in clouds]),
            padded([own.slopes for own in clouds]),
        )

    @property
    def P(self) -> int:
        """Number of populations."""
        return self.ensemble.P

    @property
    def c(self) -> np.ndarray:
        """c_p, the gain with which a neuron feels its own rate."""
        return self.theta[3 * self.P :]

    @cached_property
    def fields(self) -> Fields:
        """Those of `theta`."""
        return Fields(*(np.asarray(v) for v in self.ensemble.fields(jnp.asarray(self.theta))))

    @cached_property
    def x(self) -> np.ndarray:
        """Input currents, at the nodes."""
        return self.h + self.c[:, None] * self.rates

    @cached_property
    def mean(self) -> np.ndarray:
        """<x>, (P,)."""
        return self.average(self.x)

    @cached_property
    def gains(self) -> np.ndarray:
        """phi' / (1 - c phi')."""
        return self.slopes / (1 - self.c[:, None] * self.slopes)

    @cached_property
    def local(self) -> np.ndarray:
        """phi, phi^2, phi'/(1 - c phi'), x, (x - <x>)^2 at the nodes, (5, P, n)."""
        return np.stack(
            [self.rates, self.rates**2, self.gains, self.x, (self.x - self.mean[:, None]) ** 2]
        )

    def average(self, values: np.ndarray) -> np.ndarray:
        """Over each population; the last two axes are (P, n)."""
        return np.sum(values * self.weights, axis=-1)

    @cached_property
    def maps(self) -> np.ndarray:
        """From the sums of population q to R, C, W, c, <x>, <(x - mean)^2>: (P, 6P, 5 + P)."""
        P, alpha = self.P, np.asarray(self.ensemble.own.fractions)
        made = np.zeros((P, 6, P, LOCAL + P))
        feedback = self.stiffness @ (self.ensemble.pairs * alpha)
        for q in range(P):
            for block, k in ((0, 0), (1, 1), (4, 3), (5, 4)):
                made[q, block, q, k] = 1
            made[q, 3, :, 2] = feedback[:, q]
            made[q, 2, :, LOCAL:] = alpha[q] * np.eye(P)
        return made.reshape(P, 6 * P, LOCAL + P)

    @cached_property
    def stiffness(self) -> np.ndarray:
        """(1 - beta alpha < gain^2 >)^-1, (P, P): effect of a change of the sum for c on c.

        It is not 1 because the gains depend on c.
        """
        alpha = np.asarray(self.ensemble.own.fractions)
        return np.linalg.inv(
            np.eye(self.P) - self.ensemble.pairs * alpha * self.average(self.gains**2)
        )

    @cached_property
    def slope(self) -> np.ndarray:
        """d(expected)/d(theta), (6P, 4P)."""
        return np.asarray(_slope(self, jnp.asarray(self.theta), self.local, self.maps))

    def bend(self, covariance: np.ndarray) -> np.ndarray:
        """sum_bc d^2(expected)/d(theta_b)d(theta_c) covariance_bc, (6P,)."""
        values, vectors = np.linalg.eigh(covariance)
        return (
            np.asarray(
                _bends(self, jnp.asarray(self.theta), self.local, self.maps, jnp.asarray(vectors.T))
            ).T
            @ values
        )

    @cached_property
    def bulk(self) -> float:
        """Squared radius of the residual's bulk; the fixed point is stable where it is below 1."""
        return float(
            bulk_radius_square(self.ensemble.own.residual, jnp.asarray(self.average(self.gains**2)))
        )

    @cached_property
    def t(self) -> np.ndarray:
        """(h - mean) / variance: E(v | h) = Cov(v, h) t."""
        return (self.h - self.fields.mean[:, None]) / self.fields.variance[:, None]

    @cached_property
    def averages(self) -> np.ndarray:
        """Of the functions whose sums are taken, (P, 5 + P)."""
        return np.concatenate(
            [
                self.average(self.local).T,
                self.fields.across * self.average(self.t * self.rates)[:, None],
            ],
            axis=1,
        )

    @property
    def sums(self) -> np.ndarray:
        """R, C, W and c of these neurons, (4P,)."""
        made = np.einsum("qak,qk->a", self.maps, self.averages)[: 4 * self.P]
        # the sum for c is linear in < phi' / (1 - c phi') >, whose own c moves, too
        made[3 * self.P :] -= self.maps[:, 3 * self.P : 4 * self.P, 2].T @ (
            self.average(self.gains**2) * self.c
        )
        return made

    @cached_property
    def covariances(self) -> np.ndarray:
        """Covariances across the neurons of each population, (P, 5 + P, 5 + P).

        Of phi, phi^2, phi'/(1 - c phi'), x, (x - <x>)^2, v^1 phi ... v^P phi.
        """
        P, across = self.P, self.fields.across
        made = np.empty((P, LOCAL + P, LOCAL + P))
        made[:, :LOCAL, :LOCAL] = np.einsum("aqn,bqn,qn->qab", self.local, self.local, self.weights)
        mixed = (
            across[:, :, None]
            * np.einsum("aqn,qn->qa", self.local, self.weights * self.rates * self.t)[:, None, :]
        )
        made[:, LOCAL:, :LOCAL], made[:, :LOCAL, LOCAL:] = mixed, mixed.transpose(0, 2, 1)
        own = self.ensemble.strengths[:, P:-1, P:-1]
        pairs = across[:, :, None] * across[:, None, :]
        squares, along = self.average(self.rates**2), self.average((self.rates * self.t) ** 2)
        made[:, LOCAL:, LOCAL:] = (
            own * squares[:, None, None]
            + pairs * (along - squares / self.fields.variance)[:, None, None]
        )
        return made - self.averages[:, :, None] * self.averages[:, None, :]

    def noise(self, sizes: Any) -> np.ndarray:
        """Covariance of the sampling noise in R, C, W, c, <x>, <(x - mean)^2>, (6P, 6P).

        sizes: of the populations.
        """
        total = np.einsum(
            "qai,qij,qbj,q->ab",
            self.maps,
            self.covariances,
            self.maps,
            1 / np.asarray(sizes, dtype=float),
        )
        own = slice(3 * self.P, 4 * self.P)
        total[own, own] += self.stiffness @ self.ensemble.pairs / float(np.sum(sizes))
        return total

    def drift(self, sizes: Any, inverse: np.ndarray) -> np.ndarray:
        """E(dn/d(theta) change of theta), n the noise of the sums, for B = 0; (6P,).

        The change is `inverse` n.
        """
        P, made = self.P, np.zeros(6 * self.P)
        for q, size in enumerate(sizes):
            direct = np.einsum("jiz,bz->jib", self._noise_and_slopes(q), self._moved(q))
            made += (
                self.maps[q]
                @ np.einsum("bj,jib->i", inverse @ self.maps[q][: 4 * P], direct)
                / size
            )
        return made

    def _moved(self, q: int) -> np.ndarray:
        """dx/d(theta) of a neuron of population q, (4P, P + 2).

        As coefficients of 1, u^1 ... u^P and eta.
        """
        P, own = self.P, self.ensemble.own
        made = np.zeros((4, P, P + 2))
        made[0, :, 0] = own.mean[q]
        made[0, :, 1:-1] = np.diag(own.fractions)
        if self.fields.noise[q] > 0:
            made[1, :, -1] = np.asarray(own.residual)[q] / (2 * self.fields.noise[q])
        made[2, q, 0] = 1
        return made.reshape(4 * P, P + 2)

    def _noise_and_slopes(self, q: int) -> np.ndarray:
        """Cov(F_j, F_i' z) across population q, (5 + P, 5 + P, P + 2).

        F are the functions whose sums are taken, z = 1, u^1 ... u^P, eta.
        """
        P, w, t, f = self.P, self.weights[q], self.t[q], self.local[:, q]
        rates, slopes, across, strengths = (
            self.rates[q],
            self.slopes[q],
            self.fields.across[q],
            np.asarray(self.ensemble.strengths[q]),
        )
        d = np.stack(
            [slopes, 2 * rates * slopes, 0 * slopes, 1 + 0 * slopes, 2 * (self.x[q] - self.mean[q])]
        )
        # z and v given h: means e and across t, covariances
        onto = np.concatenate([[0.0], self.fields.along[q], [self.fields.noise[q]]])
        e = np.concatenate([np.ones((1, len(t))), onto[1:, None] * t])
        own = np.concatenate([np.zeros((P, 1)), strengths[P:-1, :P], np.zeros((P, 1))], axis=1)
        mixed = own - across[:, None] * onto / self.fields.variance[q]
        inner = strengths[P:-1, P:-1] - across[:, None] * across / self.fields.variance[q]
        made = np.empty((LOCAL + P, LOCAL + P, P + 2))
        made[:LOCAL, :LOCAL] = np.einsum("jn,in,zn,n->jiz", f, d, e, w)
        both = across[:, None, None] * t * e + mixed[:, :, None]  # E(v z | h)
        made[LOCAL:, :LOCAL] = np.einsum("szn,in,n->siz", both, d, w * rates)
        made[:LOCAL, LOCAL:] = np.einsum("szn,jn,n->jsz", both, f, w * slopes)
        three = np.einsum("s,r,zn,n->srzn", across, across, e, t**2) + inner[:, :, None, None] * e
        three = (
            three
            + (across[:, None, None] * mixed + across[None, :, None] * mixed[:, None, :])[..., None]
            * t
        )
        made[LOCAL:, LOCAL:] = np.einsum("srzn,n->srz", three, w * rates * slopes)
        alone = np.concatenate(
            [np.einsum("in,zn,n->iz", d, e, w), np.einsum("szn,n->sz", both, w * slopes)]
        )
        return made - self.averages[q][:, None, None] * alone


def expected(neurons: Neurons, theta: Any, local: Any, maps: Any) -> Array:
    """R, C, W, c, <x> and <(x - mean)^2> of neurons that feel `theta`, (6P,).

    To any order around this point, and c linear in its sum. The nodes stay; their weights follow
    the density of h, so that no derivative of phi beyond the first appears.
    """
    P = len(maps)
    before, fields = neurons.ensemble.fields(neurons.theta), neurons.ensemble.fields(theta)
    c, change = theta[3 * P :, None], theta[3 * P :, None] - neurons.theta[3 * P :, None]
    spread, base = fields.variance[:, None], before.variance[:, None]
    t = (neurons.h - change * neurons.rates - fields.mean[:, None]) / spread
    exponent = (neurons.h - before.mean[:, None]) ** 2 / (2 * base) - t**2 * spread / 2
    stretch = (1 - c * neurons.slopes) / (1 - (c - change) * neurons.slopes)
    weights = neurons.weights * stretch * jnp.sqrt(base / spread) * jnp.exp(exponent)
    out = fields.across * jnp.sum(weights * t * neurons.rates, axis=-1)[:, None]
    return jnp.einsum(
        "qak,qk->a", maps, jnp.concatenate([jnp.einsum("qn,aqn->qa", weights, local), out], axis=1)
    )


@eqx.filter_jit
def _slope(neurons: Neurons, theta: Array, local: Any, maps: Any) -> Array:
    return jax.jacfwd(lambda v: expected(neurons, v, local, maps))(theta)


@eqx.filter_jit
def _bends(neurons: Neurons, theta: Array, local: Any, maps: Any, directions: Array) -> Array:
    """Second derivatives along directions, one at a time."""

    def along(direction):
        def slope(v):
            return jax.jvp(lambda w: expected(neurons, w, local, maps), (v,), (direction,))[1]

        return jax.jvp(slope, (theta,), (direction,))[1]

    return jax.lax.map(along, directions)


def consistent(
    system: System, parameters: Parameters, theta: np.ndarray, time: float = 0.0
) -> Neurons:
    """The neurons whose sums are what they expect, theta = expected(theta), by Newton's method.

    theta: sums nearby. Raises `SolverError` where they do not settle.
    """
    ensemble = Ensemble.of(parameters, time)
    P, misfit = ensemble.P, np.inf
    for _ in range(STEPS):
        neurons = Neurons.at(system, parameters, ensemble, theta)
        step = np.linalg.solve(np.eye(4 * P) - neurons.slope[: 4 * P], neurons.sums - theta)
        misfit = float(np.abs(step).max() / (1 + np.abs(theta).max()))
        if misfit < PRECISION:
            return neurons
        theta = theta + step
    raise SolverError(
        "no static state near the point: the sums over neurons do not settle (a step of "
        f"{misfit:.2g} is left)"
    )
