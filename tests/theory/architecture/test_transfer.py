"""The library of transfer functions: each is the formula in its docstring."""

import math

import pytest
import sympy as sp
from scipy.integrate import quad

from motifield.errors import ExpressionError
from motifield.theory.architecture import transfer
from motifield.theory.architecture.transfer import LIBRARY, TransferFunction, of
from motifield.theory.expressions.parser import X

POINTS = [-2.3, -0.4, 0.1, 0.9, 1.7, 4.2]

# (function, its parameters, the docstring's formula by hand in plain Python)
BY_HAND = [
    ("rectified_linear", {}, lambda x: max(x, 0)),
    ("rectified_linear", {"gain": 2.5, "threshold": 0.7}, lambda x: 2.5 * max(x - 0.7, 0)),
    ("rectified_power", {}, lambda x: max(x, 0) ** 2),
    ("rectified_power", {"n": 3, "gain": 0.4, "threshold": -1}, lambda x: 0.4 * max(x + 1, 0) ** 3),
    ("softplus", {}, lambda x: math.log(1 + math.exp(x))),
    (
        "softplus",
        {"gain": 3, "threshold": 0.5},
        lambda x: math.log(1 + math.exp(3 * (x - 0.5))) / 3,
    ),
    ("logistic", {}, lambda x: 1 / (1 + math.exp(-x))),
    (
        "logistic",
        {"gain": 2, "threshold": 1, "maximum": 1.5},
        lambda x: 1.5 / (1 + math.exp(-2 * (x - 1))),
    ),
    ("tanh", {}, math.tanh),
    (
        "tanh",
        {"gain": 0.3, "threshold": 1.5, "offset": 1},
        lambda x: 1 + math.tanh(0.3 * (x - 1.5)),
    ),
    ("erf", {}, math.erf),
    ("erf", {"gain": 1.2, "threshold": 1.5, "offset": 1}, lambda x: 1 + math.erf(1.2 * (x - 1.5))),
    ("power_law", {}, lambda x: max(x, 0) ** 2),
    (
        "power_law",
        {"exponent": 1.3, "gain": 0.04, "threshold": -0.2},
        lambda x: 0.04 * max(x + 0.2, 0) ** 1.3,
    ),
    # Siegert's integral by SciPy's quad
    (
        "siegert",
        {},
        lambda x: (
            1
            / (
                2
                + 20
                * math.sqrt(math.pi)
                * quad(lambda u: math.exp(u * u) * math.erfc(-u), (10 - x) / 5, (20 - x) / 5)[0]
            )
        ),
    ),
    ("exponential", {}, math.exp),
    ("exponential", {"gain": 0.5, "scale": 0.2}, lambda x: 0.2 * math.exp(0.5 * x)),
    ("naka_rushton", {}, lambda x: max(x, 0) ** 2 / (max(x, 0) ** 2 + 1)),
    (
        "naka_rushton",
        {"exponent": 3, "half": 2, "maximum": 1.7},
        lambda x: 1.7 * max(x, 0) ** 3 / (max(x, 0) ** 3 + 8),
    ),
]


@pytest.mark.parametrize(("name", "parameters", "by_hand"), BY_HAND)
def test_library_functions_are_their_formulas(name, parameters, by_hand):
    for made in (LIBRARY[name](**parameters), of({"function": name, **parameters})):
        assert made.name == name
        for x in POINTS:
            assert float(made.with_defaults.subs(X, sp.Rational(str(x)))) == pytest.approx(
                by_hand(x), rel=1e-13
            )


def test_every_library_function_is_tested_and_says_its_formula():
    assert {name for name, *_ in BY_HAND} == set(LIBRARY)
    for f in LIBRARY.values():
        assert f.__doc__
        assert f().name == f.__name__


@pytest.mark.parametrize(
    ("name", "closed"),
    [
        ("rectified_linear", True),
        ("rectified_power", True),
        ("erf", True),
        ("exponential", True),
        ("softplus", False),
        ("logistic", False),
        ("tanh", False),
        ("naka_rushton", False),
        ("power_law", False),
        ("siegert", False),
    ],
)
def test_which_have_a_closed_form(name, closed):
    assert of(name).is_closed is closed


def test_parameters_are_exact():
    assert transfer.tanh(gain=0.1).with_defaults == sp.tanh(X / 10)


def test_symbolic_parameters_are_values_of_the_expression():
    assert transfer.rectified_linear(gain=sp.Rational(1, 3)).with_defaults == sp.Max(X, 0) / 3


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("tanh", sp.tanh(X)),
        ("x/3", X / 3),
        ("1 + tanh(x - 3/2)", 1 + sp.tanh(X - sp.Rational(3, 2))),
        (sp.tanh(sp.Symbol("u")), sp.tanh(X)),
        (sp.Integer(2), sp.Integer(2)),
    ],
)
def test_of(given, expected):
    assert of(given).with_defaults == expected


def test_of_a_transfer_function_is_itself():
    f = transfer.erf()
    assert of(f) is f


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"function": "relu"}, "unknown transfer function 'relu': known are rectified_linear"),
        ({"gain": 2}, "unknown transfer function None"),
        ({"function": "tanh", "slope": 2}, "slope.*its formula is offset"),
        ({"function": "rectified_power", "n": 1.5}, "integer power of at least 1, not 1.5"),
        ({"function": "rectified_power", "n": 0}, "integer power of at least 1, not 0"),
        ({"function": "naka_rushton", "exponent": -1}, "exponent must be positive, not -1"),
        ({"function": "siegert", "V_r": 30}, "V_th > V_r"),
        ({"expression": "k*Max(x, 0)"}, "unknown name 'k'"),
        ({"expression": "k*Max(x, 0)", "k": 1, "theta": 2}, "has no parameters"),
        ({"expression": "k*Max(x, 0)", "k": "a"}, "k = 'a' is not a finite number"),
        ({"expression": "mu*x", "mu": 1}, "cannot be called 'mu'"),
        ({"expression": "k*x", "k": 1, "positive": ["j"]}, "which are no parameters"),
        ("relu", "unknown name 'relu'"),
        ("log(x)", "is not a real number at x = -3"),
        ("sqrt(x)", "is not a real number at x = -3"),
        (
            "exp(exp(exp(exp(exp(x)))))",
            "is not a real number at x = 2",
        ),  # SymPy's own OverflowError came through
        (sp.Symbol("x") * sp.Symbol("y"), "unknown symbols"),
        (3, "not int"),
    ],
)
def test_bad_transfer_functions(given, match):
    with pytest.raises(ExpressionError, match=match):
        of(given)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "high", None])
@pytest.mark.parametrize("name", ["tanh", "softplus", "exponential"])
def test_parameters_must_be_finite_numbers(name, bad):
    with pytest.raises(ExpressionError, match="gain"):
        of({"function": name, "gain": bad})


def test_softplus_and_logistic_need_a_gain():
    with pytest.raises(ExpressionError, match="softplus"):
        of({"function": "softplus", "gain": 0})


def test_unknown_symbols_are_named():
    with pytest.raises(ExpressionError, match=r"unknown symbols \['y'\]"):
        TransferFunction("phi", sp.tanh(sp.Symbol("y")))


def test_printing():
    assert (
        str(transfer.tanh(gain=2))
        == "tanh: offset + tanh(gain*(-threshold + x)) (gain = 2, threshold = 0, offset = 0)"
    )
    assert of("tanh(x)")._repr_latex_() == r"$\displaystyle \phi(x) = \tanh{\left(x \right)}$"


def test_functions_that_differ_in_defaults_only_are_the_same():
    assert transfer.softplus(gain=2) == transfer.softplus(gain=3)
    assert transfer.softplus(gain=2) != transfer.logistic(gain=2)


def test_symbols_of_a_sympy_expression_become_parameters():
    u, k = sp.symbols("u k")
    made = transfer.expression(k * sp.tanh(u), k=3)
    assert made.parameters == ("k",)
    assert made.with_defaults == 3 * sp.tanh(X)


@pytest.mark.parametrize(
    ("made", "a", "b", "shape"),
    [
        (transfer.softplus(), "gain", "-gain*threshold", "log(exp(x) + 1)"),
        (transfer.rectified_linear(), "1", "-threshold", "Max(0, x)"),
        (transfer.tanh(), "gain", "-gain*threshold", "tanh(x)"),
        (transfer.power_law(), "1", "-threshold", "None"),
        (transfer.expression("a*tanh(b*x) + c", a=1, b=2, c=3), "b", "0", "tanh(x)"),
        (transfer.expression("tanh(b*x) + c*tanh(x)", b=2, c=3), "1", "0", "None"),
    ],
)
def test_a_gain_and_a_threshold_become_a_change_of_variable(made, a, b, shape):
    form = made.affine
    assert (str(form.a), str(form.b), str(form.shape)) == (a, b, shape)
    x = sp.Rational(7, 10)
    given = {symbol: sp.Rational(k + 3, 5) for k, symbol in enumerate(made.defaults)}
    u = (form.a * X + form.b).subs(given).subs(X, x)
    assert float(
        form.outer.subs(given).subs(X, u) - made.expression.subs(given).subs(X, x)
    ) == pytest.approx(0, abs=1e-14)


def test_breaks_whose_order_depends_on_a_sign_need_it():
    with pytest.raises(ExpressionError, match="declare with positive"):
        transfer.expression("Min(Max(x, 0), m)", m=1).pieces  # noqa: B018
    assert [
        str(b) for b in transfer.expression("Min(Max(x, 0), m)", m=1, positive=["m"]).pieces.breaks
    ] == ["0", "m"]


def test_a_jax_function_is_opaque():
    made = transfer.jax_function(abs, name="size", breaks=[0.0], k=2)
    assert made.parameters == ("k",)
    assert not made.is_closed
    assert str(made.expression) == "size(x, k)"
    with pytest.raises(ExpressionError, match="breaks that increase"):
        transfer.jax_function(abs, breaks=[1, 0])


@pytest.mark.parametrize("text", ["sqrt(x + 5)", "log(x + 4)", "sqrt(10 - x)"])
def test_what_is_not_real_farther_out_is_said(text):
    with pytest.raises(ExpressionError, match="is not a real number at x = -?(60|20|7)"):
        transfer.expression(text)
