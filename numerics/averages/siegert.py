"""The Siegert rate of a leaky integrate-and-fire neuron, exact to rounding, with all derivatives.

With g(u) = exp(u^2) (1 + erf u), P = 1/r = tau_ref + tau_m sqrt(pi) int_{y_r}^{y_th} g du is a
difference of one antiderivative,

    int_0^y g du = -F(|y|) for y < 0 and 2 exp(y^2) D(y) - F(y) for y > 0,
    F(v) = int_0^v erfcx(t) dt,   D: Dawson's integral,

so that no quadrature is needed: F, D and the derivatives of erfcx are Chebyshev series in a
variable that maps the half line to an interval, and differences are taken term by term, so that
they lose no digits where y_r and y_th are close. Above y_th = 0 everything carries a factor
exp(-y_th^2). The derivatives of P divided by P form a closed set under differentiation
(`siegert_difference`, `siegert_reset`): each is a formula of its own, and none is a difference of
large numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jax.typing import ArrayLike
from jaxtyping import Array

ROOT_PI = math.sqrt(math.pi)
# where the half line is cut in two, and how many terms then reach rounding
F_SCALE, F_TERMS = 2.5, 22
D_SCALE, D_TERMS = 5.0, 39
M_SCALE, M_TERMS = 3.0, 23


def siegert_rate(
    x: ArrayLike,
    tau_m: ArrayLike,
    tau_ref: ArrayLike,
    V_th: ArrayLike,
    V_r: ArrayLike,
    sigma: ArrayLike,
) -> Array:
    """The stationary rate of a leaky integrate-and-fire neuron with white noise.

        1/r = tau_ref + tau_m sqrt(pi) int_{y_r}^{y_th} exp(u^2) (1 + erf u) du,
        y_r = (V_r - x) / sigma,   y_th = (V_th - x) / sigma.

    The relative error is about 1e-15, times the condition number 2 y_th^2 below threshold; far
    below, the rate underflows to 0 and its derivatives with it. Forward and reverse derivatives of
    any order exist in every argument. Each argument is a number or an array, and arrays have one
    shape.

    Args:
        x: mean input potential.
        tau_m: membrane time constant, > 0.
        tau_ref: refractory period, >= 0, in the unit of tau_m.
        V_th: threshold, in the unit of x.
        V_r: reset, below the threshold.
        sigma: standard deviation of the noise input, > 0; of V, it is sigma / sqrt(2).

    Returns:
        The rate, in 1 / [tau].

    Source: Siegert, Phys. Rev. 81, 617 (1951); Ricciardi, Diffusion Processes and Related Topics in
    Biology (1977); Brunel and Hakim, Neural Comput. 11, 1621 (1999).
    """
    return _rate(*_reduced(x, tau_m, tau_ref, V_th, V_r, sigma))


def siegert_difference(n: int, *arguments: ArrayLike) -> Array:
    """D_n = tau_m sqrt(pi) r [g^(n)(y_th) - g^(n)(y_r)], finite also where r underflows.

    g(u) = exp(u^2) (1 + erf u). The derivatives of the rate are polynomials in these:
    dr/dx = r D_0 / sigma, dD_n/dx = (D_0 D_n - D_{n+1}) / sigma. n >= 0 is a Python integer, the
    other arguments are those of `siegert_rate`, in its order.
    """
    return _difference(n, *_reduced(*arguments))


def siegert_reset(n: int, *arguments: ArrayLike) -> Array:
    """R_n = tau_m sqrt(pi) r g^(n)(y_r), see `siegert_difference`; dr/dV_r = r R_0 / sigma."""
    return _reset(n, *_reduced(*arguments))


def _reduced(*arguments: ArrayLike):
    x, tau_m, tau_ref, V_th, V_r, sigma = (jnp.asarray(a, dtype=float) for a in arguments)
    return (V_th - x) / sigma, (V_th - V_r) / sigma, tau_m, tau_ref


@jax.custom_jvp
def _rate(y, width, tau_m, tau_ref):
    factor, period = _period(y, width, tau_m, tau_ref)
    return factor / period


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _difference(n, y, width, tau_m, tau_ref):
    factor, period = _period(y, width, tau_m, tau_ref)
    top = jnp.maximum(y, 0.0)
    return (
        tau_m
        * ROOT_PI
        * (_integrand(n, y, top, factor) - _integrand(n, y - width, top, factor))
        / period
    )


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _reset(n, y, width, tau_m, tau_ref):
    factor, period = _period(y, width, tau_m, tau_ref)
    return tau_m * ROOT_PI * _integrand(n, y - width, jnp.maximum(y, 0.0), factor) / period


@partial(_rate.defjvp, symbolic_zeros=True)
def _rate_jvp(primals, tangents):
    rate = _rate(*primals)
    return rate, -rate * _log_period_jvp(primals, tangents)


@partial(_difference.defjvp, symbolic_zeros=True)
def _difference_jvp(n, primals, tangents):
    value = _difference(n, *primals)
    ends = _linear(tangents, lambda: _difference(n + 1, *primals), lambda: _reset(n + 1, *primals))
    return value, ends + value * _log_scale_jvp(primals, tangents)


@partial(_reset.defjvp, symbolic_zeros=True)
def _reset_jvp(n, primals, tangents):
    value = _reset(n, *primals)
    ends = _linear(tangents, lambda: _reset(n + 1, *primals), lambda: -_reset(n + 1, *primals))
    return value, ends + value * _log_scale_jvp(primals, tangents)


def _log_scale_jvp(primals, tangents):
    """d log (tau_m / P)."""
    return _linear(tangents[2:], lambda: 1.0 / primals[2]) - _log_period_jvp(primals, tangents)


def _log_period_jvp(primals, tangents):
    """d log P."""
    tau_m, tau_ref = primals[2:]
    return _linear(
        tangents,
        lambda: _difference(0, *primals),
        lambda: _reset(0, *primals),
        lambda: (1.0 - tau_ref * _rate(*primals)) / tau_m,
        lambda: _rate(*primals),
    )


def _linear(tangents, *slopes: Callable[[], Array]):
    """The sum of slope times tangent, without what is multiplied by zero."""
    return sum(
        (
            slope() * t
            for slope, t in zip(slopes, tangents, strict=False)
            if not isinstance(t, SymbolicZero)
        ),
        start=0.0,
    )


@jax.jit  # lowered once, however many derivatives are taken
def _period(y, width, tau_m, tau_ref):
    """exp(-top^2), and exp(-top^2) / r, with top = max(y, 0)."""
    low, top, reset = y - width, jnp.maximum(y, 0.0), jnp.maximum(y - width, 0.0)
    factor = jnp.exp(-top * top)
    # top - reset and |y_r| - |y_th| to full relative accuracy
    above, fold = jnp.clip(y, 0.0, width), jnp.clip(width - 2.0 * y, -width, width)
    rise, start = _dawson_difference(reset, top, above)
    integral = 2.0 * (rise - start * jnp.expm1(-above * (top + reset))) + factor * _F_difference(
        jnp.abs(low), jnp.abs(y), fold
    )
    return factor, tau_ref * factor + tau_m * ROOT_PI * integral


@partial(jax.jit, static_argnums=0)
def _integrand(n, y, top, factor):
    """exp(-top^2), the factor, times the n-th derivative of g(u) = erfcx(-u) at y <= top."""
    positive, v = jnp.maximum(y, 0.0), jnp.abs(y)
    before, now = (
        0.0 * y,
        2.0 * jnp.exp((positive - top) * (positive + top)) - factor * _moment(0, v),
    )
    for k in range(n):
        source = factor * (2.0 / ROOT_PI) if k == 0 else 2.0 * k * before
        before, now = now, 2.0 * positive * now + source
    return jnp.where(y > 0.0, now, factor * _moment(n, v))


def _moment(n, v):
    """(-1)^n times the n-th derivative of erfcx at v >= 0.

    It is 2 / sqrt(pi) int_0^inf (2t)^n exp(-t^2 - 2 v t) dt.
    """
    return _clenshaw(_moment_series(n), (v - M_SCALE) / (v + M_SCALE)) / (1.0 + v) ** (n + 1)


def _F_difference(a, b, difference):
    """F(a) - F(b), where difference = a - b."""
    s, t = ((v - F_SCALE) / (v + F_SCALE) for v in (a, b))
    step = 2.0 * F_SCALE * difference / ((a + F_SCALE) * (b + F_SCALE))
    _, slope = _clenshaw_difference(_F_series(), t, s)
    return jnp.log1p(difference / (1.0 + b)) / ROOT_PI + step * slope


def _dawson_difference(a, b, difference):
    """D(b) - D(a), where difference = b - a, and D(a)."""
    square = D_SCALE**2
    p, q = a * a + square, b * b + square
    value, slope = _clenshaw_difference(
        _dawson_series(), 2.0 * square / p - 1.0, 2.0 * square / q - 1.0
    )
    step = -2.0 * square * difference * (a + b) / (p * q)
    return value * difference * (square - a * b) / (p * q) + b / q * step * slope, value * a / p


def _clenshaw(series, s):
    now = after = jnp.zeros_like(s)
    for c in series[:0:-1]:
        now, after = 2.0 * s * now - after + c, now
    return s * now - after + series[0]


def _clenshaw_difference(series, s, t):
    """p(s), and (p(t) - p(s)) / (t - s) with no loss of digits where t and s are close."""
    now = after = slope = slope_after = jnp.zeros_like(s)
    for c in series[:0:-1]:
        slope, slope_after = 2.0 * (t * slope + now) - slope_after, slope
        now, after = 2.0 * s * now - after + c, now
    return s * now - after + series[0], t * slope + now - slope_after


# Coefficients are computed here from integrals of positive functions by the trapezoidal rule in
# log t, exact to rounding for them; the step is a power of two, so that nodes are exact.
STEP = 0.125
T = np.exp(np.arange(-480, 24) * STEP)


@cache
def _moment_series(n: int) -> tuple[float, ...]:
    def scaled(angle):
        v = M_SCALE / np.tan(angle / 2) ** 2
        kernel = np.exp(-(T**2) - 2 * v[:, None] * T + n * np.log(2 * (1 + v[:, None]) * T))
        return (1 + v) * 2 / ROOT_PI * STEP * np.sum(kernel * T, axis=1)

    return _series(scaled, M_TERMS + 3 * n)


@cache
def _F_series() -> tuple[float, ...]:
    """F(v) - log(1 + v) / sqrt(pi), which has a limit."""

    def remainder(angle):
        v = F_SCALE / np.tan(angle / 2) ** 2
        F = STEP / ROOT_PI * np.sum(-np.expm1(-2 * v[:, None] * T) * np.exp(-(T**2)), axis=1)
        return F - np.log1p(v) / ROOT_PI

    return _series(remainder, F_TERMS)


@cache
def _dawson_series() -> tuple[float, ...]:
    """D(y) (y^2 + scale^2) / y in s = (scale^2 - y^2) / (scale^2 + y^2)."""

    def scaled(angle):
        from scipy.special import dawsn

        y = D_SCALE * np.tan(angle / 2)
        return dawsn(y) * (y * y + D_SCALE**2) / y

    return _series(scaled, D_TERMS)


def _series(function: Callable[[np.ndarray], np.ndarray], terms: int) -> tuple[float, ...]:
    """The first Chebyshev coefficients of a function of the angle arccos(s)."""
    nodes = 2 * terms + 16
    angle = np.pi * (np.arange(nodes) + 0.5) / nodes
    coefficients = 2 / nodes * np.cos(np.outer(np.arange(terms), angle)) @ function(angle)
    coefficients[0] /= 2
    return tuple(coefficients.tolist())
