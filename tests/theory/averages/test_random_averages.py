"""Closed forms of random functions of the closed class against numerical integrals of the same
functions in NumPy.

Every random function is made twice, as text and as NumPy code; nothing of the library is between
the two.
"""

import functools
import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from scipy.special import erf, erfc, ndtr

from motifield.theory.averages.gaussian import GaussianAverage
from motifield.theory.expressions.parser import parse

M, V = sp.Symbol("m", real=True), sp.Symbol("v", positive=True)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
EACH = 84  # examples of each family in the slow tests
FEW = 28  # and in the others
settings_of_this_file = settings(
    max_examples=FEW,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)

SMALL = st.sampled_from(["-2", "-3/2", "-1", "-1/2", "-1/3", "1/3", "1/2", "1", "3/2", "2", "5/2"])
ANY = st.sampled_from(["-2", "-1", "-1/2", "0", "1/3", "1/2", "1", "2"])
POINT = st.tuples(
    st.integers(-30, 30).map(lambda k: k / 10 + 0.0137),
    st.sampled_from([0.03, 0.21, 0.5, 1.3, 2.9]),
)


def number(text):
    top, _, bottom = text.partition("/")
    return float(top) / float(bottom or 1)


def line(a, b):
    return f"({a}*x + {b})", lambda x: number(a) * x + number(b)


def function_of(name, code):
    """A strategy for name(a x + b), with the place where it is steep."""
    return st.builds(
        lambda a, b: (
            f"{name}{line(a, b)[0]}",
            lambda x: code(line(a, b)[1](x)),
            [-number(b) / number(a)],
        ),
        SMALL,
        ANY,
    )


def polynomial(degree):
    def build(coefficients):
        text = " + ".join(f"({c})*x**{k}" for k, c in enumerate(coefficients))
        return f"({text})", lambda x: sum(number(c) * x**k for k, c in enumerate(coefficients)), []

    return (
        st.lists(ANY, min_size=1, max_size=degree + 1)
        .filter(lambda c: any(k != "0" for k in c))
        .map(build)
    )


def product(*strategies):
    def build(factors):
        return (
            "*".join(f[0] for f in factors),
            lambda x: math.prod(f[1](x) for f in factors),
            [b for f in factors for b in f[2]],
        )

    return st.tuples(*strategies).map(build)


def total(term, most=2):
    def build(terms):
        return (
            " + ".join(t[0] for t in terms),
            lambda x: sum(t[1](x) for t in terms),
            [b for t in terms for b in t[2]],
        )

    return st.lists(term, min_size=1, max_size=most).map(build)


def compose(text, code, *strategies):
    def build(parts):
        return (
            text.format(*(p[0] for p in parts)),
            lambda x: code(*(p[1](x) for p in parts)),
            [b for p in parts for b in p[2]],
        )

    return st.tuples(*strategies).map(build)


ONE = st.just(("1", lambda x: 1.0 + 0 * x, []))
EXPONENTIAL = function_of("exp", np.exp)
BELL = st.one_of(
    function_of("phi", lambda u: np.exp(-u * u / 2) / math.sqrt(2 * math.pi)),
    st.builds(
        lambda a, b: (
            f"exp(-(x - {a})**2/3 + {b}*x)",
            lambda x: np.exp(-((x - number(a)) ** 2) / 3 + number(b) * x),
            [],
        ),
        ANY,
        SMALL,
    ),
)
TILT = st.one_of(ONE, EXPONENTIAL, BELL)
GATE = st.one_of(function_of("erf", erf), function_of("Phi", ndtr), function_of("erfc", erfc))
WAVE = st.one_of(function_of("sin", np.sin), function_of("cos", np.cos))
HYPERBOLIC = st.one_of(function_of("sinh", np.sinh), function_of("cosh", np.cosh))
LINE = st.builds(lambda a, b: (*line(a, b), [-number(b) / number(a)]), SMALL, ANY)
STEP = st.one_of(
    function_of("Heaviside", lambda u: (u > 0) * 1.0),
    function_of("sign", np.sign),
    function_of("Abs", abs),
    compose("Max({}, 0)", lambda u: np.maximum(u, 0), LINE),
    compose("Min({}, 1)", lambda u: np.minimum(u, 1), LINE),
    compose("Max({}, 0)**2", lambda u: np.maximum(u, 0) ** 2, LINE),
    compose(
        "Piecewise(({0}, {1} < 0), ({2}, True))",
        lambda p, u, q: np.where(u < 0, p, q),
        polynomial(2),
        LINE,
        polynomial(2),
    ),
)
CURVE = st.one_of(EXPONENTIAL, GATE, function_of("sinh", np.sinh))
LEVEL = st.sampled_from(["1/5", "1/3", "1/2", "3/4"])
BENT = st.one_of(
    st.builds(
        lambda f, c: (f"Max({f[0]} - {c}, 0)", lambda x: np.maximum(f[1](x) - number(c), 0), f[2]),
        CURVE,
        LEVEL,
    ),
    st.builds(
        lambda f, c: (f"Abs({f[0]} - {c})", lambda x: abs(f[1](x) - number(c)), f[2]), CURVE, LEVEL
    ),
    st.builds(
        lambda f, c: (
            f"Piecewise((x, {f[0]} < {c}), (2, True))",
            lambda x: np.where(f[1](x) < number(c), x, 2.0),
            f[2],
        ),
        CURVE,
        LEVEL,
    ),
    compose("Max({}, {})", np.maximum, EXPONENTIAL, LINE),
)

FAMILIES = {
    "smooth": total(
        st.one_of(
            product(polynomial(4), TILT),
            product(polynomial(2), TILT, WAVE),
            product(WAVE, WAVE),
            product(polynomial(1), HYPERBOLIC),
        ),
        3,
    ),
    "one error function": total(product(polynomial(3), TILT, GATE), 3),
    "two error functions": total(product(polynomial(2), TILT, GATE, GATE)),
    "switches": total(product(polynomial(2), TILT, STEP)),
    "a switch and an error function": product(STEP, TILT, GATE),
    "curved switches": BENT,
}


def integral(function, bends, mean, variance):
    """E f and E |f|: Gauss-Legendre on panels of an eighth of a standard deviation cut where f
    bends, finer around steep places.
    """
    width = math.sqrt(variance)
    fine = [
        b + s * d for b in bends for d in (0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6) for s in (-1, 1)
    ]
    edges = np.unique(
        np.clip(
            [*np.linspace(mean - 14 * width, mean + 14 * width, 225), *fine],
            mean - 14 * width,
            mean + 14 * width,
        )
    )
    half = np.diff(edges)[:, None] / 2
    x = edges[:-1, None] + half * (1 + NODES)
    y = (
        half
        * WEIGHTS
        * function(x)
        * np.exp(-(((x - mean) / width) ** 2) / 2)
        / (width * math.sqrt(2 * math.pi))
    )
    return y.sum(), np.abs(y).sum()


def roots_of(text):
    """Where the pieces meet, so that the reference is not smeared there: roots are tested in
    test_pieces.py.
    """
    from motifield.theory.expressions.pieces import split

    return [float(b) for b in split(parse(text)).breaks]


@functools.cache
def form_of(text):
    return GaussianAverage(parse(text), M, V).closed_form()


# Two error functions in a product make bivariate probabilities, and curved switches roots of 30
# digits: minutes of mpmath.
LONG = {"two error functions", "a switch and an error function", "curved switches"}


@pytest.mark.parametrize(
    ("family", "examples"),
    [
        *((f, FEW) for f in FAMILIES if f not in LONG),
        *(pytest.param(f, EACH, marks=pytest.mark.slow) for f in FAMILIES),
    ],
)
def test_value(family, examples):
    @settings(settings_of_this_file, max_examples=examples)
    @given(FAMILIES[family], POINT)
    def check(made, point):
        text, function, bends = made
        form = form_of(text)
        expected, size = integral(
            function, bends + (roots_of(text) if "switch" in family else []), *point
        )
        found = form.xreplace({M: sp.Float(point[0], 40), V: sp.Float(point[1], 40)}).evalf(16)
        assert abs(float(found) - expected) <= 1e-10 * size + 1e-16, (text, point, found, expected)

    check()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_reference_against_mpmath(family):
    """The reference above, NumPy code of the function included, is mpmath's integral of the
    expression as SymPy reads it.
    """

    @settings(settings_of_this_file, max_examples=5)
    @given(FAMILIES[family], POINT)
    def check(made, point):
        text, function, bends = made
        bends = sorted({*bends, *(roots_of(text) if "switch" in family else [])})
        found, size = integral(function, bends, *point)
        precise = sp.lambdify(sp.Symbol("x", real=True), sp.sympify(parse(text)), "mpmath")
        mean, width = mpmath.mpf(point[0]), mpmath.sqrt(point[1])
        cuts = sorted(
            {
                *mpmath.linspace(mean - 12 * width, mean + 12 * width, 17),
                *(b for b in bends if abs(b - mean) < 12 * width),
            }
        )
        expected = mpmath.quad(
            lambda x: precise(x) * mpmath.npdf(x, mean, width), cuts, maxdegree=5
        )
        assert abs(found - float(expected)) <= 1e-10 * size + 1e-16, (text, point, found, expected)

    check()


STEP_SIZE = sp.Rational(1, 10**8)


def digits(form, m, v, n=32):
    return form.xreplace({M: sp.Float(m, 45), V: sp.Float(v, 45)}).evalf(n)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("nodes", [False, True])
def test_derivatives(family, nodes):
    """d/dm and d/dv against central differences of step 1e-8 in 32 digits, and the heat equation
    2 d/dv = d^2/dm^2.
    """

    @settings(settings_of_this_file, max_examples=4)
    @given(FAMILIES[family], POINT)
    def check(made, point):
        from motifield.theory.averages.closed_forms import closed_form
        from motifield.theory.expressions.pieces import split

        m, v = (sp.Rational(str(c)) for c in point)
        form = closed_form(split(parse(made[0])), M, V) if nodes else form_of(made[0])
        h = STEP_SIZE
        slopes = [form.diff(M), form.diff(V)]
        differences = [
            digits(form, m + h, v) - digits(form, m - h, v),
            digits(form, m, v + h) - digits(form, m, v - h),
        ]
        size = 1 + abs(float(digits(form, m, v, 15)))
        for slope, difference in zip(slopes, differences, strict=True):
            value = digits(slope, m, v, 20)
            assert abs(value - difference / (2 * h)) < 1e-12 * (size + abs(value)), (made[0], point)
        second, heat = digits(slopes[0].diff(M), m, v, 20), 2 * digits(slopes[1], m, v, 20)
        assert abs(second - heat) < 1e-12 * (size + abs(heat)), (made[0], point)

    check()
