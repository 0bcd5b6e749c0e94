"""A function as a sum of products that the rules for Gaussian averages know.

A product is a polynomial times the exponential of a quadratic, times powers of error functions of
lines, or a sine or cosine of a line.
"""

from __future__ import annotations

from collections import defaultdict

import sympy as sp
from sympy.simplify.fu import TR8

from ...errors import NoClosedFormError
from ..expressions import X
from .stein import Law

MAX_DEGREE = 10  # of the polynomials: longer formulas lose too many digits
MAX_PLAIN_DEGREE = 40  # on the whole line, without an exponential or a gate
# on the whole line, on a part of it: a bivariate normal law has two variables
MAX_GATES = {True: 2, False: 1}


def groups(piece: sp.Expr) -> tuple[dict, dict]:
    """The sum of products by exponent and wave, and the lines of its gates.

    Returns:
        {(exponent, wave): polynomial in x and in a symbol per error function}, and
        {symbol: (alpha, beta)}.

    Raises:
        NoClosedFormError: A factor is none of those that the rules know.
    """
    found: dict[tuple, sp.Expr] = defaultdict(lambda: sp.Integer(0))
    gates: dict[sp.Symbol, tuple[sp.Expr, sp.Expr]] = {}
    for term in sp.Add.make_args(_expand(piece)):
        quadratic, wave, weight = (sp.Integer(0),) * 3, None, sp.Integer(1)
        for factor in sp.Mul.make_args(term):
            base, power = factor, sp.Integer(1)
            if isinstance(factor, sp.Pow):
                base, power = factor.as_base_exp()
            if factor.is_polynomial(X):
                weight *= factor
            elif (exponent := _exponent(factor)) is not None:
                quadratic = tuple(a + b for a, b in zip(quadratic, exponent, strict=True))
            elif _is_of_line(base, sp.erf) and power.is_Integer and power > 0:
                weight *= (2 * _gate(base, gates) - 1) ** power
            elif _is_of_line(factor, sp.sin, sp.cos) and wave is None:
                wave = factor
            else:
                raise NoClosedFormError(f"no closed form for the Gaussian average of {factor}")
        if wave is not None and weight.has(*gates):
            raise NoClosedFormError(
                f"no closed form for the Gaussian average of {term}: an error function times a "
                "sine or cosine"
            )
        found[quadratic, wave] += weight
    return found, gates


def _is_of_line(factor, *functions) -> bool:
    return isinstance(factor, functions) and _degree(factor.args[0]) == 1


def _expand(piece):
    """A sum of products.

    Hyperbolic functions become exponentials; products and powers of sines and cosines become sums.
    """
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


def by_gate(weight, gates, law: Law):
    """Triples (gates, coefficients of powers of x, whether 1/2 is subtracted from the gate)."""
    symbols = [g for g in gates if weight.has(g)]
    if not symbols:
        plain = law.is_whole and all(c == 0 for c in law.quadratic)
        yield (), coefficients_of(weight, MAX_PLAIN_DEGREE if plain else MAX_DEGREE), False
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
            yield tuple(lines[g] for g in used), coefficients_of(c), centred


def coefficients_of(polynomial, most=MAX_DEGREE):
    """Coefficients of x^0, x^1, ..."""
    coefficients = sp.Poly(polynomial, X).all_coeffs()[::-1]
    if len(coefficients) > most + 1:
        raise NoClosedFormError(
            f"the closed form of a Gaussian average of {sp.Pow(X, len(coefficients) - 1)} is too "
            f"long (degree above {most})"
        )
    return coefficients
