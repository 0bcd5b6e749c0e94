"""Input currents of populations as mixtures of normal distributions, pure in the parameters."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from ..parameters import Couplings, Parameters
from ..system import System

REACH = 12.0  # standard deviations of the outermost components, between which quantiles are
BISECTIONS = 60  # of that range: to the last digit
SMALLEST = 1e-300  # in place of 0 under a root, and of a density that nothing is divided by


class Currents(NamedTuple):
    """x ~ N(means_mp, variances_mp) with weight_mp in population p; of plain equations M = 1.

    Args:
        weight: (M, P).
        means: (M, P).
        variances: (M, P).
        along: what currents have per unit of (u^1..u^P, f_1..f_F): kappa and theta, (P, P + F);
            None where it is not known, or membranes of populations differ.
    """

    weight: Float[Array, "M P"]
    means: Float[Array, "M P"]
    variances: Float[Array, "M P"]
    along: Array | None = None

    @classmethod
    def normal(cls, mean: Float[Array, " P"], variance: Float[Array, " P"]) -> Currents:
        """One component."""
        return cls(jnp.ones((1, len(mean))), mean[None], variance[None])

    @classmethod
    def at(cls, system: System, parameters: Parameters, state: Any) -> Currents:
        """Those of a state of the equations with dynamics."""
        c, module = system.coefficients(parameters), system.module
        own = parameters.strengths
        if own is None:
            found = cls.normal(state.K, module.variance(state, c))
        else:
            shift, variance = module.components(state, c)
            found = cls(own.weight, state.K[None] + shift, variance)
        return found._replace(along=_along(state, parameters.P))

    @property
    def mean(self) -> Float[Array, " P"]:
        """Of the whole population."""
        return jnp.sum(self.weight * self.means, axis=0)

    @property
    def variance(self) -> Float[Array, " P"]:
        """Of the whole population: within components, and of their means."""
        if len(self.weight) == 1:
            return self.variances[0]
        return jnp.sum(self.weight * (self.variances + (self.means - self.mean[None]) ** 2), axis=0)

    def quantiles(self, normal: Float[Array, " n"]) -> Float[Array, "P n"]:
        """Quantiles of the currents at the levels of quantiles of the normal distribution.

        They solve sum_m w_m Phi((x - mean_m) / sd_m) = level, and are differentiable as such.
        """
        width = jnp.sqrt(jnp.maximum(self.variances, SMALLEST))
        if len(self.weight) == 1:
            return self.means[0][:, None] + width[0][:, None] * normal[None]
        level, there = norm.cdf(normal), self.weight > 0

        def below(x: Array, means: Array, width: Array, weight: Array) -> Array:
            """The share of neurons with a current below x, (P, n)."""
            z = (x[None] - means[..., None]) / width[..., None]
            return jnp.sum(weight[..., None] * norm.cdf(z), axis=0)

        own = (self.means, width, self.weight)
        still = jax.lax.stop_gradient(own)
        low = jnp.min(jnp.where(there, self.means - REACH * width, jnp.inf), axis=0)
        high = jnp.max(jnp.where(there, self.means + REACH * width, -jnp.inf), axis=0)
        ends = [jnp.broadcast_to(v[:, None], (len(low), len(level))) for v in (low, high)]

        def halved(_: Any, ends: list[Array]) -> list[Array]:
            middle = (ends[0] + ends[1]) / 2
            is_low = below(middle, *still) < level[None]
            return [jnp.where(is_low, middle, ends[0]), jnp.where(is_low, ends[1], middle)]

        x = sum(jax.lax.fori_loop(0, BISECTIONS, halved, jax.lax.stop_gradient(ends))) / 2
        z = (x[None] - still[0][..., None]) / still[1][..., None]
        density = jnp.sum((still[2] / still[1])[..., None] * norm.pdf(z), axis=0)
        moved = below(x, *own) - jax.lax.stop_gradient(below(x, *own))
        return x - jnp.where(density > 0, moved / jnp.maximum(density, SMALLEST), 0.0)


def _along(state: Any, P: int) -> Array | None:
    if state.kappa.ndim > 1:
        return None
    kappa = jnp.broadcast_to(state.kappa, (P, P))
    return jnp.concatenate([kappa, state.theta], axis=1) if hasattr(state, "theta") else kappa


def frozen(
    parameters: Parameters, first: Array, second: Array, offsets: Float[Array, " P"]
) -> Float[Array, "M P"]:
    """Covariance within components of what strengths and features give in two conditions.

    Args:
        parameters: the network's numbers.
        first, second: `along` in the two conditions.
        offsets: the covariance of what offsets of the inputs give.
    """
    own = parameters.strengths
    if own is None:
        widths = Couplings.of(parameters).widths
        return (jnp.einsum("pqr,pq,pr->p", widths, first, second) + offsets)[None]
    P, D = parameters.P, own.means.shape[2]
    which = jnp.array([*range(P), *range(2 * P, D)])  # u and f
    S = own.covariances[:, :, which][..., which]
    return jnp.einsum("mpij,pi,pj->mp", S, first, second) + offsets[None]
