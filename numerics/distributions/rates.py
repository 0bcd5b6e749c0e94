"""Distributions of rates across the neurons of a population, and between two conditions.

In population p the input currents are normal, x = K_p + sqrt(Delta_p) z, or normal in each
component of the strengths, and the rates are phi_p(x). In two conditions the currents of a neuron
are jointly normal with

    Cov_p = sum_qr Sigma_p[q,r] kappa_q kappa'_r + omega_p z_p z'_p + sum_q M_pq S_q,

within a component with c_p' S_m c'_p in place of the first sum, c_p = (kappa, theta_p) on (u, f);
M_pq = alpha_q g_pq^2 A_pq, and S_q = < phi_q(x) phi_q(x') > at Cov_q itself (`SecondMoment`; exact
at fixed points without reciprocity), R_q R'_q (`LowRank`), or 0 (`MotifOnly`); z_p is the spread of
the inputs and omega_p the correlation of their offsets between the conditions. The strengths of a
given network's neurons leave the residual S_q - R_q R'_q.
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
from ..system import System
from ..tangents import through_jacobian
from .bends import bends, breaks
from .fixed_nodes import PANELS, nodes_of
from .hermite import Series, polynomials, product
from .mixtures import Currents, frozen

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
        currents: the distributions of the input current x.

    The series has an axis of components before that of populations, (n, M, P).
    """

    rate_mean: Array
    rate_sd: Array
    slope_square: Array
    series: Series
    currents: Currents

    @property
    def mean(self) -> Array:
        """Of the input current x."""
        return self.currents.mean

    @property
    def variance(self) -> Array:
        """Of the input current x."""
        return self.currents.variance


class RateDistribution:
    """The transfer functions of a system, ready for averages under jit, vmap and grad.

    Args:
        system: the compiled equations.
        parameters: the network's numbers.
        order: number of terms of the series, which correlations alone need, else 0.
        panels: of the quadrature.

    Raises:
        ParameterError: a transfer function that jumps.
    """

    def __init__(
        self, system: System, parameters: Parameters, order: int = RATE_ORDER, panels: int = PANELS
    ):
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
        """At means and variances of normal input currents; pure."""
        return self.of(Currents.normal(mean, variance), parameters)

    def of(self, currents: Currents, parameters: Parameters) -> RateStatistics:
        """Of input currents that have components; pure."""
        own = self.system.transfer_parameters(parameters)
        mean, width = currents.means, jnp.sqrt(jnp.maximum(currents.variances, SMALLEST))
        parts, (M, P) = [], mean.shape
        for k, (members, cuts) in enumerate(zip(self._members, self._cuts, strict=True)):
            names = self.system.mean_field.architecture.distinct_transfers[k].parameters
            count = M * len(members)  # components of the first population, of the second, ...
            values = [jnp.repeat(jnp.broadcast_to(own[n], (P,))[members], M) for n in names]
            shapes = [jnp.repeat(jnp.broadcast_to(own[n], (P,))[members], M) for n in own]
            places = [
                jnp.broadcast_to(jnp.asarray(cut(*shapes), dtype=float), (count,)) for cut in cuts
            ]
            found = jax.vmap(self._each[k])(
                mean.T[members].ravel(),
                width.T[members].ravel(),
                jnp.stack(places, axis=1) if places else jnp.zeros((count, 0)),
                *values,
            )
            parts.append([v.reshape(len(members), M, *v.shape[1:]) for v in found])
        back = np.argsort(np.concatenate(self._members))
        rate, square, sd, slope, terms = (
            jnp.swapaxes(jnp.concatenate(leaf)[back], 0, 1) for leaf in zip(*parts, strict=True)
        )
        whole = _together(currents.weight, rate, sd, slope)
        return RateStatistics(*whole, Series(jnp.moveaxis(terms, 2, 0), square), currents)

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
        currents: Currents,
        parameters: Parameters,
        normal_quantiles: Sequence[float],
    ) -> Float[Array, "P n"]:
        """Quantiles of rates, of functions that do not fall: phi_p of those of currents; pure.

        Args:
            currents: their distributions.
            parameters: the network's numbers.
            normal_quantiles: z, quantiles of the standard normal distribution at the levels, (n,).
        """
        z = jnp.asarray(normal_quantiles)
        return jnp.stack(
            [
                jnp.broadcast_to(self.system.transfer(x, p, parameters), z.shape)
                for p, x in enumerate(currents.quantiles(z))
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
        residual, means = Couplings.of(p).residual, a.rate_mean * b.rate_mean
        offsets = persistence * p.spread(start) * q.spread(other)
        known = frozen(p, _along(*first), _along(*second), offsets)
        scale = jnp.sqrt(jnp.maximum(a.currents.variances * b.currents.variances, SMALLEST))

        def rates(beside: Array) -> Array:
            """<phi phi'> of whole populations, with a covariance beside what is known."""
            correlation = jnp.clip((known + beside[None]) / scale, -1.0, 1.0)
            own = product(a.series, b.series, correlation)
            return jnp.sum(a.currents.weight * own, axis=0)

        closure = self.system.mean_field.closure
        # residuals of given strengths act on deviations of the rates from their mean
        felt = means if self.system.mean_field.architecture.strengths.is_quenched else 0.0
        beside = jnp.zeros_like(means)
        if closure.has_residual and not closure.keeps_second_moment:
            beside = residual @ means
        elif closure.has_residual:
            beside = _solved(lambda c: residual @ (rates(c) - felt), beside)
        joint = rates(beside) - means
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


def _together(weight: Array, rate: Array, sd: Array, slope: Array) -> tuple[Array, Array, Array]:
    """Mean and deviation of rates and mean square of slopes of populations, of components'."""
    if len(weight) == 1:
        return rate[0], sd[0], slope[0]
    mean = jnp.sum(weight * rate, axis=0)
    variance = jnp.sum(weight * (sd**2 + (rate - mean[None]) ** 2), axis=0)
    return mean, jnp.sqrt(jnp.maximum(variance, SMALLEST)), jnp.sum(weight * slope, axis=0)


def _along(seen: RateStatistics, parameters: Parameters, time: float) -> Array:
    """kappa, and theta, of a population's neurons."""
    if seen.currents.along is not None:
        return seen.currents.along
    kappa = parameters.fractions * seen.rate_mean + parameters.in_strength(time)
    return jnp.broadcast_to(kappa, (parameters.P, parameters.P))


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
