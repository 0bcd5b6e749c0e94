"""Scalar equations against the generated array code: two printers of one derivation."""

import itertools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import motifield as mf
from motifield.errors import ArchitectureError
from motifield.numerics.linear import inner_places, noise_places
from motifield.theory import filters
from motifield.theory.explicit import scalar
from motifield.theory.gaussian import GaussianAverage


def random_numbers(P: int, seed: int):
    """Asymmetric numbers of the right shapes (no network behind them), as an object with attributes and as named scalars."""
    rng = np.random.default_rng(seed)
    shapes = {
        "fractions": (P,),
        "mean": (P, P),
        "g": (P, P),
        "tau_con": (P,) * 3,
        "tau_div": (P,) * 3,
        "tau_chn": (P,) * 3,
        "tau_rec": (P, P),
    }
    arrays = {name: rng.uniform(0.1, 0.5, shape) for name, shape in shapes.items()}
    for name in ("tau_con", "tau_div", "tau_rec"):
        arrays[name] = (arrays[name] + np.swapaxes(arrays[name], -1, -2)) / 2
    arrays |= {"N": np.float64(3.0), "drive": rng.normal(size=P)}
    state = {name: rng.uniform(0.1, 0.6, P) for name in ("K", "kappa", "s")}
    return arrays, state


@pytest.mark.parametrize("closure", [mf.MotifOnly(), mf.LowRank(), mf.SecondMoment()], ids=lambda c: c.name)
@pytest.mark.parametrize("P", [1, 2, 3])
def test_expanded_equations_equal_the_array_code(P, closure):
    arrays, state = random_numbers(P, seed=P)
    mean_field = mf.derive(mf.Architecture([str(k + 1) for k in range(P)], "Max(x, 0)**2"), closure)
    module = mf.compile(mean_field).module
    values = {sp.Symbol("N"): arrays["N"]}
    for name, array in {**arrays, **state}.items():
        values |= {sp.Symbol(f"{name}_{''.join(str(k + 1) for k in index)}"): array[index] for index in np.ndindex(np.shape(array))}
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
    field = module.vector_field(start, jnp.asarray(arrays["drive"]), module.coefficients(parameters))
    for name, array in field._asdict().items():
        for k in range(P):
            assert found[f"{name}_{k + 1}"] == pytest.approx(float(array[k]), rel=1e-11)


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
SYNAPSE = {"E": filters.exponential(0.3) * filters.gamma_delay(1.5, 2), "I": filters.exponential(0.2)}
UNITS = {
    "plain": {},
    "inputs": {"inputs": ["in-strength", "spread", "out-strength"]},
    "one membrane": {"membrane": filters.membrane(0.7)},
    "membranes": {"membrane": MEMBRANE},
    "one synapse": {"synapse": filters.exponential(0.3)},
    "everything": {"membrane": MEMBRANE, "synapse": SYNAPSE, "inputs": ["in-strength", "spread", "out-strength"]},
}
DRIVES = {"drive": "mean", "in_strength": "in_strength", "spread": "spread"}


class Scalars:
    """A random state and random parameters of the JAX code, and the same as named scalars of the explicit equations."""

    def __init__(self, mean_field, seed=5):
        rng = np.random.default_rng(seed)
        self.architecture, self.names = mean_field.architecture, mean_field.architecture.populations
        self.module, P = mf.compile(mean_field).module, len(self.names)
        arrays, _ = random_numbers(P, seed)
        arrays |= {"tau_inp": rng.uniform(0.1, 0.5, (P, P)), "noise": rng.uniform(0.1, 0.5, P)}
        drive = {name: rng.uniform(0.1, 0.5, P) for name in DRIVES}
        families = {k: {n: rng.uniform(0.5, 1.5, P) for n in getattr(self.module, f"{k.upper()}_DEFAULTS", {})} for k in ("transfer", "membrane", "synapse")}
        self.parameters = types.SimpleNamespace(**{n: jnp.asarray(v) for n, v in arrays.items()},
                                                **{k: {n: jnp.asarray(v) for n, v in own.items()} for k, own in families.items()})  # fmt: skip
        self.c = self.module.coefficients(self.parameters)
        self.drive = jnp.asarray(drive["drive"])
        if hasattr(self.module, "Drive"):
            self.drive = self.module.Drive(**{DRIVES[n]: jnp.asarray(v) for n, v in drive.items() if DRIVES[n] in self.module.Drive._fields})
        rest = self.module.rest(P)
        self.state = type(rest)(*(jnp.asarray(rng.uniform(0.1, 0.6, v.shape)) for v in rest))
        self.values = {"N": float(arrays.pop("N"))}
        for name, array in {**arrays, **drive, **{f"{k}_{n}": v for k, own in families.items() for n, v in own.items()}}.items():
            self.values |= {self.symbol(name, index): float(array[index]) for index in np.ndindex(array.shape)}

    def symbol(self, name, index):
        return str(scalar(name, index, self.names))

    def of_state(self, state):
        """Named scalars; further states of filters without their time scale T, which the JAX code has."""
        found, fields = {}, state._asdict()
        for name, array in fields.items():
            if name.endswith("_inner"):
                continue
            kind = "synapse" if name in ("e", "v", "current") else "membrane"
            of = self.architecture.filter_index(kind, len(self.names))
            rows = [of.index(c) for c in dict.fromkeys(of)] if np.ndim(array) == 2 else list(range(len(self.names)))
            orders = [getattr(self.architecture, kind)[r if len(getattr(self.architecture, kind)) > 1 else 0].order for r in rows]
            T = np.asarray(getattr(self.c, kind).T)[rows] if hasattr(self.c, kind) else np.ones(len(rows))
            trailing = [(k,) for k in range(len(self.names))] if np.ndim(array) == 2 else [()]
            for (a, row), rest in itertools.product(enumerate(rows), trailing):
                found[self.symbol(name, (row, *rest))] = float(array[(a, *rest)])
            if f"{name}_inner" not in fields:
                continue
            places = noise_places(tuple(orders), len(rows)) if name == "V" else inner_places(tuple(orders), len(rows))
            for n, (*levels, a) in enumerate(zip(*places, strict=True)):
                mark = "".join(str(k + 1) for k in levels)
                for rest in trailing:
                    value = float(fields[f"{name}_inner"][(n, *rest)]) / T[a] ** sum(levels)
                    found[self.symbol(f"{name}{mark}", (rows[a], *rest))] = value
        return found

    def rates(self):
        """The vector field of the JAX code, as named scalars."""
        with jax.numpy_rank_promotion("allow"):
            return self.of_state(self.module.vector_field(self.state, self.drive, self.c))


def evaluated(equations, values):
    """The derivatives in a list of explicit equations, from numbers of parameters and states."""
    rights = {str(e.lhs): e.rhs for e in equations if isinstance(e.lhs, sp.Symbol)}
    values = dict(values)

    def value(name):
        if name not in values:
            values[name] = number(rights[name])
        return values[name]

    def number(expression):
        return float(expression.subs({s: value(str(s)) for s in expression.free_symbols}))

    return {str(e.lhs.args[0]): number(e.rhs) for e in equations if isinstance(e.lhs, sp.Derivative)}


@pytest.mark.parametrize("closure", [mf.LowRank(), mf.SecondMoment()], ids=lambda c: c.name)
@pytest.mark.parametrize("units", UNITS)
def test_filters_and_inputs_equal_the_array_code(units, closure):
    """A filter of an order above one has further states: T^k of the JAX code's is the one here, see `numerics.linear`."""
    kwargs = dict(UNITS[units])
    if units == "everything" and closure.allows_noise:
        kwargs["inputs"] = [*kwargs["inputs"], "noise"]
    mean_field = mf.derive(mf.Architecture(["E", "I"], "erf", **kwargs), closure)
    numbers = Scalars(mean_field)
    found = evaluated(mean_field.explicit(closed=True), numbers.values | numbers.of_state(numbers.state))
    wanted = numbers.rates()
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-11, abs=1e-13), name


def test_noise_through_a_membrane_of_second_order():
    """The stationary variance of the unit filter is D; of 1/(1 + s)^2 it is D/2 (2 D times the integral of t^2 exp(-2 t))."""
    two = mf.derive(mf.Architecture(["E"], "tanh", membrane=filters.gamma_delay(2, 2), inputs=["noise"]), mf.MotifOnly())
    equations = {str(e.lhs.args[0]): e.rhs for e in two.explicit() if isinstance(e.lhs, sp.Derivative) and str(e.lhs.args[0]).startswith("V")}
    assert list(equations) == ["V_E", "V12_E", "V22_E"]
    solution = sp.solve(list(equations.values()), [sp.Symbol(n) for n in equations], dict=True)[0]
    assert sp.simplify(solution[sp.Symbol("V_E")].subs(sp.Symbol("membrane_delay_E", real=True), 2) - sp.Symbol("noise_E") / 2) == 0


def test_populations_with_equal_filters_share_their_variables():
    membrane = {"a": filters.membrane(2), "b": filters.membrane(3), "c": filters.membrane(2)}
    equations = mf.derive(mf.Architecture(["a", "b", "c"], "tanh", membrane=membrane, synapse="exponential")).explicit()
    states = [str(e.lhs.args[0]) for e in equations if isinstance(e.lhs, sp.Derivative)]
    assert [s for s in states if s.startswith("kappa")] == ["kappa_aa", "kappa_ab", "kappa_ac", "kappa_ba", "kappa_bb", "kappa_bc"]
    assert [s for s in states if s.startswith("current")] == ["current_aa", "current_ab", "current_ac"]


def test_parameters_of_transfer_functions_belong_to_populations():
    transfer = mf.transfer.erf(gain=2, threshold=1)
    symbols = set().union(*(e.free_symbols for e in mf.derive(mf.Architecture(["E", "I"], transfer)).explicit(closed=True)))
    assert {"transfer_gain_E", "transfer_gain_I", "transfer_threshold_E"} <= {str(s) for s in symbols}


def test_a_jump_has_its_delta_function():
    """<step'> is the density at the step, written with a Piecewise or with a Heaviside function."""
    found = []
    for step in ("Piecewise((0, x < 1), (1, True))", "Heaviside(x - 1)"):
        (gain,) = [e.rhs for e in mf.derive(mf.Architecture(["E"], step)).explicit(closed=True) if str(e.lhs) == "G_E"]
        found.append(float(gain.subs({"K_E": 0.3, "Delta_E": 0.5})))
    assert found == pytest.approx([np.exp(-(0.7**2)) / np.sqrt(np.pi)] * 2, rel=1e-14)
