"""Random states and parameters: as arrays for generated code, and as named scalars for explicit
equations.
"""

import itertools
import types

import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import motifield as mf
from motifield.numerics.linear import inner_places, noise_places
from motifield.theory.architecture import filters
from motifield.theory.equations.explicit import scalar

DRIVES = {"drive": "mean", "in_strength": "in_strength", "spread": "spread"}


EXPORTED = {
    "two functions": (
        ["tanh", "Max(x, 0)**2"],
        {"membrane": filters.membrane(0.7)},
        mf.SecondMoment(),
    ),
    "everything": (
        "erf",
        {
            "membrane": {"E": filters.adapting(0.8, 1.5, 6), "I": filters.membrane(0.4)},
            "synapse": {
                "E": filters.exponential(0.3) * filters.gamma_delay(1.5, 2),
                "I": filters.exponential(0.2),
            },
            "inputs": ["in-strength", "spread", "out-strength", "noise"],
        },
        mf.LowRank(),
    ),
}


@pytest.fixture(scope="session", params=EXPORTED)
def exported(request):
    """Equations of E and I whose exported code must be the JAX code."""
    transfer, options, closure = EXPORTED[request.param]
    return mf.derive(mf.Architecture(["E", "I"], transfer, **options), closure)


def offered(thing):
    """A fixture that is the thing itself."""
    return pytest.fixture(scope="session")(lambda: thing)


def _random_numbers(P: int, seed: int):
    """Asymmetric numbers of the right shapes (no network behind them), as an object with attributes
    and as named scalars.
    """
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


class Scalars:
    """A random state and random parameters of the JAX code, and the same as named scalars of the
    explicit equations.
    """

    def __init__(self, mean_field, seed=5):
        rng = np.random.default_rng(seed)
        self.architecture, self.names = mean_field.architecture, mean_field.architecture.populations
        self.module, P = mf.compile(mean_field).module, len(self.names)
        arrays, _ = _random_numbers(P, seed)
        arrays |= {"tau_inp": rng.uniform(0.1, 0.5, (P, P)), "noise": rng.uniform(0.1, 0.5, P)}
        drive = {name: rng.uniform(0.1, 0.5, P) for name in DRIVES}
        families = {
            k: {
                n: rng.uniform(0.5, 1.5, P)
                for n in getattr(self.module, f"{k.upper()}_DEFAULTS", {})
            }
            for k in ("transfer", "membrane", "synapse")
        }
        self.parameters = types.SimpleNamespace(
            **{n: jnp.asarray(v) for n, v in arrays.items()},
            **{k: {n: jnp.asarray(v) for n, v in own.items()} for k, own in families.items()},
        )
        self.c = self.module.coefficients(self.parameters)
        self.drive = jnp.asarray(drive["drive"])
        if hasattr(self.module, "Drive"):
            self.drive = self.module.Drive(
                **{
                    DRIVES[n]: jnp.asarray(v)
                    for n, v in drive.items()
                    if DRIVES[n] in self.module.Drive._fields
                }
            )
        rest = self.module.rest(P)
        self.state = type(rest)(*(jnp.asarray(rng.uniform(0.1, 0.6, v.shape)) for v in rest))
        self.values = {"N": float(arrays.pop("N"))}
        for name, array in {
            **arrays,
            **drive,
            **{f"{k}_{n}": v for k, own in families.items() for n, v in own.items()},
        }.items():
            self.values |= {
                self.symbol(name, index): float(array[index]) for index in np.ndindex(array.shape)
            }

    def symbol(self, name, index):
        return str(scalar(name, index, self.names))

    def of_state(self, state):
        """Named scalars; further states of filters without their time scale T, which the JAX code
        has.
        """
        found, fields = {}, state._asdict()
        for name, array in fields.items():
            if name.endswith("_inner"):
                continue
            kind = "synapse" if name in ("e", "v", "current") else "membrane"
            of = self.architecture.filter_index(kind, len(self.names))
            rows = (
                [of.index(c) for c in dict.fromkeys(of)]
                if np.ndim(array) == 2
                else list(range(len(self.names)))
            )
            orders = [
                getattr(self.architecture, kind)[
                    r if len(getattr(self.architecture, kind)) > 1 else 0
                ].order
                for r in rows
            ]
            T = (
                np.asarray(getattr(self.c, kind).T)[rows]
                if hasattr(self.c, kind)
                else np.ones(len(rows))
            )
            trailing = [(k,) for k in range(len(self.names))] if np.ndim(array) == 2 else [()]
            for (a, row), rest in itertools.product(enumerate(rows), trailing):
                found[self.symbol(name, (row, *rest))] = float(array[(a, *rest)])
            if f"{name}_inner" not in fields:
                continue
            places = (
                noise_places(tuple(orders), len(rows))
                if name == "V"
                else inner_places(tuple(orders), len(rows))
            )
            for n, (*levels, a) in enumerate(zip(*places, strict=True)):
                mark = "".join(str(k + 1) for k in levels)
                for rest in trailing:
                    value = float(fields[f"{name}_inner"][(n, *rest)]) / T[a] ** sum(levels)
                    found[self.symbol(f"{name}{mark}", (rows[a], *rest))] = value
        return found

    def places(self, mean_field, state):
        """Where the scalars are in states of exported code, whose first axis has all states of a
        filter: name -> (array, index, T^k).
        """
        found = {}
        for e in mean_field.equations:
            array = getattr(state, e.name)
            kind = "synapse" if e.response == "synapse" else "membrane"
            own, of = (
                getattr(self.architecture, kind),
                self.architecture.filter_index(kind, len(self.names)),
            )
            rows = (
                [of.index(c) for c in dict.fromkeys(of)]
                if len(e.indices) > 1
                else range(len(self.names))
            )
            levels = array.ndim - len(e.indices)
            for index in np.ndindex(array.shape):
                level, (a, *rest) = index[:levels], index[levels:]
                if any(k >= own[rows[a] if len(own) > 1 else 0].order for k in level) or list(
                    level
                ) != sorted(level):
                    continue
                T = np.asarray(getattr(self.c, kind).T)[rows[a]] if hasattr(self.c, kind) else 1.0
                mark = "".join(str(k + 1) for k in level) if any(level) else ""
                found[self.symbol(f"{e.name}{mark}", (rows[a], *rest))] = (
                    array,
                    index,
                    T ** sum(level),
                )
        return found

    def fill(self, mean_field, state):
        """Writes the random state into one of exported code."""
        start = self.of_state(self.state)
        for name, (array, index, scale) in self.places(mean_field, state).items():
            array[index] = start[name] * scale
            if name.startswith("V") and len(index) == 3:  # a covariance is symmetric
                array[index[1], index[0], index[2]] = array[index]

    def rates(self):
        """The vector field of the JAX code, as named scalars."""
        return self.of_state(self.module.vector_field(self.state, self.drive, self.c))


def _evaluated(equations, values):
    """The derivatives in a list of explicit equations, from numbers of parameters and states."""
    rights = {str(e.lhs): e.rhs for e in equations if isinstance(e.lhs, sp.Symbol)}
    values = dict(values)

    def value(name):
        if name not in values:
            values[name] = number(rights[name])
        return values[name]

    def number(expression):
        return float(expression.subs({s: value(str(s)) for s in expression.free_symbols}))

    return {
        str(e.lhs.args[0]): number(e.rhs) for e in equations if isinstance(e.lhs, sp.Derivative)
    }


random_numbers = offered(_random_numbers)


scalars = offered(Scalars)


evaluated = offered(_evaluated)
