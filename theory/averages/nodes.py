"""Functions of a normal variable as symbols: its distribution function and its densities."""

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
        return bell(self.args[0])

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


class ScaledDensity(Node):
    """variance * (normal density at c), which is finite at variance 0.

    `ScaledDensity(c, mean, variance)`.
    """

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
    """< delta^(k)(x - c) >, the Hermite polynomial He_k times the normal density at c.

    `DensityMoment(k, c, mean, variance)`.
    """

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


def bell(z):
    return sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)


def density(c, m, v):
    return sp.Integer(0) if c in INFINITE else DensityMoment(0, c, m, v)
