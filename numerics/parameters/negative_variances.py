"""Motifs that make the variance of a population's input currents negative, whatever the rates.

Delta_p = sum_qr Sigma_p[q, r] kappa_q kappa_r + sum_q A_pq g_pq^2 alpha_q C_q is a variance where
Sigma_p is a covariance and A_pq >= 0. Coefficients that were estimated on few neurons need not be
such, and often do no harm: what convergence takes off, the residual of the synapses gives back.
Where it does not, equations have no solution that means anything. Source: `docs/theory.md`,
sections 1.2 and 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...numbers import counted
from .conditions import residual_moments
from .inputs import vanishes
from .parameters import Parameters

ROUNDING = 1e-9  # of what independent synapses and motifs would make at most
SPREAD = 1.0  # Var(phi) / mean(phi)^2 that rates of other populations may well have
SMALL = 30  # neurons, below which it is their number that makes coefficients uncertain


def faulty_populations(
    parameters: Parameters, *, residual: bool, varying: bool, positive: Sequence[bool] | None
) -> list[int]:
    """Populations the variance of whose currents is negative as soon as there is activity.

    At a fixed point kappa_q = alpha_q R_q, so that Delta_p = kappa' M_p kappa with M_p = Sigma_p +
    diag(A_pq g_pq^2 / alpha_q), and more where rates vary. M_p is negative definite, or has no
    entry above 0 where no rate is negative. Within a population the variability of rates is no
    remedy, for Var(phi) <= Delta <phi'^2> (Poincare's inequality), which a stable bulk makes
    smaller than Delta; that of other populations may be.

    Args:
        parameters: with Gaussian strengths.
        residual: whether the closure has the residual of the synapses.
        varying: whether rates that vary within a population add to it.
        positive: whether the rates of each population are never negative; None: not known.
    """
    return np.flatnonzero(
        are_faulty(parameters, residual=residual, varying=varying, positive=positive)
    ).tolist()


def are_faulty(
    parameters: Parameters, *, residual: bool, varying: bool, positive: Sequence[bool] | None
) -> np.ndarray:
    """The same of one set of parameters or of many: truth values, (..., P)."""
    own = parameters
    forms, g, alpha = _forms(own, residual), np.asarray(own.g), np.asarray(own.fractions)
    lead = g.shape[:-2]
    may_be = (np.asarray(own.noise) <= 0) & vanishes(own.spread, lead)[..., None]
    sign = positive is not None and all(positive)
    one_sign = vanishes(own.in_strength, lead)[..., None] & sign
    A = np.maximum(residual_moments(own)[0], 0) if residual and varying else np.zeros_like(g)
    bad = may_be & _negative(own, forms, one_sign)
    while bad.any():
        more = SPREAD * A * g**2 / alpha[..., None, :] * ~bad[..., None, :]
        wider = forms + more[..., None] * np.eye(own.P)
        still = bad & _negative(own, wider, one_sign)
        if np.array_equal(still, bad):
            break
        bad = still
    return bad


def _forms(parameters: Parameters, residual: bool) -> np.ndarray:
    """M_p, (..., P, P, P)."""
    g, alpha = np.asarray(parameters.g), np.asarray(parameters.fractions)
    N = np.asarray(parameters.N, dtype=float)[..., None, None, None]
    both = N * g[..., :, :, None] * g[..., :, None, :] * np.asarray(parameters.tau_con)
    if not residual:
        return both
    left = residual_moments(parameters)[0] * g**2 / alpha[..., None, :]
    return both + left[..., None] * np.eye(parameters.P)


def _negative(parameters: Parameters, forms: np.ndarray, one_sign: np.ndarray) -> np.ndarray:
    """Whether the forms are negative definite, or have no entry above 0 where signs are one."""
    least = ROUNDING * current_scale(parameters).max(axis=-1)
    values = np.linalg.eigvalsh(forms)
    lowest = np.einsum("...ii->...i", forms).min(axis=-1)
    definite = (values[..., -1] <= least) & (values[..., 0] < -least)
    return definite | (one_sign & (forms.max(axis=(-1, -2)) <= least) & (lowest < -least))


def current_scale(parameters: Parameters) -> np.ndarray:
    """What squared kappa_q are multiplied with at most in Delta_p, in size, (..., P, P).

    Rounding of Delta_p is relative to that times kappa_q^2.
    """
    g, alpha = np.asarray(parameters.g), np.asarray(parameters.fractions)[..., None, :]
    con, div = (np.asarray(t) for t in (parameters.tau_con, parameters.tau_div))
    N = np.asarray(parameters.N, dtype=float)[..., None, None]
    size = np.abs(np.einsum("...pqq->...pq", con)) * (N * alpha)
    return g**2 / alpha * (1 + size + np.abs(np.einsum("...qpp->...pq", div)))


def negative_variance_text(
    parameters: Parameters, p: int, *, residual: bool, kappa: Any = 1.0
) -> str:
    """Which coefficient makes the variance of population p negative, and what to do.

    Args:
        parameters: with Gaussian strengths.
        p: the population's position.
        residual: whether the closure has the residual of the synapses.
        kappa: what the coefficients are weighed with, one number or (P,).

    Returns:
        "" where none does.
    """
    names, weight = parameters.populations, np.broadcast_to(kappa, parameters.P)
    form = _forms(parameters, residual)[p] * np.outer(weight, weight)
    q, r = (int(k) for k in np.unravel_index(np.argmin(form), form.shape))
    if not form[q, r] < 0:
        return ""
    a, b, c = names[p], names[q], names[r]
    value = float(np.asarray(parameters.tau_con)[p, q, r])
    text = (
        f"population {a} ({counted(parameters.sizes[p], 'neuron')}): tau_con[{a},{b},{c}] = "
        f"{value:.3g} makes the variance of its input currents negative"
    )
    if q == r:
        A, n = float(residual_moments(parameters)[0][p, q]), parameters.sizes[q]
        made = n * value + (A if residual else 0)
        left = f" + A = {n} * {value:.3g} + {A:.3g}" if residual else ""
        text += f", for N_{b} tau_con{left} = {made:.3g} is below 0"
    return f"{text}: {_remedy(parameters, p)}"


def _remedy(parameters: Parameters, p: int) -> str:
    ways = [
        "estimate the motifs with shrinkage (shrink=True of measure, verify_network and ablate, "
        "--shrink on the command line)",
        "use nearest_feasible(parameters)",
    ]
    size = parameters.sizes[p]
    if size < SMALL and parameters.P > 1:
        least = max(size, sorted(parameters.sizes)[1]) + 1  # of which there are two at least
        ways.insert(0, f"merge it with other small ones (smallest={least} of reading)")
    return ", or ".join(ways)
