"""Probabilities and densities of normal variables as symbols: what the closed forms of Gaussian averages are written in.

Every node has `explicit()` (erf, exp, Phi_2 and Owen's T), derivatives with respect to mean and
variance, digits by mpmath, and LaTeX.
"""

from __future__ import annotations

import mpmath
import sympy as sp
from sympy.core.function import ArgumentIndexError

INFINITE = (sp.oo, -sp.oo)


class Node(sp.Function):
    """A function of real arguments, a node until its value is asked for."""

    @classmethod
    def _should_evalf(cls, arg):
        return -1

    def explicit(self) -> sp.Expr:
        """The same in erf, exp, Phi_2 and Owen's T."""
        return self

    def numerical(self, *arguments):
        """The value at mpmath arguments, in mpmath's working precision."""
        raise NotImplementedError

    def _eval_evalf(self, prec):
        if not all(a.is_number or a in INFINITE for a in self.args):
            return None
        with mpmath.workprec(prec + 10):
            arguments = [
                mpmath.inf * (1 if a == sp.oo else -1) if a in INFINITE else a._to_mpmath(prec + 10)
                for a in self.args
            ]
            return sp.Expr._from_mpmath(self.numerical(*arguments), prec)

    def _by_heat_equation(self, mean_slope):
        """d/dvariance of an average is half its second derivative in the mean."""
        m = sp.Dummy("m", real=True)
        mean = self.args[-2]
        return (mean_slope(m).diff(m) / 2).xreplace({m: mean})


class NormalCDF(Node):
    """P(Z < h) of a standard normal variable."""

    nargs = 1

    @classmethod
    def eval(cls, h):
        return {sp.oo: sp.Integer(1), -sp.oo: sp.Integer(0), sp.Integer(0): sp.Rational(1, 2)}.get(
            h
        )

    def explicit(self):
        numerator, denominator = self.args[0].as_numer_denom()
        return (1 + sp.erf(sp.expand(numerator / sp.sqrt(2)) / denominator)) / 2

    def numerical(self, h):
        return mpmath.ncdf(h)

    def fdiff(self, argindex=1):
        return _bell(self.args[0])

    def _latex(self, printer):
        return rf"\Phi\left({printer._print(self.args[0])}\right)"


class ScaledCDF(Node):
    """exp(L) P(Z < h): `ScaledCDF(L, h)`; its product is finite where exp(L) alone overflows."""

    nargs = 2

    def explicit(self):
        return sp.exp(self.args[0]) * NormalCDF(self.args[1]).explicit()

    def numerical(self, L, h):
        return mpmath.exp(L) * mpmath.ncdf(h)

    def fdiff(self, argindex=1):
        L, h = self.args
        return self if argindex == 1 else sp.exp(L - h**2 / 2) / sp.sqrt(2 * sp.pi)

    def _latex(self, printer):
        L, h = (printer._print(a) for a in self.args)
        return rf"e^{{{L}}} \Phi\left({h}\right)"


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
            return (-1 if argindex == 1 else 1) * _density(self.args[argindex - 1], m, v)

        def slope(mean):
            return _density(a, mean, v) - _density(b, mean, v)

        return slope(m) if argindex == 3 else self._by_heat_equation(slope)

    def _latex(self, printer):
        a, b, m, v = (printer._print(c) for c in self.args)
        return rf"P\left({a} < X < {b};\, {m}, {v}\right)"


class ScaledDensity(Node):
    """variance * (normal density at c): `ScaledDensity(c, mean, variance)`; finite at variance 0."""

    nargs = 3

    def explicit(self):
        c, m, v = self.args
        return sp.sqrt(v / (2 * sp.pi)) * sp.exp(-((c - m) ** 2) / (2 * v))

    def numerical(self, c, m, v):
        return v * mpmath.npdf(c, m, mpmath.sqrt(v))

    def fdiff(self, argindex=1):
        c, m, v = self.args
        if argindex < 3:
            return (-1 if argindex == 1 else 1) * v * DensityMoment(1, c, m, v)
        return DensityMoment(0, c, m, v) + v * DensityMoment(2, c, m, v) / 2

    def _latex(self, printer):
        c, m, v = (printer._print(a) for a in self.args)
        return rf"{v}\, \mathcal{{N}}\left({c};\, {m}, {v}\right)"


class DensityMoment(Node):
    """< delta^(k)(x - c) >: `DensityMoment(k, c, mean, variance)`, the Hermite polynomial He_k times the normal density at c."""

    nargs = 4

    def explicit(self):
        k, c, m, v = self.args
        z = sp.Dummy("z")
        hermite = sp.expand(2 ** (-sp.Rational(k) / 2) * sp.hermite(int(k), z / sp.sqrt(2)))
        return (
            hermite.subs(z, (c - m) / sp.sqrt(v))
            * v ** (-sp.Rational(k) / 2)
            * ScaledDensity(c, m, v).explicit()
            / v
        )

    def numerical(self, k, c, m, v):
        s = mpmath.sqrt(v)
        return (
            2 ** (-k / 2)
            * mpmath.hermite(k, (c - m) / (s * mpmath.sqrt(2)))
            * s**-k
            * mpmath.npdf(c, m, s)
        )

    def fdiff(self, argindex=1):
        k, c, m, v = self.args
        match argindex:
            case 2:
                return -DensityMoment(k + 1, c, m, v)
            case 3:
                return DensityMoment(k + 1, c, m, v)
            case 4:
                return DensityMoment(k + 2, c, m, v) / 2
        raise ArgumentIndexError(self, argindex)

    def _latex(self, printer):
        k, c, m, v = (printer._print(a) for a in self.args)
        return rf"\left\langle \delta^{{({k})}}(x - {c}) \right\rangle_{{{m},\,{v}}}"


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
            ends = at(a) * _density(a, mean, v) - at(b) * _density(b, mean, v)
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


class BivariateProbability(Node):
    """P(Z1 < h, Z2 < k) of standard normal variables with correlation rho: `BivariateProbability(h, k, rho)`."""

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
                return _bell(h) * NormalCDF((k - rho * h) / width)
            case 2:
                return _bell(k) * NormalCDF((h - rho * k) / width)
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
            return -_bell(h) * sp.erf(a * h / sp.sqrt(2)) / 2
        return sp.exp(-(h**2) * (1 + a**2) / 2) / (2 * sp.pi * (1 + a**2))

    def _latex(self, printer):
        h, a = (printer._print(c) for c in self.args)
        return rf"T\left({h}, {a}\right)"


class GatedProbability(Node):
    """P(a < X < b, Z < alpha X + beta), Z standard normal: `GatedProbability(a, b, alpha, beta, mean, variance)`."""

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
            ends = gate(a) * _density(a, mean, v) - gate(b) * _density(b, mean, v)
            inside = Probability(a, b, (mean - alpha * beta * v) / w, v / w)
            return ends + alpha * _bell((alpha * mean + beta) / sp.sqrt(w)) / sp.sqrt(w) * inside

        if argindex < 5:
            raise ArgumentIndexError(self, argindex)
        return slope(m) if argindex == 5 else self._by_heat_equation(slope)

    def _latex(self, printer):
        a, b, alpha, beta, m, v = self.args
        gate = printer._print(alpha * sp.Symbol("X") + beta)
        a, b, m, v = (printer._print(c) for c in (a, b, m, v))
        return rf"P\left({a} < X < {b},\, Z < {gate};\, {m}, {v}\right)"


NODES = (
    NormalCDF,
    ScaledCDF,
    Probability,
    ScaledDensity,
    DensityMoment,
    TiltedProbability,
    BivariateProbability,
    GatedProbability,
    OwenT,
)


def explicit(expression: sp.Expr) -> sp.Expr:
    """Write the nodes of a closed form in erf, exp, Phi_2 and Owen's T."""
    written = expression.replace(lambda e: isinstance(e, NODES), lambda e: e.explicit())
    return written.replace(
        NormalCDF, lambda h: NormalCDF(h).explicit()
    )  # of a bivariate probability with an infinite limit


def tilt(quadratic, m, v):
    """exp(-A x^2 + B x + C) N(m, v) = scale * N(m', v'): the triple (scale, m', v')."""
    widened = 1 + 2 * quadratic[0] * v
    log_scale, mean, variance = log_tilt(quadratic, m, v)
    return sp.exp(log_scale) / sp.sqrt(widened), mean, variance


def log_tilt(quadratic, m, v):
    """`tilt` with the logarithm of scale * sqrt(1 + 2 A v); written around the peak of the exponential, where nothing cancels."""
    A, B, C = quadratic
    widened = 1 + 2 * A * v
    if A == 0:
        return B * m + B**2 * v / 2 + C, m + B * v, v
    peak = B / (2 * A)
    return -A * (m - peak) ** 2 / widened + C + B * peak / 2, (m + B * v) / widened, v / widened


def _bell(z):
    return sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)


def _density(c, m, v):
    return sp.Integer(0) if c in INFINITE else DensityMoment(0, c, m, v)


def _cdf(c, m, v):
    if c in INFINITE:
        return sp.Integer(1 if c == sp.oo else 0)
    return (1 + sp.erf((c - m) / sp.sqrt(2 * v))) / 2
