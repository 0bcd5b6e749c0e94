"""What the exports in different languages share: the smooth pieces of a function, and code of scalars."""

from __future__ import annotations

import sympy as sp
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from ..errors import NoClosedFormError
from .architecture import Architecture
from .codegen import fixed_breaks
from .expressions import X
from .jax_printer import prepared
from .transfer import TransferFunction


def refuse_code(architecture: Architecture, what: str) -> None:
    """Raise `NoClosedFormError` where a transfer function is JAX code, which no other language can have."""
    for f in architecture.distinct_transfers:
        if f.function is not None:
            raise NoClosedFormError(f"{what} cannot have the transfer function {f.name}, which is JAX code: give it as an expression of x")


def pieces_of(f: TransferFunction) -> tuple[tuple[sp.Expr, ...], tuple[sp.Expr, ...], tuple[sp.Expr, ...]]:
    """Breaks, pieces and their slopes, of phi as a function of u = a x + b. Raises `ExpressionError` for a break that depends on parameters."""
    return fixed_breaks(f), f.pieces.pieces, tuple(sp.diff(piece, X) for piece in f.pieces.pieces)
