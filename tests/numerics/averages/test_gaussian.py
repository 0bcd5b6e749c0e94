"""Runtime Gaussian averages at zero variance, in tails and where quadrature has its limits; their
values elsewhere are in tests/reference/test_gaussian.py.
"""

from functools import cache

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import sympy as sp

import motifield as mf
from motifield.errors import ExpressionError
from motifield.numerics import averages as gaussian
from motifield.theory.architecture.transfer import of
from motifield.theory.expressions.parser import X

POINTS = [(0.73, 0.4), (-1.9, 2.3), (3.1, 9.7), (-6.2, 0.8), (0.31, 1e-6), (1.4, 250.0)]
MU, DELTA = (jnp.array(v) for v in zip(*POINTS, strict=True))


def with_slow(names):
    """The derivatives of this one compile for half a minute."""
    return [pytest.param(n, marks=[pytest.mark.slow] * (n == "naka_rushton")) for n in names]


@cache
def averages(text):
    """Compiled <phi>, <phi'>, <phi^2>, one call for all points."""
    module = mf.compile(mf.derive(mf.Architecture(transfer=text), mf.SecondMoment())).module
    return {n: jax.jit(getattr(module, n)) for n in ("mean_rate", "mean_gain", "second_moment")}


def limits(text, x):
    """f, f', f'', f''' and f'''' at a point, from SymPy."""
    f = of(text).with_defaults
    return [float(sp.N(sp.diff(f, X, n).subs(X, sp.Rational(str(x))).doit(), 20)) for n in range(5)]


@pytest.mark.parametrize(
    "text", with_slow(["rectified_power", "softplus", "erf", "exponential", "naka_rushton"])
)
def test_zero_variance_is_the_function_and_its_derivatives(text):
    """<f> -> f, d/dmu -> f', d/dDelta -> f''/2, d2/dmu dDelta -> f'''/2, d2/dDelta2 -> f''''/4 at
    Delta = 0.
    """
    mean_rate, at = averages(text)["mean_rate"], (jnp.array([-1.7, 0.6]), jnp.zeros(2))
    f = np.transpose([limits(text, x) for x in (-1.7, 0.6)])
    np.testing.assert_allclose(mean_rate(*at), f[0], atol=1e-14)
    np.testing.assert_allclose(averages(text)["mean_gain"](*at), f[1], atol=1e-13)
    np.testing.assert_allclose(averages(text)["second_moment"](*at), f[0] ** 2, atol=1e-14)
    gradient = jax.grad(mean_rate, argnums=(0, 1))
    np.testing.assert_allclose(jax.vmap(gradient)(*at), [f[1], f[2] / 2], rtol=1e-12, atol=1e-13)
    hessian = jax.vmap(jax.jacfwd(gradient, argnums=(0, 1)))(*at)
    np.testing.assert_allclose(
        hessian, [[f[2], f[3] / 2], [f[3] / 2, f[4] / 4]], rtol=1e-11, atol=1e-12
    )


@pytest.mark.parametrize(
    "text",
    with_slow(
        [
            "rectified_power",
            "tanh",
            "naka_rushton",
            "Max(x - 1/3, 0)*tanh(x)",
            "Min(Max(x + 1, 0), 2)",
            "Heaviside(x - 1)*x",
        ]
    ),
)
def test_everything_is_finite_at_and_near_zero_variance(text):
    """At the bends themselves, too: there the convention is the value from the right, and a delta
    counts as 0.
    """
    mu, Delta = (
        jnp.asarray(v.ravel())
        for v in np.meshgrid([-1.0, 0.0, 1 / 3, 1.0, 0.6], [0.0, 1e-300, 1e-30, 1e-12])
    )
    for name in ("mean_rate", "mean_gain"):
        values, slopes = jax.vmap(jax.value_and_grad(averages(text)[name], argnums=(0, 1)))(
            mu, Delta
        )
        assert bool(jnp.all(jnp.isfinite(values))), name
        # a slope of a density is as large as 1 / Delta^1.5, beyond float64 at 1e-300
        slopes = jnp.stack(slopes)[:, (Delta == 0) | (Delta > 1e-20)]
        assert bool(jnp.all(jnp.isfinite(slopes))), name


def test_the_value_at_a_bend_is_the_one_from_the_right():
    average = averages("Heaviside(x - 1)*x")["mean_rate"]
    assert float(average(jnp.asarray(1.0), jnp.asarray(0.0))) == 1.0


def test_shapes_and_transformations():
    average = averages("rectified_linear")["mean_rate"]
    grid = average(jnp.ones((3, 4)), jnp.tile(jnp.arange(4.0), (3, 1)))
    assert grid.shape == (3, 4)
    np.testing.assert_allclose(
        jax.vmap(jax.vmap(average))(MU.reshape(2, 3), DELTA.reshape(2, 3)).ravel(),
        average(MU, DELTA),
        rtol=1e-14,
    )
    reverse = jax.vmap(jax.grad(average))(MU, DELTA)
    forward = jax.jvp(lambda m: average(m, DELTA), (MU,), (jnp.ones_like(MU),))[1]
    np.testing.assert_allclose(reverse, forward, rtol=1e-14)


def test_by_population_each_has_its_own_function():
    functions = [
        gaussian.Quadrature([jnp.tanh]),
        gaussian.Closed(lambda m, v: m + 0 * v),
        gaussian.Closed(lambda m, v: m**2 + v),
    ]
    mixed = gaussian.by_population(functions, (2, 0, 1, 0))
    mu, Delta = jnp.array([0.3, 0.1, -0.7, 0.4]), jnp.array([0.5, 0.0, 1.0, 2.0])
    tanh = functions[0](mu, Delta)
    np.testing.assert_allclose(
        mixed(mu, Delta), [mu[0] ** 2 + Delta[0], tanh[1], mu[2], tanh[3]], rtol=1e-14
    )
    assert gaussian.by_population(functions[:1], None) is functions[0]


def test_probability_keeps_its_digits_in_the_tails():
    # P(X > 30) for a standard normal, mpmath
    with mpmath.workdps(30):
        expected = float(mpmath.erfc(30 / mpmath.sqrt(2)) / 2)
    one = jnp.asarray(1.0)
    assert float(gaussian.probability(30.0, jnp.inf, 0 * one, one)) == pytest.approx(
        expected, rel=1e-12
    )
    assert float(gaussian.probability(-jnp.inf, -30.0, 0 * one, one)) == pytest.approx(
        expected, rel=1e-12
    )
    # the interval (30, 31): the difference of two upper tails
    with mpmath.workdps(30):
        expected = float((mpmath.erfc(30 / mpmath.sqrt(2)) - mpmath.erfc(31 / mpmath.sqrt(2))) / 2)
    assert float(gaussian.probability(30.0, 31.0, 0 * one, one)) == pytest.approx(
        expected, rel=1e-12
    )


def test_density_moments_by_differences():
    mu, Delta, step = 0.3, 0.7, 1e-4
    for order in range(3):
        # < delta^(k + 1) > = d/dmu < delta^(k) >
        up, down = (
            gaussian.density(1.1, jnp.asarray(mu + e), jnp.asarray(Delta), order)
            for e in (step, -step)
        )
        assert float(
            gaussian.density(1.1, jnp.asarray(mu), jnp.asarray(Delta), order + 1)
        ) == pytest.approx(float(up - down) / (2 * step), rel=1e-6)


def test_the_root_is_flat_at_zero():
    assert float(gaussian.root(jnp.asarray(4.0))) == 2
    assert float(jax.grad(gaussian.root)(jnp.asarray(4.0))) == 0.25
    assert (
        float(gaussian.root(jnp.asarray(0.0)))
        == float(jax.grad(gaussian.root)(jnp.asarray(0.0)))
        == 0
    )


@pytest.mark.parametrize("text", ["sin(600*x)*tanh(x)", "1/x", "tan(x)"])
def test_what_quadrature_cannot_resolve_is_refused(text):
    module = mf.compile(mf.derive(mf.Architecture(transfer=text), mf.SecondMoment())).module
    with pytest.raises(ExpressionError, match="cannot be computed to tolerance"):
        module.mean_rate(MU, DELTA)


@pytest.mark.slow
def test_beyond_the_range_that_is_resolved_a_function_is_taken_to_go_on_likewise():
    """E sin(60 x) = sin(60 mu) exp(-1800 Delta), and far to the right tanh is 1."""
    module = mf.compile(mf.derive(mf.Architecture(transfer="sin(60*x)*tanh(x)"))).module
    with pytest.warns(UserWarning, match="beyond, its function is taken to vary as fast as there"):
        found = module.mean_rate(jnp.array([30.0, 90.0]), jnp.array([1e-3, 1e-3]))
    np.testing.assert_allclose(found, np.sin(60 * np.array([30.0, 90.0])) * np.exp(-1.8), atol=1e-9)


def test_the_expression_is_what_the_code_evaluates():
    for text in (
        "rectified_power",
        "softplus",
        "naka_rushton",
        "Max(x - 1/3, 0)*tanh(x)",
        "Min(Max(x + 1, 0), 2)",
        "Heaviside(x - 1)*x",
    ):
        phi = mf.compile(mf.derive(mf.Architecture(transfer=text))).transfer
        f = of(text).with_defaults
        for x in (-1.3, 0.5, 2.2):
            assert float(phi(jnp.asarray(x), 0)) == pytest.approx(
                float(sp.N(f.subs(X, sp.Rational(str(x))))), rel=1e-13, abs=1e-15
            )


# (transfer function, mu, Delta, mean, mean of the slope, second moment): mpmath.quad of 20 digits
# on panels of half a standard deviation with the places where the function varies; None where it is
# not in question
FOUND = [
    ("tanh(x) + 1/cosh(200*(x - 5))", 0.0, 1e-8, 0.0, 0.99999999, None),  # <tanh'> = 1 - Delta
    ("x + exp(-exp(-50*x))", 5.0, 0.3, 6.0, 1.0, 36.3),  # x + 1 there
    ("x*atan(exp(50*x))", 5.0, 0.3, 2.5 * np.pi, np.pi / 2, 25.3 * np.pi**2 / 4),  # x pi/2 there
    ("Max(tanh(x), -2)", 0.0, 0.0, 0.0, 1.0, 0.0),
    ("cos(x)**2", 0.0, 100.0, 0.5, None, 0.375),
    ("x**9", 0.0, 1.0, 0.0, 945.0, 34459425.0),  # 17!!
    ("Max(x, 0)**9", 0.0, 10.0, None, None, 34459425.0 * 10**9 / 2),
    ("Heaviside(-x)*x**8", 0.0, 1.0, 52.5, None, 2027025.0 / 2),  # 7!! / 2, 15!! / 2
    ("x/(1 - exp(-x))", 0.0, 0.0, 1.0, 0.5, 1.0),
    ("(1 - exp(-x**2))/x**2", 0.0, 0.0, 1.0, 0.0, 1.0),
    ("sqrt(x**4 + x**2)", 0.0, 1e-8, None, 0.0, None),
    ("exp(-5*x)*Phi(x)", 0.0, 0.0, 0.5, -2.5 + 1 / np.sqrt(2 * np.pi), 0.25),
    (
        "Max(0, 1 - 10000*Abs(x - 3))",
        3.0,
        100.0,
        1e-4 / np.sqrt(200 * np.pi),
        0.0,
        2e-4 / 3 / np.sqrt(200 * np.pi),
    ),
    ("Min(Max(1000000*x, 0), 1)", 2.0, 900.0, 0.52657645767, None, None),
]


@pytest.mark.filterwarnings("ignore:a Gaussian average is checked only")  # exp(-5 x) overflows
@pytest.mark.parametrize(
    ("text", "mu", "Delta", "mean", "gain", "square"), FOUND, ids=[f[0] for f in FOUND]
)
def test_cases_that_were_wrong_once(text, mu, Delta, mean, gain, square):
    module = mf.compile(mf.derive(mf.Architecture(transfer=text), mf.SecondMoment())).module
    at = jnp.asarray(mu), jnp.asarray(Delta)
    for average, expected in (
        (module.mean_rate, mean),
        (module.mean_gain, gain),
        (module.second_moment, square),
    ):
        if expected is not None:
            assert abs(float(average(*at)) - expected) <= 1e-9 * (1 + abs(expected))


def test_tails_far_from_the_mean_count():
    """The second moment of x^9 exp(-(x - 20)^2 / 2) at (0, 4), which lies 9 standard deviations
    away; and of max(x, 0)^9 at (-20, 10).
    """
    for text, f, point in [
        ("x**9*exp(-(x - 20)**2/2)", lambda x: x**9 * mpmath.exp(-((x - 20) ** 2) / 2), (0.0, 4.0)),
        ("Max(x, 0)**9", lambda x: max(x, 0) ** 9, (-20.0, 10.0)),
    ]:
        module = mf.compile(mf.derive(mf.Architecture(transfer=text), mf.SecondMoment())).module
        width = mpmath.sqrt(point[1])
        with mpmath.workdps(30):
            expected = mpmath.quad(
                lambda x, f=f, m=point[0], s=width: f(x) ** 2 * mpmath.npdf(x, m, s),
                mpmath.linspace(0, 60, 121),
            )
        assert float(module.second_moment(*map(jnp.asarray, point))) == pytest.approx(
            float(expected), rel=1e-9
        )


def test_piecewise_takes_the_right_side_at_a_break():
    pieces = (lambda x: 0 * x, lambda x: x, lambda x: 0 * x + 9)
    np.testing.assert_array_equal(
        gaussian.piecewise(jnp.array([-1.0, 0.0, 1.0, 2.0, 3.0]), pieces, (0.0, 2.0)),
        [0, 0, 1, 9, 9],
    )


def test_derivatives_in_reverse_mode_of_a_power_with_a_free_exponent():
    """d/dp max(x, 0)^p is 0 for x < 0, where x^p log(x) is not a number; max(x, 0)^p log(x)
    for x > 0.
    """
    pieces = (lambda x, p: 0.0 * x, lambda x, p: x**p)

    def total(p, x):
        return jnp.sum(gaussian.piecewise(x, pieces, (0.0,), p))

    x = jnp.array([-2.0, -1.0, 0.5, 3.0])
    by_power, by_x = jax.grad(total, (0, 1))(jnp.asarray(1.7), x)
    np.testing.assert_allclose(by_power, 0.5**1.7 * np.log(0.5) + 3**1.7 * np.log(3.0), rtol=1e-12)
    np.testing.assert_allclose(by_x, [0, 0, 1.7 * 0.5**0.7, 1.7 * 3**0.7], rtol=1e-12)


@pytest.mark.parametrize("phi", [jnp.tanh, jax.nn.softplus])
def test_the_table_and_what_lies_beyond_it(phi):
    """Beside the table's ends and on both sides of them: against 400 Gauss-Legendre panels."""
    average = gaussian.Quadrature([phi])
    scale = average.grid.tables[0].scale
    assert 0.5 < scale < 5
    z, weights = gaussian.legendre_panels(np.linspace(-12.0, 12.0, 401))
    bell = weights * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    for sigma in scale * np.array([0.01, 0.3, 1.0, 4.0, 18.0, 18.2]):
        for mu in scale * np.array([-24.1, -23.9, -1.3, 0.2, 2.0, 30.0]):
            found = average.derivatives(jnp.asarray(mu), jnp.asarray(sigma**2))
            x = mu + sigma * z
            for value, f in zip(found, (phi, jax.vmap(jax.grad(phi))), strict=True):
                exact = np.sum(bell * np.asarray(f(x.ravel())).reshape(x.shape))
                np.testing.assert_allclose(value, exact, rtol=2e-11, atol=2e-11)


def test_a_huge_variance_costs_no_more_panels():
    """<Max(x, 0)^p> = 2^(p/2 - 1) Gamma((p + 1)/2) sigma^p / sqrt(pi) at mean 0: no panel is of use
    where the normal density is 0, however a power seems to grow exponentially near 0. Seven digits,
    because a power has panels of its own up to |x| = 1024 only.
    """
    p, sigma = 2.1, 1e10
    exact = 2 ** (p / 2 - 1) * mpmath.gamma((p + 1) / 2) * sigma**p / mpmath.sqrt(mpmath.pi)
    found = mf.average("Max(x, 0)**p", 0.0, sigma**2, parameters={"p": p})
    assert not found.is_closed
    assert float(found.values) == pytest.approx(float(exact), rel=1e-7)
