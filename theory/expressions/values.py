"""The value of an expression at a point, where arithmetic with SymPy might never end.

Values are numbers of mpmath, whose exponents have no bound that matters; exponentials beyond it
are infinite or 0.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import mpmath
import sympy as sp
from mpmath import mpf

PRECISION = 80  # bits: those of float64, and some for what cancels
STEEPEST = mpf(10) ** 12  # of exponentials: mpmath spends time on the digits of larger arguments
FLOAT = mpf(sys.float_info.max)


class NoValueError(ArithmeticError):
    """An expression has no real value at a point.

    Args:
        part: The innermost part of it that has none.
        reason: As "is not a real number".
    """

    def __init__(self, part: sp.Basic, reason: str):
        super().__init__(f"{part} {reason}")
        self.part, self.reason = part, reason


def value(expression: sp.Basic, at: Mapping[sp.Symbol, mpf]) -> mpf:
    """The real value of an expression with these numbers for its symbols; it may be infinite.

    Of a Piecewise only the branch that is taken needs a value.

    Raises:
        NoValueError: It, or a part that it needs, has none.
    """
    with mpmath.workprec(PRECISION):
        return _Values(at)(expression)


def finite_value(expression: sp.Basic, at: Mapping[sp.Symbol, mpf], largest: mpf = FLOAT) -> mpf:
    """The same, at most `largest` in size.

    Raises:
        NoValueError: Also where it is larger; the part is the innermost one that is.
    """
    with mpmath.workprec(PRECISION):
        values = _Values(at)
        found = values(expression)
        if abs(found) <= largest:
            return found
        part = expression
        while inner := [e for e in part.args if abs(values.known.get(e, 0)) > largest]:
            part = inner[0]
        raise NoValueError(part, f"is larger than {float(largest):.2g}")


class _Values:
    """Values of an expression and of its parts at one point."""

    def __init__(self, at: Mapping[sp.Symbol, mpf]):
        self.known: dict[sp.Basic, mpf] = dict(at)

    def __call__(self, e: sp.Basic) -> mpf:
        if e not in self.known:
            found = self.of(e)
            if isinstance(found, mpmath.mpc) or mpmath.isnan(found):
                raise NoValueError(e, "is not a real number")
            self.known[e] = found
        return self.known[e]

    def of(self, e: sp.Basic) -> mpf:
        if isinstance(e, sp.Rational):
            return mpf(e.p) / e.q
        if isinstance(e, sp.Piecewise):
            branch = next((of for of, when in e.args if self.holds(when)), None)
            if branch is None:
                raise NoValueError(e, "has no branch")
            return self(branch)
        if not e.args:
            return self.atom(e)
        parts = [self(part) for part in e.args]
        known = _OPERATIONS.get(type(e))
        if known:
            return known(e, *parts)
        return self.other(e, parts)

    def holds(self, condition: sp.Basic) -> bool:
        if isinstance(condition, sp.core.relational.Relational):
            left, right = (self(side) for side in condition.args)
            return bool(_RELATIONS[type(condition)](left, right))
        if condition in (sp.true, sp.false):
            return condition == sp.true
        known = _CONNECTIVES.get(type(condition))
        if known is None:
            raise NoValueError(condition, "is not a condition on numbers")
        return known(self.holds(part) for part in condition.args)

    @staticmethod
    def atom(e: sp.Basic) -> mpf:
        if isinstance(e, (sp.Number, sp.NumberSymbol)):
            return e._to_mpmath(PRECISION) if e.is_finite else mpmath.inf * int(sp.sign(e))
        reason = "is not a real number" if e.is_number else "has no value"
        raise NoValueError(e, reason)

    @staticmethod
    def other(e: sp.Basic, parts: Sequence[mpf]) -> mpf:
        """A function that is in no table here."""
        if not all(map(mpmath.isfinite, parts)):
            raise NoValueError(e, "cannot be computed")
        own = getattr(e, "_imp_", None) or _of_mpmath(e.func, len(parts))
        try:
            return own(*parts)
        except (ArithmeticError, ValueError, TypeError, NameError, AttributeError):
            raise NoValueError(e, "cannot be computed") from None


@lru_cache
def _of_mpmath(function: type, n: int) -> Callable[..., mpf]:
    places = sp.symbols(f"a:{n}", real=True)
    return sp.lambdify(places, function(*places), "mpmath")


def _product(e: sp.Basic, *parts: mpf) -> mpf:
    # what is infinite here stands for something large
    return mpf(0) if any(part == 0 for part in parts) else mpmath.fprod(parts)


def _exp(_: sp.Basic, u: mpf) -> mpf:
    if abs(u) > STEEPEST:
        return mpmath.inf if u > 0 else mpf(0)
    return mpmath.exp(u)


def _log(e: sp.Basic, u: mpf) -> mpf:
    if u < 0:
        raise NoValueError(e, "is not a real number")
    if u == 0:
        raise NoValueError(e, "is infinite")
    return mpmath.log(u)


def _power(e: sp.Basic, base: mpf, exponent: mpf) -> mpf:
    if base == 0 and exponent < 0:
        raise NoValueError(e, "is infinite")
    if exponent == 0 or base == 0:
        return mpf(exponent == 0)
    is_whole = mpmath.isint(exponent)
    if base < 0 and not is_whole:
        raise NoValueError(e, "is not a real number")
    size = mpf(1) if abs(base) == 1 else _exp(e, exponent * mpmath.log(abs(base)))
    return -size if base < 0 and mpmath.fmod(exponent, 2) else size


def _periodic(function: Callable[[mpf], mpf]) -> Callable[..., mpf]:
    def found(e: sp.Basic, u: mpf) -> mpf:
        if abs(u) > STEEPEST:
            raise NoValueError(e, "oscillates too fast")
        return function(u)

    return found


def _saturating(function: Callable[[mpf], mpf], low: float, high: float) -> Callable[..., mpf]:
    def found(_: sp.Basic, u: mpf) -> mpf:
        return function(u) if abs(u) < 1000 else mpf(low if u < 0 else high)

    return found


def _growing(function: Callable[[mpf], mpf], sign: int) -> Callable[..., mpf]:
    def found(_: sp.Basic, u: mpf) -> mpf:
        if abs(u) <= STEEPEST:
            return function(u)
        return mpmath.inf * (sign if u < 0 else 1)

    return found


def _heaviside(_: sp.Basic, u: mpf, *half: mpf) -> mpf:
    if u == 0:
        return half[0] if half else mpf(1) / 2
    return mpf(u > 0)


_OPERATIONS: Mapping[object, Callable] = {
    sp.Add: lambda _, *parts: sum(parts, mpf(0)),
    sp.Mul: _product,
    sp.Pow: _power,
    sp.exp: _exp,
    sp.log: _log,
    sp.sin: _periodic(mpmath.sin),
    sp.cos: _periodic(mpmath.cos),
    sp.tan: _periodic(mpmath.tan),
    sp.atan: lambda _, u: mpmath.atan(u),
    sp.sinh: _growing(mpmath.sinh, -1),
    sp.cosh: _growing(mpmath.cosh, 1),
    sp.tanh: _saturating(mpmath.tanh, -1, 1),
    sp.erf: _saturating(mpmath.erf, -1, 1),
    sp.erfc: _saturating(mpmath.erfc, 2, 0),
    sp.Max: lambda _, *parts: max(parts),
    sp.Min: lambda _, *parts: min(parts),
    sp.Abs: lambda _, u: abs(u),
    sp.sign: lambda _, u: mpmath.sign(u),
    sp.Heaviside: _heaviside,
}
_RELATIONS = {
    sp.Gt: lambda a, b: a > b,
    sp.Ge: lambda a, b: a >= b,
    sp.Lt: lambda a, b: a < b,
    sp.Le: lambda a, b: a <= b,
    sp.Eq: lambda a, b: a == b,
    sp.Ne: lambda a, b: a != b,
}
_CONNECTIVES = {sp.And: all, sp.Or: any, sp.Not: lambda parts: not any(parts)}
