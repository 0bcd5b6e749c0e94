"""The Siegert rate: JAX against SymPy's node, and both against mpmath's integral of
exp(u^2) erfc(-u).
"""

import functools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from motifield.numerics.averages.siegert import siegert_difference, siegert_rate, siegert_reset
from motifield.theory.architecture.siegert import SiegertDifference, SiegertRate, SiegertReset

X = sp.Symbol("x", real=True)
SETS = [
    (20.0, 2.0, 20.0, 10.0, 5.0),
    (20.0, 2.0, 20.0, 10.0, 0.5),
    (20.0, 2.0, 20.0, 10.0, 0.05),
    (20.0, 0.0, 20.0, 10.0, 5.0),
    (10.0, 0.5, 1.0, -0.25, 300.0),
]
Y = [-900.0, -3.0, 0.0, 0.2, 3.0, 25.0]  # of the threshold


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(30):
        yield


def reference(x, tau_m, tau_ref, V_th, V_r, sigma):
    """erfi has a closed form; what is left is int erfcx, on panels that double."""
    x, tau_m, tau_ref, V_th, V_r, sigma = map(mp.mpf, (x, tau_m, tau_ref, V_th, V_r, sigma))

    def F(v):
        edges = [mp.mpf(0), *(mp.mpf(2) ** k for k in range(-1, 12) if 2**k < v), v]
        return mp.quad(lambda t: mp.exp(t * t) * mp.erfc(t), edges) if v else mp.mpf(0)

    def G(y):
        return (mp.sqrt(mp.pi) * mp.erfi(y) if y > 0 else 0) + (-F(y) if y > 0 else -F(-y))

    with mp.extradps(15):
        return 1 / (
            tau_ref + tau_m * mp.sqrt(mp.pi) * (G((V_th - x) / sigma) - G((V_r - x) / sigma))
        )


def inputs(p, ys=Y):
    return [p[2] - p[4] * y for y in ys]


@pytest.mark.parametrize("p", SETS, ids=str)
def test_the_rate_is_the_integral(p):
    rate = jax.jit(siegert_rate)
    for x in inputs(p):
        assert abs(float(rate(x, *p)) / reference(x, *p) - 1) < 1e-12, x


@pytest.mark.parametrize("x", [-20.0, 5.0, 15.0, 20.0, 40.0, 900.0])
def test_sympy_evaluates_the_integral(x):
    p = SETS[0]
    exact = SiegertRate(sp.Rational(x), *map(sp.Rational, p))
    assert abs(mp.mpf(exact.evalf(30)._mpf_) / reference(x, *p) - 1) < mp.mpf(10) ** -27
    assert (
        abs(sp.lambdify(X, SiegertRate(X, *p), "mpmath")(x) / reference(x, *p) - 1)
        < mp.mpf(10) ** -27
    )


@functools.cache
def slope_of_the_rate(order):
    slope = siegert_rate
    for _ in range(order):
        slope = jax.grad(slope)
    return jax.jit(slope)


@functools.cache
def value_and_gradient(f, n):
    """Of f(*n, x, ...) by all that follows x, compiled once."""
    own = functools.partial(f, *n)
    return jax.jit(own), jax.jit(jax.grad(own, argnums=range(1, 6)))


@pytest.mark.parametrize("p", SETS[:2], ids=str)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_the_rate(p, order):
    """JAX and symbols against differences in mpmath with 40 digits."""
    slope = slope_of_the_rate(order)
    symbolic = sp.lambdify(X, sp.diff(SiegertRate(X, *map(sp.Rational, p)), X, order), "mpmath")
    for x in inputs(p, [-5.0, 0.3, 4.0]):
        with mp.workdps(40):
            h = mp.mpf(10) ** -7 * p[4]
            known = (
                sum(
                    (-1) ** k
                    * mp.binomial(order, k)
                    * reference(x + (mp.mpf(order) / 2 - k) * h, *p)
                    for k in range(order + 1)
                )
                / h**order
            )
        assert abs(float(slope(x, *p)) / known - 1) < 1e-10, x
        assert abs(symbolic(x) / known - 1) < 1e-10, x


def test_fourth_derivative_is_the_symbolic_one_far_above_threshold():
    p = SETS[0]
    slope = slope_of_the_rate(4)
    symbolic = sp.lambdify(X, sp.diff(SiegertRate(X, *map(sp.Rational, p)), X, 4), "mpmath")
    for x in (15.0, 60.0, 520.0):
        assert abs(float(slope(x, *p)) / symbolic(x) - 1) < 1e-9


@pytest.mark.parametrize("which", range(1, 6))
@pytest.mark.parametrize(
    "node",
    [
        (siegert_rate, SiegertRate),
        (siegert_difference, SiegertDifference),
        (siegert_reset, SiegertReset),
    ],
    ids=["rate", "D", "R"],
)
def test_parameter_gradients(node, which):
    """Central differences of step 1e-5: errors of 1e-10 from the step, 1e-10 from rounding."""
    f, symbol = node
    n = () if f is siegert_rate else (1,)
    p = (14.0, 20.0, 2.0, 20.0, 10.0, 5.0)
    moved = np.eye(6)[which] * 1e-5
    value, gradient = value_and_gradient(f, n)
    known = (value(*(p + moved).tolist()) - value(*(p - moved).tolist())) / 2e-5
    slope = gradient(*p)[which - 1]
    letters = sp.symbols("x tau_m tau_ref V_th V_r sigma")
    symbolic = (
        symbol(*n, *letters)
        .diff(letters[which])
        .subs(dict(zip(letters, map(sp.Rational, p), strict=True)))
        .evalf(20)
    )
    np.testing.assert_allclose(float(slope), float(known), rtol=1e-7)
    np.testing.assert_allclose(float(slope), float(symbolic), rtol=1e-12)


def test_finite_everywhere_in_batches():
    p = SETS[0]
    x = jnp.asarray(inputs(p, np.linspace(-1000, 1000, 401)))
    f = lambda v: siegert_rate(v, *p)  # noqa: E731
    np.testing.assert_allclose(jax.vmap(f)(x), jax.jit(f)(x), rtol=1e-12)
    for order in range(5):
        assert jnp.all(jnp.isfinite(jax.vmap(f)(x))), order
        f = jax.grad(f)
    gradients = jax.vmap(
        jax.grad(siegert_rate, argnums=tuple(range(6))), in_axes=(0, *5 * (None,))
    )(x, *p)
    assert all(jnp.all(jnp.isfinite(g)) for g in gradients)


def test_without_noise_the_rate_is_that_of_a_constant_drive():
    """sigma -> 0: the membrane relaxes exponentially from reset to threshold."""
    x = jnp.asarray([20.5, 25.0, 100.0])
    known = 1 / (2.0 + 20.0 * jnp.log((x - 10.0) / (x - 20.0)))
    np.testing.assert_allclose(siegert_rate(x, 20.0, 2.0, 20.0, 10.0, 1e-6), known, rtol=1e-11)


def test_printing_and_explicit_form():
    f = SiegertRate(X, 20, 2, 20, 10, 5)
    assert f.is_real
    assert sp.latex(f) == r"\nu\left(x\right)"
    assert sp.latex(f**2) == r"\nu^{2}\left(x\right)"
    at = f.subs(X, 15)
    assert abs(at.evalf(20) / at.explicit().evalf(20) - 1) < 1e-18
