"""A formula for a Gaussian average against a numerical integral that knows no rule."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from functools import cache

import mpmath
import sympy as sp
from mpmath.calculus.quadrature import GaussLegendre

from ...errors import NoClosedFormError
from ..expressions import Pieces, X

TOLERANCE = 1e-7  # of the integral of |f|
POINTS = 2  # random ones: a wrong rule agrees at none
REACH = 14  # standard deviations: an exponential moves the bulk of the integrand by a few
DEPTH = 16  # halvings of an interval: features down to 1e-5 standard deviations
# 12 nodes integrate the bell on an interval of three standard deviations to 1e-12. They are halved
# here and not by mpmath.quad: it needs 50 to 350 ms in place of 1 to 10 (and a derivation has many
# closed forms), and on fixed intervals it misses a narrow bell or step without a word.
DEGREE = 3  # mpmath has 3 * 2^(degree - 1) nodes


def compare(form: sp.Expr, f: Pieces, mean: sp.Symbol, variance: sp.Symbol) -> None:
    """Raise `NoClosedFormError` unless `form` is E f(X), X ~ N(mean, variance), at random points.

    The deltas of `f` are left out.
    """
    chance = random.Random(str(f.pieces))
    others = sorted(set().union(*(p.free_symbols for p in (*f.pieces, *f.breaks))) - {X}, key=str)
    for _ in range(POINTS):
        m, v = chance.uniform(-2, 2), chance.uniform(0.2, 2)
        given = {s: sp.Float(_random_value(s, chance)) for s in others}
        at = {mean: sp.Float(m, 30), variance: sp.Float(v, 30)}
        try:
            expected, size = integrate(f, m, v, given)
            found = sp.N(form.xreplace({**given, **at}), 20)
        except (ValueError, TypeError):  # not real there, as log(k) where k may have either sign
            raise NoClosedFormError(
                f"a formula for the Gaussian average of {f.expression()} cannot be checked: it is "
                f"not real at {given}; declare with positive=[...] which parameters are positive"
            ) from None
        if not (found.is_real and abs(float(found) - expected) <= TOLERANCE * size + 1e-14):
            raise NoClosedFormError(
                f"the rule for the Gaussian average of {f.expression()} failed its check: it gives "
                f"{sp.N(found, 8)} "
                f"at mean {m:.4g} "
                f"and variance {v:.4g}, numerical integration {expected:.8g}"
            )


def integrate(f: Pieces, m: float, v: float, given: dict) -> tuple[float, float]:
    """E f(X) and E |f(X)|, without the deltas of f."""
    s = math.sqrt(v)
    total, size = 0.0, 0.0
    for low, high, piece in f.intervals():
        a, b = (
            max(m - REACH * s, min(m + REACH * s, float(end.xreplace(given))))
            for end in (low, high)
        )
        if a >= b or piece == 0:
            continue
        function = sp.lambdify(X, piece.xreplace(given), "math")
        weighted = _times_bell(function, m, s)
        cuts = [a, *(c for c in (m + s * k for k in range(-12, 13, 3)) if a < c < b), b]
        for left, right in itertools.pairwise(cuts):
            part = _adaptive(weighted, left, right, _gauss(weighted, left, right), DEPTH)
            total, size = total + part[0], size + part[1]
    return total, size


def _random_value(symbol: sp.Symbol, chance: random.Random) -> float:
    size = chance.uniform(0.3, 1.5)
    if symbol.is_nonnegative:
        return size
    return -size if symbol.is_nonpositive else size * chance.choice((-1, 1))


def _times_bell(function: Callable[[float], float], m: float, s: float) -> Callable[[float], float]:
    norm = s * math.sqrt(2 * math.pi)

    def weighted(x):
        return function(x) * math.exp(-0.5 * ((x - m) / s) ** 2) / norm

    return weighted


def _adaptive(function, a, b, whole, depth) -> tuple[float, float]:
    """Halve an interval until its Gauss-Legendre sums agree."""
    middle = (a + b) / 2
    left, right = _gauss(function, a, middle), _gauss(function, middle, b)
    if abs(left[0] + right[0] - whole[0]) <= 1e-9 * (left[1] + right[1]) + 1e-18 or depth == 0:
        return left[0] + right[0], left[1] + right[1]
    parts = (
        _adaptive(function, a, middle, left, depth - 1),
        _adaptive(function, middle, b, right, depth - 1),
    )
    return parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]


def _gauss(function, a, b) -> tuple[float, float]:
    half, middle = (b - a) / 2, (a + b) / 2
    values = [(w * half, function(middle + half * x)) for x, w in _rule()]
    return sum(w * y for w, y in values), sum(w * abs(y) for w, y in values)


@cache
def _rule() -> list[tuple[float, float]]:
    """Gauss-Legendre nodes and weights."""
    nodes = GaussLegendre(mpmath.mp).calc_nodes(DEGREE, 60)  # 60 bits, more than a float has
    return [(float(x), float(w)) for x, w in nodes]
