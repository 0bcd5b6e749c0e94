"""Probabilities of two normal variables: Phi_2, Owen's T, and an interval behind a gate."""

from __future__ import annotations

import mpmath
import sympy as sp
from sympy.core.function import ArgumentIndexError

from .intervals import Probability
from .nodes import INFINITE, Node, NormalCDF, bell, density


class BivariateProbability(Node):
    """P(Z1 < h, Z2 < k) of standard normal variables with correlation rho.

    `BivariateProbability(h, k, rho)`.
    """

    nargs = 3

    @classmethod
    def eval(cls, h, k, rho):
        if -sp.oo in (h, k):
            return sp.Integer(0)
        if sp.oo in (h, k):
            return NormalCDF(k if h == sp.oo else h)
        return None

    def explicit(self):
        h, k, rho = self.args
        if h != k:
            return self
        slope = sp.sqrt(sp.cancel((1 - rho) / (1 + rho)))
        return NormalCDF(h).explicit() - 2 * OwenT(h, slope)

    def numerical(self, h, k, rho):
        def integrand(angle):
            c = mpmath.cos(angle) ** 2
            return (
                mpmath.exp(-(h * h + k * k - 2 * h * k * mpmath.sin(angle)) / (2 * c))
                if c > 0
                else mpmath.mpf(0)
            )

        return mpmath.ncdf(h) * mpmath.ncdf(k) + mpmath.quad(integrand, [0, mpmath.asin(rho)]) / (
            2 * mpmath.pi
        )

    def fdiff(self, argindex=1):
        h, k, rho = self.args
        width = sp.sqrt(1 - rho**2)
        match argindex:
            case 1:
                return bell(h) * NormalCDF((k - rho * h) / width)
            case 2:
                return bell(k) * NormalCDF((h - rho * k) / width)
        return sp.exp(-(h**2 - 2 * rho * h * k + k**2) / (2 * (1 - rho**2))) / (2 * sp.pi * width)

    def _latex(self, printer):
        h, k, rho = (printer._print(a) for a in self.args)
        return rf"\Phi_2\left({h}, {k};\, {rho}\right)"


class OwenT(Node):
    """Owen's T: `OwenT(h, a)` = int_0^a exp(-h^2 (1 + x^2) / 2) / (1 + x^2) dx / (2 pi)."""

    nargs = 2

    def numerical(self, h, a):
        return mpmath.quad(lambda x: mpmath.exp(-h * h * (1 + x * x) / 2) / (1 + x * x), [0, a]) / (
            2 * mpmath.pi
        )

    def fdiff(self, argindex=1):
        h, a = self.args
        if argindex == 1:
            return -bell(h) * sp.erf(a * h / sp.sqrt(2)) / 2
        return sp.exp(-(h**2) * (1 + a**2) / 2) / (2 * sp.pi * (1 + a**2))

    def _latex(self, printer):
        h, a = (printer._print(c) for c in self.args)
        return rf"T\left({h}, {a}\right)"


class GatedProbability(Node):
    """P(a < X < b, Z < alpha X + beta), X ~ N(mean, variance), Z standard normal.

    `GatedProbability(a, b, alpha, beta, mean, variance)`.
    """

    nargs = 6

    def explicit(self):
        a, b, alpha, beta, m, v = self.args
        width = sp.sqrt(1 + alpha**2 * v)
        k, rho = (alpha * m + beta) / width, alpha * sp.sqrt(v) / width
        if b == sp.oo:
            return BivariateProbability((m - a) / sp.sqrt(v), k, rho)
        low, high = (c if c == -sp.oo else (c - m) / sp.sqrt(v) for c in (a, b))
        return BivariateProbability(high, k, -rho) - BivariateProbability(low, k, -rho)

    def numerical(self, a, b, alpha, beta, m, v):
        s = mpmath.sqrt(v)
        k, rho = (
            (alpha * m + beta) / mpmath.sqrt(1 + alpha**2 * v),
            alpha * s / mpmath.sqrt(1 + alpha**2 * v),
        )

        def below(c, sign):
            if mpmath.isinf(c):
                return mpmath.ncdf(k) if sign * c > 0 else mpmath.mpf(0)
            return BivariateProbability.numerical(self, sign * (c - m) / s, k, -sign * rho)

        return below(a, -1) if b == mpmath.inf else below(b, 1) - below(a, 1)

    def fdiff(self, argindex=1):
        a, b, alpha, beta, m, v = self.args
        w = 1 + alpha**2 * v

        def gate(c):
            return sp.Integer(0) if c in INFINITE else NormalCDF(alpha * c + beta)

        def slope(mean):
            ends = gate(a) * density(a, mean, v) - gate(b) * density(b, mean, v)
            inside = Probability(a, b, (mean - alpha * beta * v) / w, v / w)
            return ends + alpha * bell((alpha * mean + beta) / sp.sqrt(w)) / sp.sqrt(w) * inside

        if argindex < 5:
            raise ArgumentIndexError(self, argindex)
        return slope(m) if argindex == 5 else self._by_heat_equation(slope)

    def _latex(self, printer):
        a, b, alpha, beta, m, v = self.args
        gate = printer._print(alpha * sp.Symbol("X") + beta)
        a, b, m, v = (printer._print(c) for c in (a, b, m, v))
        return rf"P\left({a} < X < {b},\, Z < {gate};\, {m}, {v}\right)"
