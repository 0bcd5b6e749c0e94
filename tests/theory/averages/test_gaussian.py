"""The Gaussian average as a symbol: derivative rules, substitution, numerical value, LaTeX."""

import pytest
import sympy as sp

from motifield.errors import ExpressionError
from motifield.theory.averages.gaussian import GaussianAverage
from motifield.theory.expressions.parser import X, parse

M, V, T = sp.Symbol("m", real=True), sp.Symbol("v", positive=True), sp.Symbol("t", real=True)
PHI = sp.Function("phi")(X)
# jumps at 0 and 1, kinks there and at 2
JUMPS = "Piecewise((tanh(x), x < 0), (2 + x, x < 1), (Max(x, 2), True))"


def test_derivative_with_respect_to_the_mean():
    assert sp.diff(GaussianAverage(PHI, M, V), M) == GaussianAverage(sp.diff(PHI, X), M, V)


def test_derivative_with_respect_to_the_variance():
    assert sp.diff(GaussianAverage(PHI, M, V), V) == GaussianAverage(sp.diff(PHI, X, 2) / 2, M, V)


def test_chain_rule():
    average = GaussianAverage(PHI, T**2, 3 * T)
    by_hand = 2 * T * GaussianAverage(PHI.diff(X), T**2, 3 * T) + 3 * GaussianAverage(
        PHI.diff(X, 2) / 2, T**2, 3 * T
    )
    assert sp.expand(sp.diff(average, T) - by_hand) == 0


def test_a_parameter_of_the_function():
    assert sp.diff(GaussianAverage(sp.sin(T * X), M, V), T) == GaussianAverage(
        X * sp.cos(T * X), M, V
    )


def test_no_square_root_of_the_variance_appears():
    twice = sp.diff(GaussianAverage(PHI, M, V), V, M)
    assert not any(power.base == V for power in twice.atoms(sp.Pow))


def test_the_integration_variable_is_bound():
    average = GaussianAverage(X**2 * T, M, V)
    assert average.free_symbols == {M, V, T}
    assert average.subs(X, 3) == average
    assert sp.diff(average, X) == 0
    assert average.subs(M, 2) == GaussianAverage(X**2 * T, 2, V)
    assert average.xreplace({V: T}) == GaussianAverage(X**2 * T, M, T)


@pytest.mark.parametrize("text", ["log(1 + exp(2*x))", "Abs(x)*sin(x)", JUMPS])
def test_symbolic_rules_against_numerical_derivatives(text):
    """d<f>/dmean = <f'>, d<f>/dvariance = <f''>/2, where the average itself is numerical; central
    differences of step 1e-4.
    """
    f, step = parse(text), sp.Rational(1, 10**4)
    average = GaussianAverage(f, M, V)
    at = {M: sp.Rational(3, 7), V: sp.Rational(11, 9)}
    for variable in (M, V):
        up, down = (
            average.subs({**at, variable: at[variable] + sign * step}).evalf(20) for sign in (1, -1)
        )
        rule = sp.diff(average, variable).subs(at).doit()
        assert float(rule.evalf(15)) == pytest.approx(float((up - down) / (2 * step)), rel=1e-6)


@pytest.mark.parametrize(
    "text", ["Max(x, 0)", "Piecewise((x, x < 1), (3, True))", "Abs(x)*x**2", "Heaviside(x)*exp(x)"]
)
def test_derivatives_have_closed_forms_too(text):
    """A kink's second derivative is a delta, a jump's first; SymPy's derivative of a Piecewise has
    neither.
    """
    average = GaussianAverage(parse(text), M, V)
    at = {M: sp.Rational(3, 7), V: sp.Rational(11, 9)}
    for variable in (M, V):
        rule = sp.diff(average, variable).replace(
            GaussianAverage, lambda *a: GaussianAverage(*a).closed_form()
        )
        direct = sp.diff(average.closed_form(), variable)
        assert float((rule - direct).subs(at).evalf(20)) == pytest.approx(0, abs=1e-15)
        assert abs(float(direct.subs(at).evalf(20))) > 0.01


def test_a_piecewise_with_symbols_is_not_differentiated_wrongly():
    with pytest.raises(ExpressionError, match="give its symbols values first"):
        sp.diff(GaussianAverage(sp.Piecewise((0, X < T), (1, True)), M, V), M)


@pytest.mark.parametrize(
    "text",
    ["x**2*exp(-x)", "Max(x - 1, 0)**2", "erf(x)*x", "Heaviside(x + 1)", "Min(Max(x, 0), 1)"],
)
def test_evalf_agrees_with_the_closed_form(text):
    average = GaussianAverage(parse(text), sp.Rational(2, 7), sp.Rational(5, 3))
    assert float(average.evalf(20)) == pytest.approx(
        float(average.closed_form().evalf(20)), rel=1e-15
    )


def test_evalf_has_the_digits_that_were_asked_for():
    average = GaussianAverage(sp.exp(X), sp.Rational(1, 3), sp.Rational(1, 2))
    exact = sp.exp(sp.Rational(1, 3) + sp.Rational(1, 4))  # E exp(X) = exp(m + v / 2)
    assert abs(average.evalf(30) - exact.evalf(40)) < 1e-28


def test_zero_variance_is_the_function_itself():
    assert float(GaussianAverage(parse("tanh(x)"), sp.Rational(1, 2), 0).evalf()) == pytest.approx(
        float(sp.tanh(0.5)), rel=1e-15
    )
    assert float(GaussianAverage(parse("Max(x, 0)"), -2, 0).evalf()) == 0


def test_latex():
    assert (
        sp.latex(GaussianAverage(sp.tanh(X), M, V))
        == r"\left\langle \tanh{\left(x \right)} \right\rangle_{m,\,v}"
    )
