"""The part of the variance of the input currents that a closure leaves out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..parameters import Couplings, Parameters

NO_RECIPROCITY = 1e-12  # coupling below which neurons do not feel their own rate, to rounding
SMALLEST = 1e-300  # in place of a variance of 0


def closure_validity(closure: Any, statistics: Any, parameters: dict[str, Parameters]) -> str:
    """Whether a closure is exact at fixed points, and what it lacks if not, in words.

    It can lack variance of the currents, M_pq < phi_q^2 > (`MotifOnly`) or
    M_pq (< phi_q^2 > - R_q^2) (`LowRank`), summed over q, M_pq = alpha_q g_pq^2 A_pq; with
    reciprocity it lacks that neurons feel their own rate.

    Args:
        closure: of the equations.
        statistics: condition -> statistics of the rates at its fixed point, a function.
        parameters: of each condition.

    Returns:
        One sentence. Source: `docs/theory.md`, section 2.1.
    """
    found = [_variance(closure, statistics, parameters), _reciprocity(parameters)]
    left_out = [text for text in found if text]
    name = closure.kind
    return f"{name} {' and '.join(left_out)}" if left_out else "exact at fixed points"


def _variance(closure: Any, statistics: Any, parameters: dict[str, Parameters]) -> str:
    if closure.keeps_second_moment:
        return ""
    kept = closure.has_residual
    shares = np.stack([_share(kept, statistics(name), own) for name, own in parameters.items()])
    c, p = np.unravel_index(int(np.argmax(shares)), shares.shape)
    condition = list(parameters)[c]
    what = "takes the residual's variance from mean rates" if kept else "leaves the residual out"
    return (
        f"{what}, with it up to {100 * shares[c, p]:.2g} % of the variance of the currents "
        f"({parameters[condition].populations[p]}, {condition}), which SecondMoment() counts"
    )


def _share(kept: bool, seen: Any, own: Parameters) -> np.ndarray:
    """Left out, relative to the variance of the currents with it, (P,)."""
    squares = seen.rate_sd**2 + (0.0 if kept else seen.rate_mean**2)
    missing = np.asarray(Couplings.of(own).residual @ squares)
    return missing / np.maximum(missing + np.asarray(seen.variance), SMALLEST)


def _reciprocity(parameters: dict[str, Parameters]) -> str:
    largest = max(
        float(np.abs(np.asarray(Couplings.of(p).pairs) / np.asarray(p.fractions)).max())
        for p in parameters.values()
    )
    if largest < NO_RECIPROCITY:
        return ""
    return f"leaves out that neurons feel their own rate: largest |g_pq g_qp B_pq| = {largest:.3g}"
