"""What the exports share: pieces of functions, default values, and code of scalars."""

from __future__ import annotations

import re
from collections.abc import Mapping

import sympy as sp
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from ...errors import ArchitectureError, NoClosedFormError
from ..architecture import Architecture, TransferFunction
from .functions import fixed_breaks
from .printer import prepared


def refuse(architecture: Architecture, what: str) -> None:
    """Raise for what only the JAX module can have.

    Raises:
        NoClosedFormError: A transfer function is JAX code.
        ArchitectureError: A membrane is 1; or strengths have components, or synapses know
            features.
    """
    _refuse_code(architecture, what)
    _refuse_rate_form(architecture, what)
    _refuse_components(architecture, what)


def _refuse_components(architecture: Architecture, what: str) -> None:
    if architecture.has_components:
        given = (
            f"strengths = {type(architecture.strengths).__name__}()"
            if architecture.strengths.has_centres
            else "assortativity or patterns"
        )
        raise ArchitectureError(
            f"{what} cannot have {given}: averages over components of strengths are in the JAX "
            "module alone; save that, or split populations into classes of equal strengths"
        )


def _refuse_code(architecture: Architecture, what: str) -> None:
    """Raise `NoClosedFormError` where a transfer function is JAX code.

    No other language can have it.
    """
    for f in architecture.distinct_transfers:
        if f.function is not None:
            raise NoClosedFormError(
                f"{what} cannot have the transfer function {f.name}, which is JAX code: give it as "
                "an expression of x"
            )


def _refuse_rate_form(architecture: Architecture, what: str) -> None:
    """Raise `ArchitectureError` where a membrane is 1: only the JAX module has `follow`."""
    if architecture.is_rate_form:
        raise ArchitectureError(
            f"{what} cannot have the membrane 1: save the JAX module, or write a fast membrane, "
            "such as 1/(1 + tau*s) with tau a hundredth of the synapses'"
        )


def pieces_of(
    f: TransferFunction,
) -> tuple[tuple[sp.Expr, ...], tuple[sp.Expr, ...], tuple[sp.Expr, ...]]:
    """Breaks, pieces and their slopes, of phi as a function of u = a x + b.

    Raises:
        ExpressionError: A break depends on parameters.
    """
    return fixed_breaks(f), f.pieces.pieces, f.pieces.slopes


def defaults_of(architecture: Architecture, kind: str) -> dict[str, list[sp.Expr]]:
    """Parameters of transfer functions, membranes or synapses: one default, or one per population.

    A filter that lacks a parameter of others has 1 there, and does not use it.
    """
    if kind == "transfer":
        return {n: list(values) for n, values in architecture.transfer_parameters.items()}
    own = [{str(s): v for s, v in f.defaults.items()} for f in getattr(architecture, kind)]
    return {
        n: [f.get(n, sp.Integer(1)) for f in own] for n in dict.fromkeys(k for f in own for k in f)
    }


class ScalarPrinter(StrPrinter):
    """Code of scalars in languages that write powers as a^b.

    Functions and nodes of closed forms have the names in `NAMES`.
    """

    NAMES: Mapping[str, str] = {}

    def code(self, expression: sp.Expr) -> str:
        """One line."""
        return re.sub(
            r"(^|[(,] ?)-\(", r"\1-1*(", self.doprint(prepared(expression))
        )  # -(x)^2 leaves no doubt

    def _print_Pow(self, expr, rational=False):
        base = self.parenthesize(expr.base, PRECEDENCE["Pow"], strict=False)
        if expr.exp == sp.Rational(1, 2):
            return f"sqrt({self._print(expr.base)})"
        if expr.exp == -1:
            return f"1/{base}"
        plain = expr.exp.is_Integer and expr.exp > 0
        return f"{base}^{expr.exp}" if plain else f"{base}^({self._print(expr.exp)})"

    def _print_Function(self, expr):
        name = type(expr).__name__
        return f"{self.NAMES.get(name, name)}({', '.join(self._print(a) for a in expr.args)})"

    def _print_Heaviside(self, expr):
        return f"{self.NAMES['Heaviside']}({self._print(expr.args[0])})"

    _print_LatticeOp = _print_Function  # Max

    def _print_InverseRoot(self, expr):
        return f"(1/sqrt({self._print(expr.args[0])}))"

    def _print_Float(self, expr):
        return repr(float(expr))
