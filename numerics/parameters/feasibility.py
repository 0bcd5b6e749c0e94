"""Which synaptic statistics can exist, and the nearest ones that do.

J_ij = Jbar_pq + a_i^q + b_j^p + w_ij. A Gaussian ensemble with the given statistics exists if and
only if, for every population, the covariance of (a^1..a^P, b^1..b^P) is positive semidefinite, and
for every pair of populations the residual's 2 x 2 matrix [[A_pq, B_pq], [B_pq, A_qp]] is, that is
A_pq >= 0 and |B_pq| <= sqrt(A_pq A_qp). Assortativity takes its part off A and B, and the same
holds for what is left. Source: `docs/theory.md`, sections 1.2 and 6.1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import jax.numpy as jnp
import numpy as np

from ...errors import InfeasibleStatisticsError
from .motifs import Motifs
from .projection import nearest_motifs
from .reals import reals

TOLERANCE = 1e-10  # rounding of statistics that lie on a bound
NOTHING = 1e-300  # in place of a variance 0 that divides
SINGULAR = 1e-12  # a strength whose variance is below this part of the largest is a sum of others
MARGIN = 1e-9  # farther from the bounds than the solver's error, nearer than anyone sees
MOST_SHRINKS = 40  # margins double: the last would leave no motifs
MOST_SHOWN = 6  # broken conditions in an error


@runtime_checkable
class SynapticStatistics(Protocol):
    """What this module needs of `Parameters`."""

    populations: tuple[str, ...]
    N: Any
    g: Any
    tau_con: Any
    tau_div: Any
    tau_chn: Any
    tau_rec: Any
    tau_inp: Any

    @property
    def P(self) -> int: ...

    @property
    def strengths(self) -> Any: ...

    @property
    def motifs(self) -> Motifs: ...

    def replace(self, **values: Any) -> Any: ...


S = TypeVar("S", bound=SynapticStatistics)


class Violation(NamedTuple):
    """One broken condition: where, which, and by how much."""

    populations: tuple[str, ...]
    condition: str
    amount: float

    def __str__(self) -> str:
        where = " <- ".join(self.populations)
        return f"population {where}: {self.condition} fails by {self.amount:.3g}"


def strength_covariances(parameters: SynapticStatistics) -> np.ndarray:
    """N^2 times the covariance of a neuron's in- and out-strengths (a^1..a^P, b^1..b^P).

    Returns:
        By population of the neuron, (P, 2P, 2P).
    """
    N, g = float(parameters.N), np.asarray(parameters.g)
    con, div, chn = (
        np.asarray(t) for t in (parameters.tau_con, parameters.tau_div, parameters.tau_chn)
    )
    rows = N * g[:, :, None] * g[:, None, :] * con
    columns = N * g.T[:, :, None] * g.T[:, None, :] * div
    across = (N * g[:, :, None] * g[None, :, :] * chn).transpose(1, 2, 0)
    return np.block([[rows, across], [across.transpose(0, 2, 1), columns]])


def synaptic_units(parameters: SynapticStatistics) -> np.ndarray:
    """Covariance of a neuron's (u^1..u^P, b^1..b^P), u = N a of order one and b per synapse.

    Returns:
        By population of the neuron, (P, 2P, 2P).
    """
    unit = np.ones(2 * parameters.P)
    unit[parameters.P :] /= float(parameters.N)
    return strength_covariances(parameters) * unit[:, None] * unit[None, :]


def neuron_covariances(parameters: SynapticStatistics) -> np.ndarray:
    """Covariance of a neuron's (N a^1..N a^P, N b^1..N b^P, xi), xi the offset of its input.

    Returns:
        By population of the neuron, (P, 2P + 1, 2P + 1).
    """
    strengths, P = strength_covariances(parameters), parameters.P
    across = (
        np.sqrt(float(parameters.N)) * np.asarray(parameters.g) * np.asarray(parameters.tau_inp)
    )  # [p, q]: N Cov(b_j^p, xi_j), j in q
    whole = np.zeros((P, 2 * P + 1, 2 * P + 1))
    whole[:, :-1, :-1] = strengths
    whole[:, P:-1, -1] = whole[:, -1, P:-1] = across.T
    whole[:, -1, -1] = 1
    return whole


def residual_moments(parameters: SynapticStatistics) -> tuple[np.ndarray, np.ndarray]:
    """A_pq and B_pq of the residual synapses w_ij, each (P, P).

    Var w_ij = A_pq g_pq^2 / N and Cov(w_ij, w_ji) = B_pq g_pq g_qp / N.
    """
    return residual_of(*(np.asarray(t) for t in parameters.motifs))


def unexplained_moments(parameters: SynapticStatistics) -> tuple[np.ndarray, np.ndarray]:
    """A_pq and B_pq less what assortativity explains of both, each (P, P).

    A_pq - N tr(Gamma_pq C_q Gamma_pq' C_p) / g_pq^2 and B_pq - N tr(Gamma_pq C_q Gamma_qp C_p) /
    (g_pq g_qp): those of the residual that `Gaussian` draws. Source: `docs/theory.md`, section 6.1.
    """
    A, B = residual_moments(parameters)
    variance, back = _explained_shares(parameters)
    return A - variance, B - back


def _explained_shares(parameters: SynapticStatistics) -> tuple[np.ndarray, np.ndarray]:
    """What assortativity explains in units of g_pq^2 and of g_pq g_qp; infinite where these are 0.

    Strengths of a given network are those of a network that is there: 0.
    """
    zero = np.zeros((parameters.P, parameters.P))
    if parameters.strengths is None or parameters.strengths.quenched:
        return zero, zero
    from .strengths import explained  # which needs this module

    g = np.asarray(parameters.g)
    shares = []
    for part, unit in zip(explained(parameters, np), (g**2, g * g.T), strict=True):
        value = np.asarray(part, dtype=float)
        nothing = np.where(value == 0, 0.0, np.copysign(np.inf, value))
        shares.append(np.divide(value, unit, out=nothing, where=unit > 0))
    return shares[0], shares[1]


def residual_of(con: Any, div: Any, chn: Any, rec: Any) -> tuple[Any, Any]:
    """A and B of `residual_moments` from the four coefficients, NumPy or JAX arrays."""
    own = np.arange(len(rec))
    around = chn[own, :, own]
    return 1 - con[:, own, own] - div[:, own, own].T, rec - around - around.T


def violations(parameters: SynapticStatistics, tolerance: float = TOLERANCE) -> list[Violation]:
    """Every condition that the statistics break, largest first; empty when they can exist.

    Args:
        parameters: the network's numbers.
        tolerance: by how much a condition may fail, relative to the largest variance.

    Returns:
        Violations, each with populations, condition and amount.
    """
    names, found = parameters.populations, list(_chain_bounds(parameters, tolerance))
    chained = {v.populations[1] for v in found}
    for name, matrix in zip(names, strength_covariances(parameters), strict=True):
        scale = max(np.abs(np.diag(matrix)).max(), NOTHING)
        lowest = np.linalg.eigvalsh(matrix)[0]
        if lowest < -tolerance * scale and name not in chained:
            found.append(
                Violation(
                    (name,),
                    "the covariance of in- and out-strengths is positive semidefinite "
                    f"(smallest eigenvalue {lowest:.3g}, largest variance {scale:.3g})",
                    -lowest / scale,
                )
            )
    found += _offset_bounds(parameters, tolerance)
    A, B = residual_moments(parameters)
    for p, q in np.argwhere(A < -tolerance):
        found.append(
            Violation(
                (names[p], names[q]),
                f"A = 1 - tau_con[{names[p]},{names[q]},{names[q]}] - "
                f"tau_div[{names[q]},{names[p]},{names[p]}] >= 0",
                -A[p, q],
            )
        )
    known, back = _explained_shares(parameters)
    for p, q in np.argwhere((known > A + tolerance) & (A >= -tolerance)):
        found.append(
            Violation(
                (names[p], names[q]),
                f"assortativity explains N tr(Gamma C Gamma' C) / g^2 = {known[p, q]:.3g} of the "
                f"variance of synapses, and in- and out-strengths leave A = {A[p, q]:.3g}, which",
                known[p, q] - A[p, q],
            )
        )
    found += _reciprocity_bounds(names, A - known, B - back, np.any(known), tolerance)
    return sorted(found, key=lambda v: -v.amount)


def _reciprocity_bounds(names, A: np.ndarray, B: np.ndarray, assorted, tolerance: float):
    """|B| <= sqrt(A A') of the residual synapses, without what assortativity explains."""
    bound = np.sqrt(np.maximum(A, 0) * np.maximum(A.T, 0))
    there = (A >= -tolerance) & (A.T >= -tolerance) & np.isfinite(B)
    without = " (both without what assortativity explains)" if assorted else ""
    for p, q in np.argwhere(there & (np.abs(B) > bound + tolerance)):
        if p <= q:
            a, b = names[p], names[q]
            yield Violation(
                (a, b),
                f"|B| = |tau_rec[{a},{b}] - tau_chn[{a},{b},{a}] - tau_chn[{b},{a},{b}]| = "
                f"{abs(B[p, q]):.3g} <= sqrt(A A') = {bound[p, q]:.3g}{without}",
                abs(B[p, q]) - bound[p, q],
            )


def _chain_bounds(parameters: SynapticStatistics, tolerance: float):
    """The part of semidefiniteness that reads easily, for each chain.

    |tau_chn[p,q,r]| <= sqrt(tau_div[q,p,p] tau_con[q,r,r]).
    """
    names = parameters.populations
    con, div, chn = (
        np.asarray(t) for t in (parameters.tau_con, parameters.tau_div, parameters.tau_chn)
    )
    g = np.asarray(parameters.g)
    bound = np.sqrt(
        np.maximum(np.einsum("qpp->pq", div)[:, :, None] * np.einsum("qrr->qr", con)[None, :, :], 0)
    )
    excess = (np.abs(chn) - bound) * ((g[:, :, None] * g[None, :, :]) > 0)
    for p, q, r in np.argwhere(excess > tolerance):
        a, b, c = names[p], names[q], names[r]
        yield Violation(
            (a, b, c),
            f"|tau_chn[{a},{b},{c}]| = {abs(chn[p, q, r]):.3g} <= sqrt(tau_div[{b},{a},{a}] "
            f"tau_con[{b},{c},{c}]) = {bound[p, q, r]:.3g}",
            float(excess[p, q, r]),
        )


def _offset_bounds(parameters: SynapticStatistics, tolerance: float):
    """Of the offset's variance, 1, its regression on the strengths explains at most all."""
    P = parameters.P
    for name, matrix in zip(parameters.populations, neuron_covariances(parameters), strict=True):
        across = matrix[:-1, -1]
        if not np.any(across != 0):
            continue
        share = float(
            across @ np.linalg.pinv(matrix[:-1, :-1], rcond=SINGULAR, hermitian=True) @ across
        )
        alone = [
            parameters.populations[p]
            for p in range(P)
            if across[P + p] ** 2 > (1 + tolerance) * matrix[P + p, P + p]
        ]
        if share > 1 + tolerance or alone:
            what = "the correlations tau_inp explain at most all"
            if alone:
                what = f"tau_inp[{alone[0]},{name}]^2 <= tau_div[{name},{alone[0]},{alone[0]}]"
            yield Violation(
                (name,),
                f"{what} of the input's offset (they explain {share:.3g} of its variance)",
                max(share - 1, tolerance),
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
    room, share = np.maximum(A, 0) * (1 - margin), _explained_shares(parameters)[0]
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
