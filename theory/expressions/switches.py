"""Where Max, Min, Abs, sign, Heaviside and Piecewise switch, and what they are in between."""

from __future__ import annotations

import sympy as sp

from ...errors import ExpressionError
from .parser import X
from .roots import real_roots

SWITCHES = (sp.Max, sp.Min, sp.Abs, sp.sign, sp.Heaviside, sp.Piecewise)


def innermost_switch(f: sp.Expr) -> sp.Expr | None:
    """A switch that contains no other, or None."""
    nodes = [n for n in sp.preorder_traversal(f) if isinstance(n, SWITCHES) and n.has(X)]
    return next(
        (n for n in nodes if not any(m is not n and m != n and n.has(m) for m in nodes)), None
    )


def switching_points(node: sp.Expr) -> list[sp.Expr]:
    """Where its arguments say that it may switch."""
    if isinstance(node, sp.Piecewise):
        relations = [r for _, c in node.args for r in c.atoms(sp.core.relational.Relational)]
        surfaces = [r.lhs - r.rhs for r in relations]
    elif isinstance(node, (sp.Max, sp.Min)):
        surfaces = [u - v for k, u in enumerate(node.args) for v in node.args[:k]]
    else:
        surfaces = [node.args[0]]
    return [root for surface in surfaces for root in real_roots(surface)]


def between(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """A point between two switches; no round number, at which a function may touch its switch."""
    part = sp.Rational(137, 293)
    if a == -sp.oo:
        return part if b == sp.oo else b - part
    return a + part if b == sp.oo else a + part * (b - a)


def resolve(node: sp.Expr, point: sp.Expr) -> sp.Expr:
    """The branch of a switch that holds around a point."""

    def at(expression):
        return expression.subs(X, point)

    if isinstance(node, sp.Piecewise):
        for expression, condition in node.args:
            if condition == True or _holds(condition, point):  # noqa: E712
                return expression
        raise ExpressionError(f"{node} has no value at x = {point}: end it with (value, True)")
    if isinstance(node, (sp.Max, sp.Min)):
        best = node.args[0]
        for other in node.args[1:]:
            rises = _sign(at(other - best)) > 0
            best = other if rises == isinstance(node, sp.Max) else best
        return best
    sign = _sign(at(node.args[0]))
    if isinstance(node, sp.Heaviside):
        return (1 + sign) / 2
    return sign * node.args[0] if isinstance(node, sp.Abs) else sign


def _holds(condition: sp.Basic, point: sp.Expr) -> bool:
    """Whether a condition, perhaps with And, Or and Not, is true away from its switches."""
    if isinstance(condition, sp.core.relational.Relational):
        sign = _sign((condition.lhs - condition.rhs).subs(X, point))
        return bool(condition.func(sign, 0))
    if isinstance(condition, sp.logic.boolalg.BooleanFunction):
        return bool(condition.func(*(_holds(c, point) for c in condition.args)))
    return condition == True  # noqa: E712


def _sign(value: sp.Expr) -> sp.Expr:
    if value.is_number and not value.is_Rational:
        digits = sp.N(value, 30)
        return sp.Integer(0) if abs(digits) < 1e-28 else sp.sign(digits)
    return sp.sign(sp.expand(value))
