"""Scalar equations against the generated array code: two printers of one derivation."""

import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import motifield as mf
from motifield.errors import ArchitectureError
from motifield.theory.architecture import filters
from motifield.theory.averages.gaussian import GaussianAverage


@pytest.mark.parametrize(
    "closure", [mf.MotifOnly(), mf.LowRank(), mf.SecondMoment()], ids=lambda c: c.name
)
@pytest.mark.parametrize("P", [1, 2, 3])
def test_expanded_equations_equal_the_array_code(P, closure, random_numbers):
    arrays, state = random_numbers(P, seed=P)
    mean_field = mf.derive(mf.Architecture([str(k + 1) for k in range(P)], "Max(x, 0)**2"), closure)
    module = mf.compile(mean_field).module
    values = {sp.Symbol("N"): arrays["N"]}
    for name, array in {**arrays, **state}.items():
        values |= {
            sp.Symbol(f"{name}_{''.join(str(k + 1) for k in index)}"): array[index]
            for index in np.ndindex(np.shape(array))
        }
    # the parameters are positive symbols in the equations
    values = {str(symbol): value for symbol, value in values.items()}
    equations = {e.lhs: e.rhs for e in mean_field.explicit(P, closed=True)}
    found: dict[str, float] = {}

    def value(symbol: sp.Symbol) -> float:
        if str(symbol) not in values:
            values[str(symbol)] = number(equations[symbol])
        return values[str(symbol)]

    def number(expression: sp.Expr) -> float:
        return float(expression.subs({s: value(s) for s in expression.free_symbols}))

    for left, right in equations.items():
        if isinstance(left, sp.Derivative):
            found[str(left.args[0])] = number(right)
    parameters = type("P", (), {name: jnp.asarray(array) for name, array in arrays.items()})
    start = module.State(*(jnp.asarray(state[name]) for name in mean_field.states))
    field = module.vector_field(
        start, jnp.asarray(arrays["drive"]), module.coefficients(parameters)
    )
    for name, array in field._asdict().items():
        for k in range(P):
            assert found[f"{name}_{k + 1}"] == pytest.approx(float(array[k]), rel=1e-11)


@pytest.mark.parametrize("names", [("a", "a_a"), ("b", "a_b"), ("_", "__"), ("{", "a}_{a")])
def test_two_entries_never_have_one_symbol(names):
    """membrane_tau of a_b and membrane_tau_a of b were one symbol, and so on."""
    membrane = {names[0]: {"function": "adapting"}, names[1]: {"function": "membrane"}}
    mean_field = mf.derive(mf.Architecture(names, "Max(x, 0)", membrane=membrane))
    plain = mf.derive(
        mf.Architecture(
            ("E", "I"), "Max(x, 0)", membrane=dict(zip("EI", membrane.values(), strict=True))
        )
    )
    count = [
        len(set().union(*(e.free_symbols for e in each.explicit()))) for each in (mean_field, plain)
    ]
    assert count[0] == count[1]


def test_names_of_populations():
    mean_field = mf.derive(mf.Architecture(["E", "PV"], {"E": "tanh(x)", "PV": "Max(x, 0)"}))
    symbols = set().union(*(e.free_symbols for e in mean_field.explicit()))
    assert {"tau_chn_E_PV_E", "K_PV", "g_PV_E"} <= {str(s) for s in symbols}
    averages = [e.rhs for e in mean_field.explicit(closed=True) if str(e.lhs) in ("R_E", "R_PV")]
    assert isinstance(averages[0], GaussianAverage)  # tanh has no closed form
    assert not averages[1].has(GaussianAverage)


def test_at_most_four_populations():
    with pytest.raises(ArchitectureError, match="1 to 4 populations"):
        mf.derive(mf.Architecture()).explicit(5)
    with pytest.raises(ArchitectureError, match=r"\['E', 'I'\]"):
        mf.derive(mf.Architecture(["E", "I"])).explicit(3)


MEMBRANE = {"E": filters.adapting(tau=0.8, strength=1.5, tau_a=6), "I": filters.membrane(0.4)}
SYNAPSE = {
    "E": filters.exponential(0.3) * filters.gamma_delay(1.5, 2),
    "I": filters.exponential(0.2),
}
UNITS = {
    "plain": {},
    "inputs": {"inputs": ["in-strength", "spread", "out-strength"]},
    "one membrane": {"membrane": filters.membrane(0.7)},
    "membranes": {"membrane": MEMBRANE},
    "one synapse": {"synapse": filters.exponential(0.3)},
    "everything": {
        "membrane": MEMBRANE,
        "synapse": SYNAPSE,
        "inputs": ["in-strength", "spread", "out-strength"],
    },
}


@pytest.mark.parametrize("closure", [mf.LowRank(), mf.SecondMoment()], ids=lambda c: c.name)
@pytest.mark.parametrize("units", UNITS)
def test_filters_and_inputs_equal_the_array_code(units, closure, scalars, evaluated):
    """A filter of an order above one has further states: T^k of the JAX code's is the one here, see
    `numerics.linear`.
    """
    kwargs = dict(UNITS[units])
    if units == "everything" and closure.allows_noise:
        kwargs["inputs"] = [*kwargs["inputs"], "noise"]
    mean_field = mf.derive(mf.Architecture(["E", "I"], "erf", **kwargs), closure)
    numbers = scalars(mean_field)
    found = evaluated(
        mean_field.explicit(closed=True), numbers.values | numbers.of_state(numbers.state)
    )
    wanted = numbers.rates()
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-11, abs=1e-13), name


def test_noise_through_a_membrane_of_second_order():
    """The stationary variance of the unit filter is D; of 1/(1 + s)^2 it is D/2 (2 D times the
    integral of t^2 exp(-2 t)).
    """
    two = mf.derive(
        mf.Architecture(["E"], "tanh", membrane=filters.gamma_delay(2, 2), inputs=["noise"]),
        mf.MotifOnly(),
    )
    equations = {
        str(e.lhs.args[0]): e.rhs
        for e in two.explicit()
        if isinstance(e.lhs, sp.Derivative) and str(e.lhs.args[0]).startswith("V")
    }
    assert list(equations) == ["V_E", "V12_E", "V22_E"]
    solution = sp.solve(list(equations.values()), [sp.Symbol(n) for n in equations], dict=True)[0]
    assert (
        sp.simplify(
            solution[sp.Symbol("V_E")].subs(sp.Symbol("membrane_delay_E", real=True), 2)
            - sp.Symbol("noise_E") / 2
        )
        == 0
    )


def test_populations_with_equal_filters_share_their_variables():
    membrane = {"a": filters.membrane(2), "b": filters.membrane(3), "c": filters.membrane(2)}
    equations = mf.derive(
        mf.Architecture(["a", "b", "c"], "tanh", membrane=membrane, synapse="exponential")
    ).explicit()
    states = [str(e.lhs.args[0]) for e in equations if isinstance(e.lhs, sp.Derivative)]
    assert [s for s in states if s.startswith("kappa")] == [
        "kappa_aa",
        "kappa_ab",
        "kappa_ac",
        "kappa_ba",
        "kappa_bb",
        "kappa_bc",
    ]
    assert [s for s in states if s.startswith("current")] == [
        "current_aa",
        "current_ab",
        "current_ac",
    ]


def test_parameters_of_transfer_functions_belong_to_populations():
    transfer = mf.transfer.erf(gain=2, threshold=1)
    symbols = set().union(
        *(
            e.free_symbols
            for e in mf.derive(mf.Architecture(["E", "I"], transfer)).explicit(closed=True)
        )
    )
    assert {"transfer_gain_E", "transfer_gain_I", "transfer_threshold_E"} <= {
        str(s) for s in symbols
    }


def test_a_jump_has_its_delta_function():
    """<step'> is the density at the step, written with a Piecewise or with a Heaviside function."""
    found = []
    for step in ("Piecewise((0, x < 1), (1, True))", "Heaviside(x - 1)"):
        (gain,) = [
            e.rhs
            for e in mf.derive(mf.Architecture(["E"], step)).explicit(closed=True)
            if str(e.lhs) == "G_E"
        ]
        found.append(float(gain.subs({"K_E": 0.3, "Delta_E": 0.5})))
    assert found == pytest.approx([np.exp(-(0.7**2)) / np.sqrt(np.pi)] * 2, rel=1e-14)
