"""How populations act on each other in large networks: tensors of dynamical mean-field theory."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .conditions import residual_of
from .parameters import Parameters
from .shapes import PerPair, PerPopulation, PerTriple
from .strengths import explained


class Couplings(eqx.Module):
    """Tensors over populations; make them with `Couplings.of`. Source: `docs/theory.md`, section 2.

    Args:
        fractions: (P,), alpha.
        mean: (P, P), N alpha_q Jbar_pq.
        chain: (P, P, P), alpha_q N g_pq g_qr tau_chn[p, q, r].
        offset: (P, P), alpha_q sqrt(N) g_pq tau_inp[p, q].
        residual: (P, P), alpha_q g_pq^2 A_pq, less what assortativity explains.
        pairs: (P, P), alpha_q g_pq g_qp B_pq, likewise.
        widths: (P, P, P), Sigma_p[q, r].
        noise: (P,), D_p.
    """

    fractions: PerPopulation
    mean: PerPair
    chain: PerTriple
    offset: PerPair
    residual: PerPair
    pairs: PerPair
    widths: PerTriple
    noise: PerPopulation

    @classmethod
    def of(cls, parameters: Parameters) -> Couplings:
        """Pure, for jit and grad."""
        return cls(**_tensors(parameters, jnp))

    @classmethod
    def of_numbers(cls, parameters: Parameters) -> Couplings:
        """The same outside of jit, where JAX would compile every operation."""
        made = _tensors(jax.tree.map(np.asarray, parameters), np)
        return cls(**{name: jnp.asarray(v) for name, v in made.items()})

    def mean_field(self, rate: Array, gain: Array, kappa: Array, z: Array) -> Array:
        """(1 + d/dt) K without the external input, (P,).

        Mean coupling, chains, and offsets that go with out-strengths; all arguments are (P,).
        """
        return (
            self.mean @ rate
            + jnp.einsum("pqr,q,r->p", self.chain, gain, kappa)
            + self.offset @ (gain * z)
        )

    def frozen(self, kappa: Array, z: Array, kappa2: Array, z2: Array) -> Array:
        """Covariance of the inputs at two times that in-strengths and offsets make.

        Shape (P,), or (n, P) for n second times.
        """
        return jnp.einsum("pqr,q,...r->...p", self.widths, kappa, kappa2) + (
            z * z2 if z2.ndim == 1 else z[None] * z2
        )


def explained_share(parameters: Parameters) -> Array:
    """The largest share of a residual synapse's variance that assortativity explains; pure.

    No network has one above 1. It is 0 without assortativity.
    """
    p = parameters
    if p.strengths is None:
        return jnp.zeros(())
    A, _ = residual_of(p.tau_con, p.tau_div, p.tau_chn, p.tau_rec)
    whole, known = p.g**2 * A, explained(p)[0]
    return jnp.max(jnp.where(whole > 0, known / jnp.where(whole > 0, whole, 1.0), 0.0))


def without_reciprocity(parameters: Parameters) -> Parameters:
    """The same parameters with residual synapses that are not reciprocal, B = 0.

    tau_rec[p,q] = tau_chn[p,q,p] + tau_chn[q,p,q]. Source: `docs/theory.md`, section 1.2.

    Args:
        parameters: the network's numbers.

    Returns:
        The parameters with these tau_rec.
    """
    around = jnp.einsum("pqp->pq", parameters.tau_chn)
    return parameters.replace(tau_rec=around + around.T)


def _tensors(parameters: Parameters, xp: Any) -> dict[str, Any]:
    """The fields by name, with NumPy or JAX."""
    p, N, g, alpha = parameters, parameters.N, parameters.g, parameters.fractions
    A, B = residual_of(p.tau_con, p.tau_div, p.tau_chn, p.tau_rec)
    known, back = (0.0, 0.0) if p.strengths is None else explained(p, xp)
    across = N * g[:, :, None] * g[None, :, :] * p.tau_chn
    return {
        "fractions": alpha,
        "mean": N * alpha[None, :] * p.mean,
        "chain": alpha[None, :, None] * across,
        "offset": alpha[None, :] * xp.sqrt(N) * g * p.tau_inp,
        "residual": alpha[None, :] * xp.maximum(g**2 * A - known, 0.0),
        "pairs": alpha[None, :] * (g * g.T * B - back),
        "widths": N * g[:, :, None] * g[:, None, :] * p.tau_con,
        "noise": p.noise,
    }
