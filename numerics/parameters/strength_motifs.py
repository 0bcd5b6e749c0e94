"""Motifs that strengths make: convergent, divergent and chain coefficients of a mixture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...errors import InfeasibleStatisticsError, ParameterError
from .arrays import matrix
from .motifs import Motifs
from .parameters import Parameters
from .reals import real
from .strengths import Strengths, components_of


def motifs_of_strengths(
    strengths: Strengths | Mapping[str, Any],
    *,
    N: float,
    g: Any,
    reciprocal: Any = None,
    populations: Sequence[str] | None = None,
) -> Motifs:
    """The motif coefficients of a mixture of strengths, for `Parameters.of(motifs=...)`.

        tau_con[p,q,r] = Cov(u^q, u^r) / (N g_pq g_pr),   of neurons in p
        tau_div[q,p,r] = N Cov(b^p, b^r) / (g_pq g_rq),   of neurons in q
        tau_chn[p,q,r] = Cov(b^p, u^r) / (g_pq g_qr),     of neurons in q

    Args:
        strengths: `Strengths`, or a mapping with the `weights`, `means` and `covariances` of each
            population's components of (u, b), as `Parameters.of` takes them.
        N: number of neurons.
        g: (P, P), or a number or mapping as `Parameters.of` takes it.
        reciprocal: (P, P), tau_rec; by default what strengths alone make, without residual
            reciprocity (B = 0).
        populations: their names, where mappings use them.

    Raises:
        ParameterError: wrong shapes, or names.
        InfeasibleStatisticsError: strengths that vary where synapses do not, g = 0.

    Source: docs/theory.md, section 1.2.
    """
    N = real(N, "N")
    if isinstance(strengths, Strengths):
        P = strengths.P
        whole = np.asarray(strengths.covariance)[:, : 2 * P, : 2 * P]
    else:
        whole = _covariances(strengths, populations)
        P = len(whole)
    names = tuple(populations or map(str, range(1, P + 1)))
    deviation = np.asarray(matrix(g, names, "g"))
    con, div, chn = np.zeros((3, P, P, P))
    for p, q, r in np.ndindex(P, P, P):
        con[p, q, r] = _ratio(whole[p, q, r] / N, deviation[p, q] * deviation[p, r])
        div[q, p, r] = _ratio(N * whole[q, P + p, P + r], deviation[p, q] * deviation[r, q])
        chn[p, q, r] = _ratio(whole[q, P + p, r], deviation[p, q] * deviation[q, r])
    around = np.einsum("pqp->pq", chn)
    return Motifs(con, div, chn, around + around.T if reciprocal is None else reciprocal)


def with_weights(parameters: Parameters, weight: Float[Array, "M P"]) -> Parameters:
    """The parameters with other weights of the components of strengths; pure.

    Components are moved so that strengths and features have mean 0 again. tau_con, tau_div and
    tau_chn change with the covariance of strengths, tau_rec by what keeps the residual reciprocity.

    Args:
        parameters: with strengths.
        weight: of each component, which sum to 1 in every population.
    """
    own, N, g, P = parameters.strengths, parameters.N, parameters.g, parameters.P
    assert own is not None
    means = own.means - jnp.einsum("mp,mpi->pi", weight, own.means)[None]
    made = replace(own, weight=weight, means=means)
    change = (made.covariance - own.covariance)[:, : 2 * P, : 2 * P]
    u, b = slice(P), slice(P, 2 * P)
    size = jnp.where(g > 0, g, 1.0)
    con = change[:, u, u] / (N * size[:, :, None] * size[:, None, :])
    div = N * change[:, b, b] / (size.T[:, :, None] * size.T[:, None, :])
    chn = change[:, b, u].transpose(1, 0, 2) / (size[:, :, None] * size[None])
    around = jnp.einsum("pqp->pq", chn)
    changes = {"tau_con": con, "tau_div": div, "tau_chn": chn, "tau_rec": around + around.T}
    changed = {name: getattr(parameters, name) + v for name, v in changes.items()}
    return replace(parameters, strengths=made, **changed)


def _ratio(covariance: Any, unit: Any) -> Any:
    if covariance and not unit:
        raise InfeasibleStatisticsError(
            "the components make strengths vary where g is 0, and no synapse does: raise g, or set "
            "their entries to 0"
        )
    return covariance / unit if unit else 0.0


def _covariances(given: Mapping[str, Any], populations: Sequence[str] | None) -> np.ndarray:
    """(P, 2P, 2P), of (u, b)."""
    if not isinstance(given, Mapping) or "weights" not in given:
        raise ParameterError("strengths need weights, means and covariances of their components")
    weights = given["weights"]
    names = populations or (list(weights) if isinstance(weights, Mapping) else None)
    parts = components_of(given, tuple(names or map(str, range(1, len(weights) + 1))))
    two = 2 * len(parts)
    if any(m.shape[1] < two for _, m, _ in parts):
        raise ParameterError(
            f"means of {len(parts)} populations need {two} entries each, of (u, b)"
        )
    # one covariance may serve all components
    whole = [(w * m.T) @ m + (w[:, None, None] * S).sum(axis=0) for w, m, S in parts]
    return np.stack([own[:two, :two] for own in whole])
