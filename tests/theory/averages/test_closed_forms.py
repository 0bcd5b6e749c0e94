"""Closed forms of Gaussian averages against numerical integration (mpmath, 18 digits) of functions
written out by hand.
"""

import math

import mpmath
import pytest
import sympy as sp

from motifield.errors import NoClosedFormError
from motifield.theory.averages import closed_forms, selfcheck, stein
from motifield.theory.averages.closed_forms import closed_form
from motifield.theory.averages.gaussian import GaussianAverage
from motifield.theory.averages.probabilities import (
    NODES,
    BivariateProbability,
    DensityMoment,
    GatedProbability,
    NormalCDF,
    OwenT,
    Probability,
    ScaledCDF,
    ScaledDensity,
    TiltedProbability,
    explicit,
)
from motifield.theory.expressions.parser import X, parse
from motifield.theory.expressions.pieces import split

M, V = sp.Symbol("m", real=True), sp.Symbol("v", positive=True)
POINTS = [(0.7, 1.3), (-1.9, 0.4), (3.3, 5.1), (0.2, 0.03)]


def expectation(function, mean, variance, kinks=()):
    """E f by mpmath on a grid of one standard deviation that contains the kinks."""
    with mpmath.workdps(18):
        mean, width = mpmath.mpf(mean), mpmath.sqrt(mpmath.mpf(variance))
        grid = sorted(
            {mean + width * k for k in range(-18, 19)}
            | {mpmath.mpf(c) for c in kinks if abs(c - mean) < 12 * width}
        )
        return mpmath.quad(lambda x: function(x) * mpmath.npdf(x, mean, width), grid)


# (expression, the same by hand in mpmath, its kinks)
CASES = [
    ("x**3 - 2*x + 5", lambda x: x**3 - 2 * x + 5, ()),
    ("exp(x/2)", lambda x: mpmath.exp(x / 2), ()),
    ("(x**2 - x)*exp(-x/3 + 1)", lambda x: (x**2 - x) * mpmath.exp(1 - x / 3), ()),
    ("x**2*exp(-2*x**2 + x)", lambda x: x**2 * mpmath.exp(-2 * x**2 + x), ()),
    ("exp(-(x - 1)**2/3)", lambda x: mpmath.exp(-((x - 1) ** 2) / 3), ()),
    ("exp(x)**2", lambda x: mpmath.exp(2 * x), ()),
    ("erf(2*x - 1)", lambda x: mpmath.erf(2 * x - 1), ()),
    ("(x**3 + x)*erf(x/2 + 1/3)", lambda x: (x**3 + x) * mpmath.erf(x / 2 + mpmath.mpf(1) / 3), ()),
    ("x**4*erf(-3*x)", lambda x: x**4 * mpmath.erf(-3 * x), ()),
    ("x**2*exp(-x/2)*erf(x + 1)", lambda x: x**2 * mpmath.exp(-x / 2) * mpmath.erf(x + 1), ()),
    (
        "exp(-x**2/2 + x)*erf(x - 1)*x",
        lambda x: x * mpmath.exp(-(x**2) / 2 + x) * mpmath.erf(x - 1),
        (),
    ),
    ("Max(x, 0)", lambda x: max(x, 0), (0,)),
    ("3*Max(x - 1/2, 0)**2", lambda x: 3 * max(x - 0.5, 0) ** 2, (0.5,)),
    ("Max(x + 1, 0)**3", lambda x: max(x + 1, 0) ** 3, (-1,)),
    ("Max(2 - x, 0)**4", lambda x: max(2 - x, 0) ** 4, (2,)),
    ("Abs(x - 1)*x", lambda x: abs(x - 1) * x, (1,)),
    ("Min(Max(x, 0), 2)", lambda x: min(max(x, 0), 2), (0, 2)),
    ("Min(Max(x, 0), 2)**2", lambda x: min(max(x, 0), 2) ** 2, (0, 2)),
    ("Max(x, 0)*exp(-x)", lambda x: max(x, 0) * mpmath.exp(-x), (0,)),
    ("exp(-Abs(x))", lambda x: mpmath.exp(-abs(x)), (0,)),
    ("Heaviside(x - 1)*x**2", lambda x: x**2 if x > 1 else 0, (1,)),
    (
        "Piecewise((x**2, x < -1), (exp(x), x < 2), (1 - x, True))",
        lambda x: x**2 if x < -1 else mpmath.exp(x) if x < 2 else 1 - x,
        (-1, 2),
    ),
    ("Max(x**2 - 1, 0)", lambda x: max(x**2 - 1, 0), (-1, 1)),
    ("erf(x - 1/2)**2", lambda x: mpmath.erf(x - 0.5) ** 2, ()),
    ("(1 + erf(2*x - 1))**2", lambda x: mpmath.erfc(1 - 2 * x) ** 2, ()),
    ("erf(x)*erf(2*x - 1)", lambda x: mpmath.erf(x) * mpmath.erf(2 * x - 1), ()),
    (
        "x**2*exp(-x/2)*erf(x)*erfc(1 - x)",
        lambda x: x**2 * mpmath.exp(-x / 2) * mpmath.erf(x) * mpmath.erfc(1 - x),
        (),
    ),
    ("x**3*exp(x)*Phi(2*x - 1)", lambda x: x**3 * mpmath.exp(x) * mpmath.ncdf(2 * x - 1), ()),
    (
        "x*phi(x)*Phi(x - 1)*Phi(-2*x)",
        lambda x: x * mpmath.npdf(x) * mpmath.ncdf(x - 1) * mpmath.ncdf(-2 * x),
        (),
    ),
    ("Max(x, 0)*erf(x)", lambda x: max(x, 0) * mpmath.erf(x), (0,)),
    ("exp(-x)*erf(x)*Heaviside(x)", lambda x: mpmath.exp(-x) * mpmath.erf(x) if x > 0 else 0, (0,)),
    (
        "x**2*Min(Max(x, 0), 1)*Phi(x + 1)",
        lambda x: x**2 * min(max(x, 0), 1) * mpmath.ncdf(x + 1),
        (0, 1),
    ),
    ("x*sinh(x/2) + cosh(x - 1)", lambda x: x * mpmath.sinh(x / 2) + mpmath.cosh(x - 1), ()),
    (
        "x**2*sin(2*x + 1)*exp(-x**2)",
        lambda x: x**2 * mpmath.sin(2 * x + 1) * mpmath.exp(-(x**2)),
        (),
    ),
    ("2**x*x", lambda x: mpmath.mpf(2) ** x * x, ()),
    ("Max(exp(x) - 2, 0)", lambda x: max(mpmath.exp(x) - 2, 0), (mpmath.log(2),)),
    ("Max(erf(x) - 1/2, 0)", lambda x: max(mpmath.erf(x) - 0.5, 0), (mpmath.erfinv(0.5),)),
    (
        "Max(exp(x), 2 - x)",
        lambda x: max(mpmath.exp(x), 2 - x),
        (2 - mpmath.lambertw(mpmath.exp(2)).real,),
    ),
]


@pytest.mark.parametrize(("text", "by_hand", "kinks"), CASES, ids=[c[0] for c in CASES])
def test_value(text, by_hand, kinks):
    form = GaussianAverage(parse(text), M, V).closed_form()
    assert not form.has(*(set(NODES) - {BivariateProbability, OwenT}))
    for mean, variance in POINTS:
        expected = expectation(by_hand, mean, variance, kinks)
        assert float(sp.N(form.subs({M: mean, V: variance}), 20)) == pytest.approx(
            float(expected), rel=1e-12, abs=1e-13
        )


# SymPy takes minutes over the first, whose switch is a number of 30 digits, and the second, a
# product of three
LONG = {"Max(erf(x) - 1/2, 0)", "x*phi(x)*Phi(x - 1)*Phi(-2*x)"}


@pytest.mark.parametrize(
    "text", [pytest.param(c[0], marks=[pytest.mark.slow] * (c[0] in LONG)) for c in CASES]
)
def test_derivative_rules(text):
    """d<f>/dmean = <f'> and d<f>/dvariance = <f''>/2 hold for the closed forms themselves, jumps
    and kinks included.
    """
    f = split(parse(text))
    value, slope, curvature = (
        explicit(closed_form(g, M, V)) for g in (f, f.derivative(), f.derivative().derivative())
    )
    for mean, variance in POINTS:
        at = {M: sp.Rational(str(mean)), V: sp.Rational(str(variance))}
        assert float(sp.N((sp.diff(value, M) - slope).subs(at), 20)) == pytest.approx(0, abs=1e-12)
        assert float(sp.N((sp.diff(value, V) - curvature / 2).subs(at), 20)) == pytest.approx(
            0, abs=1e-12
        )


def test_the_nodes_by_their_definition():
    mean, variance = 0.3, 0.8
    density = float(mpmath.npdf(1.1, mean, mpmath.sqrt(variance)))
    assert float(Probability(-0.5, 1.1, mean, variance).explicit()) == pytest.approx(
        float(
            mpmath.ncdf(1.1, mean, mpmath.sqrt(variance))
            - mpmath.ncdf(-0.5, mean, mpmath.sqrt(variance))
        ),
        rel=1e-13,
    )
    assert float(ScaledDensity(1.1, mean, variance).explicit()) == pytest.approx(
        variance * density, rel=1e-13
    )
    # < delta^(k)(x - c) > = (-1)^k d^k/dx^k of the density at c
    for k in range(4):
        by_difference = (-1) ** k * mpmath.diff(
            lambda x: mpmath.npdf(x, mean, mpmath.sqrt(variance)), 1.1, k
        )
        assert float(DensityMoment(k, 1.1, mean, variance).explicit()) == pytest.approx(
            float(by_difference), rel=1e-8
        )


def test_rectified_linear_in_the_textbook_form():
    # E max(X, 0) = m Phi(m / sqrt v) + sqrt(v) phi(m / sqrt v)
    form = GaussianAverage(parse("Max(x, 0)"), M, V).closed_form()
    textbook = M * (1 + sp.erf(M / sp.sqrt(2 * V))) / 2 + sp.sqrt(V / (2 * sp.pi)) * sp.exp(
        -(M**2) / (2 * V)
    )
    assert sp.simplify(form - textbook) == 0


def test_erf_in_the_textbook_form():
    # E erf(a X + b) = erf((a m + b) / sqrt(1 + 2 a^2 v))
    form = GaussianAverage(sp.erf(3 * X - 2), M, V).closed_form()
    assert sp.simplify(form - sp.erf((3 * M - 2) / sp.sqrt(1 + 18 * V))) == 0


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("tanh(x)", "tanh"),
        ("1/(1 + exp(-x))", "no closed form"),
        ("log(1 + exp(x))", "log"),
        ("sqrt(1 + x**2)", "no closed form"),
        (
            "erf(x)**3",
            "product of 3 error functions: it is a normal probability of more than two variables",
        ),
        ("exp(x**2)", "diverges"),
        ("Max(x, 0)*erf(x)**2", r"2 error functions on \(0, oo\)"),
        ("erf(x)*sin(x)", "an error function times a sine"),
        ("erf(x**2)", "no closed form"),
        ("Max(x, 0)*cos(x)", r"cos\(x\) on \(0, oo\)"),
        ("erf(x)*tanh(x)", "tanh"),
        ("exp(x**3)", "no closed form"),
        ("x**41", "too long"),
        ("x**11*exp(x)", "too long"),
        ("Max(x, 0)**1.5", "no closed form"),
    ],
)
def test_no_closed_form_is_said(text, match):
    with pytest.raises(NoClosedFormError, match=match):
        GaussianAverage(parse(text), M, V).closed_form()


def test_high_powers_do_not_explode(ends):
    with ends, pytest.raises(NoClosedFormError, match="degree above 40"):
        GaussianAverage(parse("(x + 1)**99"), M, V).closed_form(nodes=True)


def test_cancelling_polynomials_and_short_intervals_are_refused_or_recentred():
    # (x - 20)^5 (x - 19)^5 about 39/2: at mean 20 and variance 1/10 the rule for a binomial in z
    # gives .18945 (mpmath)
    form = GaussianAverage(parse("(x - 20)**5*(x - 19)**5"), M, V).closed_form(nodes=True)
    expected = expectation(lambda x: (x - 20) ** 5 * (x - 19) ** 5, 20, mpmath.mpf("0.1"))
    assert float(sp.lambdify((M, V), form, "math")(20.0, 0.1)) == pytest.approx(
        float(expected), rel=1e-9
    )
    for text in ("(x - 20)**3*(x + 20)**3*(x - 1)**3", "Min(Max(1000000*x, 0), 1)"):
        with pytest.raises(NoClosedFormError, match="loses its digits"):
            GaussianAverage(parse(text), M, V).closed_form(nodes=True)


def test_powers_of_sines_and_cosines():
    # cos^4 = 3/8 + cos(2x)/2 + cos(4x)/8 and E cos(k X) = cos(k m) exp(-k^2 v / 2)
    form = GaussianAverage(parse("cos(x)**4"), M, V).closed_form()
    by_hand = (
        sp.Rational(3, 8) + sp.cos(2 * M) * sp.exp(-2 * V) / 2 + sp.cos(4 * M) * sp.exp(-8 * V) / 8
    )
    assert sp.expand(form - by_hand) == 0


def test_erf_squared_in_owens_t():
    # E Phi(X)^2 = Phi(h) - 2 T(h, 1 / sqrt(1 + 2 v)), h = m / sqrt(1 + v): P of two variables with
    # correlation v / (1 + v)
    form = GaussianAverage(parse("Phi(x)**2"), M, V).closed_form()
    h = M / sp.sqrt(1 + V)
    assert (
        sp.simplify(form - (1 + sp.erf(h / sp.sqrt(2))) / 2 + 2 * OwenT(h, 1 / sp.sqrt(1 + 2 * V)))
        == 0
    )


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("_main", lambda k: stein._M**k),
        ("_lowered", lambda k, j: sp.Integer(0)),
        ("_boundary", lambda c, law: sp.Integer(0)),
        ("_level", lambda gate, m, v: gate[0] * m + gate[1]),
        ("_centred", lambda cdf: cdf),
    ],
)
def test_a_wrong_rule_is_caught(monkeypatch, name, wrong):
    texts = {
        "_main": "x**2",
        "_lowered": "x*erf(x)",
        "_boundary": "Max(x, 0)",
        "_level": "erf(x)*erf(2*x)",
        "_centred": "erf(x)",
    }
    monkeypatch.setattr(stein, name, wrong)
    closed_forms._closed_form.cache_clear()
    with pytest.raises(NoClosedFormError, match="failed its check"):
        GaussianAverage(parse(texts[name]), M, V).closed_form()
    monkeypatch.undo()
    GaussianAverage(parse(texts[name]), M, V).closed_form()


def test_an_error_of_one_in_a_million_is_caught():
    f = split(parse("Max(x, 0)*Phi(x)"))
    form = closed_form(f, M, V)
    selfcheck.compare(form, f, M, V)
    with pytest.raises(
        NoClosedFormError, match="failed its check: it gives .* numerical integration"
    ):
        selfcheck.compare(form * (1 + sp.Float("1e-6")), f, M, V)


def test_the_numerical_integral():
    # E exp(X) = exp(m + v / 2); |sin| has no closed form here: mpmath
    assert selfcheck.integrate(split(parse("exp(x)")), 0.3, 0.7, {})[0] == pytest.approx(
        math.exp(0.65), rel=1e-12
    )
    total, size = selfcheck.integrate(split(parse("Heaviside(x) - Heaviside(-x)")), 0.0, 1.0, {})
    assert total == pytest.approx(0, abs=1e-14)
    assert size == pytest.approx(1, rel=1e-12)


def test_symbols_in_the_function():
    # E exp(-a X^2) = exp(-a m^2 / (1 + 2 a v)) / sqrt(1 + 2 a v)
    a, b = sp.Symbol("a", positive=True), sp.Symbol("b", real=True)
    form = GaussianAverage(sp.exp(-a * X**2), M, V).closed_form()
    assert sp.simplify(form - sp.exp(-a * M**2 / (1 + 2 * a * V)) / sp.sqrt(1 + 2 * a * V)) == 0
    form = GaussianAverage(sp.erf(b * X), M, V).closed_form()
    assert sp.simplify(form - sp.erf(b * M / sp.sqrt(1 + 2 * b**2 * V))) == 0
    form = GaussianAverage(sp.Max(X - b, 0), M, V).closed_form()
    textbook = (M - b) * (1 + sp.erf((M - b) / sp.sqrt(2 * V))) / 2 + sp.sqrt(
        V / (2 * sp.pi)
    ) * sp.exp(-((M - b) ** 2) / (2 * V))
    assert sp.simplify(form - textbook) == 0


def test_formulas_that_lose_their_digits_are_for_people_only():
    average = GaussianAverage(parse("exp(-x)*erf(x)*Heaviside(x)"), M, V)
    assert average.closed_form().has(BivariateProbability)
    with pytest.raises(NoClosedFormError, match="loses its digits"):
        average.closed_form(nodes=True)


def test_no_formula_without_a_value():
    with pytest.raises(NoClosedFormError, match="keep the variance a symbol"):
        GaussianAverage(parse("Max(x, 0)"), M, 0).closed_form()


C, B = sp.Rational(1, 3), sp.Rational(7, 5)
EVERY_NODE = [
    NormalCDF(M),
    ScaledCDF(M, M - V),
    Probability(C, B, M, V),
    Probability(-sp.oo, C, M, V),
    ScaledDensity(C, M, V),
    DensityMoment(2, C, M, V),
    TiltedProbability(C, sp.oo, 0, -2, 1, M, V),
    TiltedProbability(C, B, C, 1, 0, M, V),
    TiltedProbability(-sp.oo, B, 1, 0, 0, M, V),
    BivariateProbability(M, 1 - M, V / (1 + V)),
    BivariateProbability(M, M, -V / (1 + V)),
    OwenT(M, V),
    GatedProbability(C, sp.oo, 2, -1, M, V),
    GatedProbability(-sp.oo, C, B, C, M, V),
    GatedProbability(C, B, -1, C, M, V),
]


@pytest.mark.parametrize("node", EVERY_NODE, ids=str)
def test_nodes_agree_with_their_explicit_forms(node):
    at = {M: sp.Rational(2, 7), V: sp.Rational(3, 5)}
    assert float(
        (node.subs(at).evalf(30) - explicit(node).subs(at).evalf(30))
        / explicit(node).subs(at).evalf(30)
    ) == pytest.approx(0, abs=1e-25)


@pytest.mark.parametrize("node", EVERY_NODE, ids=str)
def test_derivatives_of_nodes(node):
    m, v, step = sp.Rational(2, 7), sp.Rational(3, 5), sp.Rational(1, 10**8)
    for symbol in (M, V):
        up, down = (
            node.subs({M: m, V: v, symbol: {M: m, V: v}[symbol] + sign * step}).evalf(40)
            for sign in (1, -1)
        )
        rule = node.diff(symbol).subs({M: m, V: v}).evalf(20)
        assert float(rule) == pytest.approx(float((up - down) / (2 * step)), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("node", EVERY_NODE, ids=str)
def test_nodes_have_latex(node):
    text = sp.latex(node)
    assert type(node).__name__ not in text
    assert text.count("{") == text.count("}")


def test_latex_of_the_bivariate_normal_and_of_owens_t():
    h, k, r = sp.symbols("h k rho")
    assert sp.latex(BivariateProbability(h, k, r)) == r"\Phi_2\left(h, k;\, \rho\right)"
    assert sp.latex(OwenT(h, k)) == r"T\left(h, k\right)"


def test_bivariate_probabilities_by_their_definition():
    # P(Z1 < 0, Z2 < 0) = 1/4 + asin(rho) / (2 pi); infinite limits leave one variable
    assert float(BivariateProbability(0, 0, C).evalf()) == pytest.approx(
        0.25 + math.asin(1 / 3) / (2 * math.pi), rel=1e-14
    )
    assert BivariateProbability(sp.oo, M, C) == NormalCDF(M)
    assert BivariateProbability(M, -sp.oo, C) == 0
    # T(0, a) = atan(a) / (2 pi)
    assert float(OwenT(0, B).evalf()) == pytest.approx(math.atan(1.4) / (2 * math.pi), rel=1e-14)
