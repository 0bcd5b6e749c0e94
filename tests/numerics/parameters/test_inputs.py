"""External inputs: values at given times, the edges that an integrator must meet, and errors."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from motifield import Parameters
from motifield.errors import ParameterError
from motifield.inputs import Constant, Function, Input, Signals, Steps, Table, pulse
from motifield.numerics.parameters.files import input_data
from motifield.numerics.parameters.inputs import Separate, as_input, by_population, is_zero
from motifield.numerics.parameters.jumps import with_jumps

NAMES = ("E", "I")


def at(value, *times):
    return np.stack([np.asarray(value(t)) for t in times])


@pytest.mark.parametrize("value", [2.0, [2.0, 2.0], {"I": 2.0, "E": 2.0}, np.array([2.0])])
def test_constants(value):
    made = as_input(value, NAMES)
    assert isinstance(made, Constant)
    np.testing.assert_array_equal(at(made, 0.0, 7.0), np.full((2, 2), 2.0))
    assert len(made.edges) == 0


def test_steps_include_their_first_instant():
    made = as_input({"times": [1.0, 3.0], "values": [0.0, [5.0, 6.0], 1.0]}, NAMES)
    np.testing.assert_array_equal(at(made, 0.0, 1.0, 2.999, 3.0, 9.0)[:, 1], [0, 6, 6, 1, 1])
    np.testing.assert_array_equal(made.edges, [1.0, 3.0])


def test_a_pulse_is_three_steps():
    made = pulse(1.0, 2.0, [3.0, 4.0], baseline=0.5)
    np.testing.assert_array_equal(at(made, 0.5, 1.0, 1.5, 2.0)[:, 0], [0.5, 3.5, 3.5, 0.5])
    by_name = as_input(
        {"start": 1.0, "stop": 2.0, "amplitude": {"E": 3.0, "I": 4.0}, "baseline": 0.5}, NAMES
    )
    assert bool(jnp.all(by_name.values == made.values))


def test_a_table_is_linear_between_and_constant_beyond():
    made = as_input(
        {"times": [0.0, 1.0, 4.0], "values": [0.0, 2.0, [8.0, -1.0]], "kind": "table"}, NAMES
    )
    np.testing.assert_allclose(
        at(made, -1.0, 0.0, 0.25, 1.0, 2.0, 4.0, 9.0)[:, 0], [0, 0, 0.5, 2, 4, 8, 8]
    )
    np.testing.assert_allclose(at(made, 2.5)[:, 1], [0.5])
    np.testing.assert_array_equal(made.edges, [0.0, 1.0, 4.0])


def test_a_function_of_time_names_its_jumps():
    made = as_input(lambda t: jnp.array([t, 2 * t]), NAMES)
    assert isinstance(made, Function)
    np.testing.assert_array_equal(at(made, 3.0), [[3.0, 6.0]])
    assert Function(lambda t: jnp.where(t < 1, 0.0, 1.0) * jnp.ones(2), jumps=(1.0,)).edges == (
        1.0,
    )


@pytest.mark.parametrize(
    "made",
    [
        pulse(1.0, 2.0, 3.0),
        Constant(jnp.array([3.0])),
        Table(jnp.array([0.0, 1.0]), jnp.array([[1.0], [2.0]])),
    ],
)
def test_one_value_serves_every_population(made):
    assert as_input(made, NAMES)(0.5).shape == (2,)


@pytest.mark.parametrize("kind", ["constant", "steps", "table", "function"])
def test_inputs_work_under_jit_vmap_and_grad(kind):
    made = {
        "constant": as_input(2.0, NAMES),
        "steps": pulse(1.0, 2.0, [3.0, 4.0]),
        "table": Table(jnp.array([0.0, 5.0]), jnp.array([[0.0, 1.0], [5.0, 1.0]])),
        "function": as_input(lambda t: jnp.stack([t, t**2]), NAMES),
    }[kind]
    ts = jnp.array([0.5, 1.5, 2.5])
    np.testing.assert_allclose(jax.jit(jax.vmap(made))(ts), at(made, *np.asarray(ts)), rtol=1e-15)
    if kind == "table":
        assert float(jax.grad(lambda t: made(t)[0])(1.3)) == pytest.approx(1.0)


def test_the_base_class_has_no_value():
    with pytest.raises(NotImplementedError):
        Input()(0.0)


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ([1.0, 2.0, 3.0], r"input has shape \(3,\); it needs one number, or one per population"),
        ({"E": 1.0, "X": 2.0}, r"input names \['E', 'X'\], the populations are \['E', 'I'\]"),
        ("loud", "input = 'loud' is not a number"),
        ([1.0, np.nan], r"input\[I\] = nan is not a finite number"),
        (
            {"times": [1.0, 1.0], "values": [0.0, 1.0, 2.0]},
            "must be finite, one-dimensional and increasing",
        ),
        ({"times": [], "values": [0.0]}, "must be finite, one-dimensional and increasing"),
        (
            {"times": [0.0, np.inf], "values": [0.0, 1.0, 2.0]},
            "input times.* = inf is not a finite number",
        ),
        (
            {"times": [1.0, 2.0], "values": [0.0, 1.0]},
            "kind 'steps' with 2 times needs 3 values, got 2",
        ),
        (
            {"times": [1.0, 2.0], "values": [0.0, 1.0, 2.0], "kind": "table"},
            "kind 'table' with 2 times needs 2 values, got 3",
        ),
        ({"times": [1.0], "values": [0.0], "kind": "table"}, "needs 2 values, got 1"),
        (
            {"times": [1.0], "values": [0.0, 1.0], "kind": "ramp"},
            "input kind 'ramp' is unknown: use 'steps' or 'table'",
        ),
        (
            {"times": [1.0], "values": [0.0, 1.0], "height": 2},
            r"unknown entries \['height'\]: known are",
        ),
        ({"start": 0.0, "stop": 1.0, "height": 2}, r"a pulse has unknown entries \['height'\]"),
        (
            {"start": 2.0, "stop": 1.0, "amplitude": 1.0},
            "a pulse needs start < stop: start = 2.0, stop = 1.0",
        ),
    ],
)
def test_errors(value, match):
    with pytest.raises(ParameterError, match=match):
        as_input(value, NAMES)


def test_an_incomplete_pulse_or_table_says_what_is_missing():
    for value, missing in (
        ({"start": 0.0, "stop": 1.0}, "amplitude"),
        ({"start": 0.0, "amplitude": 1.0}, "stop"),
        ({"times": [0.0]}, "values"),
    ):
        with pytest.raises(ParameterError, match=missing):
            as_input(value, NAMES)


def test_an_input_for_other_populations_is_refused():
    with pytest.raises(ParameterError, match="the input has 3 populations, the network has 2"):
        as_input(Steps(jnp.array([0.0]), jnp.zeros((2, 3))), NAMES)


def test_by_population_orders_by_name():
    np.testing.assert_array_equal(by_population({"I": 2, "E": 1}, NAMES, "x"), [1.0, 2.0])


SIGNALS = {
    "times": [0.0, 1.0, 3.0],
    "signals": {"image": [0.0, 2.0, 4.0], "steady": 1.0},
    "weights": {"image": {"I": 5.0, "E": 3.0}, "steady": 0.5},
}


def test_signals_from_data():
    """I_p(t) = weight_p signal(t): at t = 2 the image is 3, beyond the ends constant."""
    made = as_input(SIGNALS, NAMES)
    assert isinstance(made, Signals)
    np.testing.assert_allclose(
        at(made, 2.0, 9.0), [[0.5 + 3 * 3, 0.5 + 5 * 3], [0.5 + 3 * 4, 0.5 + 5 * 4]], rtol=1e-15
    )


def test_signals_make_the_round_trip_through_data():
    made = as_input(SIGNALS, NAMES)
    again = as_input(input_data(made), NAMES)
    np.testing.assert_array_equal(at(again, 0.3, 2.2), at(made, 0.3, 2.2))
    assert input_data(again) == input_data(made)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signals": [1.0, 2.0, 3.0]}, "signals of input map names"),
        ({"weights": 2.0}, "weights of input map names"),
        ({"weights": {"image": 1.0}}, "each signal needs a weight"),
        ({"weights": {"image": 1.0, "steady": {"E": 1.0}}}, "weights of steady names"),
        (
            {"signals": {"image": ["a", 0, 0], "steady": 1.0}},
            "is not (a number|an array of numbers)",
        ),
        ({"times": ["x"]}, "is not (a number|an array of numbers)"),
        ({"times": [0.0, 0.0, 1.0]}, "increasing"),
        ({"kind": "steps"}, "unknown entries"),
    ],
)
def test_signals_that_make_no_sense(change, message):
    with pytest.raises(ParameterError, match=message):
        as_input({**SIGNALS, **change}, NAMES)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Steps(times=[30.001, 30.0], values=[0, 1, 0]),
        lambda: Steps(times=[1.0, 1.0], values=[0, 1, 0]),
        lambda: Table(times=[2.0, 1.0], values=[0, 1]),
        lambda: Signals([2.0, 1.0], {"a": jnp.ones(2)}, {"a": jnp.ones(1)}),
    ],
)
def test_times_that_do_not_increase_are_refused_where_an_input_is_made(make):
    with pytest.raises(ParameterError, match="finite and increasing: "):
        make()


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Steps([1.0], [0.0]), "steps at 1 times need 2 values"),
        (lambda: Table([1.0, 2.0], [0.0]), "2 times, 1 values"),
        (lambda: Steps([np.nan], [0.0, 1.0]), "times of an input"),
        (lambda: Function(jnp.sin, jumps=(np.inf,)), "a jump of an input"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_where_they_are_made(make, match):
    with pytest.raises(ParameterError, match=match):
        make()


def test_each_population_has_an_input_of_its_own(tmp_path):
    """Constants with steps, or with ramps, are one of these; others stay apart. Files keep them."""
    ramp = {"times": [0.0, 4.0], "values": [0.0, 4.0], "kind": "table"}
    for own, kind, expected in (
        ({"E": 1.0, "I": pulse(1.0, 2.0, 5.0)}, Steps, [[1, 0], [1, 5], [1, 0]]),
        ({"I": 1.0, "E": ramp}, Table, [[0.5, 1], [1, 1], [2, 1]]),
        ({"E": ramp, "I": pulse(1.0, 2.0, 5.0)}, Separate, [[0.5, 0], [1, 5], [2, 0]]),
        (
            {"E": pulse(1.0, 2.0, 3.0), "I": {"start": 0, "stop": 1.5, "amplitude": 2}},
            Steps,
            [[0, 2], [3, 2], [0, 0]],
        ),
    ):
        parameters = Parameters.of(N=10, fractions=dict.fromkeys("EI", 0.5), mean=0, g=0, input=own)
        assert isinstance(parameters.input, kind)
        np.testing.assert_array_equal(at(parameters.input, 0.5, 1.0, 2.0), expected)
        assert {1.0, 2.0} <= set(np.asarray(parameters.input.edges).tolist()) or kind is Table
        for suffix in ("toml", "json"):
            parameters.save(tmp_path / f"p.{suffix}")
            again = Parameters.load(tmp_path / f"p.{suffix}").input
            np.testing.assert_array_equal(at(again, 0.5, 1.0, 2.0), expected)


def test_a_function_beside_others():
    own = as_input({"E": lambda t: 2 * t, "I": pulse(1.0, 2.0, 5.0)}, NAMES)
    np.testing.assert_array_equal(at(own, 0.5, 1.5), [[1, 0], [3, 5]])
    np.testing.assert_array_equal(own.edges, [1.0, 2.0])
    for wrong in ({"E": pulse(1, 2, 3)}, {"E": pulse(1, 2, 3), "I": 0, "X": 0}):
        with pytest.raises(ParameterError, match="one for each population, E, I"):
            as_input(wrong, NAMES)
    with pytest.raises(ParameterError, match=r"input\[E\] has 2 populations, it is of one alone"):
        as_input({"E": pulse(1, 2, [3, 4]), "I": 0}, NAMES)
    for absent in (0.0, pulse(1, 2, 0)):
        assert is_zero(as_input({"E": absent, "I": Table([0, 1], [0, 0])}, NAMES))


def test_jumps_of_a_function_are_found_and_named():
    def f(t):
        return jnp.where((t >= 30.0) & (t < 30.001), 1.0, 0.0) * jnp.ones(2)

    with pytest.warns(UserWarning, match=r"input .* at t = 30, 30\.001, .* no jumps"):
        found = with_jumps(Function(f), 0.0, 50.0, "input")
    np.testing.assert_allclose(found.jumps, [30.0, 30.001], rtol=1e-15)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert with_jumps(found, 0.0, 50.0, "input") is found
        for smooth in (lambda t: jnp.sin(40 * t), lambda t: jnp.exp(-((t - 30) ** 2))):
            assert with_jumps(Function(smooth), 0.0, 50.0, "input").jumps == ()
    with pytest.warns(UserWarning, match="changes abruptly"):
        narrow = with_jumps(
            Function(lambda t: jnp.exp(-(((t - 30) / 3e-3) ** 2))), 0.0, 50.0, "input"
        )
    assert 29.98 < narrow.jumps[0] < 30 < narrow.jumps[-1] < 30.02
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert with_jumps(narrow, 0.0, 50.0, "input") is narrow
