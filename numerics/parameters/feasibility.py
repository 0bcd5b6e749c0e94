"""Which synaptic statistics can exist, and the nearest ones that do.

J_ij = Jbar_pq + a_i^q + b_j^p + w_ij. A Gaussian ensemble with the given statistics exists if and
only if, for every population, the covariance of (a^1..a^P, b^1..b^P) is positive semidefinite, and
for every pair of populations the residual's 2 x 2 matrix [[A_pq, B_pq], [B_pq, A_qp]] is, that is
A_pq >= 0 and |B_pq| <= sqrt(A_pq A_qp). Assortativity takes its part off A and B, and the same
holds for what is left. Source: `docs/theory.md`, sections 1.2 and 6.1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from ...errors import InfeasibleStatisticsError
from .batches import require_batch, rows_of
from .conditions import (
    TOLERANCE,
    Conditions,
    SynapticStatistics,
    conditions,
    explained_shares,
    residual_moments,
    strength_covariances,
)
from .motifs import Motifs
from .projection import nearest_motifs
from .reals import reals
from .tables import MOTIFS

MARGIN = 1e-9  # farther from the bounds than the solver's error, nearer than anyone sees
MOST_SHRINKS = 40  # margins double: the last would leave no motifs
MOST_SHOWN = 6  # broken conditions in an error

S = TypeVar("S", bound=SynapticStatistics)


class Violation(NamedTuple):
    """One broken condition: where, which, and by how much."""

    populations: tuple[str, ...]
    condition: str
    amount: float

    def __str__(self) -> str:
        where = " <- ".join(self.populations)
        return f"population {where}: {self.condition} fails by {self.amount:.3g}"


def synaptic_units(parameters: SynapticStatistics) -> np.ndarray:
    """Covariance of a neuron's (u^1..u^P, b^1..b^P), u = N a of order one and b per synapse.

    Returns:
        By population of the neuron, (P, 2P, 2P).
    """
    unit = np.ones(2 * parameters.P)
    unit[parameters.P :] /= float(parameters.N)
    return strength_covariances(parameters) * unit[:, None] * unit[None, :]


def unexplained_moments(parameters: SynapticStatistics) -> tuple[np.ndarray, np.ndarray]:
    """A_pq and B_pq less what assortativity explains of both, each (P, P).

    A_pq - N tr(Gamma_pq C_q Gamma_pq' C_p) / g_pq^2 and B_pq - N tr(Gamma_pq C_q Gamma_qp C_p) /
    (g_pq g_qp): those of the residual that `Gaussian` draws. Source: `docs/theory.md`, section 6.1.
    """
    A, B = residual_moments(parameters)
    variance, back = explained_shares(parameters)
    return A - variance, B - back


def violations(parameters: SynapticStatistics, tolerance: float = TOLERANCE) -> list[Violation]:
    """Every condition that the statistics break, largest first; empty when they can exist.

    Args:
        parameters: the network's numbers.
        tolerance: by how much a condition may fail, relative to the largest variance.

    Returns:
        Violations, each with populations, condition and amount.
    """
    own, names = conditions(parameters, tolerance), parameters.populations
    found = list(_chain_bounds(own, names))
    chained = {v.populations[1] for v in found}
    for p in np.flatnonzero(own.covariances):
        lowest, scale = own.lowest[p], own.largest[p]
        if names[p] not in chained:
            found.append(
                Violation(
                    (names[p],),
                    "the covariance of in- and out-strengths is positive semidefinite "
                    f"(smallest eigenvalue {lowest:.3g}, largest variance {scale:.3g})",
                    -lowest / scale,
                )
            )
    found += _offset_bounds(own, names)
    for p, q in np.argwhere(own.variances):
        found.append(
            Violation(
                (names[p], names[q]),
                f"A = 1 - tau_con[{names[p]},{names[q]},{names[q]}] - "
                f"tau_div[{names[q]},{names[p]},{names[p]}] >= 0",
                -own.A[p, q],
            )
        )
    for p, q in np.argwhere(own.assorted):
        found.append(
            Violation(
                (names[p], names[q]),
                "assortativity explains N tr(Gamma C Gamma' C) / g^2 = "
                f"{own.known[p, q]:.3g} of the variance of synapses, and in- and out-strengths "
                f"leave A = {own.A[p, q]:.3g}, which",
                own.known[p, q] - own.A[p, q],
            )
        )
    return sorted([*found, *_reciprocity_bounds(own, names)], key=lambda v: -v.amount)


def feasible_batch(batch: SynapticStatistics, tolerance: float = TOLERANCE) -> np.ndarray:
    """Of each set of a batch, whether it breaks no condition of `violations`.

    Args:
        batch: parameters with a leading axis on every array, as `stacked` makes them.
        tolerance: as `violations` takes it.

    Returns:
        Truth values, (n,); false where a number is not finite.
    """
    require_batch(batch)
    names = ("N", "g", *MOTIFS, "tau_inp", "strengths")
    rows = rows_of([getattr(batch, name) for name in names], len(np.asarray(batch.N)))
    there, found = np.flatnonzero(np.isfinite(rows).all(axis=1)), np.zeros(len(rows), dtype=bool)
    alike = bool(np.all(rows == rows[:1]))  # one of them is looked at
    which = there[:1] if alike else there
    if len(which):
        own = jax.tree.map(lambda v: np.asarray(v)[which], batch)
        found[there] = conditions(own, tolerance).hold
    return found


def _reciprocity_bounds(own: Conditions, names: tuple[str, ...]) -> Iterator[Violation]:
    """|B| <= sqrt(A A') of the residual synapses, without what assortativity explains."""
    B, bound = own.B - own.back, own.reciprocal_bound
    without = " (both without what assortativity explains)" if np.any(own.known) else ""
    for p, q in np.argwhere(own.reciprocities):
        if p <= q:
            a, b = names[p], names[q]
            yield Violation(
                (a, b),
                f"|B| = |tau_rec[{a},{b}] - tau_chn[{a},{b},{a}] - tau_chn[{b},{a},{b}]| = "
                f"{abs(B[p, q]):.3g} <= sqrt(A A') = {bound[p, q]:.3g}{without}",
                abs(B[p, q]) - bound[p, q],
            )


def _chain_bounds(own: Conditions, names: tuple[str, ...]) -> Iterator[Violation]:
    """The part of semidefiniteness that reads easily, for each chain.

    |tau_chn[p,q,r]| <= sqrt(tau_div[q,p,p] tau_con[q,r,r]).
    """
    for p, q, r in np.argwhere(own.chains):
        a, b, c = names[p], names[q], names[r]
        size, bound = own.chain[p, q, r], own.chain_bound[p, q, r]
        yield Violation(
            (a, b, c),
            f"|tau_chn[{a},{b},{c}]| = {size:.3g} <= sqrt(tau_div[{b},{a},{a}] "
            f"tau_con[{b},{c},{c}]) = {bound:.3g}",
            float(size - bound),
        )


def _offset_bounds(own: Conditions, names: tuple[str, ...]) -> Iterator[Violation]:
    """Of the offset's variance, 1, its regression on the strengths explains at most all."""
    for q in np.flatnonzero(own.offsets):
        what, name = "the correlations tau_inp explain at most all", names[q]
        for p in np.flatnonzero(own.alone[q])[:1]:
            what = f"tau_inp[{names[p]},{name}]^2 <= tau_div[{name},{names[p]},{names[p]}]"
        yield Violation(
            (name,),
            f"{what} of the input's offset (they explain {own.share[q]:.3g} of its variance)",
            max(own.share[q] - 1, own.tolerance),
        )


def check_feasible(parameters: SynapticStatistics) -> None:
    """Check that some network has these synaptic statistics.

    Args:
        parameters: the network's numbers.

    Raises:
        InfeasibleStatisticsError: lists the conditions that are broken.
        ParameterError: a number is not finite, or too large.
    """
    for name in ("N", "g", "tau_con", "tau_div", "tau_chn", "tau_rec", "tau_inp"):
        reals(getattr(parameters, name), name, parameters.populations)
    broken = violations(parameters)
    if broken:
        more = len(broken) - MOST_SHOWN
        lines = "\n  ".join(map(str, broken[:MOST_SHOWN]))
        lines += f"\n  and {more} more" if more > 0 else ""
        advice = "lower the chains or reciprocity, or raise convergence and divergence"
        if any("assortativity" in v.condition for v in broken):
            advice = "lower gamma, or reciprocity"
        raise InfeasibleStatisticsError(
            f"no network has these synaptic statistics:\n  {lines}\n"
            f"{advice}; nearest_feasible(parameters) gives the closest statistics that exist"
        )


def nearest_feasible(
    parameters: S, margin: float = MARGIN, progress: Callable[[str, float], None] | None = None
) -> S:
    """The feasible motif coefficients nearest to the given ones, means and variances unchanged.

    Minimises the sum over all index combinations of the squared changes of tau_con, tau_div,
    tau_chn and tau_rec under the linear matrix inequalities of this module, to about 1e-12 of the
    largest given coefficient, or of 1; those of real networks are below 1. Memory and the time of
    a step grow with P^3 and P^4, for P populations. With `strengths`, whose components make the
    motifs, Gamma is scaled back by pair of populations, then tau_rec.

    Args:
        parameters: the network's numbers.
        margin: how far inside the bounds the result is kept, so that rounding does not leave them.
        progress: called as progress("nearest motifs", part).

    Returns:
        The parameters with these coefficients; the given ones where they are feasible.

    Raises:
        InfeasibleStatisticsError: the nearest ones were not found.
        NetworkError: the populations need more memory than is free.
    """
    if not violations(parameters):
        return parameters
    if parameters.strengths is not None and not parameters.strengths.quenched:
        return _less_assorted(parameters, margin)
    active, say = np.asarray(parameters.g) > 0, progress or (lambda text, part: None)
    return _inside(parameters, nearest_motifs(parameters.motifs, active, margin, say), margin)


def _less_assorted(parameters: S, margin: float) -> S:
    """With Gamma of each pair of populations, and then tau_rec, scaled back to their bounds.

    Raises:
        InfeasibleStatisticsError: the strengths themselves leave no residual.
    """
    names, own = parameters.populations, parameters.strengths
    A, _ = residual_moments(parameters)
    if np.any(A < -TOLERANCE) or any(
        v for v in violations(parameters) if "covariance" in v.condition or "tau_inp" in v.condition
    ):
        raise InfeasibleStatisticsError(
            f"the strengths' components in {list(names)} make the motifs, which no network has "
            "whatever gamma and reciprocity are: narrow the components, or raise g"
        )
    room, share = np.maximum(A, 0) * (1 - margin), explained_shares(parameters)[0]
    ratio = np.divide(room, share, out=np.ones_like(A), where=share > room)
    gamma = np.asarray(own.gamma) * np.sqrt(ratio)[:, :, None, None]
    found: Any = dataclasses.replace(
        parameters,  # type: ignore[type-var]
        strengths=dataclasses.replace(own, gamma=jnp.asarray(gamma)),
    )
    A, B = unexplained_moments(found)
    bound = np.sqrt(np.maximum(A, 0) * np.maximum(A.T, 0)) * (1 - margin)
    found = found.replace(tau_rec=np.asarray(found.tau_rec) - B + np.clip(B, -bound, bound))
    if broken := violations(found):
        raise InfeasibleStatisticsError(
            f"the nearest feasible statistics could not be made to hold: {broken[0]}"
        )
    return found


def _inside(parameters: S, near: Motifs, margin: float) -> S:
    """Shrink towards independent synapses, inside the convex set, until no bound breaks."""
    (con, div, chn, rec), shrink = near, 1.0
    for _ in range(MOST_SHRINKS):
        values = {
            "tau_con": con * shrink,
            "tau_div": div * shrink,
            "tau_chn": chn * shrink,
            "tau_rec": (rec + rec.T) / 2 * shrink,
        }
        candidate = parameters.replace(**values)
        if not violations(candidate):
            return candidate
        shrink -= margin
        margin *= 2
    raise InfeasibleStatisticsError(
        "the nearest feasible statistics could not be made to hold in float64"
    )
