"""Functions with switches as smooth pieces, and their derivatives as generalised functions."""

import mpmath
import pytest
import sympy as sp

from motifield.errors import ExpressionError
from motifield.theory.expressions.parser import X, parse
from motifield.theory.expressions.pieces import Pieces, derivative, split


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
    assert [sp.simplify(a - b) for a, b in zip(found.pieces, pieces, strict=True)] == [0] * len(
        pieces
    )


@pytest.mark.parametrize(
    "text",
    [
        "Max(x, 0)*Max(2 - x, 0) + Abs(x - 1)",
        "exp(-Abs(x))*sign(x + 3)",
        "Max(Min(x, 1), -1)**3 + Max(x - 1/3, 0)*tanh(x)",
        "Piecewise((0, x < -1), (Max(x, 0) + 1, x < 2), (sin(x), True))",
        "Heaviside(x - 1)*Max(x**3 - x, 0)",
    ],
)
def test_split_equals_the_function_everywhere(text):
    expression = parse(text)
    found = split(expression)
    for k in range(-40, 41):
        point = sp.Rational(k, 9) + sp.Rational(1, 97)  # never at a break
        assert float(at(found, point)) == pytest.approx(
            float(expression.subs(X, point)), abs=1e-14
        ), point


def test_a_jump_becomes_a_delta_and_then_its_derivative():
    # f = x for x < 2, 5 for x >= 2: f' = [x < 2] + 3 delta(x - 2), f'' = -delta(x - 2) + 3 delta'(x
    # - 2)
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


@pytest.mark.parametrize(
    ("text", "breaks"),
    [
        ("Max(exp(x) - 2, 0)", (sp.log(2),)),
        ("Abs(tanh(x))", (0,)),
        ("Abs(tanh(2*x - 1) - 1/2)", (sp.atanh(sp.Rational(1, 2)) / 2 + sp.Rational(1, 2),)),
        ("Piecewise((x, exp(x) < 2), (0, True))", (sp.log(2),)),
        ("Max(erf(x) - 1/2, 0)", (sp.erfinv(sp.Rational(1, 2)),)),
        ("Heaviside(exp(-x**2) - 1/2)", (-sp.sqrt(sp.log(2)), sp.sqrt(sp.log(2)))),
        ("sign(1/x)", (0,)),
        ("Max(1/(1 + x**2) - 1/2, 0)", (-1, 1)),
        ("Max(exp(x) + 1, 0)", ()),
        ("Max(tanh(x) - 2, 0)", ()),
        ("Max(tanh(x) - erf(x), 0)", (0,)),
    ],
)
def test_curved_switches_with_exact_roots(text, breaks):
    found = split(parse(text)).breaks
    assert [sp.simplify(a - b) for a, b in zip(found, breaks, strict=True)] == [0] * len(breaks)


@pytest.mark.parametrize(
    ("text", "surface", "expected"),
    [
        ("Max(x, tanh(2*x))", lambda x: x - mpmath.tanh(2 * x), (-0.957504, 0, 0.957504)),
        ("Max(cos(x) - x, 0)", lambda x: mpmath.cos(x) - x, (0.739085,)),
        ("Max(exp(x) - x - 2, 0)", lambda x: mpmath.exp(x) - x - 2, (-1.841406, 1.146193)),
        ("Max(x**5 - x - 1, 0)", lambda x: x**5 - x - 1, (1.167304,)),
        ("Abs(x + 1000*tanh(x) - 1500)", lambda x: x + 1000 * mpmath.tanh(x) - 1500, (500,)),
        (
            "Max(sin(x)*exp(-x**2) - 1/5, 0)",
            lambda x: mpmath.sin(x) * mpmath.exp(-x * x) - mpmath.mpf(1) / 5,
            (0.210626, 1.247493),
        ),
    ],
)
def test_curved_switches_with_numerical_roots(text, surface, expected):
    """The roots to six digits from a plotted table, and 28 digits by substitution."""
    found = split(parse(text)).breaks
    assert [float(b) for b in found] == pytest.approx(expected, abs=1e-6)
    with mpmath.workdps(40):
        assert all(abs(surface(mpmath.mpf(str(sp.N(b, 35))))) < 1e-27 for b in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Max(1/cosh(400*(x - 3)) - 1/2, 0)",
            (3 - 0.0032923947, 3 + 0.0032923947),
        ),  # acosh(2) = 1.3169579
        ("Max(1/cosh(1000000*(x - 3)) - 1/2, 0)", (3 - 1.3169579e-6, 3 + 1.3169579e-6)),
        ("Max(1/cosh(80*(x - 18)) - 1/2, 0)", (18 - 0.0164619737, 18 + 0.0164619737)),
        ("Max(x*exp(-x) - 0.367879, 0)", (0.9984521, 1.0015495)),  # exp(-1) = .36787944
    ],
)
def test_two_roots_closer_than_the_grid(text, expected):
    assert [float(b) for b in split(parse(text)).breaks] == pytest.approx(expected, abs=1e-7)


def test_a_missed_root_is_noticed(monkeypatch):
    monkeypatch.setattr("motifield.theory.expressions.switches.real_roots", lambda surface: [])
    with pytest.raises(ExpressionError, match="cannot find where .* switches: at x ="):
        split(parse("Max(tanh(x) - 1/3, 0)"))


def test_a_root_of_a_square_bends():
    found = split(parse("sqrt(x**4 + x**2)"))
    assert found.breaks == (0,)
    assert [
        sp.simplify(p.subs(X, s) - sp.sqrt(20)) for p, s in zip(found.pieces, (-2, 2), strict=True)
    ] == [0, 0]


def test_a_double_root_does_not_switch():
    assert split(parse("Max(exp(x) - x - 1, 0)")).pieces[0] == sp.exp(X) - X - 1
    assert split(parse("Abs(1 - cos(x)*exp(-x**2))")).breaks == ()


def test_saturation_is_not_mistaken_for_a_root():
    assert split(parse("Max(erf(x) - 1, 0)")).breaks == ()
    assert split(parse("Max(exp(-x**2) + exp(-x**4), 0)")).breaks == ()


def test_too_many_switches_are_refused_at_once():
    with pytest.raises(
        ExpressionError, match="sin.x. switches too often: it changes sign more than 50 times"
    ):
        split(parse("Max(sin(x), 0)"))


def test_conditions_with_and_or_not():
    f = sp.Piecewise(
        (X, sp.And(X > 0, X < 2)), (1, sp.Or(X < -3, sp.exp(X) > 9)), (5, sp.Not(X < 2)), (0, True)
    )
    found = split(f)
    assert found.breaks == (-3, 0, 2, 2 * sp.log(3))
    assert found.pieces == (1, 0, X, 5, 1)


def test_a_symbol_as_a_threshold():
    t = sp.Symbol("t", real=True)
    assert split(sp.Max(X - t, 0)) == Pieces((t,), (sp.Integer(0), X - t))
    with pytest.raises(ExpressionError, match="give its symbols values first"):
        split(sp.Max(X - t, 0) + sp.Max(X, 0))
    with pytest.raises(ExpressionError, match="give its symbols values first"):
        split(sp.Max(sp.exp(X) - t * X, 0))


def test_a_piecewise_must_cover_the_line():
    with pytest.raises(ExpressionError, match=r"end it with \(value, True\)"):
        split(sp.Piecewise((X, X > 0)))


@pytest.mark.parametrize(
    "text", ["Max(x, 0)**2", "Piecewise((x, x < 2), (5, True))", "sign(x)*exp(x) + Abs(x - 3)"]
)
def test_expressions_and_pieces_say_the_same(text):
    pieces = split(parse(text))
    for _ in range(4):
        again = split(pieces.expression())
        assert set(again.deltas) == set(pieces.deltas)
        assert all(
            sp.simplify(at(again, p) - at(pieces, p)) == 0 for p in (-1, sp.Rational(1, 3), 7)
        )
        pieces = pieces.derivative()


def test_a_function_times_a_delta():
    # cos(x) delta'(x - 1) = cos(1) delta'(x - 1) + sin(1) delta(x - 1)
    assert set(split(sp.cos(X) * sp.DiracDelta(X - 1, 1)).deltas) == {
        (1, 1, sp.cos(1)),
        (1, 0, sp.sin(1)),
    }
    with pytest.raises(ExpressionError, match="is not a function times DiracDelta"):
        split(sp.DiracDelta(X**2 - 1))


def test_the_derivative_keeps_the_deltas_that_sympy_drops():
    step = sp.Piecewise((0, X < 0), (1, True))
    assert sp.diff(step, X) == 0  # the SymPy behaviour that `derivative` works around
    assert derivative(step) == sp.DiracDelta(X)
