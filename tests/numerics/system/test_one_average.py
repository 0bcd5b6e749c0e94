"""Averages of one function against mpmath, which integrates the function itself; derivatives by
Stein's lemma.
"""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import sympy as sp

from motifield.errors import ExpressionError, ParameterError
from motifield.numerics import plots
from motifield.numerics.results import load
from motifield.numerics.system.average_curves import curves
from motifield.numerics.system.generated import DELTA, MU
from motifield.numerics.system.one_average import average
from motifield.theory.architecture import transfer
from motifield.theory.expressions.parser import X

POINTS = [(0.3, 0.5), (-1.2, 2.3), (2.1, 7.7)]

# function, parameters, the same in mpmath, where it bends, whether its average has a closed form
FUNCTIONS = [
    ("rectified_linear", {"gain": 2, "threshold": 0.5}, lambda x: 2 * max(x - 0.5, 0), [0.5], True),
    ("rectified_power", {"n": 3}, lambda x: max(x, 0) ** 3, [0], True),
    ("softplus", {"gain": 1.5}, lambda x: mpmath.log1p(mpmath.exp(1.5 * x)) / 1.5, [], False),
    ("x*erf(x) + b", {"b": 0.25}, lambda x: x * mpmath.erf(x) + 0.25, [], True),
    (
        "Max(x - a, 0)*Max(b - x, 0)",
        {"a": -1, "b": 1},
        lambda x: max(x + 1, 0) * max(1 - x, 0),
        [-1, 1],
        True,
    ),
    (
        "naka_rushton",
        {"exponent": 3},
        lambda x: x**3 / (1 + x**3) if x > 0 else mpmath.mpf(0),
        [0],
        False,
    ),
]


def expectation(f, bends, order, mu, variance):
    with mpmath.workdps(25):
        s = mpmath.sqrt(mpmath.mpf(variance))
        hermite = [lambda z: 1, lambda z: z, lambda z: z * z - 1][order]
        inside = {z for z in ((b - mu) / s for b in bends) if abs(z) < 10}
        grid = sorted({*mpmath.linspace(-10, 10, 21), *inside})
        return float(
            mpmath.quad(lambda z: f(mu + s * z) * hermite(z) * mpmath.npdf(z), grid) / s**order
        )


@pytest.mark.parametrize(
    ("function", "parameters", "f", "bends", "closed"), FUNCTIONS, ids=[f[0] for f in FUNCTIONS]
)
def test_values_derivatives_and_error(function, parameters, f, bends, closed):
    mu, variance = np.transpose(POINTS)
    for order in range(3):
        found = average(function, mu, variance, order, parameters=parameters)
        expected = [expectation(f, bends, order, *point) for point in POINTS]
        np.testing.assert_allclose(found.values, expected, rtol=1e-10, atol=1e-10)
        assert found.is_closed == closed
        assert (found.closed_form is None) != closed
        assert bool(found.reason) != closed
    first = average(function, mu, variance, parameters=parameters)
    assert np.all(first.error >= np.spacing(np.abs(first.values)) / 2)
    assert np.all(first.error < 1e-10)
    np.testing.assert_array_equal(first.derivative(2).values, found.values)


@pytest.mark.parametrize(
    ("function", "parameters", "f", "bends", "closed"), FUNCTIONS, ids=[f[0] for f in FUNCTIONS]
)
def test_zero_variance_is_the_function(function, parameters, f, bends, closed):
    at = [-0.7, 0.9, 4.0]
    found = average(function, at, 0.0, parameters=parameters)
    np.testing.assert_allclose(
        found.values, [float(f(mpmath.mpf(x))) for x in at], rtol=1e-14, atol=1e-15
    )
    slopes = [float(mpmath.diff(f, x)) for x in at]
    np.testing.assert_allclose(found.derivative().values, slopes, rtol=1e-9, atol=1e-12)


def test_the_closed_form_is_the_one_that_is_evaluated():
    found = average("erf", 0.4, 1.7, parameters={"gain": 0.8, "threshold": 0.1})
    numbers = {MU: 0.4, DELTA: 1.7, **found.function.defaults}
    assert float(found.values) == pytest.approx(float(found.closed_form.subs(numbers)), rel=1e-14)
    assert r"\mathrm{gain}" in found.latex


def test_the_error_of_quadrature_is_that_of_its_rule_and_falls_with_the_tolerance():
    rough, fine = (average("tanh", [0.3, 2.0], [1.0, 30.0], tolerance=t) for t in (1e-3, 1e-11))
    np.testing.assert_allclose(
        rough.error,
        rough.average.error(jnp.array([0.3, 2.0]), jnp.array([1.0, 30.0])),
        rtol=1e-3,
        atol=1e-15,
    )
    assert np.max(fine.error) < 1e-12
    assert 1e-14 < np.max(np.abs(rough.values - fine.values)) < 1e-3


def test_an_oscillation_has_a_closed_form_but_perhaps_no_quadrature_to_compare_with():
    found = average("sin(400*x)", 0.3, 1e-6)  # <sin(k x)> = exp(-k^2 Delta / 2) sin(k mu)
    assert float(found.values) == pytest.approx(np.exp(-0.08) * np.sin(120), rel=1e-12)
    assert np.isnan(found.error) or found.error < 1e-9


def test_shapes_broadcast_and_parameters_may_be_arrays():
    assert average("erf", 0.1, 1.0).values.shape == ()
    mu, variance, gain = (
        np.zeros((4, 1)) + 0.3,
        np.array([0.5, 1.0, 2.0]),
        np.array([1.0, 2.0, 3.0]),
    )
    for function in ("erf", "tanh"):
        found = average(function, mu, variance, parameters={"gain": gain})
        assert found.values.shape == found.error.shape == (4, 3)
        for k in (0, 2):
            one = average(function, 0.3, variance[k], parameters={"gain": gain[k]})
            np.testing.assert_allclose(found.values[:, k], one.values, rtol=1e-11)


def test_every_way_to_say_a_function_is_the_same():
    x = sp.Symbol("x")
    ways = [
        "softplus",
        {"function": "softplus"},
        transfer.softplus(),
        "log(1 + exp(x))",
        sp.log(1 + sp.exp(x)),
        sp.log(1 + sp.exp(X)),
        {"expression": "log(1 + exp(x))"},
        transfer.jax_function(jax.nn.softplus),
    ]
    values = [float(average(way, 0.2, 0.7).values) for way in ways]
    np.testing.assert_allclose(values, values[0], rtol=1e-12)
    assert float(
        average(transfer.softplus(gain=5), 0.2, 0.7, parameters={"gain": 1}).values
    ) == pytest.approx(values[0], rel=1e-12)
    assert float(average(transfer.softplus(gain=5), 0.2, 0.7).values) != pytest.approx(
        values[0], rel=1e-2
    )


def test_numbers_make_a_closed_form_where_symbols_do_not():
    assert average("power_law", 0.2, 1.0).is_closed  # exponent 2
    assert not average("power_law", 0.2, 1.0, parameters={"exponent": 1.5}).is_closed
    np.testing.assert_allclose(
        average("power_law", 0.2, [1.0, 3.0], parameters={"exponent": [2.0, 3.0]}).values,
        [
            average("rectified_power", 0.2, v, parameters={"n": n}).values
            for v, n in ((1, 2), (3, 3))
        ],
        rtol=1e-9,
    )


def test_the_function_for_jit_and_grad():
    found = average("tanh", 0.2, 0.7)
    slope = jax.jit(jax.grad(found.average))(jnp.asarray(0.2), jnp.asarray(0.7))
    assert float(slope) == pytest.approx(float(found.derivative().values), rel=1e-12)


@pytest.mark.slow
def test_the_function_keeps_parameters_that_a_closed_form_has_as_numbers():
    """Gradients of <gain max(x - threshold, 0)^exponent> by central differences of mpmath's
    integral.
    """
    average_of = average(transfer.power_law(exponent=2), 0.4, 1.3).average
    given = {"exponent": 2.0, "gain": 1.5, "threshold": 0.2}
    at = jnp.asarray(0.4), jnp.asarray(1.3)
    slopes = jax.grad(lambda values: average_of(*at, average_of.prepare(values)))(given)

    def by_hand(exponent, gain, threshold):
        def f(x):
            return gain * (x - threshold) ** exponent if x > threshold else mpmath.mpf(0)

        return expectation(f, [threshold], 0, 0.4, 1.3)

    for name in given:
        up, down = (by_hand(**{**given, name: given[name] + step}) for step in (1e-4, -1e-4))
        assert float(slopes[name]) == pytest.approx((up - down) / 2e-4, rel=1e-6)
    other = average(
        "power_law", 0.4, 1.3, parameters={"exponent": 3.0, "gain": 2.0}
    )  # the same code with its own values
    assert float(other.average(*at)) == pytest.approx(float(other.values), rel=1e-9)
    with pytest.raises(
        ParameterError, match="no parameter 'gian': it has gain, threshold, exponent"
    ):
        average_of.prepare({"gian": 1.0})


@pytest.mark.slow
def test_a_smooth_function_with_a_free_exponent():
    """<(log(1 + e^x))^2.5> and its derivative, by mpmath: no breaks, but panels that depend on a
    parameter.
    """
    average_of = average(
        transfer.expression("log(1 + exp(x))**n", positive=["n"], n=2.5), 0.4, 1.3
    ).average
    prepared = average_of.prepare({"n": 2.5})
    value, slope = jax.value_and_grad(lambda m: average_of(m, jnp.asarray(1.3), prepared))(
        jnp.asarray(0.4)
    )
    soft = lambda x: mpmath.log1p(mpmath.exp(x))  # noqa: E731
    assert float(value) == pytest.approx(
        expectation(lambda x: soft(x) ** 2.5, [], 0, 0.4, 1.3), rel=1e-9
    )
    expected = expectation(lambda x: 2.5 * soft(x) ** 1.5 / (1 + mpmath.exp(-x)), [], 0, 0.4, 1.3)
    assert float(slope) == pytest.approx(expected, rel=1e-9)


def test_a_constant():
    found = average("3", [0.0, 1.0], 2.0)
    np.testing.assert_array_equal(found.values, 3)
    np.testing.assert_array_equal(found.derivative().values, 0)
    assert np.all(found.error < 1e-14)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "match"),
    [
        (("tanh", 0, -1), {}, ParameterError, "variance = -1 is negative"),
        (("tanh", np.nan, 1), {}, ParameterError, "mu must be finite, not nan"),
        (("tanh", "much", 1), {}, ParameterError, "mu = 'much' is not a number"),
        (
            ("tanh", [0, 1], [1, 2, 3]),
            {},
            ParameterError,
            r"mu has shape \(2,\), variance has shape \(3,\)",
        ),
        (("tanh", 0, 1, 5), {}, ParameterError, "order = 5 must be an integer from 0 to 4"),
        (("tanh", 0, 1), {"tolerance": 1e-20}, ParameterError, "must be between"),
        (
            (transfer.tanh(), 0, 1),
            {"parameters": {"slope": 1}},
            ParameterError,
            "no parameter 'slope': it has gain, threshold, offset",
        ),
        (("k*x", 0, 1), {"parameters": {"k": 1, "j": 2}}, ExpressionError, "no parameters"),
        (("x + ", 0, 1), {}, ExpressionError, "not an expression"),
        ((3.0, 0, 1), {}, ExpressionError, "a text or a SymPy expression"),
    ],
)
def test_bad_arguments(arguments, options, error, match):
    with pytest.raises(error, match=match):
        average(*arguments, **options)


def test_curves_lie_where_the_function_bends():
    data = curves("Min(Max(x - 5, 0), 2)", [0.0, 1.0])
    assert (data.status.ok, data.time_unit) == (True, "")
    assert repr(data).startswith("Gaussian average of f(x) = ")
    assert {"mu", "variance", "average", "function"} <= set(data.table().columns)
    assert data["mu"][0] < 5 - 2
    assert data["mu"][-1] > 7 + 2
    assert float(data["mu"].mean()) == pytest.approx(6, abs=0.5)
    np.testing.assert_allclose(data["average"].sel(variance=0.0), data["function"], atol=1e-15)
    np.testing.assert_allclose(data["function"], np.clip(data["mu"] - 5, 0, 2), atol=1e-14)
    wide = curves("Max(x, 0)**2*Phi(x)", [1.0])["mu"]
    assert wide[0] > -30
    assert wide[-1] < 60
    np.testing.assert_array_equal(curves("x**2", [1.0], (-1.0, 2.0))["mu"][[0, -1]], [-1, 2])


@pytest.mark.parametrize(
    ("function", "scale"),
    [("erf(x)", "linear"), ("exponential", "log"), ("x**3*exp(x)", "asinh"), ("3", "linear")],
)
def test_pictures(tmp_path, function, scale):
    figure = plots.averages(curves(function))
    assert figure.axes[0].get_yscale() == scale
    assert [line.get_label() for line in figure.axes[0].lines] == [
        *(rf"$\Delta = {v}$" for v in (0, 1, 4, 16)),
        "$f$ itself",
    ]
    plots.save(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_formula_that_cannot_be_typeset_is_written_plainly(tmp_path):
    figure = plots.averages(curves("naka_rushton", [1.0]))
    assert figure.axes[0].get_title().startswith("naka rushton:  f(x) = Piecewise")
    plots.save(figure, tmp_path / "a.svg")


def test_an_average_is_a_result(tmp_path):
    found = average("k*Max(x, 0)", [0.2, 0.5], 0.0, parameters={"k": [1.0, 2.0]})
    assert found.status == "ok"
    assert found.rows() == [
        {"mean": 0.2, "variance": 0.0, "average": 0.2, "k": 1.0},
        {"mean": 0.5, "variance": 0.0, "average": 1.0, "k": 2.0},
    ]
    assert str(found).startswith("Gaussian average <f> of f(x) = k*Max(0, x), closed form: ok")
    assert len(str(found).splitlines()) < 20
    found.save(tmp_path / "average.nc")
    np.testing.assert_array_equal(load(tmp_path / "average.nc")["average"], found.values)


def test_a_traced_average_is_told_of_the_pure_one():
    with pytest.raises(ParameterError, match=r"there use average\(\.\.\.\)\.average"):
        jax.grad(lambda m: average("erf", m, 1.0).values)(0.3)
