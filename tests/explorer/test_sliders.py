"""Which numbers a page lets one move, over which ranges, and what a link says of them."""

from urllib.parse import parse_qsl

import numpy as np
import pytest

import motifield as mf
from motifield.errors import ArchitectureError, ParameterError
from motifield.explorer import subject_of
from motifield.explorer.links import query_of, start_of, state_of
from motifield.explorer.sliders import sliders_of


def test_default_sliders_are_what_the_network_has(pair):
    system, parameters = pair
    names = [own.name for own in sliders_of(system, parameters, None)]
    expected = ["factor(motifs)", "factor(mean)", "factor(g)", "input[E]", "input[I]", "N"]
    assert names == expected
    without = sliders_of(system, parameters.without_motifs(), None)
    assert "factor(motifs)" not in [own.name for own in without]
    for own in sliders_of(system, parameters, None):
        assert own.low <= own.start <= own.high


def test_gains_have_sliders():
    system = mf.compile(
        mf.derive(mf.Architecture(["E", "I"], mf.transfer.softplus(gain=2.0)), mf.MotifOnly())
    )
    numbers = {"N": 100, "fractions": [0.5, 0.5], "mean": 0.0, "g": 0.1}
    equal = mf.Parameters.of(**numbers, transfer={"gain": 2.0})
    other = mf.Parameters.of(**numbers, transfer={"gain": [2.0, 3.0]})
    assert "transfer.gain" in [own.name for own in sliders_of(system, equal, None)]
    assert "factor(transfer.gain)" in [own.name for own in sliders_of(system, other, None)]


def test_factors_multiply_what_other_sliders_set(pair):
    ranges = {"factor(tau_chn)": (0, 2), "tau_chn[E,E,I]": (0, 0.3)}
    subject = subject_of(*pair, ranges)
    assert [own.name for own in subject.sliders] == ["tau_chn[E,E,I]", "factor(tau_chn)"]
    made = subject.at((0.1, 0.5))
    assert made.tau_chn[0, 0, 1] == pytest.approx(0.05)
    assert made.tau_chn[1, 0, 1] == pytest.approx(0.1)
    np.testing.assert_allclose(subject.at((0.2, 1.0)).tau_chn, pair[1].tau_chn)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"inpt": (0, 1)}, "there is no parameter 'inpt'"),
        ({"input[E]": (1, 0)}, "goes from 1 to 0: give LO < HI"),
        ({"input[E]": (0, np.inf)}, "give LO < HI"),
        ({"input[E]": (1, 2)}, "without 0.5, which the network has: widen"),
        ({"N": (-5, 500)}, "the slider N at -5: N = -5"),
        ({"g[E,E]": (-1, 1)}, "the slider g.E,E. at -1"),
        ({"input[E]": (0, 1), "input": (0, 1)}, r"input\[E\] and input set the same numbers"),
        ({}, "needs one slider"),
    ],
)
def test_what_no_slider_can_be(pair, ranges, message):
    with pytest.raises(ParameterError, match=message):
        subject_of(*pair, ranges)


def test_a_closure_without_dynamics_is_refused(pair):
    system = mf.compile(mf.derive(mf.Architecture(["E", "I"], "erf"), mf.Cavity()))
    with pytest.raises(ArchitectureError, match="fixed points alone"):
        subject_of(system, pair[1])


def test_a_link_holds_the_state(subject):
    state = start_of(subject.sliders)
    assert query_of(state, subject.sliders) == ""
    assert state_of({}, subject.sliders) == state
    k = [own.name for own in subject.sliders].index("input[E]")
    values = tuple(1 / 3 if n == k else v for n, v in enumerate(state.values))
    moved = type(state)(values, "factor(motifs)", 7, "variance")
    told = dict(parse_qsl(query_of(moved, subject.sliders)))
    assert state_of(told, subject.sliders) == moved


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"x": "1"}, "the link sets 'x', which is no slider here"),
        ({"input[E]": "one"}, r"sets input\[E\] to 'one', which is no number"),
        ({"input[E]": "nan"}, "it goes from 0 to 2"),
        ({"input[E]": "3"}, "it goes from 0 to 2"),
        ({"along": "g"}, "along = 'g'"),
        ({"shown": "x"}, "shown = 'x': there are rate, mean, variance"),
        ({"sample": "-1"}, "a seed is an integer"),
        ({"sample": "99999999999"}, "a seed is an integer"),
    ],
)
def test_a_link_that_says_something_else_is_refused(subject, told, message):
    with pytest.raises(ParameterError, match=message):
        state_of(told, subject.sliders)
