"""Where a real function of one variable changes sign: exactly, or to 30 digits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import mpmath
import sympy as sp

from ...errors import ExpressionError
from .parser import X

REACH = 1000.0  # far beyond any input current in its own units
MOST = 50  # roots: a function with more of them oscillates, and has no use as pieces
DIGITS = 30  # twice those of float64, so that formulas made of roots keep these
_INVERSES = {
    sp.exp: sp.log,
    sp.log: sp.exp,
    sp.tanh: sp.atanh,
    sp.sinh: sp.asinh,
    sp.atan: sp.tan,
    sp.erf: sp.erfinv,
    sp.erfc: lambda y: sp.erfinv(1 - y),
}
_RANGES = {
    sp.exp: (0, sp.oo),
    sp.tanh: (-1, 1),
    sp.erf: (-1, 1),
    sp.erfc: (0, 2),
    sp.atan: (-sp.pi / 2, sp.pi / 2),
}


def real_roots(surface: sp.Expr) -> list[sp.Expr]:
    """The real numbers x at which an expression changes sign, poles included.

    A polynomial's double roots may be among them. Outside |x| <= 1000 only exact roots are found.

    Args:
        surface: An expression in `x`; with other symbols only where the roots are exact.

    Raises:
        ExpressionError: There are more than 50 roots, or the symbols need values first.
    """
    surface = sp.expand(surface)
    if not surface.has(X):
        return []
    exact = _exact_roots(surface)
    if exact is not None:
        return exact
    if surface.free_symbols != {X}:
        raise ExpressionError(
            f"cannot find where {surface} changes sign: give its symbols values first"
        )
    fraction = sp.fraction(sp.together(surface))
    if fraction[1].has(X) and all(part.is_polynomial(X) for part in fraction):
        return [root for part in fraction for root in real_roots(part)]
    return _numerical_roots(surface)


def distinct(roots: list[sp.Expr]) -> list[sp.Expr]:
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


def _exact_roots(surface: sp.Expr) -> list[sp.Expr] | None:
    """Roots of a polynomial, and of c F(polynomial) + d with an injective F; None for others."""
    if surface.is_polynomial(X):
        return _polynomial_roots(sp.Poly(surface, X))
    constant, varying = surface.as_independent(X, as_Add=True)
    factor, function = varying.as_independent(X, as_Add=False)
    if type(function) not in _INVERSES or not (constant / factor).is_number:
        return None
    level = -constant / factor
    low, high = _RANGES.get(type(function), (-sp.oo, sp.oo))
    if not low < level < high:
        return []
    return _exact_roots(sp.expand(function.args[0] - _INVERSES[type(function)](level)))


def _polynomial_roots(polynomial: sp.Poly) -> list[sp.Expr] | None:
    coefficients = polynomial.all_coeffs()
    if len(coefficients) == 2:
        return [-coefficients[1] / coefficients[0]]
    if not all(c.is_number for c in coefficients):
        return None
    if len(coefficients) == 3:
        a, b, c = coefficients
        inside = sp.expand(b**2 - 4 * a * c)
        return [(-b + sign * sp.sqrt(inside)) / (2 * a) for sign in (-1, 1)] if inside >= 0 else []
    try:
        roots = sp.real_roots(polynomial)
    except (NotImplementedError, sp.PolynomialError):
        return None
    return [
        sp.Float(root.evalf(DIGITS + 5), DIGITS) if root.has(sp.CRootOf) else root for root in roots
    ]


def _numerical_roots(surface: sp.Expr) -> list[sp.Expr]:
    precise = sp.lambdify(X, surface, "mpmath")
    with mpmath.workdps(DIGITS + 20):
        brackets = [
            b
            for b in _brackets(_float_value(surface), _grid(_places(surface)))
            if _sign(precise, b[0]) * _sign(precise, b[1]) < 0
        ]
        if len(brackets) > MOST:
            raise ExpressionError(
                f"{surface} switches too often: it changes sign more than {MOST} times between "
                f"{-REACH:g} and {REACH:g}"
            )
        return [_nice(surface, _bisect(precise, *b)) for b in brackets]


def _brackets(value: Callable[[float], float], grid: list[float]) -> Iterator[tuple[float, float]]:
    """Neighbouring points with opposite signs.

    Points without a value or a sign (zeros, rounding errors) are left out. Between two points of
    the same sign the function may dip through zero and back: where it comes closest to zero it is
    followed to its extremum.
    """
    before: list[tuple[float, float]] = []
    for x in grid:
        now = (x, value(x))
        if not now[1]:
            continue
        if before and now[1] * before[-1][1] < 0:
            yield before[-1][0], x
        elif len(before) == 2:
            (a, at_a), (_, at_b) = before
            sign = math.copysign(1.0, at_b)
            if at_a * at_b > 0 and abs(at_b) < min(abs(at_a), abs(now[1])) * (1 - 1e-9):
                deep = _dip(partial(_times, sign, value), a, x)
                if deep is not None:
                    yield a, deep
                    yield deep, x
        before = [*before[-1:], now]


def _times(sign: float, value: Callable[[float], float], x: float) -> float:
    return sign * value(x)


def _dip(value: Callable[[float], float], a: float, b: float) -> float | None:
    """A point between a and b at which the function is below zero, by golden sections.

    None where its minimum is above zero.
    """
    part = (math.sqrt(5) - 1) / 2
    left, right = b - part * (b - a), a + part * (b - a)
    at_left, at_right = value(left), value(right)
    for _ in range(45):
        if at_left < 0 or at_right < 0:
            return left if at_left < 0 else right
        if at_left < at_right:
            b, right, at_right = right, left, at_left
            left = b - part * (b - a)
            at_left = value(left)
        else:
            a, left, at_left = left, right, at_right
            right = a + part * (b - a)
            at_right = value(right)
    return None


def _grid(places: list[float]) -> list[float]:
    """Steps of 0.01 up to 10, beyond them of 0.2 %, and ever closer around the given places.

    No point is a round number, at which roots tend to lie.
    """
    right = [0.01 * (k + 0.3719) for k in range(1000)]
    while right[-1] < REACH:
        right.append(right[-1] * 1.002)
    close = [c + side * 0.0037 * 1.7**-k for c in places for side in (-1, 1) for k in range(50)]
    return sorted({*(-x for x in right), *right, *close})


def _places(surface: sp.Expr) -> list[float]:
    """Where the arguments of functions are zero: a narrow peak or step is there."""
    arguments = {
        a
        for f in sp.preorder_traversal(surface)
        for a in f.args
        if isinstance(f, (sp.Function, sp.Pow))
    }
    found: set[float] = set()
    for argument in sorted(arguments, key=sp.default_sort_key)[:MOST]:
        if argument.free_symbols == {X} and argument.is_polynomial(X) and argument != X:
            coefficients = [complex(c) for c in sp.Poly(argument, X).all_coeffs()]
            roots = (
                mpmath.polyroots(coefficients, maxsteps=200, error=False, extraprec=100)
                if len(coefficients) > 1
                else []
            )
            found |= {float(mpmath.re(r)) for r in roots if abs(mpmath.re(r)) < REACH}
    return sorted(found)


def _float_value(surface: sp.Expr) -> Callable[[float], float]:
    """The value in float64 where rounding errors cannot have made it, else 0."""
    terms = [sp.lambdify(X, term, "math") for term in sp.Add.make_args(surface)]

    def value(x):
        try:
            values = [term(x) for term in terms]
            total, size = math.fsum(values), max(map(abs, values))
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            return 0.0
        return total if abs(total) > 1e-12 * size else 0.0

    return value


def _sign(function, x) -> int:
    value = function(mpmath.mpf(x))
    return int(mpmath.sign(value)) if mpmath.im(value) == 0 else 0


def _bisect(function, a: float, b: float) -> mpmath.mpf:
    """The root, or the pole, between two points of opposite signs."""
    return mpmath.findroot(
        partial(_sign, function),
        (mpmath.mpf(a), mpmath.mpf(b)),
        solver="bisect",
        tol=mpmath.mpf(10) ** (-DIGITS - 5),
        maxsteps=1000,  # far more than the 130 halvings from a range of 1000 to 35 digits
        verify=False,  # the sign is 1 or -1 at both ends
    )


def _nice(surface: sp.Expr, root: mpmath.mpf) -> sp.Expr:
    """A simple fraction if it is the root, else its digits."""
    fraction = sp.Rational(str(mpmath.nstr(root, DIGITS))).limit_denominator(1000)
    if (
        abs(root - mpmath.mpf(fraction.p) / fraction.q) < mpmath.mpf(10) ** (-DIGITS)
        and surface.subs(X, fraction) == 0
    ):
        return fraction
    return sp.Float(str(root), DIGITS)
