"""A Gaussian average as a symbol of its own: <f>(mean, variance) = E f(X), X ~ N(mean, variance)."""

from __future__ import annotations

import mpmath
import sympy as sp

from . import closed_forms
from .expressions import X
from .pieces import split


class GaussianAverage(sp.Expr):
    """`GaussianAverage(f, mean, variance)` with `f` an expression in `x`: E f(mean + sqrt(variance) z), z standard normal.

    Differentiates by d<f>/dmean = <f'> and d<f>/dvariance = <f''>/2 (heat equation, Price's theorem; theory section 3), so no
    square root of the variance ever appears. `closed_form()` gives the average in elementary functions where a rule fits,
    `evalf()` integrates numerically with mpmath.
    """

    def __new__(cls, f, mean, variance):
        return sp.Expr.__new__(cls, sp.sympify(f), sp.sympify(mean), sp.sympify(variance))

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
        slope = sp.diff(self.f, X)
        inner = [(slope, self.mean), (sp.diff(slope, X) / 2, self.variance)]
        total = sp.Add(*(GaussianAverage(f, *self.args[1:]) * argument.diff(s) for f, argument in inner if argument.diff(s) != 0))
        direct = sp.diff(self.f, s) if s != X else sp.Integer(0)
        return total + (GaussianAverage(direct, *self.args[1:]) if direct != 0 else 0)

    def _eval_subs(self, old, new):
        if old == X:
            return GaussianAverage(self.f, self.mean.subs(old, new), self.variance.subs(old, new))
        return None

    def closed_form(self, *, nodes: bool = False) -> sp.Expr:
        """The average in erf and exp; with `nodes=True` in nodes that stay finite at variance 0.

        Raises `NoClosedFormError` when no rule fits.
        """
        form = closed_forms.closed_form(split(self.f), self.mean, self.variance)
        return form if nodes else closed_forms.explicit(form)

    def _eval_evalf(self, prec):
        mean, variance = (mpmath.mpf(str(sp.N(v, 30))) for v in self.args[1:])
        function = split(self.f)
        with mpmath.workdps(max(15, int(prec / 3.3)) + 5):
            width = mpmath.sqrt(variance)
            total = mpmath.mpf(0)
            if width == 0:
                point = sp.Rational(str(mean)) if mean == int(mean) else sp.Float(str(mean), 30)
                total = mpmath.mpf(sp.N(next(e for a, b, e in function.intervals() if a <= point < b).subs(X, point), 25))
            else:
                for low, high, piece in function.intervals():
                    total += _integrate(sp.lambdify(X, piece, "mpmath"), low, high, mean, width)
            for b, order, c in function.deltas:
                node = closed_forms.DensityMoment(order, b, self.mean, self.variance)
                total += mpmath.mpf(str(sp.N(c * node.explicit(), 25)))
        return sp.Float(str(total), dps=max(15, int(prec / 3.3)))

    def _latex(self, printer):
        return rf"\left\langle {printer._print(self.f)} \right\rangle_{{{printer._print(self.mean)},\,{printer._print(self.variance)}}}"


def _integrate(function, low, high, mean, width):
    a = max(mean - 12 * width, mpmath.mpf(str(sp.N(low, 30)))) if low != -sp.oo else mean - 12 * width
    b = min(mean + 12 * width, mpmath.mpf(str(sp.N(high, 30)))) if high != sp.oo else mean + 12 * width
    if a >= b:
        return mpmath.mpf(0)
    steps = mpmath.linspace(a, b, 49)
    return mpmath.quad(lambda x: function(x) * mpmath.npdf(x, mean, width), steps)
