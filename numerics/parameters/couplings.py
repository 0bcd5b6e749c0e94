"""How populations act on each other in the limit of large networks: the tensors that dynamical mean-field theory, bulk and outliers share."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .feasibility import residual_of
from .parameters import Parameters


class Couplings(eqx.Module):
    """Tensors over populations; make them with `Couplings.of`.

    mean[p, q]: N alpha_q Jbar_pq; chain[p, q, r]: alpha_q N g_pq g_qr tau_chn[p, q, r]; offset[p, q]: alpha_q sqrt(N) g_pq tau_inp[p, q];
    residual[p, q]: alpha_q g_pq^2 A_pq; pairs[p, q]: alpha_q g_pq g_qp B_pq; widths[p, q, r]: Sigma_p[q, r]; noise[p]: D_p
    """

    fractions: Float[Array, " P"]
    mean: Float[Array, "P P"]
    chain: Float[Array, "P P P"]
    offset: Float[Array, "P P"]
    residual: Float[Array, "P P"]
    pairs: Float[Array, "P P"]
    widths: Float[Array, "P P P"]
    noise: Float[Array, " P"]

    @classmethod
    def of(cls, parameters: Parameters) -> Couplings:
        """Pure, for jit and grad."""
        p, N, g, alpha = parameters, parameters.N, parameters.g, parameters.fractions
        A, B = residual_of(p.tau_con, p.tau_div, p.tau_chn, p.tau_rec)
        across = N * g[:, :, None] * g[None, :, :] * p.tau_chn
        return cls(
            fractions=alpha,
            mean=N * alpha[None, :] * p.mean,
            chain=alpha[None, :, None] * across,
            offset=alpha[None, :] * jnp.sqrt(N) * g * p.tau_inp,
            residual=alpha[None, :] * g**2 * jnp.maximum(A, 0.0),
            pairs=alpha[None, :] * g * g.T * B,
            widths=N * g[:, :, None] * g[:, None, :] * p.tau_con,
            noise=p.noise,
        )

    def mean_field(self, rate: Array, gain: Array, kappa: Array, z: Array) -> Array:
        """(1 + d/dt) K without the external input: mean coupling, chains, and offsets that go with out-strengths. All (P,)."""
        return (
            self.mean @ rate
            + jnp.einsum("pqr,q,r->p", self.chain, gain, kappa)
            + self.offset @ (gain * z)
        )

    def frozen(self, kappa: Array, z: Array, kappa2: Array, z2: Array) -> Array:
        """Covariance that in-strengths and offsets give the inputs at two times: (P,), or (n, P) for n second times."""
        return jnp.einsum("pqr,q,...r->...p", self.widths, kappa, kappa2) + (
            z * z2 if z2.ndim == 1 else z[None] * z2
        )


def without_reciprocity(parameters: Parameters) -> Parameters:
    """The same with tau_rec[p,q] = tau_chn[p,q,p] + tau_chn[q,p,q], so that the residual synapses are not reciprocal, B = 0."""
    around = jnp.einsum("pqp->pq", parameters.tau_chn)
    return parameters.replace(tau_rec=around + around.T)
