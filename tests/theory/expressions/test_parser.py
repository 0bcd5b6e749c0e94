"""Expressions are data: whatever a text says, nothing in it runs, and it is read or refused at
once.
"""

import contextlib
import os

import pytest
import sympy as sp

from motifield.errors import ExpressionError
from motifield.theory.expressions.parser import FUNCTIONS, X, parse

REFUSED = [
    ("__import__('os').system('x')", "not permitted"),
    ("__import__('os')", "unknown function '__import__'"),
    ("exp(__import__('os').system('x'))", "not permitted"),
    ("open('/etc/passwd')", "unknown function 'open'"),
    ("eval('1')", "unknown function 'eval'"),
    ("x.__class__", "not permitted"),
    ("exp.__globals__", "not permitted"),
    ("().__class__.__bases__[0]", "not permitted"),
    ("x.subs(x, 1)", "not permitted"),
    ("x[0]", "not permitted"),
    ("lambda x: x", "not permitted"),
    ("(lambda: x)()", "not permitted"),
    ("(x := 2)", "not permitted"),
    ("[x for x in (1, 2)]", "not permitted"),
    ("sum(x for x in (1, 2))", "unknown function 'sum'"),
    ("Max(*[x, 1])", "not permitted"),
    ("Max(**{'x': 1})", "not permitted"),
    ("exp(x, evaluate=False)", "not permitted"),
    ("{x: 1}", "not permitted"),
    ("[x, 1]", "not permitted"),
    ("f'{x}'", "not permitted"),
    ("f'{__import__(\"os\")}'", "not permitted"),
    ("'x'", "not permitted"),
    ("b'x'", "not permitted"),
    ("1j", "not permitted"),
    ("...", "not permitted"),
    ("None", "not permitted"),
    ("x if x else 1", "not permitted"),
    ("x and 1", "not permitted"),
    ("x // 2", "not permitted"),
    ("x % 2", "not permitted"),
    ("x @ x", "not permitted"),
    ("~x", "not permitted"),
    ("not x", "not permitted"),
    ("1 < x < 2", "not permitted"),
    ("x == 1", "not permitted"),
    ("x^2", r"'\^' is not a power: write '\*\*'"),
    ("y + 1", "unknown name 'y'"),
    ("exp", "unknown name 'exp'"),
    ("__builtins__", "unknown name '__builtins__'"),
    ("gamma(x)", "unknown function 'gamma'"),
    ("x = 2", "not an expression"),
    ("import os", "not an expression"),
    ("x; x", "not an expression"),
    ("x +", "not an expression"),
    ("", "not an expression"),
    ("\x00", "not an expression"),
    ("2x", "not an expression"),
    ("(x", "not an expression"),
    ("x < 1", "not an expression"),
    ("(x, 1)", "not an expression"),
    ("True", "not an expression"),
    ("1/0", "not an expression with finite values"),
    ("log(0)", "not an expression with finite values"),
    ("exp(1, 2, 3)", "not an expression"),
    ("Rational(x, 2)", "not an expression"),
    ("10**10000000", "exceeds 1000"),
    ("10**-10000000", "exceeds 1000"),
    ("(10**1000)**1000", "too many digits"),
    ("((10**100)**100)**100", "too many digits"),
    ("2**(10**100)", "exceeds 1000"),
    ("x**(10**100)", "exceeds 1000"),
    ("(1/10**900)**900", "too many digits"),
    ("(-2)**x", "negative base"),
    (
        "(x + 1)**1000",
        "a power of x .* exceeds 100",
    ),  # hung: the closed form of its average has 2**1000 terms
    ("((x + 1)**1000)**1000", "exceeds 100"),
    ("((x**9 + 1)**9 + x)**9", "exceeds 100"),
    ("Max((x + 1)**60*(x + 2)**60, 0)", "exceeds 100"),
    ("1" * 50, "more than 40 digits"),
    ("1e400", "digits"),
    ("(" * 10_000 + "x" + ")" * 10_000, "at most 2000 are read"),
    ("(" * 900 + "x" + ")" * 900, "not an expression"),
    ("-" * 1900 + "x", "nested more than 60 deep|not an expression"),
    ("+".join(["x"] * 900), "nested more than 60 deep|not an expression"),
    ("exp(" * 300 + "x" + ")" * 300, "nested more than 60 deep|not an expression"),
    ("x" * 2001, "at most 2000 are read"),
    ("sin((1, 2))", "pairs are for Piecewise only"),
    ("Max((1, 2), x)", "pairs are for Piecewise only"),
    ("2**exp(exp(exp(exp(10))))", "too large"),
    ("x**exp(exp(exp(exp(10))))", "too large"),
    ("Max(exp(exp(exp(exp(10)))), x)", "too large"),
    ("Max(exp(exp(exp(10))), exp(exp(exp(11))))", "too large"),
    ("Rational(1, 2, 3)", "one or two rational numbers"),
    ("x**sqrt(-1)", "a number in .*, I, is not a real number"),
    ("Piecewise((1, x))", "takes pairs"),
    ("Piecewise(1, x)", "takes pairs"),
    ("Piecewise((x, x > 0), (x < 0, True))", "is not a number"),
    ("(x > 1) + 1", "is not a number"),
    ("Max()", "finite values"),
    ("Max(" + ", ".join(f"sin({k}*x)" for k in range(100)) + ")", "more than 10 arguments"),
    (
        "Max(Max("
        + ",".join(f"sin({k}*x)" for k in range(9))
        + "), Max("
        + ",".join(f"cos({k}*x)" for k in range(9))
        + "))",
        "more than 10",
    ),
]


@pytest.mark.parametrize(("text", "match"), REFUSED, ids=[text[:30] for text, _ in REFUSED])
def test_refused_at_once(text, match, monkeypatch, ends):
    monkeypatch.setattr(os, "system", lambda *_: pytest.fail("the text was run"))
    with ends, pytest.raises(ExpressionError, match=match):
        parse(text)


BOMBS = [
    *("exp(exp(exp(exp(exp(9.0)))))", "(x + 1)**99", "exp(1000)**1000", "sin(10**900)"),
    "Max(" + "x**3 + 1, " * 100 + "0)",
    *("2**1000 * 2**1000 * 2**1000", "sqrt(sqrt(sqrt(2**1000 + 1)))", "10**999 + x"),
    *("tan(1e30)**999", "E**1000**0.5"),
]


@pytest.mark.parametrize("text", BOMBS)
def test_large_expressions_are_read_or_refused(text, ends):
    with ends, contextlib.suppress(ExpressionError):
        parse(text)


def test_a_text_or_nothing():
    with pytest.raises(ExpressionError, match="not int: 3"):
        parse(3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + tanh(x - 3/2)", 1 + sp.tanh(X - sp.Rational(3, 2))),
        ("0.1*x", X / 10),
        ("1e-3", sp.Rational(1, 1000)),
        ("-x**2", -(X**2)),
        ("2**-1", sp.Rational(1, 2)),
        ("+x", X),
        ("Rational(1, 3)*x", X / 3),
        ("pi*E", sp.pi * sp.E),
        ("Piecewise((x, x > 0), (0, True))", sp.Piecewise((X, X > 0), (0, True))),
        ("Max(Min(x, 1), 0)", sp.Max(sp.Min(X, 1), 0)),
        ("sqrt(1 + x**2)", sp.sqrt(1 + X**2)),
        ("  x ", X),
    ],
)
def test_read_as_written(text, expected):
    assert parse(text) == expected


def test_decimals_are_exact():
    assert parse("0.1 + 0.2") == sp.Rational(3, 10)


@pytest.mark.parametrize(
    "name", sorted(set(FUNCTIONS) - {"Piecewise", "Rational", "Max", "Min", "Phi", "phi"})
)
def test_each_function_is_sympys(name):
    assert parse(f"{name}(x + 2)") == getattr(sp, name)(X + 2)


def test_the_normal_distribution():
    # Phi(u) = (1 + erf(u / sqrt 2)) / 2 with slope phi(u) = exp(-u^2 / 2) / sqrt(2 pi)
    assert parse("Phi(2*x - 1)") == (1 + sp.erf((2 * X - 1) / sp.sqrt(2))) / 2
    assert sp.simplify(sp.diff(parse("Phi(x)"), X) - parse("phi(x)")) == 0
    assert sp.integrate(parse("phi(x)"), (X, -sp.oo, sp.oo)) == 1
    with pytest.raises(ExpressionError, match="not an expression"):
        parse("Phi(x, 1)")


def test_other_variables():
    t = sp.Symbol("t", real=True)
    assert parse("sin(2*t)", {"t": t}) == sp.sin(2 * t)
    with pytest.raises(ExpressionError, match="unknown name 'x'"):
        parse("x", {"t": t})


def test_the_error_lists_what_is_known():
    with pytest.raises(ExpressionError, match=r"known are .*tanh"):
        parse("sigmoid(x)")
