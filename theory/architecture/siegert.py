"""The Siegert rate of a leaky integrate-and-fire neuron as a differentiable SymPy function.

With g(u) = exp(u^2) (1 + erf u) = erfcx(-u), y_th = (V_th - x) / sigma, y_r = (V_r - x) / sigma,
and nu the rate,

    1 / nu = tau_ref + tau_m sqrt(pi) int_{y_r}^{y_th} g(u) du,
    D_n = tau_m sqrt(pi) nu (g^(n)(y_th) - g^(n)(y_r)),    R_n = tau_m sqrt(pi) nu g^(n)(y_r).

Derivatives of nu, D_n and R_n are polynomials in these: dnu/dx = nu D_0 / sigma,
dD_n/dx = (D_0 D_n - D_{n+1}) / sigma. The nodes are finite also where nu underflows and g
overflows; the functions of `motifield.numerics.averages` evaluate them.
"""

from __future__ import annotations

from functools import lru_cache

import mpmath
import sympy as sp
from sympy.core.function import ArgumentIndexError

GUARD = 30  # bits beyond the precision asked for, against rounding errors that add up


class _Siegert(sp.Function):
    """What the rate and its nodes share: their last six arguments, evaluation, printing."""

    is_real = True

    @property
    def order(self) -> tuple[sp.Expr, ...]:
        return self.args[:-6]

    @property
    def ends(self) -> tuple[sp.Expr, sp.Expr]:
        """y_r and y_th."""
        x, _, _, V_th, V_r, sigma = self.args[-6:]
        return (V_r - x) / sigma, (V_th - x) / sigma

    def fdiff(self, argindex=1):
        which = argindex - 1 - len(self.order)
        if not 0 <= which < 6:
            raise ArgumentIndexError(self, argindex)
        return self._slope(which)

    def _log_period_slope(self, which):
        """The derivative of log(1 / nu) with respect to one of the six arguments."""
        _, tau_m, tau_ref, *_ = six = self.args[-6:]
        if which == 1:
            return (1 - tau_ref * SiegertRate(*six)) / tau_m
        if which == 2:
            return SiegertRate(*six)
        y_th, width = self._reduced_slopes(which)
        return y_th * SiegertDifference(0, *six) + width * SiegertReset(0, *six)

    def _reduced_slopes(self, which):
        """The derivatives of y_th and of y_th - y_r."""
        sigma, (y_r, y_th) = self.args[-1], self.ends
        slopes = {0: (-1, 0), 3: (1, 1), 4: (0, -1), 5: (-y_th, y_r - y_th)}
        return tuple(sp.sympify(s) / sigma for s in slopes.get(which, (0, 0)))

    def _node_slope(self, which, own):
        scale = 1 / self.args[-5] if which == 1 else 0
        return own + self * (scale - self._log_period_slope(which))

    def _eval_evalf(self, prec):
        six = [a.evalf(mpmath.libmp.prec_to_dps(prec + GUARD)) for a in self.args[-6:]]
        if not all(a.is_Float or a.is_Integer or a.is_zero for a in six):
            return None
        with mpmath.workprec(prec):
            return sp.Float._new(
                self._imp_(*(int(n) for n in self.order), *map(_number, six))._mpf_, prec
            )

    def _latex(self, printer, exp=None):
        name = (
            self.LETTER if not self.order else f"{self.LETTER}_{{{printer._print(self.order[0])}}}"
        )
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"{name}{power}\left({printer._print(self.args[-6])}\right)"


def _evaluated(function):
    """For `evalf` and `lambdify(..., "mpmath")`, to the working precision of mpmath.

    Numbers that come in are taken as exact.
    """

    def evaluate(*arguments):
        *order, x, tau_m, tau_ref, V_th, V_r, sigma = arguments
        six = [_number(a) for a in (x, tau_m, tau_ref, V_th, V_r, sigma)]
        size = 2 + max(abs((v - six[0]) / six[5]) for v in six[3:5])
        # relative errors grow with y^2 in exp(y^2)
        with mpmath.workprec(mpmath.mp.prec + GUARD + int(4 * mpmath.log(size, 2))):
            value = function(*order, *six)
        return +value

    return staticmethod(evaluate)


def _scaled(value, six) -> mpmath.mpf:
    """tau_m sqrt(pi) nu times a value."""
    return six[1] * mpmath.sqrt(mpmath.pi) * value / _period(*six)


def _number(value) -> mpmath.mpf:
    return mpmath.mpf(value._mpf_) if hasattr(value, "_mpf_") else mpmath.mpf(value)


class SiegertRate(_Siegert):
    r"""The stationary rate of a leaky integrate-and-fire neuron with white noise.

    .. math:: \frac{1}{\nu(x)} = \tau_\mathrm{ref} + \tau_m \sqrt\pi
        \int_{(V_r - x)/\sigma}^{(V_\mathrm{th} - x)/\sigma} e^{u^2} (1 + \operatorname{erf} u)\, du

    `SiegertRate(x, tau_m, tau_ref, V_th, V_r, sigma)`; the rate is in 1 / [tau].

    Args:
        x: Mean input potential.
        tau_m: Membrane time constant, positive.
        tau_ref: Refractory period, at least 0.
        V_th: Threshold.
        V_r: Reset, below the threshold.
        sigma: Standard deviation of the noise input, positive; that of V without a threshold is
            sigma / sqrt(2).

    Source: Siegert, Phys. Rev. 81, 617 (1951); Ricciardi, Diffusion Processes and Related Topics
    in Biology (1977); Brunel and Hakim, Neural Comput. 11, 1621 (1999).
    """

    nargs = 6
    LETTER = r"\nu"

    @_evaluated
    def _imp_(*six):
        return 1 / _period(*six)

    def _slope(self, which):
        return -self * self._log_period_slope(which)

    def explicit(self):
        """The formula, with its integral."""
        _, tau_m, tau_ref, *_ = self.args
        return 1 / (tau_ref + tau_m * sp.sqrt(sp.pi) * sp.Integral(_g(U), (U, *self.ends)))


class SiegertDifference(_Siegert):
    """D_n = tau_m sqrt(pi) nu (g^(n)(y_th) - g^(n)(y_r)).

    `SiegertDifference(n, x, tau_m, tau_ref, V_th, V_r, sigma)`.
    """

    nargs, LETTER = 7, r"\mathcal{D}"

    @_evaluated
    def _imp_(n, *six):
        x, _, _, V_th, V_r, sigma = six
        slopes = [_g_derivative(n, (v - x) / sigma) for v in (V_th, V_r)]
        return _scaled(slopes[0] - slopes[1], six)

    def _slope(self, which):
        (n, *six), (y_th, width) = self.args, self._reduced_slopes(which)
        return self._node_slope(
            which, y_th * SiegertDifference(n + 1, *six) + width * SiegertReset(n + 1, *six)
        )

    def explicit(self):
        (n, *six), (y_r, y_th) = self.args, self.ends
        slope = sp.diff(_g(U), U, n)
        return (
            six[1]
            * sp.sqrt(sp.pi)
            * SiegertRate(*six).explicit()
            * (slope.subs(U, y_th) - slope.subs(U, y_r))
        )


class SiegertReset(_Siegert):
    """R_n = tau_m sqrt(pi) nu g^(n)(y_r).

    `SiegertReset(n, x, tau_m, tau_ref, V_th, V_r, sigma)`.
    """

    nargs, LETTER = 7, r"\mathcal{R}"

    @_evaluated
    def _imp_(n, *six):
        x, *_, V_r, sigma = six
        return _scaled(_g_derivative(n, (V_r - x) / sigma), six)

    def _slope(self, which):
        (n, *six), (y_th, width) = self.args, self._reduced_slopes(which)
        return self._node_slope(which, (y_th - width) * SiegertReset(n + 1, *six))

    def explicit(self):
        (n, *six), (y_r, _) = self.args, self.ends
        return (
            six[1]
            * sp.sqrt(sp.pi)
            * SiegertRate(*six).explicit()
            * sp.diff(_g(U), U, n).subs(U, y_r)
        )


NODES = (SiegertRate, SiegertDifference, SiegertReset)
U = sp.Symbol("u", real=True)


def _g(u):
    return sp.exp(u**2) * (1 + sp.erf(u))


def _period(x, tau_m, tau_ref, V_th, V_r, sigma):
    low, high = ((v - x) / sigma for v in (V_r, V_th))
    return tau_ref + tau_m * mpmath.sqrt(mpmath.pi) * _integral(low, high, mpmath.mp.prec)


@lru_cache(maxsize=256)  # a derivative asks for the same one many times
def _integral(low, high, prec):
    """erfi in closed form above 0, and what is left: int erfcx(|u|), negative above 0."""
    growth = mpmath.sqrt(mpmath.pi) * (mpmath.erfi(max(high, 0)) - mpmath.erfi(max(low, 0)))
    return growth + _tail(-low) - _tail(-high)


def _tail(v):
    """int_0^|v| erfcx."""
    return (
        mpmath.quad(lambda t: mpmath.exp(t * t) * mpmath.erfc(t), _panels(abs(v)))
        if v
        else mpmath.mpf(0)
    )


def _panels(end):
    """Edges that double in distance from 0."""
    edges = [mpmath.mpf(0), mpmath.mpf(1) / 2]
    while edges[-1] < end:
        edges.append(2 * edges[-1])
    return [*edges[:-1], end]


def _g_derivative(n, u):
    """g^(n)(u), from g' = 2 u g + 2 / sqrt(pi) differentiated n times.

    For u < 0 a factor u^2 in accuracy is lost each time, which the working precision makes up for.
    """
    with mpmath.workprec(mpmath.mp.prec + GUARD + int((4 + 2 * n) * mpmath.log(2 + abs(u), 2))):
        before, now = mpmath.mpf(0), mpmath.exp(u * u) * mpmath.erfc(-u)
        for k in range(n):
            before, now = now, 2 * u * now + (2 * k * before if k else 2 / mpmath.sqrt(mpmath.pi))
    return +now
