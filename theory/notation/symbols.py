"""The symbols of the theory: indices, and an indexed base for each of its quantities."""

from __future__ import annotations

import sympy as sp

from .quantities import QUANTITIES

N = sp.Symbol("N", positive=True)
P = sp.Symbol("P", integer=True, positive=True)
p, q, r, f = sp.symbols("p q r f", integer=True)
i, j = sp.symbols("i j", integer=True)
m = sp.Symbol("m", integer=True)  # a component of the strengths
k, l = sp.symbols("k l", integer=True)
t, o = sp.symbols("t o", integer=True)  # further features
M = sp.Symbol("M", integer=True, positive=True)
FEATURES = sp.Symbol("F", integer=True, positive=True)
COUNTS = {m: M, k: FEATURES, l: FEATURES, t: FEATURES, o: FEATURES}

# fmt: off
(
    alpha, Jbar, g, tau_con, tau_div, tau_chn, tau_rec, tau_inp, noise, drive, in_strength,
    pattern_input, spread, sources, A, B, K, kappa, rho, s, e, v, current, chi, Gamma, z, V,
    Delta, R, G, C, susceptibility, H, T, C1, C2, x, field, J, a, b, w, u, y, xi, n, feature,
    gamma, weight, mean_in, mean_out, mean_feature, cov_in, cov_in_feature, cov_features,
    cov_out_in, cov_out_feature, feature_covariance, E, E_back, theta, along, shift, Delta_c,
    R_c, G_c, C_c, H_c, T_c, C1_c, C2_c, beta, eta,
) = (quantity.base for quantity in QUANTITIES.values())
# fmt: on


def count(index: sp.Symbol) -> sp.Symbol:
    """Up to which number an index of a sum runs: populations, unless it numbers something else."""
    return COUNTS.get(index, P)


def variation(base: sp.IndexedBase) -> sp.IndexedBase:
    """The small change of a quantity."""
    return sp.IndexedBase(f"d_{base}")
