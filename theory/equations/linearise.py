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
    C1_c,
    C2_c,
    Delta,
    Delta_c,
    Equation,
    G,
    G_c,
    H,
    H_c,
    K,
    T,
    T_c,
    Term,
    m,
    q,
    shift,
    variation,
)
from .mean_field import MeanField

_OF_WHOLE = (C1, C2, G, H, T)
_OF_COMPONENTS = (C1_c, C2_c, G_c, H_c, T_c)
_FIXED = (*PARAMETERS, *STRENGTHS, *DRIVES, "SOURCES", "A", "B", "E", "E_back")


def linearised(mean_field: MeanField) -> list[Equation]:
    """Equations for the deviations d_K, d_kappa, ... of the states and of the variance.

    Args:
        mean_field: Equations with dynamics.

    Returns:
        One equation for each of the states, in their order, the variance's, and those of what
        components of strengths add up to.
    """
    return [_varied(e) for e in varying(mean_field)]


def varying(mean_field: MeanField) -> tuple[Equation, ...]:
    """The equations that are linearised."""
    return (*mean_field.equations, mean_field.variance, *mean_field.components)


def varied_averages(mean_field: MeanField) -> dict[str, sp.Expr]:
    """Deviations of the averages by Price's theorem, as dR_q = G_q dK_q + H_q dDelta_q / 2.

    Where strengths have components, those of each: dR_mq = G_mq (dK_q + dshift_mq)
    + H_mq dDelta_mq / 2, under the names R_c, G_c and C_c.
    """
    if mean_field.components:
        at, mark = (m, q), "_c"
        first, second, gain, curvature, third = (base[at] for base in _OF_COMPONENTS)
        dK, dDelta = variation(K)[q], variation(Delta_c)[at]
        if any(e.name == "shift" for e in mean_field.components):
            dK += variation(shift)[at]
    else:
        mark = ""
        first, second, gain, curvature, third = (base[q] for base in _OF_WHOLE)
        dK, dDelta = variation(K)[q], variation(Delta)[q]
    every = {
        "R": gain * dK + curvature * dDelta / 2,
        "G": curvature * dK + third * dDelta / 2,
        "C": first * dK + second * dDelta,
    }
    return {f"{name}{mark}": every[name] for name in mean_field.averages}


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
