"""Distributions of rates across the neurons of a population, and between two conditions.

In population p the input currents are normal, x = K_p + sqrt(Delta_p) z, and the rates are
phi_p(x). In two conditions the currents of a neuron are jointly normal with

    Cov_p = sum_qr Sigma_p[q,r] kappa_q kappa'_r + omega_p z_p z'_p + sum_q M_pq S_q,

M_pq = alpha_q g_pq^2 A_pq, and S_q = < phi_q(x) phi_q(x') > at Cov_q itself (`SecondMoment`; exact
at fixed points without reciprocity), R_q R'_q (`LowRank`), or 0 (`MotifOnly`); z_p is the spread of
the inputs and omega_p the correlation of their offsets between the conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import ParameterError
from ..parameters import Couplings, Parameters
from ..system import System, refuse_components
from ..tangents import through_jacobian
from .bends import bends, breaks
from .fixed_nodes import PANELS, nodes_of
from .hermite import Series, polynomials, product

RATE_ORDER = 64  # terms: correlations of rates to about 1e-5, fewer than Expansion's for speed
RELAXATIONS = 60  # of a map that contracts; Newton's step at the end squares what is left
SMALLEST = 1e-300  # in place of 0 under a root
SMALLEST_ROOT = 1e-150  # and its root
FALL = 1e-9  # relative: a smaller fall of a transfer function is rounding
PLACES = np.linspace(-20.0, 20.0, 2001)  # where it must not fall


class RateStatistics(NamedTuple):
    """Statistics of the rates of every population, each (P,).

    Args:
        rate_mean: mean of the rate across neurons.
        rate_sd: its standard deviation.
        slope_square: mean square of the slope phi'(x).
        series: Hermite series of phi.
        mean: of the input current x.
        variance: of x.
    """

    rate_mean: Array
    rate_sd: Array
    slope_square: Array
    series: Series
    mean: Array
    variance: Array


class RateDistribution:
    """The transfer functions of a system, ready for averages under jit, vmap and grad.

    Args:
        system: the compiled equations.
        parameters: the network's numbers.
        order: number of terms of the series, which correlations alone need, else 0.
        panels: of the quadrature.

    Raises:
        ParameterError: a transfer function that jumps.
        ArchitectureError: strengths with components.
    """

    def __init__(
        self, system: System, parameters: Parameters, order: int = RATE_ORDER, panels: int = PANELS
    ):
        refuse_components(system, "the distribution of rates that fits need")
        self.system, self.order, self.panels = system, order, panels
        for p in range(parameters.P):
            breaks(system, parameters, p)
        index = np.asarray(system.mean_field.architecture.transfer_index(parameters.P))
        self._members = [
            np.flatnonzero(index == k)
            for k in range(len(system.mean_field.architecture.distinct_transfers))
        ]
        self._each = [
            through_jacobian(lambda m, w, c, *v, f=f: self._of(f, m, w, c, v))
            for f in system.module.TRANSFER
        ]
        self._cuts = [bends(system, k) for k in range(len(self._members))]

    def __call__(
        self, mean: Float[Array, " P"], variance: Float[Array, " P"], parameters: Parameters
    ) -> RateStatistics:
        """At means and variances of the input currents; pure."""
        own, width = (
            self.system.transfer_parameters(parameters),
            jnp.sqrt(jnp.maximum(variance, SMALLEST)),
        )
        parts, P = [], len(mean)
        for k, (members, cuts) in enumerate(zip(self._members, self._cuts, strict=True)):
            names = self.system.mean_field.architecture.distinct_transfers[k].parameters
            values = [jnp.broadcast_to(own[n], (P,))[members] for n in names]
            shapes = [jnp.broadcast_to(own[n], (P,))[members] for n in own]
            places = [
                jnp.broadcast_to(jnp.asarray(cut(*shapes), dtype=float), (len(members),))
                for cut in cuts
            ]
            parts.append(
                jax.vmap(self._each[k])(
                    mean[members],
                    width[members],
                    jnp.stack(places, axis=1) if places else jnp.zeros((len(members), 0)),
                    *values,
                )
            )
        back = np.argsort(np.concatenate(self._members))
        rate, square, sd, slope, terms = (
            jnp.concatenate(leaf)[back] for leaf in zip(*parts, strict=True)
        )
        return RateStatistics(rate, sd, slope, Series(terms.T, square), mean, variance)

    def _of(
        self,
        function: Callable[..., Array],
        mean: Array,
        width: Array,
        cuts: Array,
        values: Sequence[Array],
    ) -> tuple[Array, ...]:
        """Mean, mean square and deviation of the rate, mean square of its slope, series."""

        def rates(x: Array) -> Array:
            return jnp.broadcast_to(function(x, *values), x.shape)

        places = (cuts - mean) / width
        z, weights = nodes_of(places, self.panels)
        rate, slope = jax.jvp(rates, (mean + width * z,), (jnp.ones_like(z),))
        average = jnp.sum(weights * rate)
        sd = jnp.sqrt(jnp.maximum(jnp.sum(weights * (rate - average) ** 2), SMALLEST))
        square = jnp.sum(weights * rate**2)
        if not self.order:
            return average, square, sd, jnp.sum(weights * slope**2), jnp.zeros(0)
        # a continuous function's average does not depend on where the nodes are: no derivatives
        # through polynomials
        fixed, own = jax.lax.stop_gradient(nodes_of(places, self.panels))
        terms = jax.lax.stop_gradient(polynomials(fixed, self.order)) @ (
            own * rates(mean + width * fixed)
        )
        return average, square, sd, jnp.sum(weights * slope**2), terms

    def quantiles(
        self,
        mean: Array,
        variance: Array,
        parameters: Parameters,
        normal_quantiles: Sequence[float],
    ) -> Float[Array, "P n"]:
        """Quantiles of rates, of functions that do not fall, phi_p(K_p + sqrt(Delta_p) z); pure.

        Args:
            mean: K, (P,).
            variance: Delta, (P,).
            parameters: the network's numbers.
            normal_quantiles: z, quantiles of the standard normal distribution, (n,).
        """
        z = jnp.asarray(normal_quantiles)
        x = mean[:, None] + jnp.sqrt(jnp.maximum(variance, SMALLEST))[:, None] * z[None]
        return jnp.stack(
            [
                jnp.broadcast_to(self.system.transfer(x[p], p, parameters), z.shape)
                for p in range(len(mean))
            ]
        )

    def correlation(
        self,
        first: tuple[RateStatistics, Parameters, float],
        second: tuple[RateStatistics, Parameters, float],
        persistence: Float[Array, " P"],
    ) -> Float[Array, " P"]:
        """Correlation across neurons of their rates in two conditions; pure.

        It is 0 where a rate does not vary. Membranes have gain 1.

        Args:
            first: statistics, parameters, and the time whose inputs count.
            second: the same of the other condition.
            persistence: omega, correlation of the inputs' offsets between the conditions, (P,).
        """
        (a, p, start), (b, q, other) = first, second
        terms = Couplings.of(p)
        kappas = [
            terms.fractions * s.rate_mean + own.in_strength(time)
            for s, own, time in (first, second)
        ]
        frozen = jnp.einsum("pqr,q,r->p", terms.widths, *kappas) + persistence * p.spread(
            start
        ) * q.spread(other)
        scale = jnp.sqrt(jnp.maximum(a.variance * b.variance, SMALLEST))

        def rates(covariance: Array) -> Array:
            return product(a.series, b.series, jnp.clip(covariance / scale, -1.0, 1.0))

        closure = self.system.mean_field.closure
        if not closure.has_residual:
            covariance = frozen
        elif not closure.keeps_second_moment:
            covariance = frozen + terms.residual @ (a.rate_mean * b.rate_mean)
        else:
            covariance = _solved(lambda c: frozen + terms.residual @ rates(c), frozen)
        joint = rates(covariance) - a.rate_mean * b.rate_mean
        return joint / jnp.maximum(a.rate_sd * b.rate_sd, SMALLEST_ROOT)

    def require_rising(self, parameters: Parameters) -> None:
        """Check that quantiles of rates are those of currents.

        Raises:
            ParameterError: a transfer function that falls somewhere.
        """
        x = jnp.asarray(PLACES)
        for p, name in enumerate(parameters.populations):
            rates = np.asarray(jnp.broadcast_to(self.system.transfer(x, p, parameters), x.shape))
            if np.any(np.diff(rates) < -FALL * (1 + np.abs(rates[1:]))):
                raise ParameterError(
                    "quantiles of rates need a transfer function that does not fall; that of "
                    f"population {name} does"
                )


def _solved(right_side: Callable[[Array], Array], start: Array) -> Array:
    """c = right_side(c), by relaxation and a step of Newton's method, differentiable by that."""
    found = jax.lax.stop_gradient(
        jax.lax.fori_loop(
            0,
            RELAXATIONS,
            lambda _, c: jax.lax.stop_gradient(right_side(c)),
            jax.lax.stop_gradient(start),
        )
    )
    slope = jax.lax.stop_gradient(jax.jacfwd(right_side)(found))
    return found + jnp.linalg.solve(jnp.eye(len(start)) - slope, right_side(found) - found)
