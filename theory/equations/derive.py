"""From an architecture and a closure to mean-field equations, by rules that are recorded."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ...errors import ArchitectureError
from ..architecture import Architecture
from ..averages import GaussianAverage
from ..notation import (
    AVERAGES,
    QUANTITIES,
    C,
    Delta,
    Equation,
    Filtered,
    G,
    K,
    OverNeurons,
    PairCovariance,
    R,
    Rate,
    Synaptic,
    Term,
    Variance,
    alpha,
    current,
    drive,
    f,
    i,
    in_strength,
    j,
    kappa,
    noise,
    over_populations,
    p,
    q,
    r,
    rho,
    s,
    spread,
    u,
    v,
    w,
    x,
    y,
)
from . import rules
from .closures import Closure, LowRank
from .mean_field import MeanField
from .record import Record
from .rules import Latents
from .statistics import SynapseStatistics


def equations(architecture: Architecture, closure: Closure | None = None) -> MeanField:
    """The mean-field equations of a network with correlated synapses, and the record of the rules.

    `derive` makes the record readable; see there.

    Args:
        architecture: Populations, transfer functions, filters, motifs and inputs.
        closure: What stands for the second moment of the rates; default `LowRank()`.

    Raises:
        ArchitectureError: The closure does not apply to the architecture.

    Source: after Zhang, Yu, Tao and Shao, arXiv:2606.27946; docs/theory.md, sections 1 and 2.
    """
    closure = LowRank() if closure is None else closure
    if not isinstance(closure, Closure):
        raise ArchitectureError(
            f"closure {closure!r} is not a closure object, such as LowRank() or SecondMoment()"
        )
    if "noise" in architecture.inputs and not closure.allows_noise:
        raise ArchitectureError(
            f"{type(closure).__name__} has no exact Gaussian closure with white noise: the second "
            "moment of the "
            "rates then mixes what neurons keep with what changes in time, which the residual "
            "field filters "
            "differently; use LowRank() or MotifOnly()"
        )
    if closure.is_static:
        _refuse_dynamics(architecture, closure)
    return _Deriving(architecture, closure).result()


def _refuse_dynamics(architecture: Architecture, closure: Closure) -> None:
    """Raise `ArchitectureError` for what equations of fixed points alone leave out."""
    name = type(closure).__name__
    if not architecture.is_unit:
        raise ArchitectureError(
            f"{name} is of fixed points alone, which know of a filter its static gain only: leave "
            "the filters out of the "
            "architecture (and scale what they amplify)"
        )
    if architecture.inputs:
        raise ArchitectureError(
            f"{name} is derived for an input that is the same within a population, not for "
            f"{sorted(architecture.inputs)[0]!r}"
        )
    for function in architecture.distinct_transfers:
        if function.function is not None:
            continue
        if not function.is_continuous:
            raise ArchitectureError(
                f"{name} needs continuous transfer functions: {function.name} = "
                f"{function.expression} jumps, and "
                "x = h + Gamma phi(x) then has no or several solutions"
            )


class _Deriving:
    """A derivation on its way: every method derives one part and records its steps."""

    def __init__(self, architecture: Architecture, closure: Closure):
        self.architecture, self.closure, self.record = architecture, closure, Record()
        self.latents = Latents(architecture)
        self.statistics = SynapseStatistics(architecture.motifs, architecture.inputs)

    def result(self) -> MeanField:
        self.feedback: Equation | None = None
        inputs = self.decomposed()
        mean, sent = self.mean_coupling(inputs["mean"]), self.row_drive(inputs.get("rows"))
        later = self.column_terms(inputs.get("columns")) | self.residual_terms(inputs["residual"])
        variance = self.variance()
        equations = [
            *self.of_means(mean, later),
            *self.of_rows(sent, variance),
            *self.of_closure(),
            *self.of_inputs(),
        ]
        whole = (*equations, variance, *([self.feedback] if self.feedback is not None else []))
        used = {
            name
            for name in AVERAGES
            if any(t.summand.has(QUANTITIES[name].base) for e in whole for t in e.terms)
        }
        definitions = {
            n: value
            for n, value in self.statistics.definitions(p, q).items()
            if any(t.summand.has(QUANTITIES[n].base) for e in whole for t in e.terms)
        }
        return MeanField(
            self.architecture,
            self.closure,
            tuple(equations),
            variance,
            definitions,
            {} if self.closure.is_static else _averages(used),
            self.record,
            feedback=self.feedback,
        )

    def given(self) -> None:
        """The statistics that the network is made with."""
        self.record.begin("Statistics")
        found = self.statistics.given(p, q, r)
        for motif, value in found.items():
            pair = PairCovariance(sp.Symbol(motif), p, q, r)
            self.record.apply(f"Statistics: {motif}", rules.statistic, pair, value)

    def decomposed(self) -> dict[str, sp.Expr]:
        self.given()
        self.record.begin("Decomposition")
        inputs = self.record.apply(
            "Decomposition of the synapses",
            rules.decompose,
            rules.recurrent_input(self.latents),
            self.statistics,
        )
        self.record.begin("Population averages")
        return {
            name: self.record.apply(f"Population average: {name}", rules.average_over_neurons, part)
            for name, part in inputs.items()
        }

    def named(self, title: str, term: sp.Expr) -> sp.Expr:
        """Averages and what synapses pass on, by their names."""
        term = self.record.apply(title, rules.name_averages, term)
        if term.has(Synaptic) and not term.has(G):
            term = self.record.apply(
                f"{title}, as synapses pass it on", rules.name_synaptic_rate, term
            )
        return term

    def mean_coupling(self, term: sp.Expr) -> sp.Expr:
        self.record.begin("Mean coupling")
        return self.named("Mean coupling", term)

    def row_drive(self, term: sp.Expr | None) -> sp.Expr:
        if term is None:
            return self.latents.sent(q)
        self.record.begin("Convergent motifs")
        term = self.record.apply(
            "Rows: scaling", rules.scale_rows, self.named("Rows: named averages", term)
        )
        along = term.args[0].coeff(u[i, q])
        drive = (
            over_populations(in_strength[q] * u[i, q], q)
            if "in-strength" in self.architecture.inputs
            else sp.Integer(0)
        )
        whole = sp.Add(term, drive, evaluate=False) if drive != 0 else term
        self.record.apply(
            "Latent variables of the variability",
            rules.collect_rows,
            whole,
            self.latents,
            left=Filtered(whole, p),
        )
        return along

    def column_terms(self, term: sp.Expr | None) -> dict[str, sp.Expr]:
        if term is None:
            return {}
        self.record.begin(
            "Chain motifs" if "chain" in self.architecture.motifs else "Divergent motifs"
        )
        term = self.record.apply(
            "Columns: Stein's lemma",
            rules.stein_in_field if self.closure.is_static else rules.stein,
            term,
        )
        parts = self.record.apply(
            "Columns: covariance with the input current",
            rules.covariance_with_columns,
            term,
            self.statistics,
            self.latents,
        )
        titles = {"chain": "Chains", "out_strength": "Offsets and out-strengths"}
        return {
            name: self.gathered(titles[name], part)
            for name, part in parts.items()
            if not rules.is_zero(part)
        }

    def residual_terms(self, term: sp.Expr) -> dict[str, sp.Expr]:
        self.record.begin("Reciprocal motifs")
        if self.closure.is_static:
            return self.returned(term)
        term = self.record.apply("Residual: Stein's lemma", rules.stein, term)
        if not self.statistics.has_reciprocal_residual:
            self.record.apply("Residual: no reciprocal motifs", rules.uncorrelated_residual, term)
            return {}
        term = self.record.apply(
            "Reciprocal motifs", rules.covariance_with_residual, term, self.statistics, self.latents
        )
        term = self.record.apply(
            "Reciprocal motifs: filtered rate", rules.filtered_rate, term, self.latents
        )
        return {"reciprocal": self.gathered("Reciprocal motifs", term)}

    def returned(self, term: sp.Expr) -> dict[str, sp.Expr]:
        """What a neuron feels of its own rate: no part of the mean."""
        term = self.record.apply("Residual: Stein's lemma", rules.stein_in_field, term)
        if not self.statistics.has_reciprocal_residual:
            self.record.apply("Residual: no reciprocal motifs", rules.uncorrelated_residual, term)
            self.feedback = _equation("Gamma", p, {}, None)
            return {}
        term = self.record.apply(
            "Return through reciprocal synapses",
            rules.return_through_synapses,
            term,
            self.statistics,
        )
        factor = term.xreplace({Rate(p, x[i]): sp.Integer(1)})
        self.feedback = _equation("Gamma", p, {"feedback": factor}, None)
        self.record.apply("The neuron's own rate", rules.collect_return, term, factor)
        return {}

    def gathered(self, title: str, term: sp.Expr) -> sp.Expr:
        """Named averages; where synapses have filters, the sum of all sources with the same one."""
        if self.closure.is_static:
            return term
        term = self.record.apply(f"{title}: named averages", rules.name_averages, term)
        if not term.has(Synaptic):
            return term
        return (
            self.record.apply(f"{title}: equal synapses", rules.gather_sources, term)
            .args[0]
            .args[0]
        )

    def variance(self) -> Equation:
        self.record.begin("Variance and closure")
        ansatz = rules.current(i, p, self.statistics, self.latents)
        left = Variance(ansatz - y[i], i, p)
        parts = self.record.apply(
            "Variance within a population",
            rules.latent_variance,
            ansatz,
            self.statistics,
            self.latents,
            left=left,
        )
        field = over_populations(OverNeurons(w[i, j] * Rate(q, x[j]), j, q), q)
        residual = self.record.apply(
            "Variance of the residual field",
            rules.residual_variance,
            ansatz,
            self.statistics,
            left=Variance(field, i, p),
        )
        second = self.closure.second_moment()
        second = second.xreplace(
            {kappa[q]: self.latents.rate(p, q), s[q]: self.latents.along(s, p, q)}
        )

        def close(term: sp.Expr) -> sp.Expr:
            return (
                Term.of("residual", term).expression().xreplace({C[q]: second})
                if second != 0
                else sp.Integer(0)
            )

        close.__doc__ = self.closure.statement
        closed = self.record.apply(f"Closure: {type(self.closure).__name__}", close, residual)
        if second != 0:
            parts = {**parts, "residual": closed}
        return _equation("Delta", p, parts, None)

    def of_means(self, mean: sp.Expr, later: dict[str, sp.Expr]) -> list[Equation]:
        own = {"mean_coupling": mean}
        if not self.architecture.has_synapses:
            return [_equation("K", p, {**own, **later, "drive": drive[p]})]
        if not later:
            return [_equation("K", p, {**own, "drive": drive[p]})]
        whole = _equation(
            "K", p, {**own, "columns": over_populations(current[f, p], f), "drive": drive[p]}
        )
        return [whole, _equation("current", (f, p), later, "synapse")]

    def of_rows(self, sent: sp.Expr, variance: Equation) -> list[Equation]:
        found = (
            [_equation("e", q, {"fraction": alpha[q] * R[q]}, "synapse")]
            if self.architecture.has_synapses
            else []
        )
        parts = {"sent" if self.architecture.has_synapses else "fraction": sent}
        index = (p, q) if self.latents.by_target else q
        if "in-strength" not in self.architecture.inputs:
            return [_equation("kappa", index, parts), *found]
        alone = self.statistics.has_reciprocal_residual or any(
            t.summand.has(rho) for t in variance.terms
        )
        found = [_equation("kappa", index, {**parts, "in_strength": in_strength[q]}), *found]
        return [*found, _equation("rho", index, parts)] if alone else found

    def of_closure(self) -> list[Equation]:
        found = []
        for name, (_, target) in self.closure.extra_equations().items():
            index = (p, q) if self.latents.by_target else q
            if self.architecture.has_synapses:
                found += [
                    _equation("v", q, {"target": target}, "synapse"),
                    _equation(name, index, {"sent": v[q]}),
                ]
            else:
                found.append(_equation(name, index, {"target": target}))
        return found

    def of_inputs(self) -> list[Equation]:
        found = (
            [_equation("z", p, {"spread": spread[p]})]
            if "spread" in self.architecture.inputs
            else []
        )
        return (
            [*found, _equation("V", p, {"intensity": noise[p]}, "noise")]
            if "noise" in self.architecture.inputs
            else found
        )


def _equation(
    name: str, index: Any, parts: dict[str, sp.Expr], response: str | None = "membrane"
) -> Equation:
    return Equation(name, index, tuple(Term.of(key, part) for key, part in parts.items()), response)


def _averages(used: set[str]) -> dict[str, GaussianAverage]:
    functions = {
        "R": lambda x: Rate(q, x),
        "G": lambda x: Rate(q, x, 1),
        "C": lambda x: Rate(q, x) ** 2,
    }
    return {
        name: GaussianAverage.of(f, K[q], Delta[q]) for name, f in functions.items() if name in used
    }
