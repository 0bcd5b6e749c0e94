"""Filters as rational functions of s, and architectures that are made of them."""

import pytest
import sympy as sp

import motifield as mf
from motifield.errors import ArchitectureError, ExpressionError
from motifield.theory.architecture import filters
from motifield.theory.architecture.filters import S


def test_the_library():
    tau, strength, tau_a = (
        sp.Symbol("tau", positive=True),
        sp.Symbol("strength", real=True),
        sp.Symbol("tau_a", positive=True),
    )
    assert sp.simplify(filters.membrane(2).expression - 1 / (1 + tau * S)) == 0
    assert (
        sp.simplify(filters.adapting().expression - 1 / (1 + tau * S + strength / (1 + tau_a * S)))
        == 0
    )
    delay = filters.gamma_delay(3, 4)
    assert sp.simplify(delay.with_defaults - (1 + sp.Rational(3, 4) * S) ** -4) == 0
    assert (delay.order, delay.parameters) == (4, ("delay",))
    both = filters.exponential(0.5) * delay
    assert both.order == 5
    assert (
        sp.simplify(both.with_defaults - (1 + S / 2) ** -1 * (1 + sp.Rational(3, 4) * S) ** -4) == 0
    )


def test_common_factors_cancel():
    """The realisation is minimal."""
    assert filters.rational("(1 + tau*s)/((1 + tau*s)*(1 + 2*tau*s))", tau=1).order == 1


@pytest.mark.parametrize(
    ("value", "order"),
    [
        ("1/(1 + s)**2", 2),
        ({"function": "membrane", "tau": 2}, 1),
        ({"expression": "1/(1 + a*s)", "a": 3}, 1),
        (["1/(1 + s)", {"function": "gamma_delay", "order": 3}], 4),
        ("membrane", 1),
        (1 / (1 + S), 1),
    ],
)
def test_ways_to_write_one(value, order):
    assert filters.of(value).order == order


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (
            "exp(-s)",
            "not a rational function of s: a pure delay has infinitely many states, gamma_delay",
        ),
        ("1/s", "integrates its input for ever"),
        ("1/(1 + s*x)", "unknown name 'x'.*no exact Gaussian closure"),
        (
            {"function": "adapting", "driven_by": "rate"},
            "driven by the rate is refused.*no exact Gaussian closure",
        ),
        ({"function": "low-pass"}, "unknown filter 'low-pass': known are membrane"),
        ({"function": "membrane", "tua": 1}, "tua"),
        ({"function": "gamma_delay", "order": 0}, "integer order from 1 to 20"),
        ({"expression": "1/(1 + s)", "tau": 1}, "has the symbols"),
        ("__import__('os')", "unknown function '__import__'|not permitted"),
        (3, "not int"),
    ],
)
def test_refused(value, match):
    with pytest.raises((ArchitectureError, ExpressionError), match=match):
        filters.of(value)


def test_two_parameters_of_one_name():
    with pytest.raises(ArchitectureError, match="both have a parameter 'tau'"):
        filters.membrane(1) * filters.exponential(2)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"membrane": "1"}, r"a loop without a state.*give the synapses filters, such as 1/\(1"),
        ({"membrane": {"E": "1", "I": "1/(1 + s)"}}, "a loop without a state"),
        ({"membrane": "1", "synapse": "1/(1 + s)", "inputs": ["noise"]}, "an infinite variance"),
        ({"membrane": "1", "synapse": "(1 + s)/(1 + 2*s)"}, "must be 1, or decay"),
        ({"membrane": "1", "synapse": {"E": "1", "I": "1/(1 + s)"}}, "others have none"),
        ({"membrane": "2", "synapse": "1/(1 + s)"}, "lets a jump"),
        ({"membrane": "s/(1 + s)"}, "lets a jump"),
        ({"synapse": "(1 + s)/(1 + 2*s)"}, "must be 1, or decay"),
        (
            {"synapse": {"E": "1", "I": "1/(1 + s)"}},
            "some populations have a synaptic filter and others have none",
        ),
        ({"membrane": {"E": "1/(1 + s)"}}, r"membrane filters are given for \['E'\]"),
        ({"inputs": ["colour"]}, r"unknown inputs \['colour'\]: known are"),
        ({"inputs": ["out-strength"]}, "needs divergent motifs.*and the input 'spread'"),
        ({"inputs": ["in-strength"], "motifs": ["reciprocal"]}, "needs convergent motifs"),
    ],
)
def test_inconsistent_architectures(options, match):
    with pytest.raises(ArchitectureError, match=match):
        mf.Architecture(["E", "I"], "tanh", **options)


def test_noise_has_no_second_moment_closure():
    with pytest.raises(
        ArchitectureError,
        match="SecondMoment has no exact Gaussian closure with white noise.*use LowRank",
    ):
        mf.derive(mf.Architecture(transfer="tanh", inputs=["noise"]), mf.SecondMoment())


def states(**options):
    """Latent variables of an E, PV, SST network: names, and how many of each."""
    module = mf.compile(
        mf.derive(mf.Architecture(["E", "PV", "SST"], "Max(x, 0)", **options), mf.LowRank())
    ).module
    return {name: value.size for name, value in module.rest(3)._asdict().items()}


def test_as_few_variables_as_distinct_filters_allow():
    """P + P n variables with n distinct membranes of first order; equal ones merge, however they
    are written.
    """
    one, two = filters.membrane(1), filters.membrane(0.5)
    assert states() == states(membrane=one) == {"K": 3, "kappa": 3}
    assert states(membrane={"E": one, "PV": "1/(1 + s)", "SST": "1/(1 + s)"}) == {
        "K": 3,
        "kappa": 6,
    }  # a parameter tells them apart
    assert states(membrane={"E": one, "PV": two, "SST": two}) == {"K": 3, "kappa": 6}
    assert states(membrane={"E": one, "PV": two, "SST": "1/(1 + s/3)"}) == {"K": 3, "kappa": 9}
    assert states(membrane={"E": "1/(2 + 2*s)", "PV": "1/(1 + s)/2", "SST": "1/(2*(1 + s))"}) == {
        "K": 3,
        "kappa": 3,
    }
    assert states(membrane={"E": filters.adapting(), "PV": one, "SST": one}) == {
        "K": 3,
        "K_inner": 1,
        "kappa": 6,
        "kappa_inner": 3,
    }
    assert states(synapse=filters.exponential(1)) == {"K": 3, "current": 3, "kappa": 3, "e": 3}
    assert states(inputs=["spread", "noise"]) == {"K": 3, "kappa": 3, "z": 3, "V": 3}
    assert states(inputs=["in-strength"], motifs=["convergent"]) == {"K": 3, "kappa": 3, "rho": 3}
