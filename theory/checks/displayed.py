"""Every displayed equality of a derivation, in its order, with the way in which it is tested.

algebra: both sides evaluated. sampled: averages over random neurons and synapses. closure: an approximation, which must hold in the limit for
which it is stated. stationary: an equation at a stationary state. average: a closed form against an integral. filter, noise: a transfer
function against its differential equations. linear: small deviations against differences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ...errors import NoClosedFormError
from ..averages import GaussianAverage
from ..equations import MeanField, SynapseStatistics, linearised, varied_averages
from ..expressions import X
from ..notation import (
    AVERAGES,
    QUANTITIES,
    Equation,
    Filtered,
    PairCovariance,
    Synaptic,
    p,
    q,
    r,
    variation,
)


@dataclass(frozen=True)
class Equality:
    """left = right, as it is displayed, and how it is tested; rule: of the derivation, where one gave it."""

    section: str
    title: str
    left: Any
    right: Any
    holds: str
    rule: str = ""


def equalities(mean_field: MeanField) -> list[Equality]:
    """All displayed equalities, in the order of the derivation."""
    found = [
        Equality(s.section, s.title, s.before, s.right, s.holds, s.rule) for s in mean_field.record
    ]
    statistics = SynapseStatistics(mean_field.architecture.motifs, mean_field.architecture.inputs)
    for name, value in statistics.of_parts(p, q, r).items():
        found.append(
            Equality(
                "Decomposition",
                f"Covariance of parts: {name}",
                PairCovariance(sp.Symbol(name), p, q, r),
                value,
                "sampled",
            )
        )
    for name, value in statistics.definitions(p, q).items():
        found.append(
            Equality(
                "Statistics", f"Definition of {name}", QUANTITIES[name].base[p, q], value, "algebra"
            )
        )
    for e in mean_field.results:
        if e.response != "noise":
            found.append(
                Equality("Equations", f"Equation of {e.name}", e.symbol, _applied(e), "stationary")
            )
    for kind in ("membrane", "synapse"):
        for n, own in enumerate(mean_field.architecture.distinct_filters(kind)):
            if not own.is_identity:
                found.append(
                    Equality(
                        "Filters",
                        f"Filter: {kind} {n + 1}",
                        own.expression,
                        own.polynomials,
                        "filter",
                        kind,
                    )
                )
                if kind == "membrane" and "noise" in mean_field.architecture.inputs:
                    found.append(
                        Equality(
                            "Filters",
                            f"Variance that noise makes: {kind} {n + 1}",
                            own.expression,
                            own.polynomials,
                            "noise",
                            kind,
                        )
                    )
    if (
        mean_field.is_static
    ):  # its averages have no closed form, and small deviations from it no dynamics
        return found
    found += [
        Equality("Averages", title, left, right, "average")
        for title, left, right in closed_averages(mean_field)
    ]
    found += [
        Equality(
            "Linearisation",
            f"Variation of {name}",
            variation(QUANTITIES[name].base)[q],
            value,
            "linear",
            name,
        )
        for name, value in varied_averages(mean_field).items()
    ]
    for e, varied in zip(
        (*mean_field.equations, mean_field.variance), linearised(mean_field), strict=True
    ):
        found.append(
            Equality(
                "Linearisation",
                f"Variation of {e.name}",
                e.input(),
                varied.input(),
                "linear",
                e.name,
            )
        )
    return found


def _applied(e: Equation) -> sp.Expr:
    """What an equation says of a stationary state."""
    if e.response is None:
        return e.input()
    return (Synaptic if e.response == "synapse" else Filtered)(e.input(), e.indices[0])


def closed_averages(mean_field: MeanField) -> Iterator[tuple[str, GaussianAverage, sp.Expr]]:
    """The averages that have closed forms, for each distinct transfer function."""
    mean, variance = sp.Symbol("K", real=True), sp.Symbol("Delta", positive=True)
    for function in mean_field.architecture.distinct_transfers:
        if function.function is not None:
            continue
        for name in AVERAGES:
            if name not in mean_field.averages:
                continue
            try:
                shown = average_of(function.expression, name, mean, variance)
                yield f"Closed form of {name} for {function.name}", shown, shown.closed_form()
            except NoClosedFormError:
                continue


def average_of(phi: sp.Expr, name: str, mean: sp.Expr, variance: sp.Expr) -> GaussianAverage:
    """<phi>, <phi'> or <phi^2>."""
    inner = {"R": phi, "G": sp.diff(phi, X), "C": phi**2}[name]
    return GaussianAverage(inner, mean, variance)
