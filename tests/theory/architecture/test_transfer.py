"""The library of transfer functions: each is the formula in its docstring."""

import math
import time

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
        ({"expression": "k*Max(x, 0)", "k": "a"}, "k = 'a' is not a number"),
        ({"expression": "mu*x", "mu": 1}, "cannot be called 'mu'"),
        ({"expression": "k*x", "k": 1, "positive": ["j"]}, "which are no parameters"),
        ("relu", "unknown name 'relu'"),
        ("log(x)", "is not a real number at x = -3"),
        ("sqrt(x)", "is not a real number at x = -3"),
        (
            "exp(exp(exp(exp(exp(x)))))",
            r"is larger than 1.8e\+308 at x = -1/3",
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


UNUSABLE = [
    ("Max(log(x), 0)", r"its part log\(x\) is not a real number at x = -3"),
    ("Max(sqrt(x), 0)", r"its part sqrt\(x\) is not a real number at x = -3"),
    (
        "Piecewise((1, log(x) > 0), (0, True))",
        r"its part log\(x\) is not a real number at x = -3",
    ),
    ("Piecewise((x, x > 0))", r"has no branch at x = -3: end it with \(value, True\)"),
    ("10**1000", r"a number in '10\*\*1000', 1000.*, is larger than 1e\+50"),
    ("exp(1000)", r"a number in 'exp\(1000\)', exp\(1000\), is larger than 1e\+50"),
    ("1e308*x", r"a number in '1e308\*x', 1e\+308, is larger than 1e\+50"),
    ("1e-308*x", r"a number in '1e-308\*x', 1e-308, is smaller than 1e-50"),
    ("exp(x*10**50)", r"is larger than 1.8e\+308 at x = 1/3"),
    ("Max(x, exp(exp(exp(x))))", r"its part exp\(exp\(exp\(x\)\)\) is larger than .* at x = 2"),
    (
        "2**exp((x**x)**(x/0.5))",  # hung
        r"its part exp\(\(x\*\*x\)\*\*\(2\*x\)\) is larger than 1.8e\+308 at x = -3",
    ),
    ("x**x**x**x**x", r"its part x\*\*\(x\*\*x\) is not a real number at x = -3"),
    ("tan(10**40*x)", r"oscillates too fast at x = -3"),
    ("sqrt(x**2 - 0.01)", "is not a real number at x = -0.013"),
    ("1/(x - 2)", "is infinite at x = 2: it must be finite everywhere"),
    ({"function": "power_law", "exponent": 1e300}, "exponent = 1e.300 is larger than 1e.50"),
    ({"function": "power_law", "exponent": 1e40}, "is larger than 1.8e.308 at x = 2"),
    ({"function": "siegert", "sigma": 1e-300}, "needs a sigma of at least 0.002"),
    ({"function": "siegert", "V_th": 1e40}, "needs a sigma of at least"),
    ({"function": "rectified_power", "n": float("inf")}, "an integer power of at least 1, not inf"),
    ({"function": "rectified_power", "n": float("nan")}, "an integer power of at least 1, not nan"),
    ({"function": []}, r"unknown transfer function \[\]"),
    ({"function": {}}, r"unknown transfer function \{\}"),
    ({"expression": "k*x", "k": True}, "k = true is not a number"),
    ({"expression": "k*x", "k": "1"}, "k = '1' is not a number"),
    ({"expression": "k*x", "k": 10**400}, "k = 1000.* is larger than 1e.50"),
    ({"expression": "k*x", "k": 10**5000}, "k = an integer of thousands of digits is larger"),
    ({"expression": "k*x", "k": 1, "positive": "k"}, "positive is a list of names"),
    ({"expression": "k*x", "k": 1, "positive": 1}, "positive is a list of names"),
    ({"expression": "x", "name": []}, "the name of a transfer function is a text"),
]


@pytest.mark.parametrize(("given", "match"), UNUSABLE)
def test_what_no_network_can_compute_is_refused_at_once(given, match):
    before = time.process_time()
    with pytest.raises(ExpressionError, match=match):
        of(given)
    assert time.process_time() - before < 2


# roots of numbers, which SymPy takes apart into factors, hung
LONG = [
    ("424**0.6006312 + x", 424**0.6006312 + 2),
    ("2.5e-20**0.123456789012345*x", 2.5e-20**0.123456789012345 * 2),
    ("(360*Max(x, 0))**2.7786149", 720**2.7786149),
    (
        {"function": "naka_rushton", "half": 424, "exponent": 0.6006312},
        2**0.6006312 / (2**0.6006312 + 424**0.6006312),
    ),
    (
        {"expression": "(k*Max(x, 0))**e", "k": 12345, "e": 0.14631, "positive": ["k", "e"]},
        24690**0.14631,
    ),
    ({"expression": "k**e*x", "k": 424, "e": 0.6006312, "positive": ["k"]}, 424**0.6006312 * 2),
]


@pytest.mark.parametrize(
    "given",
    [
        {"expression": "Min(log(k), 1)*x", "k": 14},
        {"expression": "Min(1/2, k**k)*Max(x, 0)", "k": -2.0},
    ],
)
def test_what_is_real_at_the_given_parameters_alone_has_no_closed_form(given):
    assert not of(given).is_closed  # SymPy's own ValueError came through


@pytest.mark.parametrize(("given", "at_2"), LONG)
def test_exponents_of_many_digits_take_no_time(given, at_2):
    before = time.process_time()
    assert float(of(given).with_defaults.subs(X, 2)) == pytest.approx(at_2, rel=1e-13)
    assert time.process_time() - before < 2


USABLE = [
    *("sqrt(x**2 + 1)", "log(1 + exp(x))", "Piecewise((0, x < 0), (sqrt(x), True))"),
    *("Piecewise((log(x), x > 1), (0, True))", "exp(x)", "exp(x**2)", "x**99", "sin(x)/x"),
    *("1/(1 + exp(-1000*x))", "log(1 + exp(1000*x))/1000", "exp(-exp(-exp(10*x)))"),
    *("Abs(x)**0.5", "atan(exp(exp(x)))", "tanh(10**49*x)", "10**60/10**59*x", "Phi(x)", "phi(x)"),
    *("Heaviside(x)*sqrt(Abs(x))", "Min(exp(700*x), 1)", "1/cosh(x)", "erfc(x)", "sign(x)"),
    *LIBRARY,
]


@pytest.mark.parametrize("given", USABLE)
def test_what_is_real_and_finite_is_taken(given):
    assert of(given).with_defaults.has(X)


@pytest.mark.parametrize("text", ["sqrt(x + 5)", "log(x + 4)", "sqrt(10 - x)"])
def test_what_is_not_real_farther_out_is_said(text):
    with pytest.raises(ExpressionError, match="is not a real number at x = -?(60|20|7)"):
        transfer.expression(text)
