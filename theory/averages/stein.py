"""Averages of a polynomial times a weight, by Stein's lemma: E[x g] = m E[g] + v E[g']."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import sympy as sp

from ...errors import NoClosedFormError
from .bivariate import BivariateProbability, GatedProbability
from .intervals import Probability, TiltedProbability, log_tilt, tilt
from .nodes import INFINITE, NormalCDF, ScaledCDF, ScaledDensity

MEAN, VARIANCE = sp.Symbol("m", real=True), sp.Symbol("v", positive=True)
_M, _V = sp.Dummy("M"), sp.Dummy("V")


@dataclass(frozen=True)
class Law:
    """A weight under y ~ N(m, v), whose average a normal probability is.

    It is exp(-A y^2 + B y + C) times the product of Phi(alpha y + beta) over the gates, on
    low < y < high.
    """

    quadratic: tuple[sp.Expr, sp.Expr, sp.Expr]
    gates: tuple[tuple[sp.Expr, sp.Expr], ...]
    low: sp.Expr
    high: sp.Expr
    m: sp.Expr
    v: sp.Expr

    @property
    def is_whole(self) -> bool:
        return (self.low, self.high) == (-sp.oo, sp.oo)

    def shifted(self, c) -> Law:
        """The same in y - c."""
        A, B, C = self.quadratic
        quadratic = (A, B - 2 * A * c, C - A * c**2 + B * c)
        gates = tuple((alpha, beta + alpha * c) for alpha, beta in self.gates)
        return replace(
            self,
            quadratic=quadratic,
            gates=gates,
            low=_moved(self.low, c),
            high=_moved(self.high, c),
            m=self.m - c,
        )

    def without(self, gate) -> Law:
        """One gate's slope in place of the gate, its constant left out.

        The slope is alpha exp(-(alpha y + beta)^2 / 2) / sqrt(2 pi).
        """
        A, B, C = self.quadratic
        alpha, beta = gate
        rest = list(self.gates)
        rest.remove(gate)
        return replace(
            self, quadratic=(A + alpha**2 / 2, B - alpha * beta, C - beta**2 / 2), gates=tuple(rest)
        )


def _moved(end, c):
    return end if end in INFINITE else end - c  # SymPy leaves oo - erfinv(1/2) as it stands


def variables(law) -> int:
    """How many variables the normal probability has that the average becomes."""
    return len(law.gates) + (not law.is_whole)


def expectation(coefficients, law: Law, centred: bool = False) -> sp.Expr:
    """E[polynomial * weight] = main * E[weight] + v * E[(lower polynomial) * weight'].

    Args:
        coefficients: Of 1, x, x^2, ... in the polynomial.
        law: The weight.
        centred: Whether 1/2 is subtracted from the weight's only gate.
    """
    _, m, v = tilt(law.quadratic, law.m, law.v)
    here = {_M: m, _V: v}
    main = sp.Add(*(c * _main(k).xreplace(here) for k, c in enumerate(coefficients)))
    start = _probability(law)
    total = main * (_centred(start) if centred else start)
    lower = [
        sp.Add(*(c * _lowered(k, j).xreplace(here) for k, c in enumerate(coefficients) if k > j))
        for j in range(len(coefficients) - 1)
    ]
    if not lower:
        return total
    for gate in law.gates:
        total += v * gate[0] / sp.sqrt(2 * sp.pi) * expectation(lower, law.without(gate))
    ends = [(c, sign) for c, sign in ((law.low, 1), (law.high, -1)) if c not in INFINITE]
    return total + sp.Add(
        *(
            sign * sp.Add(*(d * c**j for j, d in enumerate(lower))) * _boundary(c, law)
            for c, sign in ends
        )
    )


def _centred(cdf: NormalCDF):
    """Phi(h) - 1/2, odd in h."""
    return sp.erf(cdf.args[0] / sp.sqrt(2)) / 2


@cache
def _main(k: int) -> sp.Expr:
    """E[x^k] under N(M, V): M_k = M M_{k-1} + V (k - 1) M_{k-2}."""
    return (
        sp.Integer(1)
        if k == 0
        else sp.expand(_M * _main(k - 1) + (_V * (k - 1) * _main(k - 2) if k > 1 else 0))
    )


@cache
def _lowered(k: int, j: int) -> sp.Expr:
    """The factor of V E[x^j g'] in E[x^k g], from the same recursion."""
    if k <= j + 1:
        return sp.Integer(k == j + 1)
    return sp.expand(_M * _lowered(k - 1, j) + _V * (k - 1) * _lowered(k - 2, j))


def _boundary(c, law):
    """(tilted variance) * weight * normal density at an end of the interval."""
    A, B, C = law.quadratic
    gates = sp.Mul(*(NormalCDF(alpha * c + beta) for alpha, beta in law.gates))
    return (
        gates * sp.exp(-A * c**2 + B * c + C) * ScaledDensity(c, law.m, law.v) / (1 + 2 * A * law.v)
    )


def _probability(law: Law) -> sp.Expr:
    """E[weight]."""
    log_scale, m, v = log_tilt(law.quadratic, law.m, law.v)
    scale = tilt(law.quadratic, law.m, law.v)[0]
    plain = all(c == 0 for c in law.quadratic)
    match law.is_whole, law.gates:
        case True, ():
            return scale
        case True, (gate,):
            h = _level(gate, m, v)
            return (
                NormalCDF(h)
                if plain
                else ScaledCDF(log_scale, h) / sp.sqrt(1 + 2 * law.quadratic[0] * law.v)
            )
        case True, (first, second):
            widths = [sp.sqrt(1 + alpha**2 * v) for alpha, _ in (first, second)]
            rho = first[0] * second[0] * v / (widths[0] * widths[1])
            return scale * BivariateProbability(_level(first, m, v), _level(second, m, v), rho)
        case False, ():
            return (
                Probability(law.low, law.high, m, v)
                if plain
                else TiltedProbability(law.low, law.high, *law.quadratic, law.m, law.v)
            )
        case False, (gate,):
            return scale * GatedProbability(law.low, law.high, *gate, m, v)
    raise NoClosedFormError(
        f"no closed form for a normal probability of {variables(law)} variables"
    )


def _level(gate, m, v):
    """E Phi(alpha X + beta) = Phi(level)."""
    alpha, beta = gate
    line = alpha * m + beta
    return (sp.expand(line) if line.is_polynomial(MEAN, VARIANCE) else line) / sp.sqrt(
        1 + alpha**2 * v
    )


def wave_expectation(coefficients, wave, line, law: Law) -> sp.Expr:
    """E[polynomial * exp(quadratic) * cos(a x + b)], or of the sine.

    The average with exp(i (a x + b)) is E[polynomial(m + i a v + ...)]
    exp(i (a m + b) - a^2 v / 2); the cosine is its real part, the sine its imaginary part.
    """
    if not law.is_whole:
        raise NoClosedFormError(
            f"no closed form for the Gaussian average of {wave} on ({law.low}, {law.high})"
        )
    a, b = line
    scale, m, v = tilt(law.quadratic, law.m, law.v)
    shift = sp.Dummy("shift")
    moment = sp.Add(
        *(c * _main(k).xreplace({_M: _M + sp.I * shift}) for k, c in enumerate(coefficients))
    )
    moment = sp.expand(moment)
    imaginary = moment.coeff(sp.I)
    real = sp.expand(moment - sp.I * imaginary)
    real, imaginary = (part.xreplace({_M: m, _V: v, shift: a * v}) for part in (real, imaginary))
    sine, cosine = sp.sin(a * m + b), sp.cos(a * m + b)
    rotated = (
        real * cosine - imaginary * sine
        if isinstance(wave, sp.cos)
        else real * sine + imaginary * cosine
    )
    return scale * sp.exp(-(a**2) * v / 2) * rotated
