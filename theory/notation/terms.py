"""Equations as named terms, each a product under sums over populations.

This normal form is what display and code generation share.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from ...errors import ArchitectureError
from .symbols import count


@dataclass(frozen=True)
class Term:
    """One term of an equation, sum over `sums` of `summand`.

    Its name stays with it down to the generated code.
    """

    name: str
    summand: sp.Expr
    sums: tuple[sp.Symbol, ...] = ()

    @classmethod
    def of(cls, name: str, expression: sp.Expr) -> Term:
        """Pull nested and multiplied sums over populations to the front."""
        if not expression.has(sp.Sum):
            return cls(name, expression)
        if isinstance(expression, sp.Sum):
            inner = cls.of(name, expression.function)
            return cls(
                name, inner.summand, (*(limit[0] for limit in expression.limits), *inner.sums)
            )
        if not isinstance(expression, sp.Mul):
            raise ArchitectureError(
                f"term {name} is not a product of sums over populations: {expression}"
            )
        outside = sp.Mul(*(f for f in sp.Mul.make_args(expression) if not f.has(sp.Sum)))
        inside = [cls.of(name, f) for f in sp.Mul.make_args(expression) if f.has(sp.Sum)]
        sums = tuple(index for term in inside for index in term.sums)
        if len(set(sums)) != len(sums):
            raise ArchitectureError(
                f"term {name} is not a product of sums over different indices: {expression}"
            )
        return cls(name, outside * sp.Mul(*(term.summand for term in inside)), sums)

    def expression(self) -> sp.Expr:
        """The term as a SymPy expression with its sums."""
        return (
            sp.Sum(self.summand, *((index, 1, count(index)) for index in self.sums))
            if self.sums
            else self.summand
        )


@dataclass(frozen=True)
class Equation:
    """quantity = sum of terms; or, for a state, what a filter makes of the sum of terms.

    Args:
        name: Of the quantity, as in `QUANTITIES`.
        index: The population, or populations, that it belongs to.
        terms: Of the right side.
        response: "membrane" or "synapse", the filter being that of the first index; "noise" for a
            variance that white noise makes through the membrane; None for what is no state.
    """

    name: str
    index: sp.Symbol | tuple[sp.Symbol, ...]
    terms: tuple[Term, ...]
    response: str | None = "membrane"

    @property
    def is_state(self) -> bool:
        return self.response is not None

    @property
    def indices(self) -> tuple[sp.Symbol, ...]:
        return self.index if isinstance(self.index, tuple) else (self.index,)

    @property
    def symbol(self) -> sp.Expr:
        return sp.IndexedBase(self.name)[self.indices]

    def input(self) -> sp.Expr:
        """The sum of terms."""
        return sp.Add(*(term.expression() for term in self.terms))

    def right_side(self) -> sp.Expr:
        """The sum of terms, and the decay of a state under the unit filter."""
        return sp.Add(self.input(), -self.symbol if self.is_state else 0)
