"""Modes that a whole population, or its in-strengths, take part in.

The network is linearised at a fixed point, d_j = phi'(x_j), for perturbations ~ e^{st} of the
transmitted activity, delta_j, under the field

    dh_i = dm_p + sum_r u_i^r dkappa_r + eta_i + dgamma_p phi(x_i),
    delta_i = dh_i / (z_p - Gamma_p d_i),    z_p = 1 / (M_p(s) S_p(s))

(z = 1 + s of the unit filter). It closes on four numbers per population:

    dm_p     = sum_q N alpha_q Jbar_pq <d delta>_q
               + sum_q alpha_q [ sum_r N g_pq g_qr tau_chn[p,q,r] X_q dkappa_r + beta_pq D_q ]
    dkappa_q = alpha_q <d delta>_q
    e_p      = sum_q g_pq^2 alpha_q A_pq <phi d delta>_q
    dgamma_p = sum_q alpha_q g_pq g_qp B_pq D_q

e_p is the covariance of the residual's perturbation eta with its field, dgamma_p the change of what
a neuron's rate brings back to it; D_q = < d/dh [d / (z - Gamma d)] dh >_q changes the
susceptibility; beta_pq = N Cov(b^p, h) over population q. In-strengths, out-strengths and fields
are jointly normal, so that all averages are moments of d / (z - Gamma d) over the field. An
eigenvalue outside of the bulk is a zero of det(1 - T(s)), T the 4P x 4P matrix above. This is the
cavity solution linearised in time: exact for large N at its fixed points, with or without
reciprocal motifs; at B = 0 the zeros are the 3P eigenvalues of the equations closed by second
moments. The connectivity itself has d = 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..parameters import Couplings, Parameters, neuron_covariances
from .bulk import Bulk

VANISHING = 1e-7  # a zero this small, relative to the largest, is one at z = 0 of no mode


@dataclass(frozen=True, eq=False)
class Modes:
    """The linear problem above, with numbers by population.

    Args:
        bulk: of the residual synapses.
        coupling: N alpha_q Jbar_pq, (P, P).
        chains: alpha_q N g_pq g_qr tau_chn[p, q, r], (P, P, P).
        out: alpha_q beta_pq, (P, P).
        along: Cov(u^r, h) over population q, (q, r).
        fractions: alpha, (P,).
        membrane: static gains of the filters of membranes, (P,).
        synapse: those of synapses, (P,).
    """

    bulk: Bulk
    coupling: np.ndarray
    chains: np.ndarray
    out: np.ndarray
    along: np.ndarray
    fractions: np.ndarray
    membrane: np.ndarray
    synapse: np.ndarray

    @classmethod
    def of_connectivity(cls, parameters: Parameters) -> Modes:
        """Of the synapses themselves."""
        P, own = parameters.P, Couplings.of_numbers(parameters)
        return cls(
            Bulk.of(parameters),
            np.asarray(own.mean),
            np.asarray(own.chain),
            np.zeros((P, P)),
            np.zeros((P, P)),
            np.asarray(parameters.fractions),
            np.ones(P),
            np.ones(P),
        )

    @classmethod
    def at(
        cls,
        bulk: Bulk,
        parameters: Parameters,
        rates: np.ndarray,
        membrane: np.ndarray,
        synapse: np.ndarray,
        along: np.ndarray,
        spread: np.ndarray,
    ) -> Modes:
        """At a fixed point.

        Args:
            bulk: of the residual synapses, with the gains there.
            parameters: the network's numbers.
            rates: mean rates, (P,).
            membrane: static gains of the filters of membranes, (P,).
            synapse: those of synapses, (P,).
            along: h_q of the inputs, along in-strengths, (P,).
            spread: sigma_p of the inputs, (P,).
        """
        P, alpha = parameters.P, np.asarray(parameters.fractions)
        own = Couplings.of_numbers(parameters)
        covariances = neuron_covariances(parameters)
        kappa = alpha * synapse * rates + along
        rows = membrane[:, None] * np.einsum("qrs,s->qr", covariances[:, :P, :P], kappa)
        columns = (
            np.einsum("qps,s->pq", covariances[:, P:-1, :P], kappa)
            + covariances[:, P:-1, -1].T * spread
        )
        return cls(
            bulk,
            np.asarray(own.mean),
            np.asarray(own.chain),
            alpha * membrane * columns,
            rows,
            alpha,
            membrane,
            synapse,
        )

    @property
    def P(self) -> int:
        """Number of populations."""
        return len(self.fractions)

    def matrix(self, z: np.ndarray, X: np.ndarray) -> np.ndarray:
        """T, (..., 4P, 4P), for (dm, dkappa, e, dgamma)."""
        P, B = self.P, self.bulk
        gains = B.gains(z, X @ B.pairs.T)

        def mean(weight: Callable) -> np.ndarray:
            return np.stack(
                [c.average(v * weight(c)) for c, v in zip(B.clouds, gains, strict=True)], axis=-1
            )

        a0, a1, a2 = (
            mean(lambda c: 1.0),
            mean(lambda c: c.t),
            mean(lambda c: c.t**2 - 1 / c.variance),
        )
        p0, p1, p2 = (
            mean(lambda c: c.rates),
            mean(lambda c: c.rates * c.t),
            mean(lambda c: c.rates**2),
        )
        one, none = np.eye(P), np.zeros((*z.shape[:-1], P, P))

        def row(of_mean: np.ndarray, of_field: np.ndarray, of_rate: np.ndarray) -> np.ndarray:
            """A population's average, in terms of the unknowns."""
            parts = (
                of_mean[..., None] * one,
                of_field[..., None] * self.along,
                of_field[..., None] * one,
                (of_rate * self.synapse)[..., None] * one,
            )
            return np.concatenate(np.broadcast_arrays(*parts), axis=-1)

        sent, squared, changed = row(a0, a1, p0), row(p0, p1, p2), row(a1, a2, p1)
        chains = np.concatenate(
            [none, np.einsum("pqr,...q->...pr", self.chains, X), none, none], axis=-1
        )
        return np.concatenate(
            [
                self.coupling @ sent + chains + self.out @ changed,
                self.fractions[:, None] * sent,
                (self.membrane[:, None] * B.variance * self.synapse) @ squared,
                (B.pairs * self.membrane) @ changed,
            ],
            axis=-2,
        )

    def determinant(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """det(1 - T), (...), at z, (..., P), and the level of the bulk, below 1 outside."""
        X, level = self.bulk.outside(z)
        known = np.isfinite(X).all(-1)
        T = self.matrix(z, np.where(known[..., None], X, 0))
        return np.where(known, np.linalg.det(np.eye(4 * self.P) - T), np.nan), level

    def without_pairs(self) -> np.ndarray:
        """The zeros z of det(1 - T) if B = 0, for equal z in every population: T is T(1) / z.

        Those that vanish are left out.
        """
        plain = Bulk(self.bulk.clouds, self.bulk.variance, np.zeros_like(self.bulk.pairs))
        at = np.ones(self.P, dtype=complex)
        found = np.linalg.eigvals(Modes(plain, *self._numbers()).matrix(at, plain.response(at)))
        return found[np.abs(found) > VANISHING * max(np.abs(found).max(), 1e-300)]

    def _numbers(self) -> tuple:
        return (
            self.coupling,
            self.chains,
            self.out,
            self.along,
            self.fractions,
            self.membrane,
            self.synapse,
        )
