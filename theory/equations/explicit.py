"""Scalar equations for a few populations, to display, to export and to check array code by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product

import sympy as sp

from ...errors import ArchitectureError, NoClosedFormError
from ..architecture import UNIT, Architecture, Filter, Mixture, TransferFunction
from ..averages import GaussianAverage
from ..notation import COUNTS, Equation, Rate, Term, entry_name, f, m, p, q

MOST_POPULATIONS = 4  # written out, more fill pages that nobody reads
# what the first of two indices stands for


def expand(
    architecture: Architecture,
    definitions: Mapping[str, sp.Expr],
    results: Sequence[Equation],
    averages: Mapping[str, GaussianAverage],
    populations: int | Sequence[str] | None,
    *,
    closed: bool,
) -> list[sp.Eq]:
    """Averages, definitions and equations, written out for each population.

    See `MeanField.explicit`. Filters become first-order equations in observer form: with
    H = (n_0 + n_1 s + ...) / (1 + d_1 s + ... + d_m s^m) and input u

        X'   = X_2 + (n_{m-1} u - d_{m-1} X) / d_m,
        X_2' = X_3 + (n_{m-2} u - d_{m-2} X) / d_m,   ...,
        X_m' = (n_0 u - X) / d_m.
    """
    return _Expansion(architecture, names_of(architecture.populations, populations)).all(
        definitions, results, averages, closed
    )


def labels_of(architecture: Architecture, populations: int | Sequence[str] | None) -> tuple:
    """What indices of written-out quantities are called: populations, components, features.

    Raises:
        ArchitectureError: As for `names_of`; or the number of components is not known.
    """
    names = names_of(architecture.populations, populations)
    if not architecture.has_components:
        return names
    components = range(1, _components(architecture) + 1)
    return (*names, *map(str, components), *architecture.features)


def _components(architecture: Architecture) -> int:
    """How many components each population has."""
    own = architecture.strengths
    if not own.has_centres:
        return 1
    if isinstance(own, Mixture) and isinstance(own.components, int):
        return own.components
    given = "Mixture()" if isinstance(own, Mixture) else f"{type(own).__name__}()"
    raise ArchitectureError(
        f"equations are written out for a known number of components, which {given} leaves to the "
        "numbers: give it, as in Mixture(2); the indexed equations hold for any number"
    )


def names_of(
    declared: tuple[str, ...] | None, populations: int | Sequence[str] | None
) -> tuple[str, ...]:
    """Names of the populations that equations are written out for.

    Raises:
        ArchitectureError: There are more than four, or others than the architecture declares.
    """
    if populations is None or (declared is not None and populations == len(declared)):
        populations = declared or 2
    names = (
        tuple(str(n + 1) for n in range(populations))
        if isinstance(populations, int)
        else tuple(map(str, populations))
    )
    if not 1 <= len(names) <= MOST_POPULATIONS:
        raise ArchitectureError(
            f"explicit equations are for 1 to {MOST_POPULATIONS} populations, not {len(names)}; "
            "the indexed equations hold for any number"
        )
    if declared is not None and len(names) != len(declared):
        raise ArchitectureError(
            f"the architecture has the populations {list(declared)}, not {list(names)}"
        )
    return names


def scalar(base: str, indices: Sequence[int], names: Sequence[str]) -> sp.Symbol:
    """The symbol of a quantity of certain populations, such as `tau_chn_EEI`."""
    return sp.Symbol(entry_name(base, indices, names))


class _Expansion:
    """Writes equations out for named populations; a population is its position here."""

    def __init__(self, architecture: Architecture, names: tuple[str, ...]):
        self.every = range(len(names))
        self.names = labels_of(architecture, names)
        self.components, self.features = 1, range(len(architecture.features))
        self.has_components = architecture.has_components
        if self.has_components:
            self.components = _components(architecture)
        self.transfers = [
            architecture.transfer[k if len(architecture.transfer) > 1 else 0] for k in self.every
        ]
        self.filters, self.first = {}, {}
        for kind in ("membrane", "synapse"):
            own, of = getattr(architecture, kind), architecture.filter_index(kind, len(names))
            self.filters[kind] = [own[k if len(own) > 1 else 0] for k in self.every]
            self.first[kind] = [
                of.index(c) for c in of
            ]  # the first population with the same filter
        self.synapse_of = architecture.filter_index("synapse", len(names))

    def all(self, definitions, results, averages, closed) -> list[sp.Eq]:
        written = [
            self.average(name, average, {q: a, m: component}, closed)
            for name, average in averages.items()
            for component in range(self.components)
            for a in self.every
        ]
        for name, value in definitions.items():
            for a, b in product(self.every, repeat=2):
                terms = [Term.of(name, part) for part in sp.Add.make_args(value)]
                total = sp.Add(*self.sums(terms, {p: a, q: b}))
                written.append(sp.Eq(scalar(name, (a, b), self.names), total))
        for equation in results:
            for at in product(
                *(self.values(equation.name, k, index) for k, index in enumerate(equation.indices))
            ):
                written += self.equations(equation, at)
        return written

    def values(self, name: str, place: int, index: sp.Symbol) -> Sequence[int]:
        """What an index runs over: components, features, every population, or of those with the
        same filter the first.
        """
        if index in COUNTS:
            return range(self.components) if index == m else self.features
        if index == f:
            return sorted(set(self.first["synapse"]))
        is_class = place == 0 and name in _OF_CLASSES and index == p
        return sorted(set(self.first[_OF_CLASSES[name]])) if is_class else self.every

    def fill(self, expression: sp.Expr, at: Mapping[sp.Symbol, int]) -> sp.Expr:
        """Replace every indexed symbol by the scalar for the populations `at`."""

        def value(e: sp.Indexed) -> sp.Expr:
            name, places = str(e.base), self.places(e.indices, [at[index] for index in e.indices])
            if name == "SOURCES":
                return sp.Integer(self.synapse_of[places[0]] == self.synapse_of[places[1]])
            if name in _OF_CLASSES and len(places) > 1:
                places[0] = self.first[_OF_CLASSES[name]][places[0]]
            return scalar(name, places, self.names)

        return expression.xreplace({e: value(e) for e in expression.atoms(sp.Indexed)})

    def places(self, indices: Sequence[sp.Symbol], at: Sequence[int]) -> list[int]:
        """Positions among the labels: populations, then components, then features."""
        first = {index: len(self.every) + self.components * (index != m) for index in COUNTS}
        return [k + first.get(index, 0) for index, k in zip(indices, at, strict=True)]

    def terms(self, equation: Equation, at: Sequence[int]) -> list[sp.Expr]:
        return self.sums(equation.terms, dict(zip(equation.indices, at, strict=True)))

    def sums(self, terms: Sequence[Term], here: Mapping[sp.Symbol, int]) -> list[sp.Expr]:
        """Every summand of the terms."""
        found = []
        for term in terms:
            for values in product(*(self.values("", 0, index) for index in term.sums)):
                at = {**here, **dict(zip(term.sums, values, strict=True))}
                found.append(self.fill(term.summand, at))
        return found

    def equations(self, equation: Equation, at: tuple[int, ...]) -> Iterator[sp.Eq]:
        """The equation of a variance, or of a state and the further states of its filter.

        What passes a membrane 1 is no state, and is equal to its terms.
        """
        terms = self.terms(equation, at)
        symbol = scalar(equation.name, self.places(equation.indices, at), self.names)
        if not equation.is_state:
            yield sp.Eq(symbol, sp.Add(*terms), evaluate=False)
            return
        kind = "synapse" if equation.response == "synapse" else "membrane"
        own = self.filters[kind][at[0]]
        if own.is_identity:
            yield sp.Eq(symbol, sp.Add(*terms), evaluate=False)
        elif equation.response == "noise":
            yield from self.noise(
                equation.name,
                at,
                sp.Add(*terms),
                *_observer(own, self.parameters(kind, own, at[0])),
            )
        elif own.expression == UNIT.expression:
            yield _change(symbol, sp.Add(-symbol, *terms))
        else:
            decay, gain = _observer(own, self.parameters(kind, own, at[0]))
            states = [
                symbol,
                *(
                    scalar(f"{equation.name}{k + 1}", self.places(equation.indices, at), self.names)
                    for k in range(1, own.order)
                ),
                sp.Integer(0),
            ]
            for k in range(own.order):
                yield _change(
                    states[k], states[k + 1] + gain[k] * sp.Add(*terms) - decay[k] * symbol
                )

    def noise(
        self, name: str, at: tuple[int, ...], D: sp.Expr, decay: list[sp.Expr], gain: list[sp.Expr]
    ) -> Iterator[sp.Eq]:
        """dV/dt = F V + V F^T + 2 D g g^T, the covariances of a filter's states under white noise.

        The states follow X_k' = X_{k+1} - decay_k X_1 + gain_k u.
        """
        m = len(decay)

        def V(k: int, j: int) -> sp.Expr:
            k, j = sorted((k, j))
            if j == m:
                return sp.Integer(0)
            mark = "" if j == 0 else f"{k + 1}{j + 1}" if m < 10 else f"{k + 1}_{j + 1}"
            return scalar(f"{name}{mark}", at, self.names)

        for k in range(m):
            for j in range(k, m):
                drift = V(k + 1, j) - decay[k] * V(0, j) + V(k, j + 1) - decay[j] * V(0, k)
                yield _change(V(k, j), drift + 2 * D * gain[k] * gain[j])

    def parameters(
        self, kind: str, own: Filter | TransferFunction, a: int
    ) -> dict[sp.Symbol, sp.Symbol]:
        """Parameters of a filter or function as symbols of one population: `membrane_tau_E`."""
        return {
            s: sp.Symbol(scalar(f"{kind}_{s}", (a,), self.names).name, **s.assumptions0)
            for s in own.defaults
        }

    def average(
        self, name: str, average: GaussianAverage, at: Mapping[sp.Symbol, int], closed: bool
    ) -> sp.Eq:
        own = self.transfers[at[q]]
        symbols = self.parameters("transfer", own, at[q])
        f = average.f.replace(
            lambda e: isinstance(e, Rate),
            lambda rate: own.derivative(rate.order).xreplace(symbols),
        )
        filled = GaussianAverage(f, *(self.fill(v, at) for v in (average.mean, average.variance)))
        if closed:
            with suppress(NoClosedFormError):
                filled = filled.closed_form()
        if not self.has_components:
            return sp.Eq(scalar(name, (at[q],), self.names), filled, evaluate=False)
        places = self.places((m, q), (at[m], at[q]))
        return sp.Eq(scalar(f"{name}_c", places, self.names), filled, evaluate=False)


def _change(state: sp.Symbol, rate: sp.Expr) -> sp.Eq:
    return sp.Eq(sp.Derivative(state, sp.Symbol("t")), rate, evaluate=False)


def _observer(
    own: Filter, symbols: Mapping[sp.Symbol, sp.Symbol]
) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """X_k' = X_{k+1} - decay_k X_1 + gain_k u."""
    above, below = ([c.xreplace(symbols) for c in side] for side in own.polynomials)
    above += [sp.Integer(0)] * (own.order - len(above))
    return [c / below[-1] for c in below[-2::-1]], [c / below[-1] for c in above[::-1]]


_OF_CLASSES = {"current": "synapse", "kappa": "membrane", "rho": "membrane", "s": "membrane"}
