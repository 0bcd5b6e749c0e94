"""The linearised mean-field equations: the Jacobian, as sums over populations."""

from __future__ import annotations

import sympy as sp

from ..notation import (
    C1,
    C2,
    DRIVES,
    PARAMETERS,
    QUANTITIES,
    STRENGTHS,
    Delta,
    Equation,
    G,
    H,
    K,
    T,
    Term,
    q,
    variation,
)
from .mean_field import MeanField

_FIXED = (*PARAMETERS, *STRENGTHS, *DRIVES, "SOURCES", "A", "B", "E", "E_back")


def linearised(mean_field: MeanField) -> list[Equation]:
    """Equations for the deviations d_K, d_kappa, ... of the states and of the variance.

    Args:
        mean_field: Equations with dynamics.

    Returns:
        One equation for each of the states, in their order, and the variance's.
    """
    return [_varied(e) for e in (*mean_field.equations, mean_field.variance)]


def varied_averages(mean_field: MeanField) -> dict[str, sp.Expr]:
    """Deviations of the averages by Price's theorem, as dR_q = G_q dK_q + H_q dDelta_q / 2."""
    dK, dDelta = variation(K)[q], variation(Delta)[q]
    every = {
        "R": G[q] * dK + H[q] * dDelta / 2,
        "G": H[q] * dK + T[q] * dDelta / 2,
        "C": C1[q] * dK + C2[q] * dDelta,
    }
    return {name: every[name] for name in mean_field.averages}


def _varied(e: Equation) -> Equation:
    terms = []
    for term in e.terms:
        for n, summand in enumerate(_product_rule(term.summand)):
            terms.append(Term(f"{term.name}_{n}", summand, term.sums))
    return Equation(f"d_{e.name}", e.index, tuple(terms), e.response)


def _product_rule(summand: sp.Expr) -> list[sp.Expr]:
    """One product for every factor that varies."""
    symbols = sorted(
        summand.atoms(sp.Indexed), key=lambda s: (list(QUANTITIES).index(str(s.base)), str(s))
    )
    plain = {
        symbol: sp.Dummy(positive=True) for symbol in symbols
    }  # SymPy would differentiate X[q] with respect to X[r]
    back = {dummy: symbol for symbol, dummy in plain.items()}
    product = summand.xreplace(plain)
    return [
        (sp.diff(product, plain[s]) * variation(s.base)[s.indices]).xreplace(back)
        for s in symbols
        if str(s.base) not in _FIXED
    ]
