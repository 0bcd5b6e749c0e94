"""The parts of a derivation one by one, each a method that records its steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from ..architecture import Architecture
from ..averages import GaussianAverage
from ..notation import (
    QUANTITIES,
    C,
    Delta,
    E,
    E_back,
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
from .closures import Closure
from .mean_field import MeanField
from .record import Record
from .rules import Latents
from .statistics import SynapseStatistics


class Deriving:
    """A derivation on its way: every method derives one part and records its steps."""

    def __init__(self, architecture: Architecture, closure: Closure):
        self.architecture, self.closure, self.record = architecture, closure, Record()
        self.latents = Latents(architecture)
        self.statistics = SynapseStatistics.of(architecture)

    def result(self) -> MeanField:
        self.feedback: Equation | None = None
        inputs = self.decomposed()
        mean, sent = self.mean_coupling(inputs["mean"]), self.row_drive(inputs.get("rows"))
        later = self.column_terms(inputs.get("columns")) | self.residual_terms(inputs["residual"])
        features = self.of_features(inputs.get("assortativity"))
        variance = self.variance()
        equations = [
            *self.of_means(mean, later),
            *self.of_rows(sent, variance),
            *features,
            *self.of_closure(),
            *self.of_inputs(),
        ]
        components = self.of_components([*equations, variance])
        whole = (
            *components,
            *equations,
            variance,
            *([self.feedback] if self.feedback is not None else []),
        )
        definitions = {
            n: value for n, value in self.statistics.definitions(p, q).items() if occurs(n, whole)
        }
        return MeanField(
            self.architecture,
            self.closure,
            tuple(equations),
            variance,
            definitions,
            {} if self.closure.is_static else self.averages(whole),
            self.record,
            feedback=self.feedback,
            components=tuple(components),
        )

    def of_features(self, term: sp.Expr | None) -> list[Equation]:
        """The latent variables along features: none without assortativity."""
        return []

    def of_components(self, whole: list[Equation]) -> list[Equation]:
        """What the components of the strengths add up to: nothing without components."""
        return []

    def averages(self, whole: Sequence[Equation]) -> dict[str, GaussianAverage]:
        """The averages that occur, over N(K_q, Delta_q)."""
        return {
            name: GaussianAverage.of(f, K[q], Delta[q])
            for name, f in AVERAGED.items()
            if occurs(name, whole)
        }

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
        if not self.statistics.returns:
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
            self.feedback = equation_of("Gamma", p, {}, None)
            return {}
        term = self.record.apply(
            "Return through reciprocal synapses",
            rules.return_through_synapses,
            term,
            self.statistics,
        )
        factor = term.xreplace({Rate(p, x[i]): sp.Integer(1)})
        self.feedback = equation_of("Gamma", p, {"feedback": factor}, None)
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
        return equation_of("Delta", p, self.variance_parts(), None)

    def variance_parts(self) -> dict[str, sp.Expr]:
        """What the variance of the input current within a population adds up to."""
        self.record.begin("Variance and closure")
        ansatz = rules.current(i, p, self.statistics, self.latents)
        left = Variance(ansatz - y[i], i, p)
        parts = self.latent_variance(ansatz, left)
        field = over_populations(OverNeurons(w[i, j] * Rate(q, x[j]), j, q), q)
        residual = self.record.apply(
            "Variance of the residual field",
            self.residual_variance,
            ansatz,
            self.statistics,
            left=Variance(field, i, p),
        )
        second = self.felt_second_moment()
        felt = {C[q]: second, R[q]: self.latents.rate(p, q) / alpha[q]}

        def close(term: sp.Expr) -> sp.Expr:
            return (
                Term.of("residual", term).expression().xreplace(felt)
                if second != 0
                else sp.Integer(0)
            )

        close.__doc__ = self.closure.statement
        closed = self.record.apply(f"Closure: {type(self.closure).__name__}", close, residual)
        if second != 0:
            parts = {**parts, "residual": closed}
        return parts

    def latent_variance(self, ansatz: sp.Expr, left: sp.Expr) -> dict[str, sp.Expr]:
        """The variance of all but the residual field."""
        return self.record.apply(
            "Variance within a population",
            rules.latent_variance,
            ansatz,
            self.statistics,
            self.latents,
            left=left,
        )

    @property
    def residual_variance(self) -> Callable[..., sp.Expr]:
        """The rule for the variance of the residual field."""
        return rules.residual_variance

    def feels_rates(self, variance: Equation) -> bool:
        """Whether something depends on filtered rates alone, without inputs along strengths."""
        return self.statistics.has_reciprocal_residual or _has_rate(variance.terms)

    def felt_second_moment(self) -> sp.Expr:
        """What stands for C_q, in latent variables as neurons of p feel them."""
        return self.closure.second_moment().xreplace(
            {kappa[q]: self.latents.rate(p, q), s[q]: self.latents.along(s, p, q)}
        )

    def of_means(self, mean: sp.Expr, later: dict[str, sp.Expr]) -> list[Equation]:
        own = {"mean_coupling": mean}
        if not self.architecture.has_synapses:
            return [equation_of("K", p, {**own, **later, "drive": drive[p]})]
        if not later:
            return [equation_of("K", p, {**own, "drive": drive[p]})]
        whole = equation_of(
            "K", p, {**own, "columns": over_populations(current[f, p], f), "drive": drive[p]}
        )
        return [whole, equation_of("current", (f, p), later, "synapse")]

    def of_rows(self, sent: sp.Expr, variance: Equation) -> list[Equation]:
        found = (
            [equation_of("e", q, {"fraction": alpha[q] * R[q]}, "synapse")]
            if self.architecture.has_synapses
            else []
        )
        parts = {"sent" if self.architecture.has_synapses else "fraction": sent}
        index = (p, q) if self.latents.by_target else q
        if "in-strength" not in self.architecture.inputs:
            return [equation_of("kappa", index, parts), *found]
        found = [equation_of("kappa", index, {**parts, "in_strength": in_strength[q]}), *found]
        return [*found, equation_of("rho", index, parts)] if self.feels_rates(variance) else found

    def of_closure(self) -> list[Equation]:
        found = []
        for name, (_, target) in self.closure.extra_equations().items():
            index = (p, q) if self.latents.by_target else q
            if self.architecture.has_synapses:
                found += [
                    equation_of("v", q, {"target": target}, "synapse"),
                    equation_of(name, index, {"sent": v[q]}),
                ]
            else:
                found.append(equation_of(name, index, {"target": target}))
        return found

    def of_inputs(self) -> list[Equation]:
        found = (
            [equation_of("z", p, {"spread": spread[p]})]
            if "spread" in self.architecture.inputs
            else []
        )
        return (
            [*found, equation_of("V", p, {"intensity": noise[p]}, "noise")]
            if "noise" in self.architecture.inputs
            else found
        )


def equation_of(
    name: str, index: Any, parts: dict[str, sp.Expr], response: str | None = "membrane"
) -> Equation:
    """An equation from its terms, each a product of sums; a sum in a product is multiplied out."""
    terms = [t for key, part in parts.items() for t in _terms(key, part)]
    return Equation(name, index, tuple(terms), response)


def _terms(key: str, part: sp.Expr) -> list[Term]:
    whole = Term.of(key, part)
    if not any(isinstance(factor, sp.Add) for factor in sp.Mul.make_args(whole.summand)):
        return [whole]
    found = []
    for summand in sp.Add.make_args(sp.expand(whole.summand)):
        explained = "_explained" if summand.has(E, E_back) else ""
        of_mean = "_of_mean" if summand.has(*MEAN_RATES) and part.has(s) else ""
        found.append(Term(f"{key}{explained}{of_mean}", summand, whole.sums))
    return found


def _has_rate(terms: Sequence[Term]) -> bool:
    return any(t.summand.has(rho) for t in terms)


def occurs(name: str, whole: Sequence[Equation]) -> bool:
    """Whether a quantity occurs in one of the equations."""
    return any(t.summand.has(QUANTITIES[name].base) for e in whole for t in e.terms)


MEAN_RATES = (kappa, rho)
AVERAGED = {
    "R": lambda x: Rate(q, x),
    "G": lambda x: Rate(q, x, 1),
    "C": lambda x: Rate(q, x) ** 2,
}
"""What the averages are of, by their names."""
