"""Functions in units that are far from 1 are written in units of their own."""

import pytest
import sympy as sp

from motifield.theory.expressions import X, parse
from motifield.theory.expressions.affine_form import affine


@pytest.mark.parametrize(
    ("text", "a"),
    [
        ("1e-10*tanh(2e10*x)", 10**10),
        ("1e10*tanh(2*x/1e10)", sp.Rational(1, 10**10)),
        ("x*exp(-(x*1e10)**2)", 10**10),
        ("tanh(2*x)", 1),
        ("tanh(x) + tanh(1e10*x)", 1),
        ("10000000000*Max(x, 0)**2", 1),
    ],
)
def test_a_function_in_tiny_or_huge_units_has_its_own(text, a):
    expression = parse(text)
    found = affine(expression)
    assert found.a == a
    assert found.b == 0
    assert sp.simplify(found.outer.subs(X, found.a * X) - expression) == 0
