"""Normal probabilities of one and two variables: elementwise, differentiable to any order.

`scaled_cdf` and `tilted_probability` hold an exponential and a probability in one, so that neither
overflows nor vanishes alone. The functions of (mu, Delta) are differentiable in mu; at Delta = 0
they have the value from the right, and a delta function counts as 0.
"""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.special import erfc
from jaxtyping import Array, Float

from .legendre import on_panels
from .normal import standardise

_ORDER = 20  # of Genz's rule: rounding, for every correlation below the steep ones
_STEEP = 0.925  # the correlation beyond which the integrand is nearly singular
_FAR = 40.0  # standard deviations: the normal density there is 0 in float64


def normal_cdf(h: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """P(Z < h), with all digits in the lower tail."""
    return 0.5 * erfc(-h / math.sqrt(2))


def bell(z: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """The standard normal density; its derivatives are 0 where it is."""
    return jnp.exp(-0.5 * jnp.square(jnp.clip(z, -_FAR, _FAR))) / math.sqrt(2 * math.pi)


@jax.custom_jvp
def bivariate(
    h: Float[Array, "*n"], k: Float[Array, "*n"], rho: Float[Array, "*n"]
) -> Float[Array, "*n"]:
    """P(Z1 < h, Z2 < k) of standard normal variables with correlation rho, to 1e-14.

    Gauss-Legendre in the angle asin(rho), and near |rho| = 1 an expansion of the integrand.
    Source: A. Genz, Statistics and Computing 14, 251 (2004), after Z. Drezner and G. Wesolowsky.
    """
    h, k, rho = _broadcast(h, k, rho)
    # beyond 40 standard deviations nothing changes
    h, k = (jnp.clip(a, -_FAR, _FAR) for a in (h, k))
    return jnp.clip(
        jnp.where(jnp.abs(rho) < _STEEP, _by_angle(h, k, rho), _near_one(h, k, rho)), 0.0, 1.0
    )


@bivariate.defjvp
def _(primals, tangents):
    h, k, rho = _broadcast(*primals)
    dh, dk, drho = tangents
    slope = _slope(h, k, rho) * dh + _slope(k, h, rho) * dk + _joint_density(h, k, rho) * drho
    return bivariate(h, k, rho), slope


def _broadcast(*arrays):
    dtype = jnp.result_type(float, *arrays)
    return jnp.broadcast_arrays(*(jnp.asarray(a, dtype) for a in arrays))


def _slope(h, k, rho):
    """d/dh P(Z1 < h, Z2 < k) = bell(h) P(Z2 < k | Z1 = h)."""
    inside = jnp.abs(h) < _FAR
    h = jnp.where(inside, h, 0.0)
    k = jnp.clip(k, -10 * _FAR, 10 * _FAR)
    return jnp.where(inside, bell(h) * normal_cdf((k - rho * h) / _rest(rho)), 0.0)


def _rest(rho):
    """sqrt(1 - rho^2), kept from 0."""
    return jnp.sqrt(jnp.maximum((1 - rho) * (1 + rho), 1e-30))


def _joint_density(h, k, rho):
    h, k, rest = jnp.clip(h, -_FAR, _FAR), jnp.clip(k, -_FAR, _FAR), _rest(rho)
    return bell(h) * bell((k - rho * h) / rest) / rest


def _by_angle(h, k, rho):
    """Phi(h) Phi(k) + int_0^asin(rho) exp(-(h^2 + k^2 - 2 h k sin t) / (2 cos^2 t)) dt / (2 pi)."""
    end = jnp.arcsin(jnp.where(jnp.abs(rho) < _STEEP, rho, 0.0))
    angle, weights = on_panels(jnp.zeros_like(end), end, _ORDER)
    sine = jnp.sin(angle)
    exponent = (sine * (h * k)[..., None] - (0.5 * (h * h + k * k))[..., None]) / (1 - sine * sine)
    return normal_cdf(h) * normal_cdf(k) + jnp.sum(weights * jnp.exp(exponent), -1) / (2 * math.pi)


def _near_one(h, k, rho):
    """|rho| > 0.925, in Genz's notation: upper tails, P(Z1 > h, Z2 > k) at -h and -k."""
    h, k = -h, -jnp.where(rho < 0, -k, k)
    rest = jnp.where(jnp.abs(rho) < _STEEP, 0.1, (1 - jnp.abs(rho)) * (1 + jnp.abs(rho)))
    rest = jnp.maximum(rest, 0.0)
    a, gap, hk = jnp.sqrt(rest), jnp.square(h - k), h * k
    c, d = (4 - hk) / 8, (12 - hk) / 16
    safe = jnp.maximum(rest, 1e-300)
    first = (
        a
        * jnp.exp(jnp.maximum(-(gap / safe + hk) / 2, -745.0))
        * (1 - c * (gap - rest) * (1 - d * gap / 5) / 3 + c * d * rest**2 / 5)
    )
    b = jnp.sqrt(gap)
    tail = math.sqrt(2 * math.pi) * normal_cdf(-b / jnp.sqrt(safe))
    first = first - jnp.exp(jnp.minimum(-hk / 2, 700.0)) * tail * b * (
        1 - c * gap * (1 - d * gap / 5) / 3
    )
    roots, weights = on_panels(jnp.zeros_like(a), a, _ORDER)
    xs = jnp.square(roots)
    gap, hk, c, d = (v[..., None] for v in (gap, hk, c, d))
    rs = jnp.sqrt(1 - xs)
    exponent = -(gap / jnp.maximum(xs, 1e-300) + hk) / 2
    difference = jnp.exp(-hk * xs / (2 * jnp.square(1 + rs))) / rs - (1 + c * xs * (1 + d * xs))
    there = jnp.where(exponent > -100, jnp.exp(exponent) * difference, 0.0)
    second = jnp.sum(weights * there, -1)
    return _assemble(h, k, rho, -(first + second) / (2 * math.pi))


def _assemble(h, k, rho, corner):
    between = jnp.where(h < 0, normal_cdf(k) - normal_cdf(h), normal_cdf(-h) - normal_cdf(-k))
    positive = normal_cdf(-jnp.maximum(h, k)) + corner
    negative = jnp.where(h >= k, 0.0, between) - corner
    return jnp.where(rho > 0, positive, negative)


def erfcx(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """exp(x^2) erfc(x) for x >= 0; beyond 7 by its asymptotic series."""
    near = jnp.where(x < 7, x, 0.0)
    y = 0.5 / jnp.square(jnp.where(x < 7, 7.0, x))
    series = jnp.ones_like(y)
    for n in range(20, 0, -1):
        series = 1 - (2 * n - 1) * y * series
    return jnp.where(
        x < 7,
        jnp.exp(near * near) * erfc(near),
        series / (math.sqrt(math.pi) * jnp.maximum(x, 7.0)),
    )


@jax.custom_jvp
def scaled_cdf(L: Float[Array, "*n"], h: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """exp(L) P(Z < h), finite also where exp(L) overflows."""
    L, h = _broadcast(L, h)
    return jnp.where(
        h < 0, _lower_tail(L - h * h / 2, h), jnp.exp(jnp.where(h < 0, 0.0, L)) * normal_cdf(h)
    )


@scaled_cdf.defjvp
def _(primals, tangents):
    (L, h), (dL, dh) = _broadcast(*primals), tangents
    value = scaled_cdf(L, h)
    return value, value * dL + jnp.exp(L - h * h / 2) / math.sqrt(2 * math.pi) * dh


def _lower_tail(exponent, t):
    """exp(exponent) exp(t^2 / 2) P(Z < t) for t < 0."""
    return 0.5 * jnp.exp(exponent) * erfcx(jnp.maximum(-t, 0.0) / math.sqrt(2))


def tilted_probability(
    a: float, b: float, A: float, B: float, C: float, mu: Array, Delta: Array
) -> Array:
    """E exp(-A X^2 + B X + C) on a < X < b, X ~ N(mu, Delta); differentiable in mu."""
    return _tilted(a, b, (A, B, C), *_broadcast(mu, Delta))


@partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _tilted(a, b, quadratic, mu, Delta):
    A, B, C = quadratic
    mean, variance, widened = _tilt(quadratic, mu, Delta)
    log_scale = _log_scale(quadratic, mu, Delta) - 0.5 * jnp.log(widened)
    t = [standardise(c, mean, variance) for c in (a, b)]

    def below(c, t):
        """The part with X < c, or with X > c where t has the other sign."""
        if math.isinf(c):
            return jnp.where(t > 0, jnp.exp(log_scale), 0.0)
        start = (
            -A * c * c
            + B * c
            + C
            - 0.5 * jnp.square(standardise(c, mu, Delta))
            - 0.5 * jnp.log(widened)
        )
        return jnp.where(
            t < 0, _lower_tail(start, t), jnp.exp(jnp.where(t < 0, 0.0, log_scale)) * normal_cdf(t)
        )

    if b == math.inf:
        return below(a, -t[0])
    if a == -math.inf:
        return below(b, t[1])
    return jnp.where(t[0] > 0, below(a, -t[0]) - below(b, -t[1]), below(b, t[1]) - below(a, t[0]))


@_tilted.defjvp
def _(a, b, quadratic, primals, tangents):
    A, B, C = quadratic
    mu, Delta = primals
    mean, _, widened = _tilt(quadratic, mu, Delta)
    value = _tilted(a, b, quadratic, mu, Delta)
    ends = [(c, sign) for c, sign in ((a, 1), (b, -1)) if math.isfinite(c)]
    jumps = sum(sign * _spike(c, -A * c * c + B * c + C, mu, Delta) for c, sign in ends)
    return value, ((B - 2 * A * mean) * value + jumps / widened) * tangents[0]


def _tilt(quadratic, mu, Delta):
    """The normal law that exp(quadratic) N(mu, Delta) is proportional to, and 1 + 2 A Delta."""
    A, B, _ = quadratic
    widened = 1 + 2 * A * Delta
    return (mu + B * Delta) / widened, Delta / widened, widened


def _log_scale(quadratic, mu, Delta):
    A, B, C = quadratic
    if A == 0:
        return B * mu + B * B / 2 * Delta + C
    peak = B / (2 * A)
    return -A * jnp.square(mu - peak) / (1 + 2 * A * Delta) + C + B * peak / 2


def gated_probability(
    a: float, b: float, alpha: float, beta: float, mu: Array, Delta: Array
) -> Array:
    """P(a < X < b, Z < alpha X + beta), X ~ N(mu, Delta), Z standard normal.

    Differentiable in mu.
    """
    return _gated(a, b, (alpha, beta), *_broadcast(mu, Delta))


@partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _gated(a, b, gate, mu, Delta):
    alpha, beta = gate
    width = jnp.sqrt(1 + alpha * alpha * Delta)
    k, rho = (alpha * mu + beta) / width, alpha * jnp.sqrt(Delta) / width
    if b == math.inf:
        return bivariate(-standardise(a, mu, Delta), k, rho)
    upper = bivariate(standardise(b, mu, Delta), k, -rho)
    return upper if a == -math.inf else upper - bivariate(standardise(a, mu, Delta), k, -rho)


@_gated.defjvp
def _(a, b, gate, primals, tangents):
    alpha, beta = gate
    mu, Delta = primals
    widened = 1 + alpha * alpha * Delta
    ends = [(c, sign) for c, sign in ((a, 1), (b, -1)) if math.isfinite(c)]
    jumps = sum(
        sign * normal_cdf(jnp.asarray(alpha * c + beta, dtype=float)) * _spike(c, 0.0, mu, Delta)
        for c, sign in ends
    )
    inside = tilted_probability(
        a, b, 0.0, 0.0, 0.0, (mu - alpha * beta * Delta) / widened, Delta / widened
    )
    slope = alpha / jnp.sqrt(widened) * bell((alpha * mu + beta) / jnp.sqrt(widened)) * inside
    return _gated(a, b, gate, mu, Delta), (jumps + slope) * tangents[0]


def _spike(c, offset, mu, Delta):
    """exp(offset) times the normal density at c; 0 at Delta = 0."""
    there = Delta > 0
    width = jnp.sqrt(jnp.where(there, Delta, 1.0))
    return jnp.where(there, jnp.exp(offset) * bell((c - mu) / width) / width, 0.0)
