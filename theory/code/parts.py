"""Terms of equations taken apart into tensors of coefficients and what depends on the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from ..notation import PARAMETERS, STRENGTHS, Equation, N, Term
from .einsum import Product, product


def _is_parameter(factor: sp.Expr) -> bool:
    base = factor.as_base_exp()[0]
    known = (*PARAMETERS, *STRENGTHS, "A", "B", "E", "E_back", "SOURCES")
    return (
        factor.is_number or base == N or (isinstance(base, sp.Indexed) and str(base.base) in known)
    )


def indices_of(expression: sp.Expr) -> set[str]:
    """The letters of all indices in it."""
    return {str(index) for indexed in expression.atoms(sp.Indexed) for index in indexed.indices}


@dataclass(frozen=True)
class Part:
    """A term of an equation, taken apart: what does not depend on the state, and what does.

    constant, varying: their products; kept: the indices, in reading order, of the constant tensor;
    empty when there is none
    """

    term: Term
    constant: sp.Expr
    varying: sp.Expr
    kept: str

    @classmethod
    def of(cls, term: Term, free: set[str]) -> Part:
        factors = sp.Mul.make_args(term.summand)
        constant = sp.Mul(*(f for f in factors if _is_parameter(f)))
        varying = sp.Mul(*(f for f in factors if not _is_parameter(f)))
        return cls(
            term,
            constant,
            varying,
            "".join(sorted(indices_of(constant) & (indices_of(varying) | free))),
        )

    def code(
        self, output: str, names: Mapping[str, str], xp: str = "jnp", helpers: str = "gaussian."
    ) -> str:
        """The term in the state and, where it has one, its tensor of coefficients.

        Args:
            output: Indices of the result.
            names: What quantities are called in the code.
            xp: The name of the array library.
            helpers: What stands before the names of helper functions.
        """
        if isinstance(self.varying, sp.Pow) and self.varying.exp == sp.Rational(1, 2):
            return f"{helpers}root({product(self.varying.base, names).code(output, xp)})"
        varying = product(self.varying, names)
        if self.kept:
            return Product(
                varying.number, ((f"c.{self.term.name}", self.kept), *varying.operands)
            ).code(output, xp)
        return Product(varying.number * self.constant, varying.operands).code(output, xp)


def parts_of(equation: Equation) -> list[Part]:
    """All terms of an equation."""
    return [Part.of(term, set(map(str, equation.indices))) for term in equation.terms]
