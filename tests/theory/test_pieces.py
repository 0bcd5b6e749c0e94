"""Functions with switches as smooth pieces, and their derivatives as generalised functions."""

import pytest
import sympy as sp

from motifield.errors import ExpressionError
from motifield.theory.expressions import X, parse
from motifield.theory.pieces import Pieces, derivative, split


def at(pieces: Pieces, point: sp.Expr) -> sp.Expr:
    return next(f for low, high, f in pieces.intervals() if low <= point < high).subs(X, point)


@pytest.mark.parametrize(
    ("text", "breaks", "pieces"),
    [
        ("tanh(x)", (), (sp.tanh(X),)),
        ("Max(x - 2, 0)", (2,), (0, X - 2)),
        ("Max(0, x)**2", (0,), (0, X**2)),
        ("Abs(x + 1)", (-1,), (-X - 1, X + 1)),
        ("Min(Max(x, 0), 3)", (0, 3), (0, X, 3)),
        ("Max(x, 1 - x)", (sp.Rational(1, 2),), (1 - X, X)),
        ("sign(x - 1)*x", (1,), (-X, X)),
        ("Heaviside(x**2 - 4)", (-2, 2), (1, 0, 1)),
        ("Piecewise((x, x < 0), (x**2, x <= 1), (1, True))", (0, 1), (X, X**2, 1)),
        ("Max(x**2 - 2, 0)", (-sp.sqrt(2), sp.sqrt(2)), (X**2 - 2, 0, X**2 - 2)),
        ("Max(Abs(x) - 1, 0)", (-1, 1), (-X - 1, 0, X - 1)),
        ("Max(x, 0) - Max(x, 0)", (), (0,)),
        ("Max(x, 0) + Max(-x, 0)", (0,), (-X, X)),
    ],
)
def test_split_by_hand(text, breaks, pieces):
    found = split(parse(text))
    assert found.breaks == breaks
    assert [sp.simplify(a - b) for a, b in zip(found.pieces, pieces, strict=True)] == [0] * len(pieces)


@pytest.mark.parametrize(
    "text",
    [
        "Max(x, 0)*Max(2 - x, 0) + Abs(x - 1)", "exp(-Abs(x))*sign(x + 3)", "Max(Min(x, 1), -1)**3 + Max(x - 1/3, 0)*tanh(x)",
        "Piecewise((0, x < -1), (Max(x, 0) + 1, x < 2), (sin(x), True))", "Heaviside(x - 1)*Max(x**3 - x, 0)",
    ],
)  # fmt: skip
def test_split_equals_the_function_everywhere(text):
    expression = parse(text)
    found = split(expression)
    for k in range(-40, 41):
        point = sp.Rational(k, 9) + sp.Rational(1, 97)  # never at a break
        assert float(at(found, point)) == pytest.approx(float(expression.subs(X, point)), abs=1e-14), point


def test_a_jump_becomes_a_delta_and_then_its_derivative():
    # f = x for x < 2, 5 for x >= 2: f' = [x < 2] + 3 delta(x - 2), f'' = -delta(x - 2) + 3 delta'(x - 2)
    f = split(parse("Piecewise((x, x < 2), (5, True))"))
    first = f.derivative()
    assert first.pieces == (1, 0)
    assert first.deltas == ((2, 0, 3),)
    second = first.derivative()
    assert second.pieces == (0, 0)
    assert set(second.deltas) == {(2, 1, 3), (2, 0, -1)}


def test_a_kink_has_no_delta_in_its_first_derivative():
    first = split(parse("Max(x - 1, 0)*2")).derivative()
    assert first.deltas == ()
    assert first.derivative().deltas == ((1, 0, 2),)


def test_a_continuous_joint_gives_no_delta_at_all():
    # the derivative of |x|^3 is smooth up to second order: only the third derivative jumps, by 12
    f = split(parse("Abs(x)**3"))
    for _ in range(3):
        f = f.derivative()
        assert f.deltas == ()
    assert f.derivative().deltas == ((0, 0, 12),)


def test_switches_that_are_not_polynomials_are_refused():
    with pytest.raises(ExpressionError, match="must be a polynomial in x"):
        split(parse("Max(exp(x) - 2, 0)"))


def test_a_piecewise_must_cover_the_line():
    with pytest.raises(ExpressionError, match=r"end it with \(value, True\)"):
        split(sp.Piecewise((X, X > 0)))


@pytest.mark.parametrize("text", ["Max(x, 0)**2", "Piecewise((x, x < 2), (5, True))", "sign(x)*exp(x) + Abs(x - 3)"])
def test_expressions_and_pieces_say_the_same(text):
    pieces = split(parse(text))
    for _ in range(4):
        again = split(pieces.expression())
        assert set(again.deltas) == set(pieces.deltas)
        assert all(sp.simplify(at(again, p) - at(pieces, p)) == 0 for p in (-1, sp.Rational(1, 3), 7))
        pieces = pieces.derivative()


def test_a_function_times_a_delta():
    # cos(x) delta'(x - 1) = cos(1) delta'(x - 1) + sin(1) delta(x - 1)
    assert set(split(sp.cos(X) * sp.DiracDelta(X - 1, 1)).deltas) == {(1, 1, sp.cos(1)), (1, 0, sp.sin(1))}
    with pytest.raises(ExpressionError, match="is not a function times DiracDelta"):
        split(sp.DiracDelta(X**2 - 1))


def test_the_derivative_keeps_the_deltas_that_sympy_drops():
    step = sp.Piecewise((0, X < 0), (1, True))
    assert sp.diff(step, X) == 0  # the SymPy behaviour that `derivative` works around
    assert derivative(step) == sp.DiracDelta(X)
