"""A function of x with parameters as a function of u = a x + b.

a and b are chosen so that in u as little as possible depends on the parameters. If x is normal, so
is u: a gain and a threshold then need no average of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import sympy as sp

from .parser import X

FAR_DECADES = 3  # from 1: coefficients of x that are no nearer set a unit of their own


@dataclass(frozen=True)
class Affine:
    """f(x) = g(a x + b).

    Args:
        a, b: Free of x.
        outer: g, an expression in `x`, which stands for u.
        shape: g without the parameters that only scale it and add to it, or None when others are
            left.
    """

    a: sp.Expr
    b: sp.Expr
    outer: sp.Expr
    shape: sp.Expr | None

    @property
    def is_identity(self) -> bool:
        return self.a == 1 and self.b == 0

    @property
    def line(self) -> sp.Expr:
        """u = a x + b as an expression of `x`."""
        return self.a * X + self.b


def affine(expression: sp.Expr) -> Affine:
    """The simplest such form of a function of x."""
    parameters = expression.free_symbols - {X}
    if not parameters:
        a = _own_scale(expression)
        outer = expression if a == 1 else expression.xreplace({X: X / a})
        return Affine(a, sp.Integer(0), outer, outer)
    found = [
        _in_terms_of(expression, *line)
        for line in [(sp.Integer(1), sp.Integer(0)), *_lines(expression)]
    ]
    return min(found, key=lambda form: len(_core(form.outer)[2].free_symbols))


def _own_scale(expression: sp.Expr) -> sp.Expr:
    """A power of ten such that a function without parameters varies over u = a x of order one.

    1 unless all coefficients of x in the function are large, or all are small, as in tanh(1e9 x):
    quadrature looks for a function's features where they are in most units.
    """
    slopes: list[float] = []

    def visit(e: sp.Expr, is_argument: bool) -> None:
        if not e.has(X):
            return
        if isinstance(e, sp.Expr) and e.is_polynomial(X):
            if is_argument:
                leading = sp.Poly(e, X)
                slopes.append(abs(float(leading.LC())) ** (1 / leading.degree()))
            return
        for part in e.args:
            visit(part, is_argument or not isinstance(e, sp.Add | sp.Mul))

    visit(expression, False)
    decades = [math.log10(slope) for slope in slopes if slope > 0]
    if not decades or (min(decades) < FAR_DECADES and max(decades) > -FAR_DECADES):
        return sp.Integer(1)
    return sp.Integer(10) ** round(sum(decades) / len(decades))


def _lines(expression: sp.Expr) -> list[tuple[sp.Expr, sp.Expr]]:
    """Coefficients (a, b) of the subexpressions a x + b that contain parameters."""
    lines = []
    for e in sp.preorder_traversal(expression):
        if (
            isinstance(e, sp.Expr)
            and e.has(X)
            and e.free_symbols - {X}
            and e.is_polynomial(X)
            and sp.degree(e, X) == 1
        ):
            a, b = (sp.expand(e).coeff(X, k) for k in (1, 0))
            lines.append((a, b))
    return list(dict.fromkeys(lines))


def _in_terms_of(expression: sp.Expr, a: sp.Expr, b: sp.Expr) -> Affine:
    def is_line(e: sp.Basic) -> bool:
        return isinstance(e, sp.Expr) and e.has(X) and e.is_polynomial(X) and sp.degree(e, X) == 1

    def moved(e: sp.Expr) -> sp.Expr:
        """A subexpression in u.

        Lines become lines, written out, so that parameters that cancel are gone.
        """
        if e == X or is_line(e):
            slope, rest = (sp.expand(e).coeff(X, k) for k in (1, 0))
            return sp.cancel(slope / a) * X + sp.cancel(rest - slope * b / a)
        return e if not e.args else e.func(*(moved(argument) for argument in e.args))

    outer = moved(expression)
    scale, offset, core = _core(outer)
    shape = core if core.free_symbols <= {X} else None
    return Affine(a, b, offset + scale * core, shape)


def _core(outer: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """scale, offset and F of offset + scale F(x), as far as they can be seen."""
    offset, varying = outer.as_independent(X, as_Add=True)
    if isinstance(varying, sp.Add):
        common = sp.factor_terms(varying)
        varying = common if isinstance(common, sp.Mul) else varying
    scale, core = varying.as_independent(X, as_Add=False)
    return scale, offset, core
