"""A function of one variable as smooth pieces, with derivatives as generalised functions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import sympy as sp

from ...errors import ExpressionError
from .parser import X
from .roots import distinct
from .switches import SWITCHES, between, innermost_switch, resolve, switching_points

CHECKED = 60.0  # pieces are compared with the function for |x| below it: farther out most saturate
POINTS = 1000  # half the number of points there


@dataclass(frozen=True)
class Pieces:
    """A piecewise smooth function: f(x) = pieces[k](x) for breaks[k-1] < x < breaks[k].

    At a break f has its value from the right.

    Args:
        breaks: Where the pieces meet, increasing.
        pieces: One smooth expression more than breaks.
        deltas: Triples (b, m, c), which add c * delta^(m)(x - b).
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
        """Pairs (break, f(break+) - f(break-)); the difference is not simplified."""
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
    """The smooth pieces of a real function of `x`.

    Args:
        expression: May contain Max, Min, Abs, sign, Heaviside and Piecewise, at which it is
            cut, and terms with DiracDelta.

    Raises:
        ExpressionError: The points where it switches cannot be found or ordered.
    """
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
    """Raise `ExpressionError` unless the pieces are the function, at many points.

    A grid that looks for roots may miss where a curve switches.
    """
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
    """d/dx as a generalised function.

    SymPy's own derivative of a Piecewise leaves out the deltas at its jumps.

    Raises:
        ExpressionError: The jumps cannot be ordered: symbols need values first.
    """
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
    """An expression without its DiracDelta terms, and these.

    f delta^(k) at b is the sum of (-1)^j C(k, j) f^(j)(b) delta^(k-j).
    """
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
    node = innermost_switch(f)
    if node is None:
        return [(low, high, f)]
    try:
        inside = [r for r in switching_points(node) if low < r < high]
        ends = [low, *distinct(inside), high]
    except TypeError:
        raise ExpressionError(
            f"cannot order the points where {node} switches: give its symbols values first"
        ) from None
    parts = []
    for a, b in itertools.pairwise(ends):
        parts += _split(f.xreplace({node: resolve(node, between(a, b))}), a, b)
    return parts
