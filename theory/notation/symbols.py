"""The symbols of the theory: indices, and an indexed base for each of its quantities."""

from __future__ import annotations

import sympy as sp

from .quantities import QUANTITIES

N = sp.Symbol("N", positive=True)
P = sp.Symbol("P", integer=True, positive=True)
p, q, r, f = sp.symbols("p q r f", integer=True)
i, j, k = sp.symbols("i j k", integer=True)

# fmt: off
(
    alpha, Jbar, g, tau_con, tau_div, tau_chn, tau_rec, tau_inp, noise, drive, in_strength,
    spread, sources, A, B, K, kappa, rho, s, e, v, current, chi, Gamma, z, V, Delta, R, G, C,
    susceptibility, H, T, C1, C2, x, field, J, a, b, w, u, y, xi, n,
) = (quantity.base for quantity in QUANTITIES.values())
# fmt: on


def variation(base: sp.IndexedBase) -> sp.IndexedBase:
    """The small change of a quantity."""
    return sp.IndexedBase(f"d_{base}")
