"""Closed forms of Gaussian averages, found by rule.

Terms polynomial(x) * exp(quadratic in x) on an interval, and on the whole line these times erf, sin or cos of a linear argument. An
exponential of a quadratic times a normal density is another normal density; the moments left over follow from Stein's lemma. Nothing
here integrates: what no rule fits raises `NoClosedFormError`.
"""

from __future__ import annotations

import sympy as sp
from sympy.simplify.fu import TR8

from ..errors import NoClosedFormError
from .expressions import X
from .pieces import Pieces

MAX_DEGREE = 10  # the moments of a shifted normal variable double in length with every degree


class Probability(sp.Function):
    """P(a < X < b) of a normal variable: `Probability(a, b, mean, variance)`."""

    nargs = 4

    def explicit(self):
        a, b, m, v = self.args
        low, high = (_cdf(c, m, v) for c in (a, b))
        return sp.expand(high - low)


class ScaledDensity(sp.Function):
    """variance * (normal density at c): `ScaledDensity(c, mean, variance)`; finite at variance 0."""

    nargs = 3

    def explicit(self):
        c, m, v = self.args
        return sp.sqrt(v / (2 * sp.pi)) * sp.exp(-((c - m) ** 2) / (2 * v))


class DensityMoment(sp.Function):
    """< delta^(k)(x - c) >: `DensityMoment(k, c, mean, variance)`, the Hermite polynomial He_k times the normal density at c."""

    nargs = 4

    def explicit(self):
        k, c, m, v = self.args
        z = sp.Dummy("z")
        hermite = sp.expand(2 ** (-sp.Rational(k) / 2) * sp.hermite(int(k), z / sp.sqrt(2)))
        return hermite.subs(z, (c - m) / sp.sqrt(v)) * v ** (-sp.Rational(k) / 2) * ScaledDensity(c, m, v).explicit() / v


NODES = (Probability, ScaledDensity, DensityMoment)


def _cdf(c, m, v):
    if c in (sp.oo, -sp.oo):
        return sp.Integer(1 if c == sp.oo else 0)
    return (1 + sp.erf((c - m) / sp.sqrt(2 * v))) / 2


def explicit(expression: sp.Expr) -> sp.Expr:
    """Write the nodes of a closed form in erf and exp."""
    return expression.replace(lambda e: isinstance(e, NODES), lambda e: e.explicit())


def closed_form(f: Pieces, mean: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """E f(X), X ~ N(mean, variance), in the nodes above. Raises `NoClosedFormError`."""
    total = sp.Add(*(c * DensityMoment(m, b, mean, variance) for b, m, c in f.deltas))
    for low, high, piece in f.intervals():
        for term in sp.Add.make_args(_expand(piece)):
            total += _term(term, low, high, mean, variance)
    return total


def _expand(piece):
    """A sum of products; products and powers of sines and cosines become sums."""
    piece = sp.expand(piece, power_exp=False)
    return sp.expand(TR8(piece), power_exp=False) if piece.has(sp.sin, sp.cos) else piece


def _term(term, low, high, m, v):
    coefficient, quadratic, special = sp.Integer(1), sp.Integer(0), []
    polynomial = sp.Integer(1)
    for factor in sp.Mul.make_args(term):
        if not factor.has(X):
            coefficient *= factor
        elif factor.is_polynomial(X):
            polynomial *= factor
        elif isinstance(factor, sp.exp) and _degree(factor.args[0]) <= 2:
            quadratic += factor.args[0]
        elif isinstance(factor, (sp.erf, sp.sin, sp.cos)) and _degree(factor.args[0]) == 1:
            special.append(factor)
        else:
            raise NoClosedFormError(f"no closed form for the Gaussian average of {factor}")
    if len(special) > 1 or (special and (low, high) != (-sp.oo, sp.oo)):
        raise NoClosedFormError(f"no closed form for the Gaussian average of {term} on ({low}, {high})")
    scale, m, v = _tilt(quadratic, m, v)
    moments = _special_moments(special[0], m, v) if special else _interval_moments(low, high, m, v)
    powers = sp.Poly(polynomial, X).all_coeffs()[::-1]
    if len(powers) > MAX_DEGREE + 1:
        raise NoClosedFormError(f"the closed form of the Gaussian average of {term} is too long (degree above {MAX_DEGREE})")
    return coefficient * scale * sp.Add(*(c * next(moments) for c in powers))


def _degree(argument) -> int:
    return sp.Poly(argument, X).degree() if argument.is_polynomial(X) else 99


def _tilt(quadratic, m, v):
    """exp(-a x^2 + b x + c) * N(m, v) = scale * N(m', v')."""
    if quadratic == 0:
        return sp.Integer(1), m, v
    a, b, c = (sp.Poly(quadratic, X).coeff_monomial(X**k) for k in (2, 1, 0))
    a = -a
    if a.is_negative:
        raise NoClosedFormError(f"the Gaussian average of exp({quadratic}) diverges at large variance")
    widened = 1 + 2 * a * v
    scale = sp.exp((-a * m**2 + b * m + b**2 * v / 2) / widened + c) / sp.sqrt(widened)
    return scale, (m + b * v) / widened, v / widened


def _interval_moments(low, high, m, v):
    """E[x^k; low < x < high] for k = 0, 1, ...: M_k = m M_{k-1} + v (k-1) M_{k-2} - [x^{k-1} v n(x)] at the ends."""
    whole = (low, high) == (-sp.oo, sp.oo)
    before, now, k = sp.Integer(0), sp.Integer(1) if whole else Probability(low, high, m, v), 0
    while True:
        yield now
        k += 1
        ends = sp.Add(*(sign * end ** (k - 1) * ScaledDensity(end, m, v)
                        for end, sign in ((high, -1), (low, 1)) if end not in (sp.oo, -sp.oo)))  # fmt: skip
        before, now = now, m * now + v * (k - 1) * before + ends


def _special_moments(factor, m, v):
    return _erf_moments(factor.args[0], m, v) if isinstance(factor, sp.erf) else _wave_moments(factor, m, v)


def _wave_moments(wave, m, v):
    """E[x^k sin(a x + b)] and the same with cos: Stein's lemma couples the two."""
    a, b = sp.Poly(wave.args[0], X).all_coeffs()
    damped = sp.exp(-(a**2) * v / 2)
    before = {sp.sin: sp.Integer(0), sp.cos: sp.Integer(0)}
    now, k = {f: f(a * m + b) * damped for f in before}, 0
    while True:
        yield now[type(wave)]
        k += 1
        slope = {sp.sin: a * now[sp.cos], sp.cos: -a * now[sp.sin]}
        before, now = now, {f: m * now[f] + v * ((k - 1) * before[f] + slope[f]) for f in now}


def _erf_moments(argument, m, v):
    """E[x^k erf(a x + b)]: Q_k = m Q_{k-1} + v ((k-1) Q_{k-2} + E[x^{k-1} erf'])."""
    a, b = sp.Poly(argument, X).all_coeffs()
    before, now, k = sp.Integer(0), sp.erf((a * m + b) / sp.sqrt(1 + 2 * a**2 * v)), 0
    scale, m2, v2 = _tilt(sp.expand(-(argument**2)), m, v)
    bell = _interval_moments(-sp.oo, sp.oo, m2, v2)
    while True:
        yield now
        k += 1
        slope = 2 * a / sp.sqrt(sp.pi) * scale * next(bell)
        before, now = now, m * now + v * ((k - 1) * before + slope)
