"""Scalar equations against the generated array code: two printers of one derivation."""

import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import motifield as mf
from motifield.errors import ArchitectureError
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
