"""Probabilities of a normal variable on an interval, also under the exponential of a quadratic."""

from __future__ import annotations

import mpmath
import sympy as sp
from sympy.core.function import ArgumentIndexError

from .nodes import INFINITE, Node, density


class Probability(Node):
    """P(a < X < b) of a normal variable: `Probability(a, b, mean, variance)`."""

    nargs = 4

    def explicit(self):
        a, b, m, v = self.args
        low, high = (_cdf(c, m, v) for c in (a, b))
        return sp.expand(high - low)

    def numerical(self, a, b, m, v):
        s = mpmath.sqrt(v)
        return mpmath.ncdf(b, m, s) - mpmath.ncdf(a, m, s)

    def fdiff(self, argindex=1):
        a, b, m, v = self.args
        if argindex <= 2:
            return (-1 if argindex == 1 else 1) * density(self.args[argindex - 1], m, v)

        def slope(mean):
            return density(a, mean, v) - density(b, mean, v)

        return slope(m) if argindex == 3 else self._by_heat_equation(slope)

    def _latex(self, printer):
        a, b, m, v = (printer._print(c) for c in self.args)
        return rf"P\left({a} < X < {b};\, {m}, {v}\right)"


class TiltedProbability(Node):
    """E exp(-A X^2 + B X + C) on a < X < b: `TiltedProbability(a, b, A, B, C, mean, variance)`."""

    nargs = 7

    def explicit(self):
        a, b, *quadratic, m, v = self.args
        scale, mean, variance = tilt(quadratic, m, v)
        return scale * Probability(a, b, mean, variance).explicit()

    def numerical(self, a, b, A, B, C, m, v):
        w = 1 + 2 * A * v
        mean, s = (m + B * v) / w, mpmath.sqrt(v / w)
        scale = mpmath.exp((-A * m**2 + B * m + B**2 * v / 2) / w + C) / mpmath.sqrt(w)
        high, low = ((c - mean) / s for c in (b, a))
        # in the upper tail the difference of lower tails has no digits left
        return scale * (
            mpmath.ncdf(high) - mpmath.ncdf(low)
            if low < 0
            else mpmath.ncdf(-low) - mpmath.ncdf(-high)
        )

    def fdiff(self, argindex=1):
        a, b, A, B, C, m, v = self.args

        def at(c):
            return sp.Integer(0) if c in INFINITE else sp.exp(-A * c**2 + B * c + C)

        def slope(mean):
            ends = at(a) * density(a, mean, v) - at(b) * density(b, mean, v)
            w = 1 + 2 * A * v
            return (B - 2 * A * (mean + B * v) / w) * TiltedProbability(
                a, b, A, B, C, mean, v
            ) + ends / w

        if argindex < 6:
            raise ArgumentIndexError(self, argindex)
        return slope(m) if argindex == 6 else self._by_heat_equation(slope)

    def _latex(self, printer):
        a, b, A, B, C, m, v = self.args
        x = sp.Symbol("X")
        exponent = printer._print(sp.exp(-A * x**2 + B * x + C))
        a, b, m, v = (printer._print(c) for c in (a, b, m, v))
        return rf"\left\langle {exponent};\, {a} < X < {b} \right\rangle_{{{m},\,{v}}}"


def tilt(quadratic, m, v):
    """exp(-A x^2 + B x + C) N(m, v) = scale * N(m', v'): the triple (scale, m', v')."""
    widened = 1 + 2 * quadratic[0] * v
    log_scale, mean, variance = log_tilt(quadratic, m, v)
    return sp.exp(log_scale) / sp.sqrt(widened), mean, variance


def log_tilt(quadratic, m, v):
    """`tilt` with the logarithm of scale * sqrt(1 + 2 A v).

    It is written around the peak of the exponential, where nothing cancels.
    """
    A, B, C = quadratic
    widened = 1 + 2 * A * v
    if A == 0:
        return B * m + B**2 * v / 2 + C, m + B * v, v
    peak = B / (2 * A)
    return -A * (m - peak) ** 2 / widened + C + B * peak / 2, (m + B * v) / widened, v / widened


def _cdf(c, m, v):
    if c in INFINITE:
        return sp.Integer(1 if c == sp.oo else 0)
    return (1 + sp.erf((c - m) / sp.sqrt(2 * v))) / 2
