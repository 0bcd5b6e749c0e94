"""Closed forms of Gaussian averages, found by rule.

A term is polynomial(x) * exp(quadratic in x) times a product of erf's, or a sine or cosine, of
linear arguments, on an interval. An exponential of a quadratic times a normal density is another
normal density; erf(u) = 2 Phi(sqrt(2) u) - 1 is the probability that a second normal variable lies
below a line, a "gate"; Stein's lemma, E[x g] = m E[g] + v E[g'], lowers the degree of the
polynomial. What is left is a normal probability of at most two variables. Nothing here integrates:
what no rule fits raises `NoClosedFormError`, and what a rule gives is compared with a numerical
integral before it is returned.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import sympy as sp
from sympy.simplify.fu import TR8

from ...errors import NoClosedFormError
from ..expressions import Pieces, X
from . import selfcheck
from .probabilities import (
    INFINITE,
    BivariateProbability,
    DensityMoment,
    GatedProbability,
    NormalCDF,
    Probability,
    ScaledCDF,
    ScaledDensity,
    TiltedProbability,
    log_tilt,
    tilt,
)

WIDEST, MAX_CANCELLATION = 32, 1e6  # a variance of 1000; ten of sixteen digits are left
MAX_DEGREE = 10  # of the polynomials: longer formulas lose too many digits
MAX_PLAIN_DEGREE = 40  # on the whole line, without an exponential or a gate
MEANS = [
    sp.Rational(k, 4) for k in range(-80, 81)
]  # at which a polynomial's cancellation is looked at
MAX_GATES = {
    True: 2,
    False: 1,
}  # on the whole line, on a part of it: the variables of a bivariate normal law
MAX_PEAK = 5  # exp of this times the rounding error of a bivariate probability is small enough
MEAN, VARIANCE = sp.Symbol("m", real=True), sp.Symbol("v", positive=True)
_M, _V = sp.Dummy("M"), sp.Dummy("V")


@dataclass(frozen=True)
class _Law:
    """The weight exp(-A y^2 + B y + C) * product of Phi(alpha y + beta) on low < y < high under y ~ N(m, v)."""

    quadratic: tuple[sp.Expr, sp.Expr, sp.Expr]
    gates: tuple[tuple[sp.Expr, sp.Expr], ...]
    low: sp.Expr
    high: sp.Expr
    m: sp.Expr
    v: sp.Expr

    @property
    def is_whole(self) -> bool:
        return (self.low, self.high) == (-sp.oo, sp.oo)

    def shifted(self, c) -> _Law:
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

    def without(self, gate) -> _Law:
        """One gate's slope in place of the gate: alpha exp(-(alpha y + beta)^2 / 2) / sqrt(2 pi), its constant left out."""
        A, B, C = self.quadratic
        alpha, beta = gate
        rest = list(self.gates)
        rest.remove(gate)
        return replace(
            self, quadratic=(A + alpha**2 / 2, B - alpha * beta, C - beta**2 / 2), gates=tuple(rest)
        )


def _moved(end, c):
    return end if end in INFINITE else end - c  # SymPy leaves oo - erfinv(1/2) as it stands


def closed_form(f: Pieces, mean: sp.Expr, variance: sp.Expr, *, stable: bool = False) -> sp.Expr:
    """E f(X), X ~ N(mean, variance), in the nodes of `probabilities`.

    Raises `NoClosedFormError` where no rule fits; with `stable=True` also where the formula loses
    its digits at large variance.
    """
    form = _closed_form(f, stable)
    return form.xreplace({MEAN: mean, VARIANCE: variance})


@lru_cache(maxsize=512)
def _closed_form(f: Pieces, stable: bool) -> sp.Expr:
    total = sp.Add(
        *(_expand_and_average(low, high, piece, stable) for low, high, piece in f.intervals())
    )
    if total.has(sp.Integral, sp.nan, sp.zoo, sp.oo, -sp.oo) and not _is_finite(total):
        raise NoClosedFormError(f"the Gaussian average of {f.expression()} is not finite")
    selfcheck.compare(total, f, MEAN, VARIANCE)
    return total + sp.Add(*(c * DensityMoment(m, b, MEAN, VARIANCE) for b, m, c in f.deltas))


def _is_finite(form) -> bool:
    """Infinities may stand only as ends of intervals."""
    return not form.replace(
        lambda e: isinstance(e, (Probability, TiltedProbability, GatedProbability)),
        lambda e: sp.Dummy(),
    ).has(sp.Integral, sp.nan, sp.zoo, sp.oo, -sp.oo)


def _expand_and_average(low, high, piece, stable) -> sp.Expr:
    """E f(X) on one interval."""
    groups, gates = _groups(piece)
    line = _Law((sp.Integer(0),) * 3, (), low, high, MEAN, VARIANCE)
    total = sp.Integer(0)
    for (quadratic, wave), weight in groups.items():
        law = replace(line, quadratic=quadratic)
        if wave is not None:
            total += _average_wave(weight, wave, law)
            continue
        for used, coefficients, centred in _by_gate(weight, gates, law):
            total += _average(coefficients, replace(law, gates=used), stable, centred)
    return total


def _groups(piece):
    """The sum of products as {(exponent, wave): polynomial in x and in a symbol per erf}, and {symbol: (alpha, beta)}."""
    groups: dict[tuple, sp.Expr] = defaultdict(lambda: sp.Integer(0))
    gates: dict[sp.Symbol, tuple[sp.Expr, sp.Expr]] = {}
    for term in sp.Add.make_args(_expand(piece)):
        quadratic, wave, weight = (sp.Integer(0),) * 3, None, sp.Integer(1)
        for factor in sp.Mul.make_args(term):
            base, power = (
                factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.Integer(1))
            )
            if factor.is_polynomial(X):
                weight *= factor
            elif (exponent := _exponent(factor)) is not None:
                quadratic = tuple(a + b for a, b in zip(quadratic, exponent, strict=True))
            elif (
                isinstance(base, sp.erf)
                and _degree(base.args[0]) == 1
                and power.is_Integer
                and power > 0
            ):
                weight *= (2 * _gate(base, gates) - 1) ** power
            elif (
                isinstance(factor, (sp.sin, sp.cos))
                and _degree(factor.args[0]) == 1
                and wave is None
            ):
                wave = factor
            else:
                raise NoClosedFormError(f"no closed form for the Gaussian average of {factor}")
        if wave is not None and weight.has(*gates):
            raise NoClosedFormError(
                f"no closed form for the Gaussian average of {term}: an error function times a "
                "sine or cosine"
            )
        groups[quadratic, wave] += weight
    return groups, gates


def _expand(piece):
    """A sum of products; hyperbolic functions become exponentials, products and powers of sines and cosines become sums."""
    piece = piece.replace(sp.erfc, lambda u: 1 - sp.erf(u))
    piece = piece.replace(lambda e: isinstance(e, (sp.sinh, sp.cosh)), lambda e: e.rewrite(sp.exp))
    piece = sp.expand(piece, power_exp=False)
    while piece.has(sp.sin, sp.cos) and (summed := sp.expand(TR8(piece), power_exp=False)) != piece:
        piece = summed
    return piece


def _exponent(factor):
    """(A, B, C) where the factor is exp(-A x^2 + B x + C) or a constant to a power, else None."""
    if isinstance(factor, sp.exp):
        exponent = factor.args[0]
    elif isinstance(factor, sp.Pow) and not factor.base.has(X) and factor.base.is_positive:
        exponent = factor.exp * sp.log(factor.base)
    else:
        return None
    if _degree(exponent) > 2:
        return None
    A, B, C = (sp.Poly(exponent, X).coeff_monomial(X**k) for k in (2, 1, 0))
    if A.is_positive:
        raise NoClosedFormError(f"the Gaussian average of {factor} diverges at large variance")
    return -A, B, C


def _degree(argument) -> int:
    return sp.Poly(argument, X).degree() if argument.is_polynomial(X) else 99


def _gate(factor, gates):
    """The symbol of Phi(alpha x + beta) = (1 + erf) / 2."""
    line = tuple(sp.sqrt(2) * c for c in sp.Poly(factor.args[0], X).all_coeffs())
    for symbol, known in gates.items():
        if known == line:
            return symbol
    symbol = sp.Dummy(f"gate{len(gates)}")
    gates[symbol] = line
    return symbol


def _by_gate(weight, gates, law):
    """Triples (gates, coefficients of powers of x, whether 1/2 is subtracted from the gate)."""
    symbols = [g for g in gates if weight.has(g)]
    if not symbols:
        plain = law.is_whole and all(c == 0 for c in law.quadratic)
        yield (), _coefficients(weight, MAX_PLAIN_DEGREE if plain else MAX_DEGREE), False
        return
    lines = {g: gates[g] for g in symbols}
    polynomial = sp.Poly(weight, *symbols)
    if polynomial.total_degree() > MAX_GATES[law.is_whole]:
        where = "" if law.is_whole else f" on ({law.low}, {law.high})"
        raise NoClosedFormError(
            f"no closed form for the Gaussian average of a product of {polynomial.total_degree()} "
            f"error functions{where}: "
            "it is a normal probability of more than two variables"
        )
    for g in symbols:
        flipped = sp.Poly(polynomial.as_expr().subs(g, 1 - g), *symbols)
        if len(flipped.terms()) < len(polynomial.terms()):
            polynomial, lines[g] = flipped, tuple(-c for c in lines[g])
    parts = {
        tuple(g for g, n in zip(symbols, powers, strict=True) for _ in range(n)): c
        for powers, c in polynomial.terms()
    }
    centred = law.is_whole and polynomial.total_degree() == 1 and all(c == 0 for c in law.quadratic)
    centred = (
        centred
        and sp.expand(2 * parts.get((), 0) + sp.Add(*(c for used, c in parts.items() if used))) == 0
    )
    for used, c in parts.items():
        if used or not centred:
            yield tuple(lines[g] for g in used), _coefficients(c), centred


def _coefficients(polynomial, most=MAX_DEGREE):
    """Coefficients of x^0, x^1, ..."""
    coefficients = sp.Poly(polynomial, X).all_coeffs()[::-1]
    if len(coefficients) > most + 1:
        raise NoClosedFormError(
            f"the closed form of a Gaussian average of {sp.Pow(X, len(coefficients) - 1)} is too "
            f"long (degree above {most})"
        )
    return coefficients


def _average(coefficients, law: _Law, stable: bool, centred: bool) -> sp.Expr:
    if stable:
        _refuse_unstable(len(coefficients) - 1, law)
    c = _centre(coefficients, law)
    if c != 0:
        moved = sp.Poly(coefficients[::-1], X).compose(sp.Poly(X + c, X))
        coefficients, law = moved.all_coeffs()[::-1], law.shifted(c)
    if stable and law.is_whole:
        _refuse_cancelling(coefficients, c)
    return _expectation(coefficients, law, centred)


def _centre(coefficients, law):
    """The point about which powers are taken, so that large ones do not cancel: an end of the interval, the root of (x - c)^n, or the mean of many
    roots."""
    if not law.is_whole:
        return law.high if law.low == -sp.oo else law.low
    n = len(coefficients) - 1
    if n < 2:
        return sp.Integer(0)
    c = -coefficients[-2] / (n * coefficients[-1])
    is_power = all(
        sp.expand(a - coefficients[-1] * sp.binomial(n, k) * (-c) ** (n - k)) == 0
        for k, a in enumerate(coefficients)
    )
    return c if is_power or (n > 4 and all(a.is_Rational for a in coefficients)) else sp.Integer(0)


def _refuse_cancelling(coefficients, c):
    """Raise where a polynomial is much smaller than its terms, at a mean of interest."""
    if len(coefficients) < 4 or not all(a.is_number and a.is_finite for a in (*coefficients, c)):
        return
    numbers, centre = [float(a) for a in coefficients], float(c)
    for mean in MEANS:
        powers = [a * (float(mean) - centre) ** k for k, a in enumerate(numbers)]
        if sum(map(abs, powers)) > MAX_CANCELLATION * (1 + abs(math.fsum(powers))):
            raise NoClosedFormError(
                "the closed form of the Gaussian average of a polynomial of degree "
                f"{len(numbers) - 1} loses its digits "
                f"around x = {mean}"
            )


def _refuse_unstable(degree, law):
    """Raise where the formula's terms cancel: powers of a wide variable on a short interval, or the product of a growing exponential and a
    small probability that must be known to more digits.
    """
    width = law.high - law.low
    if (
        degree > 0
        and width.is_number
        and width.is_finite
        and (WIDEST / float(width)) ** degree > MAX_CANCELLATION
    ):
        raise NoClosedFormError(
            f"the closed form of the Gaussian average of degree {degree} on ({law.low}, "
            f"{law.high}) loses its digits at "
            "large variance"
        )
    A, B, C = law.quadratic
    if B == 0 or not B.is_number:
        return
    if A != 0:
        unstable = _variables(law) == 2 and (C + B**2 / (4 * A)) > MAX_PEAK
    else:
        grows = (law.high if B > 0 else -law.low) == sp.oo and all(
            (alpha * B).is_positive for alpha, _ in law.gates
        )
        unstable = not grows and (
            _variables(law) == 2 or (_variables(law) == 1 and degree > (1 if law.gates else 2))
        )
    if unstable:
        raise NoClosedFormError(
            f"the closed form of the Gaussian average of exp({sp.expand(-A * X**2 + B * X + C)}) "
            "times error functions or on "
            "part of the line loses its digits at large variance"
        )


def _variables(law) -> int:
    """How many variables the normal probability has that the average becomes."""
    return len(law.gates) + (not law.is_whole)


def _expectation(coefficients, law: _Law, centred: bool = False) -> sp.Expr:
    """E[polynomial * weight] by Stein's lemma: (main) * E[weight] + v * E[(lower polynomial) * weight']."""
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
        total += v * gate[0] / sp.sqrt(2 * sp.pi) * _expectation(lower, law.without(gate))
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


def _probability(law: _Law) -> sp.Expr:
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
        f"no closed form for a normal probability of {_variables(law)} variables"
    )


def _level(gate, m, v):
    """E Phi(alpha X + beta) = Phi(level)."""
    alpha, beta = gate
    line = alpha * m + beta
    return (sp.expand(line) if line.is_polynomial(MEAN, VARIANCE) else line) / sp.sqrt(
        1 + alpha**2 * v
    )


def _average_wave(weight, wave, law):
    """E[polynomial * exp(quadratic) * cos(a x + b)] = Re E[polynomial(m + i a v + ...)] exp(i (a m + b) - a^2 v / 2); the sine is Im."""
    if not law.is_whole:
        raise NoClosedFormError(
            f"no closed form for the Gaussian average of {wave} on ({law.low}, {law.high})"
        )
    a, b = sp.Poly(wave.args[0], X).all_coeffs()
    scale, m, v = tilt(law.quadratic, law.m, law.v)
    shift = sp.Dummy("shift")
    moment = sp.Add(
        *(
            c * _main(k).xreplace({_M: _M + sp.I * shift})
            for k, c in enumerate(_coefficients(weight))
        )
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
