"""A function of one variable as smooth pieces between its breaks, with its derivatives as generalised functions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import sympy as sp

from ...errors import ExpressionError
from .parser import X
from .roots import real_roots

CHECKED, POINTS = (
    60.0,
    1000,
)  # range and half the number of points at which pieces are compared with the function
SWITCHES = (sp.Max, sp.Min, sp.Abs, sp.sign, sp.Heaviside, sp.Piecewise)


@dataclass(frozen=True)
class Pieces:
    """f(x) = pieces[k](x) for breaks[k-1] < x < breaks[k], plus the sum of c * delta^(m)(x - b) over `deltas` (b, m, c).

    At a break itself f has its value from the right.
    """

    breaks: tuple[sp.Expr, ...]
    pieces: tuple[sp.Expr, ...]
    deltas: tuple[tuple[sp.Expr, int, sp.Expr], ...] = ()

    def intervals(self):
        """Triples (lower end, upper end, smooth expression)."""
        ends = (-sp.oo, *self.breaks, sp.oo)
        return zip(ends[:-1], ends[1:], self.pieces, strict=True)

    @property
    def slopes(self) -> tuple[sp.Expr, ...]:
        """The derivative of each piece."""
        return tuple(sp.diff(piece, X) for piece in self.pieces)

    @property
    def jumps(self) -> list[tuple[sp.Expr, sp.Expr]]:
        """Pairs (break, f(break+) - f(break-)), the difference as it comes, 0 where f is continuous."""
        sides = zip(self.breaks, self.pieces[:-1], self.pieces[1:], strict=True)
        return [(b, right.subs(X, b) - left.subs(X, b)) for b, left, right in sides]

    def derivative(self) -> Pieces:
        """The derivative as a generalised function: a jump at b becomes a delta there."""
        jumps = [(b, 0, jump) for b, c in self.jumps if (jump := sp.simplify(c)) != 0]
        moved = [(b, m + 1, c) for b, m, c in self.deltas]
        return Pieces(self.breaks, self.slopes, (*moved, *jumps))

    def expression(self) -> sp.Expr:
        """The same as one SymPy expression, with Piecewise and DiracDelta."""
        branches = [
            *zip(self.pieces, (X < b for b in self.breaks), strict=False),
            (self.pieces[-1], True),
        ]
        return sp.Piecewise(*branches) + sp.Add(
            *(c * sp.DiracDelta(X - b, m) for b, m, c in self.deltas)
        )


def split(expression: sp.Expr) -> Pieces:
    """Split a real function of `x` at the switches of Max, Min, Abs, sign, Heaviside and Piecewise; DiracDelta may be added."""
    ordinary, deltas = _take_deltas(expression)
    ordinary = ordinary.replace(_is_root, _with_moduli)
    parts = _split(ordinary, -sp.oo, sp.oo)
    breaks, pieces = [], [parts[0][2]]
    for low, _, piece in parts[1:]:
        if piece != pieces[-1]:
            breaks.append(low)
            pieces.append(piece)
    found = Pieces(tuple(breaks), tuple(pieces), deltas)
    if ordinary.free_symbols == {X} and any(
        not _is_polynomial(node) for node in ordinary.atoms(*SWITCHES)
    ):
        _check(ordinary, found)
    return found


def _is_root(e: sp.Expr) -> bool:
    return (
        isinstance(e, sp.Pow)
        and e.exp.is_Rational
        and not e.exp.is_Integer
        and e.base.is_polynomial(X)
        and e.base.free_symbols == {X}
    )


def _with_moduli(root: sp.Pow) -> sp.Expr:
    """sqrt(x^4 + x^2) = |x| sqrt(x^2 + 1), which bends at 0."""
    constant, factors = sp.factor_list(root.base, X)
    outside = [(f, m) for f, m in factors if m % 2 == 0 and sp.count_roots(f) > 0]
    if not outside:
        return root
    rest = constant * sp.Mul(*(f**m for f, m in factors if (f, m) not in outside))
    return rest**root.exp * sp.Mul(*(sp.Abs(f) ** (m * root.exp) for f, m in outside))


def _is_polynomial(node: sp.Expr) -> bool:
    return not any(f.has(X) for f in node.atoms(sp.Function) if not isinstance(f, SWITCHES))


def _check(expression: sp.Expr, found: Pieces) -> None:
    """Raise `ExpressionError` unless the pieces are the function, at many points: of a curve a grid may miss where it switches."""
    whole = sp.lambdify(
        X, expression, ["math", {"Heaviside": lambda u, half=0.5: half if u == 0 else float(u > 0)}]
    )
    parts = [
        (float(low), float(high), sp.lambdify(X, piece, "math"))
        for low, high, piece in found.intervals()
    ]
    for low, high, part in parts:
        for x in (CHECKED * (k + 0.3719) / POINTS for k in range(-POINTS, POINTS)):
            if not low + 1e-9 < x < high - 1e-9:
                continue
            try:
                expected, value = whole(x), part(x)
            except (ValueError, ZeroDivisionError, OverflowError, TypeError):
                continue
            if abs(expected - value) > 1e-9 * (1 + abs(expected)):
                raise ExpressionError(
                    f"cannot find where {expression} switches: at x = {x:.6g} it is "
                    f"{expected:.6g}, not {value:.6g}; give its "
                    "pieces with Piecewise and numbers"
                )


def derivative(expression: sp.Expr) -> sp.Expr:
    """d/dx as a generalised function. SymPy's own derivative of a Piecewise leaves out the deltas at its jumps."""
    if not expression.has(*SWITCHES):
        return sp.diff(expression, X)
    if expression.free_symbols == {X} and not expression.has(sp.core.function.AppliedUndef):
        return split(expression).derivative().expression()
    if expression.has(sp.Piecewise):
        raise ExpressionError(
            f"cannot differentiate {expression} at its jumps: give its symbols values first"
        )
    return sp.diff(expression, X)


def _take_deltas(expression: sp.Expr):
    """An expression without its DiracDelta terms, and these: f delta^(k) at b is the sum of (-1)^j C(k, j) f^(j)(b) delta^(k-j)."""
    if not expression.has(sp.DiracDelta):
        return expression, ()
    ordinary, deltas = [], []
    for term in sp.Add.make_args(sp.expand(expression)):
        factor, spike = term.as_independent(sp.DiracDelta, as_Add=False)
        if spike == 1:
            ordinary.append(term)
            continue
        if not (isinstance(spike, sp.DiracDelta) and sp.expand(spike.args[0] - X).is_number):
            raise ExpressionError(f"{term} is not a function times DiracDelta(x - b)")
        b, k = sp.expand(X - spike.args[0]), int(spike.args[1]) if len(spike.args) == 2 else 0
        for j in range(k + 1):
            c = (-1) ** j * sp.binomial(k, j) * sp.diff(factor, X, j).subs(X, b)
            deltas += [(b, k - j, c)] if c != 0 else []
    return sp.Add(*ordinary), tuple(deltas)


def _split(f: sp.Expr, low: sp.Expr, high: sp.Expr) -> list[tuple[sp.Expr, sp.Expr, sp.Expr]]:
    node = _innermost_switch(f)
    if node is None:
        return [(low, high, f)]
    try:
        inside = [r for r in _switching_points(node) if low < r < high]
        ends = [low, *_distinct(inside), high]
    except TypeError:
        raise ExpressionError(
            f"cannot order the points where {node} switches: give its symbols values first"
        ) from None
    parts = []
    for a, b in itertools.pairwise(ends):
        parts += _split(f.xreplace({node: _resolve(node, _between(a, b))}), a, b)
    return parts


def _distinct(roots: list[sp.Expr]) -> list[sp.Expr]:
    """In increasing order; of two that agree to all digits of a numerical root, one."""
    kept: list[sp.Expr] = []
    for root in sorted(set(roots)):
        if not (
            kept
            and root.has(sp.Float) | kept[-1].has(sp.Float)
            and abs(sp.N(root - kept[-1], 40)) < 1e-25 * (1 + abs(root))
        ):
            kept.append(root)
    return kept


def _innermost_switch(f: sp.Expr):
    nodes = [n for n in sp.preorder_traversal(f) if isinstance(n, SWITCHES) and n.has(X)]
    return next(
        (n for n in nodes if not any(m is not n and m != n and n.has(m) for m in nodes)), None
    )


def _switching_points(node: sp.Expr) -> list[sp.Expr]:
    if isinstance(node, sp.Piecewise):
        relations = [r for _, c in node.args for r in c.atoms(sp.core.relational.Relational)]
        surfaces = [r.lhs - r.rhs for r in relations]
    elif isinstance(node, (sp.Max, sp.Min)):
        surfaces = [u - v for k, u in enumerate(node.args) for v in node.args[:k]]
    else:
        surfaces = [node.args[0]]
    return [root for surface in surfaces for root in real_roots(surface)]


def _between(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """A point between two switches; no round number, at which a function may touch its switch."""
    part = sp.Rational(137, 293)
    if a == -sp.oo:
        return part if b == sp.oo else b - part
    return a + part if b == sp.oo else a + part * (b - a)


def _resolve(node: sp.Expr, point: sp.Expr) -> sp.Expr:
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
    """Whether a condition, perhaps with And, Or and Not, is true at a point away from its switches."""
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
