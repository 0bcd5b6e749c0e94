"""A formula for a Gaussian average against a numerical integral that knows nothing of the rules behind the formula."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator
from functools import cache

import sympy as sp

from ...errors import NoClosedFormError
from ..expressions import Pieces, X

TOLERANCE = 1e-7  # of the integral of |f|
POINTS = 2
REACH = 14  # standard deviations: an exponential moves the bulk of the integrand by a few
DEPTH = 16  # halvings of an interval
NODES = 12


def compare(form: sp.Expr, f: Pieces, mean: sp.Symbol, variance: sp.Symbol) -> None:
    """Raise `NoClosedFormError` unless `form` is E f(X), X ~ N(mean, variance), at random points; deltas of `f` are left out."""
    chance = random.Random(str(f.pieces))
    others = sorted(set().union(*(p.free_symbols for p in (*f.pieces, *f.breaks))) - {X}, key=str)
    for _ in range(POINTS):
        m, v = chance.uniform(-2, 2), chance.uniform(0.2, 2)
        given = {s: sp.Float(_random_value(s, chance)) for s in others}
        expected, size = integrate(f, m, v, given)
        found = sp.N(form.xreplace({**given, mean: sp.Float(m, 30), variance: sp.Float(v, 30)}), 20)
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
    values = [(w * half, function(middle + half * x)) for x, w in _legendre(NODES)]
    return sum(w * y for w, y in values), sum(w * abs(y) for w, y in values)


@cache
def _legendre(n: int) -> tuple[tuple[float, float], ...]:
    """Gauss-Legendre nodes and weights by Newton's method."""
    return tuple(_legendre_nodes(n))


def _legendre_nodes(n: int) -> Iterator[tuple[float, float]]:
    for k in range(n):
        x = math.cos(math.pi * (k + 0.75) / (n + 0.5))
        for _ in range(10):
            before, now = 1.0, x
            for j in range(2, n + 1):
                before, now = now, ((2 * j - 1) * x * now - (j - 1) * before) / j
            slope = n * (x * now - before) / (x * x - 1)
            x -= now / slope
        yield x, 2 / ((1 - x * x) * slope * slope)
