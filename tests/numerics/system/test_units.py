"""Filters as numbers: their state-space form is the transfer function, and what no stable filter is
is refused by name.
"""

import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from motifield import Architecture, Parameters
from motifield.errors import ParameterError
from motifield.numerics.linear import observer
from motifield.numerics.system.units import Units, check_filters
from motifield.theory.architecture import filters

MEMBRANE = {"E": filters.adapting(tau=0.8, strength=1.5, tau_a=6), "I": filters.membrane(0.4)}
SYNAPSE = {"E": filters.exponential(0.3), "I": filters.gamma_delay(1.5, 3)}


def parameters(**changes):
    return Parameters.of(
        populations=["E", "I"], N=100, fractions=[0.6, 0.4], mean=0.0, g=0.1, **changes
    )


def architecture(membrane=MEMBRANE, synapse=SYNAPSE):
    return Architecture(["E", "I"], "1 + tanh(x)", membrane=membrane, synapse=synapse)


def response(f, s):
    """C (s - A)^-1 B of T dz_k/dt = z_{k+1} - a_k z_1 + b_k u, the first state being the output."""
    A = np.eye(len(f.a), k=1)
    A[:, 0] -= np.asarray(f.a[:, 0])
    T = float(f.T[0])
    return np.linalg.solve(s * np.eye(len(A)) - A / T, np.asarray(f.b[:, 0]) / T)[0]


def test_the_state_space_form_is_the_transfer_function():
    """Given values beside defaults: tau of both membranes and tau_a are given."""
    own = Units.of(
        architecture(),
        parameters(membrane={"tau": [0.7, 0.2], "tau_a": [5.0, 9.0]}, synapse={"delay": 2.5}),
    )
    values = [
        {"tau": 0.7, "strength": 1.5, "tau_a": 5.0},
        {"tau": 0.2},
        {"tau": 0.3},
        {"delay": 2.5},
    ]
    s = 0.3 + 0.7j
    for given, f, symbolic in zip(
        values, (*own.membrane, *own.synapse), (*MEMBRANE.values(), *SYNAPSE.values()), strict=True
    ):
        H = symbolic.expression.subs({v: given[str(v)] for v in symbolic.defaults} | {filters.S: s})
        assert response(f, s) == pytest.approx(complex(sp.N(H)), rel=1e-12)
    assert [len(f.a) for f in (*own.membrane, *own.synapse)] == [2, 1, 1, 3]


def test_without_filters_units_are_plain():
    plain = Units.of(Architecture(["E", "I"], "tanh(x)"), parameters())
    assert plain.is_plain
    assert Units().is_plain
    assert Units().shortest == 1
    assert not Units.of(Architecture(["E", "I"], "tanh(x)"), parameters(noise=[0.0, 0.1])).is_plain
    assert not Units.of(
        Architecture(["E", "I"], "tanh(x)", membrane=filters.membrane(0.5)), parameters()
    ).is_plain
    assert not Units(synapse=(observer([1.0], [1.0, 1.0], 1, 1),)).is_plain


def test_shortest_and_longest_time_constants_are_those_of_the_fastest_and_slowest_pole():
    """Not the geometric mean, which T is: here sqrt(10 * .1) = 1."""
    two = filters.rational("1/((1 + tau*s)*(1 + rise*s))", tau=10, rise=0.1)
    assert Units.of(architecture(synapse=two), parameters()).shortest == pytest.approx(0.1)
    assert Units.of(architecture(synapse=two), parameters()).longest == pytest.approx(10)


def test_one_for_all_or_one_for_each():
    over = Units(noise=jnp.asarray([0.2])).over(3)
    assert (len(over.membrane), over.synapse) == (3, (None, None, None))
    np.testing.assert_array_equal(over.noise, [0.2, 0.2, 0.2])
    with pytest.raises(
        ParameterError, match="the units are those of 2 populations, the network has 3"
    ):
        Units.of(architecture(), parameters()).over(3)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (
            {"membrane": {"strength": [-2.5, 0]}},
            "membrane adapting of population E is unstable with "
            "tau = 0.8, strength = -2.5, tau_a = 6: it has the pole s = 0.194",
        ),
        (
            {"membrane": {"strength": [-1.0, 0]}},
            "membrane adapting of population E is improper with .* must be finite",
        ),
        (
            {"membrane": {"tau": [1.0, 0.0]}},
            "tau = 0.0 of the membrane membrane of population I must be positive",
        ),
        (
            {"synapse": {"delay": [1.0, 0.0]}},
            r"synapse gamma_delay of population I is improper with "
            r"delay = 0: .* \[1.0, 0.0, 0.0, 0.0\]",
        ),
        (
            {"synapse": {"delay": -1.0}},
            "synapse gamma_delay of population I is unstable with "
            "delay = -1: it has the pole s = 3,",
        ),
        (
            {"membrane": {"rise": 1.0}},
            r"membrane filters have no parameter 'rise': they have \['tau', 'strength', 'tau_a'\]",
        ),
    ],
)
def test_filters_that_are_no_filters_are_refused_by_name(changes, match):
    for refuse in (check_filters, Units.of):
        with pytest.raises(ParameterError, match=match):
            refuse(architecture(), parameters(**changes))


def test_an_undamped_oscillation_is_not_stable():
    with pytest.raises(
        ParameterError,
        match="membrane ring of population E is unstable with "
        "its coefficients: it has the pole s = .*2j",
    ):
        check_filters(architecture(filters.rational("1/(1 + s**2/4)", "ring")), parameters())
    check_filters(architecture(filters.rational("1/(1 + s/1000 + s**2/4)", "ring")), parameters())


def test_repeated_and_distant_poles_are_stable():
    """The roots of the product of 20 equal factors are wrong by tens of per cent, and those of this
    one cover 8 decades.
    """
    check_filters(architecture(synapse=filters.gamma_delay(2.0, 20)), parameters())
    wide = filters.rational("1/((1 + a*s)*(1 + b*s)*(1 + c*s)**3)", a=1e4, b=1e-4, c=1)
    check_filters(architecture(synapse=wide), parameters())


def test_filters_of_other_populations_are_refused():
    three = Parameters.of(N=90, fractions=[1 / 3] * 3, mean=0.0, g=0.1)
    with pytest.raises(
        ParameterError,
        match="the architecture has membrane filters of 2 populations, the parameters 3",
    ):
        check_filters(architecture(), three)
