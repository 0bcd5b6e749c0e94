"""Scalar equations for a few populations, for display and as a cross-check of the array code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import sympy as sp

from ..errors import ArchitectureError, NoClosedFormError
from .architecture import Architecture
from .expressions import X
from .gaussian import GaussianAverage
from .notation import Rate, p, q
from .terms import Equation

MOST_POPULATIONS = 4


def expand(
    architecture: Architecture, definitions: Mapping[str, sp.Expr], results: Sequence[Equation], averages: Mapping[str, GaussianAverage],
    populations: int | Sequence[str] | None, *, closed: bool,
) -> list[sp.Eq]:  # fmt: skip
    """Averages, definitions and equations written out for each population; see `MeanField.explicit`."""
    names = _names(architecture.populations, populations)
    transfers = architecture.transfer
    functions = [f.expression for f in (transfers if len(transfers) == len(names) else transfers[:1] * len(names))]
    written = [
        _average(name, average, a, names, functions[a], closed) for name, average in averages.items() for a in range(len(names))
    ]
    for name, value in definitions.items():
        for a, b in product(range(len(names)), repeat=2):
            written.append(sp.Eq(_scalar(name, (a, b), names), _fill(value, {p: a, q: b}, names)))
    for equation in results:
        for a in range(len(names)):
            left = _scalar(equation.name, (a,), names)
            left = sp.Derivative(left, sp.Symbol("t")) if equation.is_state else left
            written.append(sp.Eq(left, _right_side(equation, a, names), evaluate=False))
    return written


def _names(declared: tuple[str, ...] | None, populations: int | Sequence[str] | None) -> tuple[str, ...]:
    if populations is None or (declared is not None and populations == len(declared)):
        populations = declared or 2
    names = tuple(str(n + 1) for n in range(populations)) if isinstance(populations, int) else tuple(map(str, populations))
    if not 1 <= len(names) <= MOST_POPULATIONS:
        raise ArchitectureError(f"explicit equations are for 1 to {MOST_POPULATIONS} populations, not {len(names)}; "
                                "the indexed equations hold for any number")  # fmt: skip
    if declared is not None and len(names) != len(declared):
        raise ArchitectureError(f"the architecture has the populations {list(declared)}, not {list(names)}")
    return names


def _scalar(base: str, indices: Sequence[int], names: Sequence[str]) -> sp.Symbol:
    separator = "" if all(len(name) == 1 for name in names) else "_"
    return sp.Symbol(f"{base}_{separator.join(names[k] for k in indices)}")


def _fill(expression: sp.Expr, at: dict[sp.Symbol, int], names: Sequence[str]) -> sp.Expr:
    """Replace every indexed symbol by the scalar for the populations `at`."""

    def scalar(e: sp.Indexed) -> sp.Symbol:
        return _scalar(str(e.base), [at[index] for index in e.indices], names)

    return expression.xreplace({e: scalar(e) for e in expression.atoms(sp.Indexed)})


def _right_side(equation: Equation, a: int, names: Sequence[str]) -> sp.Expr:
    total = [-_scalar(equation.name, (a,), names)] if equation.is_state else []
    for term in equation.terms:
        for values in product(range(len(names)), repeat=len(term.sums)):
            total.append(_fill(term.summand, {equation.index: a, **dict(zip(term.sums, values, strict=True))}, names))
    return sp.Add(*total)


def _average(name: str, average: GaussianAverage, a: int, names, function: sp.Expr, closed: bool) -> sp.Eq:
    def phi(rate: Rate) -> sp.Expr:
        return sp.diff(function, X, rate.order)

    f = average.f.replace(lambda e: isinstance(e, Rate), phi)
    filled = GaussianAverage(f, *(_fill(v, {q: a}, names) for v in (average.mean, average.variance)))
    if closed:
        try:
            filled = filled.closed_form()
        except NoClosedFormError:
            closed = False
    return sp.Eq(_scalar(name, (a,), names), filled, evaluate=False)
