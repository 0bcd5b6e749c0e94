"""Values of expressions: those of Python's own arithmetic, and what has none."""

import math

import pytest
import sympy as sp
from mpmath import inf, mpf

from motifield.errors import ExpressionError
from motifield.theory.expressions import NoValueError, X, finite_value, parse, value

NORMAL = math.erfc(-0.75 / math.sqrt(2)) / 2
AT = 0.75
# each at x = 3/4, by Python's math
BY_HAND = [
    ("3*x - x/4 + 2", 3 * AT - AT / 4 + 2),
    ("x**3", AT**3),
    ("(-x)**3", -(AT**3)),
    ("(x - 1)**-2", 0.25**-2),
    ("x**x", AT**AT),
    ("exp(x) + log(x)", math.exp(AT) + math.log(AT)),
    ("sin(x) + cos(x) + tan(x)", math.sin(AT) + math.cos(AT) + math.tan(AT)),
    ("sinh(x) + cosh(x) + tanh(x)", math.sinh(AT) + math.cosh(AT) + math.tanh(AT)),
    ("atan(x)*pi*E", math.atan(AT) * math.pi * math.e),
    ("erf(x) - erfc(x)", math.erf(AT) - math.erfc(AT)),
    ("Phi(x)", NORMAL),
    ("Max(x, 0) + Min(x, 1, x/2)", AT + AT / 2),
    ("Abs(x - 1) + sign(x - 1) + Heaviside(x)", 0.25),
    ("Heaviside(x - 0.75)", 0.5),
    ("Piecewise((log(x - 1), x > 1), (x, x > 0.5), (0, True))", AT),
    ("Piecewise((1, x <= 0.75), (2, True))", 1),
    ("tanh(x*10**45) + erf(10**45*x) - erfc(10**45*x)", 2),
    ("1/(1 + exp(x*10**45))", 0),
    ("x*0 + exp(-10**45*x)", 0),
    ("Max(x - 1, 0)*exp(exp(exp(exp(10*x))))", 0),
]


@pytest.mark.parametrize(("text", "expected"), BY_HAND)
def test_values_by_hand(text, expected):
    found = value(parse(text), {X: mpf(3) / 4})
    assert float(found) == pytest.approx(expected, rel=1e-14, abs=1e-14)


def test_a_function_of_sympy_alone_has_values_too():
    found = value(sp.gamma(X) + sp.Symbol("k"), {X: mpf(5), sp.Symbol("k"): mpf(1)})
    assert float(found) == pytest.approx(25, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "part", "reason"),
    [
        ("1 + log(-x)", "log(-x)", "is not a real number"),
        ("Max(sqrt(x - 1), 0)", "sqrt(x - 1)", "is not a real number"),
        ("2*log(x - 0.75)", "log(x - 3/4)", "is infinite"),
        ("1 + 1/(x - 0.75)", "1/(x - 3/4)", "is infinite"),
        ("exp(exp(99*x)) - exp(exp(98*x))", "exp(exp(99*x)) - exp(exp(98*x))", "is not a real"),
        ("Piecewise((1, x > 1))", "Piecewise((1, x > 1))", "has no branch"),
        ("x + sin(10**20*x)", "sin(100000000000000000000*x)", "oscillates"),
    ],
)
def test_the_part_that_has_no_value_is_named(text, part, reason):
    with pytest.raises(NoValueError, match=reason) as caught:
        value(parse(text), {X: mpf(3) / 4})
    assert caught.value.part == parse(part)


def test_the_innermost_part_that_is_too_large_is_named():
    expression = 1 + sp.exp(sp.exp(10 * X))
    assert value(expression, {X: mpf(9)}) == inf
    with pytest.raises(NoValueError, match="larger than 1.8e.308") as caught:
        finite_value(1 / expression + sp.Max(expression, X), {X: mpf(9)})
    assert caught.value.part == sp.exp(sp.exp(10 * X))


@pytest.mark.parametrize("text", ["10**51", "-10**51*x", "exp(116)", "log(-1)*x", "sqrt(-2)"])
def test_numbers_in_texts_are_real_and_have_a_size(text):
    with pytest.raises(ExpressionError, match="a number in .* is (larger than 1e.50|not a real)"):
        parse(text)
