"""Equations written out with components of strengths, against the generated array code."""

import types

import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import motifield as mf
from motifield.errors import ArchitectureError
from motifield.theory.architecture import Empirical, Mixture
from motifield.theory.equations import labels_of
from motifield.theory.notation import (
    COUNTS,
    QUANTITIES,
    STRENGTHS,
    Entry,
    entry_name,
    entry_of,
)

CASES = {
    "mixture": (
        {"strengths": Mixture(2), "assortativity": True},
        mf.SecondMoment(),
    ),
    "Gaussian with patterns": (
        {"patterns": ["m", "n"], "motifs": ["convergent", "divergent"], "inputs": ["pattern"]},
        mf.LowRank(),
    ),
    "quenched": (
        {"strengths": Mixture(3, quenched=True), "assortativity": ["in"]},
        mf.SecondMoment(),
    ),
    "filters": (
        {
            "strengths": Mixture(2),
            "patterns": ["m"],
            "membrane": {"E": mf.filters.membrane(1), "I": mf.filters.membrane(2)},
            "synapse": {"E": mf.filters.exponential(0.5), "I": mf.filters.exponential(3)},
            "inputs": ["in-strength", "pattern", "spread", "out-strength"],
        },
        mf.LowRank(),
    ),
}
NAMES = ("drive", "in_strength", "pattern_input", "spread")
DRIVES = {name: name for name in NAMES} | {"drive": "mean"}


class Numbers:
    """Random numbers for all that equations depend on, as arrays and by the names of entries."""

    def __init__(self, mean_field, components):
        own = mean_field.architecture
        self.mean_field, self.rng = mean_field, np.random.default_rng(3)
        self.sizes = {"m": components, "k": len(own.features), "p": 2}
        self.labels = labels_of(own, None)
        self.values: dict[str, float] = {"N": 3.0}
        names = [n for n in mean_field.parameters if n != "N"]
        found = {n: self.array(n, QUANTITIES[n].indices) for n in names}
        self.drive = {n: found.pop(n) for n in DRIVES if n in found}
        strengths = types.SimpleNamespace(**{n: found.pop(n) for n in STRENGTHS if n in found})
        families = {"membrane": {}, "synapse": {}, "transfer": {}}
        for kind in ("membrane", "synapse"):
            if any(f.parameters for f in getattr(own, kind)):
                families[kind] = {"tau": self.array(f"{kind}_tau", "p")}
        self.parameters = types.SimpleNamespace(
            N=jnp.float64(3.0), strengths=strengths, **found, **families
        )

    def array(self, name, indices, shape=None):
        """Random, and its entries by name; the indices say what counts what."""
        kinds = ["m" if i == "m" else "k" if i in map(str, COUNTS) else "p" for i in indices]
        shape = shape or [self.sizes[kind] for kind in kinds]
        array = self.rng.uniform(0.05, 0.2, shape)
        for at in np.ndindex(*shape):
            self.values[self.name(name, kinds, at)] = float(array[at])
        return jnp.asarray(array)

    def name(self, name, kinds, at):
        first = {"p": 0, "m": 2, "k": 2 + self.sizes["m"]}
        places = [first[kind] + n for kind, n in zip(kinds, at, strict=True)]
        return entry_name(name, places, self.labels)

    def evaluated(self, equations):
        """Values of all left sides: each needs those before it."""
        rights = {str(e.lhs): e.rhs for e in equations}

        def value(name):
            if name not in self.values:
                self.values[name] = number(rights[name])
            return self.values[name]

        def number(expression):
            symbols = sorted(expression.free_symbols, key=str)
            return float(
                sp.lambdify(symbols, expression, "scipy")(*(value(str(s)) for s in symbols))
            )

        for name in rights:
            if not name.startswith("Derivative"):
                value(name)
        return {name: number(right) for name, right in rights.items() if name.startswith("Deriv")}


@pytest.mark.parametrize("name", CASES)
def test_equal_to_the_array_code(name):
    options, closure = CASES[name]
    mean_field = mf.derive(mf.Architecture(["E", "I"], "Max(x, 0)", **options), closure)
    components = getattr(mean_field.architecture.strengths, "components", 1)
    numbers, module = Numbers(mean_field, components), mf.compile(mean_field).module
    indices = {e.name: "".join(map(str, e.indices)) for e in mean_field.equations}
    state = module.State(**{n: numbers.array(n, indices[n]) for n in module.State._fields})
    c = module.coefficients(numbers.parameters)
    drive = numbers.drive["drive"]
    if len(numbers.drive) > 1:
        drive = module.Drive(**{DRIVES[n]: value for n, value in numbers.drive.items()})
    rates = module.vector_field(state, drive, c)
    found = numbers.evaluated(mean_field.explicit(closed=True))
    for field, array in rates._asdict().items():
        kinds = ["k" if i == "k" else "p" for i in indices[field]]
        for at in np.ndindex(*array.shape):
            left = f"Derivative({numbers.name(field, kinds, at)}, t)"
            assert found.pop(left) == pytest.approx(float(array[at]), rel=1e-10, abs=1e-13), left
    assert not found
    variance = [numbers.values[numbers.name("Delta", "p", (k,))] for k in range(2)]
    assert variance == pytest.approx(np.asarray(module.variance(state, c)), rel=1e-11)


def test_a_number_of_components_must_be_known():
    for own in (Mixture(), Mixture("auto"), Empirical()):
        mean_field = mf.derive(mf.Architecture(["E", "I"], "tanh", strengths=own), mf.MotifOnly())
        with pytest.raises(ArchitectureError, match=r"give it, as in Mixture\(2\)"):
            mean_field.explicit()


def test_every_symbol_is_read_again():
    """Also where populations have names that begin quantities."""
    options, closure = CASES["filters"]
    mean_field = mf.derive(mf.Architecture(["E", "I"], "Max(x, 0)", **options), closure)
    labels = labels_of(mean_field.architecture, None)
    assert labels == ("E", "I", "1", "2", "m")
    known = set()
    for e in mean_field.explicit(averages=False):
        for symbol in e.rhs.free_symbols | e.lhs.free_symbols:
            entry = entry_of(str(symbol), labels)
            known.add(entry.base)
            assert set(entry.names) <= set(labels), symbol
    assert {"theta", "along", "R_c", "cov_out_in", "gamma", "weight", "shift"} <= known
    assert entry_of("mean_in_E", ("in", "E")) == Entry("mean", "", ("in", "E"))
    assert entry_of("mean_in_1_E_I", ("E", "I", "1", "in")).base == "mean_in"
