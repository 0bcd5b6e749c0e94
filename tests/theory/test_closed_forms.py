"""Closed forms of Gaussian averages against numerical integration (mpmath, 18 digits) of functions written out by hand."""

import time

import mpmath
import pytest
import sympy as sp

from motifield.errors import NoClosedFormError
from motifield.theory.closed_forms import DensityMoment, Probability, ScaledDensity, closed_form
from motifield.theory.expressions import X, parse
from motifield.theory.gaussian import GaussianAverage
from motifield.theory.pieces import split

M, V = sp.Symbol("m", real=True), sp.Symbol("v", positive=True)
POINTS = [(0.7, 1.3), (-1.9, 0.4), (3.3, 5.1), (0.2, 0.03)]


def expectation(function, mean, variance, kinks=()):
    """E f by mpmath on a grid of one standard deviation that contains the kinks."""
    with mpmath.workdps(18):
        mean, width = mpmath.mpf(mean), mpmath.sqrt(mpmath.mpf(variance))
        grid = sorted({mean + width * k for k in range(-18, 19)} | {mpmath.mpf(c) for c in kinks if abs(c - mean) < 12 * width})
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
    ("exp(-x**2/2 + x)*erf(x - 1)*x", lambda x: x * mpmath.exp(-(x**2) / 2 + x) * mpmath.erf(x - 1), ()),
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
    ("Piecewise((x**2, x < -1), (exp(x), x < 2), (1 - x, True))",
     lambda x: x**2 if x < -1 else mpmath.exp(x) if x < 2 else 1 - x, (-1, 2)),
    ("Max(x**2 - 1, 0)", lambda x: max(x**2 - 1, 0), (-1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "by_hand", "kinks"), CASES, ids=[c[0] for c in CASES])
def test_value(text, by_hand, kinks):
    form = GaussianAverage(parse(text), M, V).closed_form()
    assert not form.has(Probability, ScaledDensity, DensityMoment)
    for mean, variance in POINTS:
        expected = expectation(by_hand, mean, variance, kinks)
        assert float(sp.N(form.subs({M: mean, V: variance}), 20)) == pytest.approx(float(expected), rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("text", [c[0] for c in CASES])
def test_derivative_rules(text):
    """d<f>/dmean = <f'> and d<f>/dvariance = <f''>/2 hold for the closed forms themselves, jumps and kinks included."""
    f = split(parse(text))
    value, slope, curvature = (sp.Add(closed_form(g, M, V)).replace(
        lambda e: isinstance(e, (Probability, ScaledDensity, DensityMoment)), lambda e: e.explicit())
        for g in (f, f.derivative(), f.derivative().derivative()))  # fmt: skip
    for mean, variance in POINTS:
        at = {M: sp.Rational(str(mean)), V: sp.Rational(str(variance))}
        assert float(sp.N((sp.diff(value, M) - slope).subs(at), 20)) == pytest.approx(0, abs=1e-12)
        assert float(sp.N((sp.diff(value, V) - curvature / 2).subs(at), 20)) == pytest.approx(0, abs=1e-12)


def test_the_nodes_by_their_definition():
    mean, variance = 0.3, 0.8
    density = float(mpmath.npdf(1.1, mean, mpmath.sqrt(variance)))
    assert float(Probability(-0.5, 1.1, mean, variance).explicit()) == pytest.approx(
        float(mpmath.ncdf(1.1, mean, mpmath.sqrt(variance)) - mpmath.ncdf(-0.5, mean, mpmath.sqrt(variance))), rel=1e-13
    )
    assert float(ScaledDensity(1.1, mean, variance).explicit()) == pytest.approx(variance * density, rel=1e-13)
    # < delta^(k)(x - c) > = (-1)^k d^k/dx^k of the density at c
    for k in range(4):
        by_difference = (-1) ** k * mpmath.diff(lambda x: mpmath.npdf(x, mean, mpmath.sqrt(variance)), 1.1, k)
        assert float(DensityMoment(k, 1.1, mean, variance).explicit()) == pytest.approx(float(by_difference), rel=1e-8)


def test_rectified_linear_in_the_textbook_form():
    # E max(X, 0) = m Phi(m / sqrt v) + sqrt(v) phi(m / sqrt v)
    form = GaussianAverage(parse("Max(x, 0)"), M, V).closed_form()
    textbook = M * (1 + sp.erf(M / sp.sqrt(2 * V))) / 2 + sp.sqrt(V / (2 * sp.pi)) * sp.exp(-(M**2) / (2 * V))
    assert sp.simplify(form - textbook) == 0


def test_erf_in_the_textbook_form():
    # E erf(a X + b) = erf((a m + b) / sqrt(1 + 2 a^2 v))
    form = GaussianAverage(sp.erf(3 * X - 2), M, V).closed_form()
    assert sp.simplify(form - sp.erf((3 * M - 2) / sp.sqrt(1 + 18 * V))) == 0


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("tanh(x)", "tanh"), ("1/(1 + exp(-x))", "no closed form"), ("log(1 + exp(x))", "log"), ("sqrt(1 + x**2)", "no closed form"),
        ("erf(x)**2", "no closed form"), ("erf(x)*erf(2*x)", "no closed form"), ("Max(x, 0)*erf(x)", "no closed form"), ("exp(x**2)", "diverges"),
        ("exp(x**3)", "no closed form"), ("x**11", "too long"), ("Max(x, 0)**1.5", "no closed form"),
    ],
)  # fmt: skip
def test_no_closed_form_is_said(text, match):
    with pytest.raises(NoClosedFormError, match=match):
        GaussianAverage(parse(text), M, V).closed_form()


def test_high_powers_do_not_explode():
    start = time.perf_counter()
    with pytest.raises(NoClosedFormError, match="degree above 10"):
        GaussianAverage(parse("(x + 1)**99"), M, V).closed_form(nodes=True)
    assert time.perf_counter() - start < 2
