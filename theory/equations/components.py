"""The derivation where strengths have components, or synapses know features of both neurons."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from ...errors import ArchitectureError
from ..architecture import Architecture
from ..averages import GaussianAverage
from ..notation import (
    C_c,
    Delta_c,
    Equation,
    Filtered,
    G_c,
    K,
    Mean,
    R_c,
    Rate,
    Synaptic,
    Term,
    along,
    beta,
    eta,
    f,
    feature,
    i,
    j,
    k,
    l,
    m,
    over_populations,
    p,
    pattern_input,
    q,
    rho,
    shift,
    sources,
    weight,
    x,
    y,
    z,
)
from . import component_rules as rules
from .closures import Closure, LowRank
from .deriving import AVERAGED, Deriving, equation_of, occurs
from .rules import current, gather_sources


def refuse_strengths(architecture: Architecture, closure: Closure) -> None:
    """Raise `ArchitectureError` for what components of strengths are not derived with."""
    own, name = architecture.strengths, type(closure).__name__
    if closure.is_static:
        raise ArchitectureError(
            f"{name} is derived for Gaussian strengths without assortativity or patterns: use "
            "SecondMoment()"
        )
    if own.has_centres and "convergent" not in architecture.motifs and not architecture.features:
        raise ArchitectureError(
            f"strengths = {type(own).__name__}() is about in- and out-strengths, which vary only "
            "with convergent motifs"
        )
    if architecture.assortativity and not {"convergent", "divergent"} <= architecture.motifs:
        raise ArchitectureError(
            "assortativity is about in- and out-strengths: it needs convergent and divergent motifs"
        )
    if not own.has_widths and "out-strength" in architecture.inputs:
        raise ArchitectureError(
            "an input correlated with the out-strength is derived for strengths that vary within "
            "a component, not for Empirical()"
        )
    if "out-strength" in architecture.inputs and architecture.assortativity:
        raise ArchitectureError(
            "an input correlated with the out-strength is correlated with features of strengths, "
            "too, whose covariance with it is no parameter: leave out assortativity, or the input "
            "'out-strength'"
        )
    if own.is_quenched and isinstance(closure, LowRank):
        raise ArchitectureError(
            "with the strengths of a given network the residual acts on deviations of rates from "
            "their mean, which LowRank() leaves out: use SecondMoment(), or MotifOnly()"
        )


class DerivingComponents(Deriving):
    """A derivation with components of strengths, of which Gaussian ones have one."""

    def __init__(self, architecture: Architecture, closure: Closure):
        super().__init__(architecture, closure)
        self.own = rules.Widths(architecture)

    def decomposed(self) -> dict[str, sp.Expr]:
        parts = super().decomposed()
        self.record.begin("Components")
        for name, (left, total) in self.own.moments().items():
            self.record.apply(f"Components: {name}", rules.moments_of_components, left, total)
        mean = Mean(Rate(q, x[j]), j, q)
        total = over_populations(weight[m, q] * R_c[m, q], m)
        rule = (
            rules.average_over_components
            if self.own.shift(self.latents)
            else rules.average_over_component
        )
        self.record.apply("Components: averages", rule, mean, total)
        return parts

    @property
    def over_components(self) -> Callable[..., dict[str, sp.Expr]]:
        """The rule for covariances with rates."""
        return rules.stein_in_components if self.own.widths else rules.deviations_of_components

    def column_terms(self, term: sp.Expr | None) -> dict[str, sp.Expr]:
        if term is None:
            return {}
        self.record.begin("Columns")
        term = self.record.apply("Columns: named covariances", rules.name_out_strengths, term)
        parts = self.own.covariance_with_columns(self.latents)
        if "out-strength" in self.architecture.inputs:
            offsets = self.statistics.offset(p, q) * z[q] * weight[m, q] * G_c[m, q]
            parts["out_strength"] = over_populations(offsets, m)
        if not parts:
            return {}
        self.columns = parts
        self.record.apply("Columns: sum over components", self.over_components, beta[p, q], parts)
        if self.architecture.has_synapses:
            term = self.record.apply("Columns: equal synapses", gather_sources, term)
            term = term.args[0].args[0]
        return {"columns": term}

    def residual_terms(self, term: sp.Expr) -> dict[str, sp.Expr]:
        if not self.architecture.strengths.is_quenched:
            return super().residual_terms(term)
        self.record.begin("Reciprocal motifs")
        self.record.apply("Residual: within the strengths", rules.residual_in_strengths, term)
        return {}

    def of_features(self, term: sp.Expr | None) -> list[Equation]:
        if term is None:
            return []
        self.record.begin("Assortativity")
        term = self.record.apply("Assortativity: named covariances", rules.name_features, term)
        parts = self.own.covariance_with_features(self.latents)
        self.record.apply(
            "Assortativity: sum over components",
            self.over_components,
            eta[q, l],
            parts,
        )
        led, whole = {}, term
        if "pattern" in self.architecture.inputs:
            led = {"pattern_input": pattern_input[p, k]}
            given = over_populations(pattern_input[p, k] * feature[i, k], k)
            whole = sp.Add(term, given, evaluate=False)
        self.record.apply(
            "Latent variables along features",
            rules.collect_features,
            whole,
            left=Filtered(whole, p),
        )
        return self.along_features(term, led)

    def along_features(self, term: sp.Expr, led: dict[str, sp.Expr]) -> list[Equation]:
        """The equations of theta: what synapses send along features, and the input along them."""
        summed = Term.of("assortativity", term.replace(Synaptic, lambda body, _: body))
        sums = tuple(index for index in summed.sums if index != k)
        reached = summed.summand / feature[i, k]
        if not self.architecture.has_synapses:
            own = {"assortativity": over_populations(reached, *sums)}
            return [equation_of("theta", (p, k), own | led)]
        own = {"assortativity": over_populations(sources[f, q] * reached, *sums)}
        through = over_populations(along[f, p, k], f)
        return [
            equation_of("theta", (p, k), {"through": through} | led),
            equation_of("along", (f, p, k), own, "synapse"),
        ]

    def latent_variance(self, ansatz: sp.Expr, left: sp.Expr) -> dict[str, sp.Expr]:
        return self.record.apply(
            "Variance within a population",
            rules.variance_over_components,
            ansatz,
            self.own.shift(self.latents),
            self.own.variance(self.latents),
            left=left,
        )

    def variance_parts(self) -> dict[str, sp.Expr]:
        parts = super().variance_parts()
        residual = parts.pop("residual", None)
        self.within = self.own.variance(self.latents) | rules.independent_parts(self.ansatz())
        if residual is not None:
            self.within["residual"] = residual
        total = {"within": over_populations(weight[m, p] * Delta_c[m, p], m)}
        if self.own.shift(self.latents):
            total["between"] = over_populations(weight[m, p] * shift[m, p] ** 2, m)
        return total

    def ansatz(self) -> sp.Expr:
        """The input current of a neuron without its residual field."""
        return current(i, p, self.statistics, self.latents) - y[i]

    def of_components(self, whole: list[Equation]) -> list[Equation]:
        found = [equation_of("Delta_c", (m, p), self.within, None)]
        if shifts := self.own.shift(self.latents):
            found.insert(0, equation_of("shift", (m, p), shifts, None))
        if hasattr(self, "columns"):
            found.append(equation_of("beta", (p, q), self.columns, None))
        if self.own.features:
            parts = self.own.covariance_with_features(self.latents)
            found.append(equation_of("eta", (q, l), parts, None))
        for name, own in (("R", R_c), ("G", G_c), ("C", C_c)):
            if occurs(name, [*whole, *found]):
                total = over_populations(weight[m, q] * own[m, q], m)
                found.append(equation_of(name, q, {"weight": total}, None))
        return found

    def averages(self, whole: Sequence[Equation]) -> dict[str, GaussianAverage]:
        mean = K[q] + (shift[m, q] if self.own.shift(self.latents) else 0)
        return {
            name: GaussianAverage.of(f, mean, Delta_c[m, q])
            for name, f in AVERAGED.items()
            if occurs(f"{name}_c", whole)
        }

    @property
    def residual_variance(self) -> Callable[..., sp.Expr]:
        if self.architecture.strengths.is_quenched:
            return rules.residual_variance_in_strengths
        return super().residual_variance

    def feels_rates(self, variance: Equation) -> bool:
        returns = self.statistics.returns and not self.architecture.strengths.is_quenched
        residual = self.within.get("residual", sp.Integer(0))
        return returns or residual.has(rho)
