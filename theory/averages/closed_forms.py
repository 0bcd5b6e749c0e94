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
from dataclasses import replace
from functools import lru_cache

import sympy as sp

from ...errors import NoClosedFormError
from ..expressions import Pieces, X
from . import selfcheck
from .bivariate import GatedProbability
from .intervals import Probability, TiltedProbability
from .nodes import DensityMoment
from .stein import MEAN, VARIANCE, Law, expectation, variables, wave_expectation
from .terms import by_gate, coefficients_of, groups

WIDEST, MAX_CANCELLATION = 32, 1e6  # a variance of 1000; ten of sixteen digits are left
MAX_PEAK = 5  # exp of this times the rounding error of a bivariate probability is small enough
MEANS = [sp.Rational(k, 4) for k in range(-80, 81)]  # where a polynomial's cancellation is judged


def closed_form(f: Pieces, mean: sp.Expr, variance: sp.Expr, *, stable: bool = False) -> sp.Expr:
    """E f(X), X ~ N(mean, variance), in the nodes of `probabilities`.

    Args:
        f: The function in pieces; a delta at b with weight c adds c times a density at b.
        mean, variance: Symbols or numbers.
        stable: Whether a formula that loses its digits at large variance is refused.

    Raises:
        NoClosedFormError: No rule fits, the average is not finite, the formula is refused, or it
            failed its numerical check.

    Source: docs/theory.md, section 3.
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
    found, gates = groups(piece)
    line = Law((sp.Integer(0),) * 3, (), low, high, MEAN, VARIANCE)
    total = sp.Integer(0)
    for (quadratic, wave), weight in found.items():
        law = replace(line, quadratic=quadratic)
        if wave is not None:
            of = sp.Poly(wave.args[0], X).all_coeffs()
            total += wave_expectation(coefficients_of(weight), wave, of, law)
            continue
        for used, coefficients, centred in by_gate(weight, gates, law):
            total += _average(coefficients, replace(law, gates=used), stable, centred)
    return total


def _average(coefficients, law: Law, stable: bool, centred: bool) -> sp.Expr:
    if stable:
        _refuse_unstable(len(coefficients) - 1, law)
    c = _centre(coefficients, law)
    if c != 0:
        moved = sp.Poly(coefficients[::-1], X).compose(sp.Poly(X + c, X))
        coefficients, law = moved.all_coeffs()[::-1], law.shifted(c)
    if stable and law.is_whole:
        _refuse_cancelling(coefficients, c)
    return expectation(coefficients, law, centred)


def _centre(coefficients, law):
    """The point about which powers are taken, so that large ones do not cancel.

    It is an end of the interval, the root of (x - c)^n, or the mean of many roots.
    """
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
    """Raise where the formula's terms cancel.

    They do for powers of a wide variable on a short interval, and for the product of a growing
    exponential and a small probability, which must be known to more digits.
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
        unstable = variables(law) == 2 and (C + B**2 / (4 * A)) > MAX_PEAK
    else:
        grows = (law.high if B > 0 else -law.low) == sp.oo and all(
            (alpha * B).is_positive for alpha, _ in law.gates
        )
        unstable = not grows and (
            variables(law) == 2 or (variables(law) == 1 and degree > (1 if law.gates else 2))
        )
    if unstable:
        raise NoClosedFormError(
            f"the closed form of the Gaussian average of exp({sp.expand(-A * X**2 + B * X + C)}) "
            "times error functions or on "
            "part of the line loses its digits at large variance"
        )
