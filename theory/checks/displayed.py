"""Every displayed equality of a derivation, in its order, with the way in which it is tested.

algebra: both sides evaluated. sampled: averages over random neurons and synapses. closure: an
approximation, which must hold in the limit for which it is stated. stationary: an equation at a
stationary state. average: a closed form against an integral. filter, noise: a transfer function
against its differential equations. linear: small deviations against differences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..equations import MeanField, SynapseStatistics, linearised, varied_averages, varying
from ..notation import (
    QUANTITIES,
    Equation,
    Filtered,
    PairCovariance,
    Synaptic,
    m,
    p,
    q,
    r,
    variation,
)


@dataclass(frozen=True)
class Equality:
    """left = right, as it is displayed, and how it is tested.

    Args:
        section, title: Where it is displayed.
        left, right: Expressions; of a filter, the filter and its coefficients.
        holds: The way in which it is tested, see above.
        rule: Of the derivation, or the name of a quantity, where there is one.
    """

    section: str
    title: str
    left: Any
    right: Any
    holds: str
    rule: str = ""


def equalities(mean_field: MeanField) -> list[Equality]:
    """All displayed equalities, in the order of the derivation.

    Args:
        mean_field: The equations, with the record of their derivation.

    Returns:
        Steps of the derivation, covariances and definitions, equations, filters; then, unless the
        equations are of fixed points alone, closed averages and the linearisation: static equations
        have averages without a closed form, and deviations from their solutions no dynamics.
    """
    steps = [
        Equality(s.section, s.title, s.before, s.right, s.holds, s.rule) for s in mean_field.record
    ]
    found = [*steps, *_of_statistics(mean_field), *_of_states(mean_field), *_of_filters(mean_field)]
    if mean_field.is_static:
        return found
    return [*found, *_of_averages(mean_field), *_of_deviations(mean_field)]


def _of_statistics(mean_field: MeanField) -> Iterator[Equality]:
    statistics = SynapseStatistics.of(mean_field.architecture)
    for name, value in statistics.of_parts(p, q, r).items():
        pair = PairCovariance(sp.Symbol(name), p, q, r)
        yield Equality("Decomposition", f"Covariance of parts: {name}", pair, value, "sampled")
    for name, value in statistics.definitions(p, q).items():
        symbol = QUANTITIES[name].base[p, q]
        yield Equality("Statistics", f"Definition of {name}", symbol, value, "algebra")


def _of_states(mean_field: MeanField) -> Iterator[Equality]:
    for e in mean_field.results:
        if e.response != "noise":
            title = f"Equation of {e.name}"
            right = _applied(e if mean_field.is_static else mean_field.shown(e))
            yield Equality("Equations", title, e.symbol, right, "stationary")


def _of_filters(mean_field: MeanField) -> Iterator[Equality]:
    """A filter and the coefficients of its differential equation."""
    noisy = "noise" in mean_field.architecture.inputs
    for kind in ("membrane", "synapse"):
        for n, own in enumerate(mean_field.architecture.distinct_filters(kind)):
            if own.is_identity:
                continue
            title, sides = f"{kind} {n + 1}", (own, own.polynomials)
            yield Equality("Filters", f"Filter: {title}", *sides, "filter", kind)
            if kind == "membrane" and noisy:
                title = f"Variance that noise makes: {title}"
                yield Equality("Filters", title, *sides, "noise", kind)


def _of_averages(mean_field: MeanField) -> Iterator[Equality]:
    for name, transfer, average, form in mean_field.closed_averages():
        title = f"Closed form of {name} for {transfer}"
        yield Equality("Averages", title, average, form, "average")


def _of_deviations(mean_field: MeanField) -> Iterator[Equality]:
    for name, value in varied_averages(mean_field).items():
        symbol = variation(QUANTITIES[name].base)[(m, q) if mean_field.components else q]
        yield Equality("Linearisation", f"Variation of {name}", symbol, value, "linear", name)
    for e, varied in zip(varying(mean_field), linearised(mean_field), strict=True):
        title, sides = f"Variation of {e.name}", (e.input(), varied.input())
        yield Equality("Linearisation", title, *sides, "linear", e.name)


def _applied(e: Equation) -> sp.Expr:
    """What an equation says of a stationary state."""
    if e.response is None:
        return e.input()
    return (Synaptic if e.response == "synapse" else Filtered)(e.input(), e.indices[0])
