"""A spec with tau dr/dt = -r + phi(J r + I), on the command line."""

import pytest

MEMBRANE = """membrane = "1"
[architecture.synapse]
E = { function = "exponential", tau = 1 }
I = { function = "exponential", tau = 0.4 }
"""


@pytest.fixture
def rate_form(pair):
    text = pair.read_text().replace("[parameters]", f"{MEMBRANE}[parameters]")
    pair.write_text(text)
    return pair


def test_the_equations_are_displayed(call, rate_form):
    code, out, err = call("derive", rate_form)
    assert (code, err) == (0, "")
    assert r"\kappa_{q} &= e_{q}" in out


def test_the_mean_has_the_input_at_the_start(answer, rate_form):
    assert answer("integrate", rate_form, "--t1", "2")["mean"][0] == [0.5, 0.5]


@pytest.mark.slow
def test_the_trajectory_ends_in_the_stable_fixed_point(answer, rate_form):
    course = answer("integrate", rate_form, "--t1", "40")
    (point,) = answer("fixed-points", rate_form)["points"]
    assert course["mean"][-1] == pytest.approx(point["mean"], abs=1e-6)
    assert answer("stability", rate_form)["stable"]


@pytest.mark.slow
def test_verify(call, rate_form):
    options = ("--sizes", "200,400", "--networks", "4", "--t1", "8")
    code, out, _ = call("verify", rate_form, *options)
    assert code == 0
    assert "PASSED" in out


def test_a_loop_without_a_state_is_refused(refused, pair):
    pair.write_text(pair.read_text().replace("[parameters]", 'membrane = "1"\n[parameters]'))
    refused(["integrate", pair], "a loop without a state.*give the synapses filters")


def test_other_languages_are_refused(refused, rate_form):
    refused(["derive", rate_form, "-o", "a.jl"], "cannot have the membrane 1: save the JAX module")
