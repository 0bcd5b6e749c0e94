"""Models of a fit with fewer free motifs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..fitting import Coordinates, Fit, FreeMotifs, MotifCoordinates, Problem
from ..parameters import TENSORS, Parameters, entries_of, residual_moments

NEEDS = {"tau_con": ("tau_chn",), "tau_div": ("tau_chn",)}
"""Without the first there are none of the others: chains lie within the bounds that convergence and
divergence set."""


def free_motifs(fit: Fit) -> FreeMotifs:
    """The free motifs of a fit."""
    motifs = fit.problem.coordinates.motifs
    single = [label.split(" of ")[1] for label in motifs.labels if " of " in label]
    return FreeMotifs(tuple(single), tuple(label for label in motifs.labels if " of " not in label))


def class_models(fit: Fit) -> dict[str, FreeMotifs]:
    """Models by name: the motifs of a fit, those without each class, and none."""
    whole = free_motifs(fit)
    there = {name.split("[")[0] for name in (*whole.free, *whole.tied)}
    found = {"all": whole}
    for word, family in TENSORS.items():
        if family in there:
            found[f"no {word}"] = _without(whole, (family, *NEEDS.get(family, ())))
    found["none"] = FreeMotifs()
    distinct: dict[FreeMotifs, str] = {}
    for name in ("none", *found):  # where two are the same, "none" says more
        distinct.setdefault(found[name], name)
    return {name: motifs for name, motifs in found.items() if distinct[motifs] == name}


def _without(motifs: FreeMotifs, families: Sequence[str]) -> FreeMotifs:
    def keep(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(n for n in names if n.split("[")[0] not in families)

    return FreeMotifs(keep(motifs.free), keep(motifs.tied))


def reduced_problem(fit: Fit, motifs: FreeMotifs) -> Problem:
    """The problem of a fit with other free motifs.

    Coefficients that are no longer free are 0, and have no prior.
    """
    old, given = fit.problem, fit.problem.coordinates
    kept = MotifCoordinates.of(motifs, given.parameters).entries
    gone = tuple(entry for entry in given.motifs.entries if entry not in kept)
    base = without_entries(given.parameters, gone)
    of_unknowns = {own.label for own in given.unknowns if own.prior is not None}
    priors = {
        name: prior
        for name, prior in given.priors.items()
        if name not in of_unknowns and name not in gone
    }
    own = Coordinates(
        base, given.conditions, given.unknowns, MotifCoordinates.of(motifs, base), priors
    )
    return Problem(
        old.exact, own, old.targets, stable=old.stable, step=old.step, correlated=old.correlated
    )


def without_entries(parameters: Parameters, names: Sequence[str]) -> Parameters:
    """The parameters with these motif coefficients 0, and with them all that needs them.

    Without tau_rec[p,q], chains alone reciprocate.
    """
    con, div, chn = (
        np.array(t) for t in (parameters.tau_con, parameters.tau_div, parameters.tau_chn)
    )
    B = np.array(residual_moments(parameters)[1])
    arrays = {"tau_con": con, "tau_div": div, "tau_chn": chn, "tau_rec": B}
    for name in names:
        family, where = entries_of(name, parameters)
        arrays[family][where] = 0.0
    into, out = np.einsum("qrr->qr", con) > 0, np.einsum("qpp->qp", div) > 0
    con *= into[:, :, None] & into[:, None, :]
    div *= out[:, :, None] & out[:, None, :]
    chn *= out.T[:, :, None] & into[None]
    around = np.einsum("pqp->pq", chn)
    return parameters.replace(tau_con=con, tau_div=div, tau_chn=chn, tau_rec=B + around + around.T)
