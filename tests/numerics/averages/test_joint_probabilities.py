"""Normal probabilities in JAX against mpmath, with their derivatives, in the tails, at infinity and
at zero variance.
"""

import functools
import math

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import sympy as sp

from motifield.errors import NoClosedFormError
from motifield.numerics import averages as gaussian
from motifield.numerics.averages import joint_probabilities as runtime
from motifield.theory.averages.gaussian import GaussianAverage
from motifield.theory.code.printer import jax_code
from motifield.theory.expressions.parser import X, parse
from motifield.theory.expressions.pieces import split

RHO = (
    0.0,
    0.3,
    -0.6,
    0.92,
    0.926,
    -0.93,
    0.99,
    -0.999,
    0.9999999,
    -0.9999999,
    1 - 1e-13,
    1.0,
    -1.0,
)


def exact(h, k, rho):
    """P(Z1 < h, Z2 < k) = int_{-oo}^h phi(z) Phi((k - rho z) / sqrt(1 - rho^2)) dz."""
    with mpmath.workdps(18):
        h, k, rho = (mpmath.mpf(v) for v in (h, k, rho))
        if rho == 1:
            return float(mpmath.ncdf(min(h, k)))
        if rho == -1:
            return float(max(mpmath.ncdf(h) - mpmath.ncdf(-k), 0))
        s = mpmath.sqrt(1 - rho**2)
        steep = [k / rho + s * t for t in (-12, -6, -3, -1, 0, 1, 3, 6, 12)] if rho else []
        grid = sorted(
            {
                h,
                mpmath.mpf(-12),
                *(p for p in (*steep, *map(mpmath.mpf, range(-10, 11, 2))) if -12 < p < h),
            }
        )
        return float(mpmath.quad(lambda z: mpmath.npdf(z) * mpmath.ncdf((k - rho * z) / s), grid))


@pytest.mark.parametrize("rho", RHO)
def test_bivariate_to_fourteen_digits(rho):
    h, k = (v.ravel() for v in np.meshgrid([-5.3, -1.2, 0.4, 2.7], [-3.1, -1.2, 0.4001, 4.4]))
    found = jax.jit(runtime.bivariate)(jnp.asarray(h), jnp.asarray(k), jnp.full(h.shape, rho))
    np.testing.assert_allclose(
        found, [exact(a, b, rho) for a, b in zip(h, k, strict=True)], rtol=0, atol=1e-14
    )


def test_bivariate_at_infinity():
    inf = jnp.inf
    h, k = (
        jnp.array([inf, -inf, inf, 0.3, -inf, inf, 1e200]),
        jnp.array([0.3, 0.3, inf, inf, inf, -inf, 0.3]),
    )
    Phi = 0.5 * math.erfc(-0.3 / math.sqrt(2))
    for rho in (-1.0, -0.95, 0.0, 0.4, 0.99, 1.0):
        np.testing.assert_allclose(
            runtime.bivariate(h, k, jnp.full(7, rho)), [Phi, 0, 1, Phi, 0, 0, Phi], atol=1e-15
        )
        slopes = jax.vmap(jax.grad(runtime.bivariate, argnums=(0, 1)))(h, k, jnp.full(7, rho))
        assert np.isfinite(slopes).all()
        np.testing.assert_allclose(
            slopes[0], [0, 0, 0, math.exp(-0.045) / math.sqrt(2 * math.pi), 0, 0, 0], atol=1e-15
        )


def derivative(function, order):
    for _ in range(order):
        function = (lambda f: lambda x: jax.jvp(f, (x,), (jnp.ones_like(x),))[1])(function)
    return function


@jax.jit
def slopes_of_bivariate(x, rho):
    def along(t):
        return runtime.bivariate(t, 0.4 - 2 * t, rho)

    return [derivative(along, n)(x) for n in range(5)]


@pytest.mark.parametrize("rho", [0.3, -0.8, 0.97])
def test_derivatives_of_bivariate(rho):
    """Along h = x, k = 0.4 - 2 x to fourth order, and in rho, against mpmath's differences of the
    integral.
    """
    x = jnp.asarray(0.35)
    along = slopes_of_bivariate(x, jnp.asarray(rho))

    def reference(t):
        return by_angle(t, mpmath.mpf("0.4") - 2 * t, mpmath.mpf(rho))

    with mpmath.workdps(24):
        expected = [float(mpmath.diff(reference, mpmath.mpf("0.35"), n)) for n in range(5)]
        in_rho = float(
            mpmath.diff(
                lambda r: by_angle(mpmath.mpf("0.35"), mpmath.mpf("-0.3"), r), mpmath.mpf(rho)
            )
        )
    np.testing.assert_allclose(along, expected, rtol=1e-11)
    assert float(
        jax.grad(runtime.bivariate, argnums=2)(x, jnp.asarray(-0.3), jnp.asarray(rho))
    ) == pytest.approx(in_rho, rel=1e-12)


def by_angle(h, k, rho):
    def density(a):
        return mpmath.exp(-(h * h + k * k - 2 * h * k * mpmath.sin(a)) / (2 * mpmath.cos(a) ** 2))

    return mpmath.ncdf(h) * mpmath.ncdf(k) + mpmath.quad(density, [0, mpmath.asin(rho)]) / (
        2 * mpmath.pi
    )


def test_shapes_and_transformations():
    h, k, rho = (
        jnp.ones((2, 3)),
        jnp.tile(jnp.arange(3.0), (2, 1)),
        jnp.tile(jnp.array([[0.2], [0.99]]), (1, 3)),
    )
    once = runtime.bivariate(h, k, rho)
    assert once.shape == (2, 3)
    np.testing.assert_allclose(jax.vmap(jax.vmap(runtime.bivariate))(h, k, rho), once, rtol=1e-14)
    assert runtime.bivariate(jnp.asarray(0.1), jnp.asarray(0.2), jnp.asarray(0.3)).shape == ()


def test_erfcx():
    x = np.array([0.0, 1e-3, 0.5, 3.0, 6.99, 7.01, 12.0, 50.0, 1e5])
    with mpmath.workdps(40):
        expected = [
            float(mpmath.erfc(mpmath.mpf(v)) * mpmath.exp(mpmath.mpf(v) ** 2)) for v in x[:-1]
        ] + [1e-5 / math.sqrt(math.pi)]
    np.testing.assert_allclose(runtime.erfcx(jnp.asarray(x)), expected, rtol=1e-10)
    np.testing.assert_allclose(runtime.erfcx(jnp.asarray(x))[:-1], expected[:-1], rtol=3e-15)
    assert float(runtime.erfcx(jnp.asarray(jnp.inf))) == 0


def test_scaled_cdf_where_neither_factor_is_finite():
    # exp(2000) Phi(-63): mpmath
    with mpmath.workdps(40):
        expected = [
            float(mpmath.exp(2000) * mpmath.ncdf(-63)),
            float(mpmath.exp(-3) * mpmath.ncdf(1.5)),
        ]
    np.testing.assert_allclose(
        runtime.scaled_cdf(jnp.array([2000.0, -3.0]), jnp.array([-63.0, 1.5])), expected, rtol=1e-12
    )


MASSES = {
    "tilted half-line": lambda m, v: runtime.tilted_probability(
        0.0, math.inf, 0.0, -2.0, 0.3, m, v
    ),
    "tilted interval": lambda m, v: runtime.tilted_probability(0.0, 1.0, 0.5, 1.0, 0.0, m, v),
    "gated half-line": lambda m, v: runtime.gated_probability(0.0, math.inf, 1.3, 0.2, m, v),
    "gated lower half-line": lambda m, v: runtime.gated_probability(
        -math.inf, 0.0, -1.3, 0.2, m, v
    ),
    "gated interval": lambda m, v: runtime.gated_probability(0.0, 1.0, 1.3, 0.2, m, v),
}
WEIGHTS = {  # the same at zero variance: the weight itself where x is inside
    "tilted half-line": lambda x: math.exp(0.3 - 2 * x) if x >= 0 else 0.0,
    "tilted interval": lambda x: math.exp(-x * x / 2 + x) if 0 <= x < 1 else 0.0,
    "gated half-line": lambda x: float(mpmath.ncdf(1.3 * x + 0.2)) if x >= 0 else 0.0,
    "gated lower half-line": lambda x: float(mpmath.ncdf(0.2 - 1.3 * x)) if x < 0 else 0.0,
    "gated interval": lambda x: float(mpmath.ncdf(1.3 * x + 0.2)) if 0 <= x < 1 else 0.0,
}


@pytest.mark.parametrize("name", MASSES)
def test_zero_variance(name):
    """The value from the right at the ends; derivatives to fourth order are finite, and those of
    the weight between the ends.
    """
    x = jnp.array([-0.7, 0.0, 0.3, 1.0, 2.0])
    at = functools.partial(MASSES[name], v=jnp.zeros_like(x))
    value, slopes, *higher = jax.jit(lambda x: [derivative(at, n)(x) for n in range(5)])(x)
    np.testing.assert_allclose(value, [WEIGHTS[name](float(v)) for v in x], rtol=1e-14, atol=1e-15)
    step = 1e-6
    for k in (0, 2, 4):
        difference = (WEIGHTS[name](float(x[k]) + step) - WEIGHTS[name](float(x[k]) - step)) / (
            2 * step
        )
        assert float(slopes[k]) == pytest.approx(difference, rel=1e-8, abs=1e-10)
    assert all(np.isfinite(own).all() for own in (slopes, *higher))


# Generated code: (text, NumPy code is made by SymPy; only exact arithmetic is shared with what is
# tested)
TEXTS = [
    "Max(x, 0)",
    "Max(x, 0)**4",
    "Max(x - 5, 0)**3",
    "(1 + erf(x - 1/2))**2",
    "Max(x, 0)*erf(x)",
    "x*Phi(x - 1)",
    "x**2*erf(x)*erf(2*x - 1)",
    "exp(-Abs(x))",
    "x*exp(-x)*Phi(x)",
    "exp(-x**2)*Max(x, 0)**2",
    "Max(1 - exp(-x), 0)",
    "x**4*exp(-x**2/2 + x)",
    "Phi(8*x)*Phi(x - 3)",
    "Min(Max(x, 0), 2)*erf(x)",
    "Max(x - 1/2, 0)**2*Phi(-x)",
    "x**2*sin(x)*exp(-x**2/8)",
    "Heaviside(x) - Phi(x)",
    "phi(x)*Phi(x)*Heaviside(x - 1)",
]
MEANS, VARIANCES = [-20.0, -7.3, -1.1, 0.4, 3.0, 20.0], [1e-8, 1e-3, 0.3, 4.0, 50.0, 1e3]
GAUSS = np.polynomial.legendre.leggauss(40)


def quadrature(pieces, breaks, mean, variance):
    s = math.sqrt(variance)
    reach = mean + 12 * s * np.linspace(-1, 1, 25)
    fine = np.add.outer(
        [*breaks, 0.0, 0.5, 3.0], [*-np.geomspace(0.02, 60, 20), 0, *np.geomspace(0.02, 60, 20)]
    ).ravel()
    edges = np.unique(np.clip([*reach, *fine], reach[0], reach[-1]))
    half = np.diff(edges)[:, None] / 2
    x = edges[:-1, None] + half * (1 + GAUSS[0])
    bell = half * GAUSS[1] * np.exp(-(((x - mean) / s) ** 2) / 2) / (s * math.sqrt(2 * math.pi))
    where = np.searchsorted(np.asarray(breaks, float), x)
    with np.errstate(all="ignore"):
        values = np.select(
            [where == k for k in range(len(pieces))], [p(x) * np.ones_like(x) for p in pieces]
        )
    return float(np.sum(np.where(bell == 0, 0, bell * values)))


# Their squares are made of what other texts and squares have.
SQUARES_SLOW = {
    "Max(x, 0)**4",
    "Max(x - 5, 0)**3",
    "exp(-Abs(x))",
    "x**4*exp(-x**2/2 + x)",
    "x**2*sin(x)*exp(-x**2/8)",
}


@pytest.mark.parametrize(
    ("text", "power"),
    [
        pytest.param(text, power, marks=[pytest.mark.slow] * (power == 2 and text in SQUARES_SLOW))
        for text in TEXTS
        for power in (1, 2)
    ],
)
def test_generated_code_keeps_its_digits(text, power):
    """Value and slope to 1e-9 for means in [-20, 20] and variances in [1e-8, 1e3]; the function at
    zero variance.
    """
    mu, Delta = sp.Symbol("mu", real=True), sp.Symbol("Delta", nonnegative=True)
    f = parse(text) ** power
    try:
        code = jax_code(GaussianAverage(f, mu, Delta).closed_form(nodes=True))
    except NoClosedFormError:
        assert power == 2, "only the square may need quadrature"
        return
    average = gaussian.Closed(
        eval(
            f"lambda mu, Delta: {code}",
            {"jax": jax, "jnp": jnp, "math": math, "gaussian": gaussian},
        )
    )
    pieces = split(f)
    breaks = [float(b) for b in pieces.breaks]
    numeric = [
        [sp.lambdify(X, sp.diff(p, X, n), ["scipy", "numpy"]) for p in pieces.pieces]
        for n in (0, 1)
    ]
    jumps = [
        float(sp.N((b - a).subs(X, c)))
        for a, b, c in zip(pieces.pieces[:-1], pieces.pieces[1:], pieces.breaks, strict=True)
    ]
    means, variances = (v.ravel() for v in np.meshgrid(MEANS, VARIANCES))
    # with zero variances behind: what is compiled for all is compiled once
    everywhere = jnp.asarray([*means, *MEANS]), jnp.asarray([*variances, *[0.0] * len(MEANS)])
    value, slope = (np.asarray(jax.jit(f)(*everywhere)) for f in (average, average.derivative()))
    for k, (m, v) in enumerate(zip(means, variances, strict=True)):
        expected = quadrature(numeric[0], breaks, m, v)
        assert abs(value[k] - expected) <= 1e-9 * (1 + abs(expected)), (m, v)
        spikes = sum(
            j * math.exp(-((b - m) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)
            for b, j in zip(breaks, jumps, strict=True)
        )
        expected = quadrature(numeric[1], breaks, m, v) + spikes
        assert abs(slope[k] - expected) <= 1e-9 * (1 + abs(expected)), (m, v)
    exactly = [float(numeric[0][np.searchsorted(breaks, m)](m)) for m in MEANS]
    np.testing.assert_allclose(value[len(means) :], exactly, rtol=1e-12, atol=1e-12)
    at = jnp.asarray([-1.0, 0.0, 0.5, 1.0, 2.0]), jnp.zeros(5)
    slopes = jax.jit(lambda *at: [average.derivative(order)(*at) for order in range(1, 5)])(*at)
    assert all(np.isfinite(own).all() for own in slopes)
