"""A Gaussian average as a symbol: <f>(mean, variance) = E f(X), X ~ N(mean, variance)."""

from __future__ import annotations

import functools
from collections.abc import Callable

import mpmath
import sympy as sp

from ...errors import NoClosedFormError
from ..expressions import X, derivative, split
from .closed_forms import closed_form
from .nodes import DensityMoment
from .probabilities import explicit


class GaussianAverage(sp.Expr):
    """E f(mean + sqrt(variance) z), z standard normal, as a symbol.

    It differentiates by d<f>/dmean = <f'> and d<f>/dvariance = <f''>/2 (heat equation, Price's
    theorem), so no square root of the variance ever appears. `closed_form()` gives the average in
    elementary functions where a rule fits; `evalf()` integrates numerically with mpmath.

    Args:
        f: The averaged function, an expression in `x`.
        mean: Mean of the normal variable, a symbol or a number.
        variance: Its variance.

    Source: docs/theory.md, section 3.
    """

    def __new__(cls, f, mean, variance):
        return sp.Expr.__new__(cls, sp.sympify(f), sp.sympify(mean), sp.sympify(variance))

    @classmethod
    def of(cls, function: Callable[[sp.Symbol], sp.Expr], mean, variance) -> GaussianAverage:
        """The average of a function given as a rule: `GaussianAverage.of(lambda x: x**2, m, v)`."""
        return cls(function(X), mean, variance)

    def at(self, mean, variance) -> GaussianAverage:
        """The average of the same function over another normal variable."""
        return GaussianAverage(self.f, mean, variance)

    @property
    def f(self) -> sp.Expr:
        """The averaged function, an expression in `x`."""
        return self.args[0]

    @property
    def mean(self) -> sp.Expr:
        """Mean of the Gaussian variable."""
        return self.args[1]

    @property
    def variance(self) -> sp.Expr:
        """Variance of the Gaussian variable."""
        return self.args[2]

    @property
    def free_symbols(self):
        return (self.f.free_symbols - {X}) | self.mean.free_symbols | self.variance.free_symbols

    def _eval_derivative(self, s):
        slope = derivative(self.f)
        inner = [(slope, self.mean), (derivative(slope) / 2, self.variance)]
        total = sp.Add(
            *(
                GaussianAverage(f, *self.args[1:]) * argument.diff(s)
                for f, argument in inner
                if argument.diff(s) != 0
            )
        )
        direct = sp.diff(self.f, s) if s != X else sp.Integer(0)
        return total + (GaussianAverage(direct, *self.args[1:]) if direct != 0 else 0)

    def _eval_subs(self, old, new):
        if old == X:
            return GaussianAverage(self.f, self.mean.subs(old, new), self.variance.subs(old, new))
        return None

    def closed_form(self, *, nodes: bool = False) -> sp.Expr:
        """The average in erf, exp, the bivariate normal Phi_2 and Owen's T.

        Args:
            nodes: Whether the formula is left in nodes that keep their digits at any variance, 0
                included.

        Raises:
            NoClosedFormError: No rule fits, or, with `nodes=True`, the formula that fits loses its
                digits at large variance.
        """
        form = closed_form(_split(self.f), self.mean, self.variance, stable=nodes)
        form = form if nodes else explicit(form)
        if form.has(sp.nan, sp.zoo):
            raise NoClosedFormError(
                f"the closed form of {self} is not defined there: keep the variance a symbol"
            )
        return form

    def _eval_evalf(self, prec):
        digits = max(15, int(prec / 3.3))
        function = _split(self.f)
        with mpmath.workdps(digits + 5):
            mean, variance = (_number(v, digits) for v in self.args[1:])
            width = mpmath.sqrt(variance)
            if width == 0:
                here = next(e for a, b, e in function.intervals() if a <= self.mean < b)
                total = _number(here.subs(X, self.mean), digits)
            else:
                total = mpmath.fsum(
                    _integrate(sp.lambdify(X, piece, "mpmath"), low, high, mean, width, digits)
                    for low, high, piece in function.intervals()
                )
                for b, order, c in function.deltas:
                    node = DensityMoment(order, b, self.mean, self.variance)
                    total += _number(c * node.explicit(), digits)
            return sp.Float(str(total), dps=digits)

    def _latex(self, printer):
        f, mean, variance = (printer._print(a) for a in self.args)
        return rf"\left\langle {f} \right\rangle_{{{mean},\,{variance}}}"


_split = functools.lru_cache(maxsize=512)(split)


def _number(value, digits):
    return mpmath.mpf(str(sp.N(value, digits + 5)))


def _integrate(function, low, high, mean, width, digits):
    a = max(mean - 12 * width, _number(low, digits)) if low != -sp.oo else mean - 12 * width
    b = min(mean + 12 * width, _number(high, digits)) if high != sp.oo else mean + 12 * width
    if a >= b:
        return mpmath.mpf(0)
    steps = mpmath.linspace(a, b, 49)
    return mpmath.quad(lambda x: function(x) * mpmath.npdf(x, mean, width), steps)
