"""From an architecture and a closure to mean-field equations, as sums over a symbolic number of populations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy as sp

from ...errors import ArchitectureError
from ..architecture import Architecture
from ..averages import GaussianAverage
from ..expressions import X
from ..notation import (
    AVERAGES,
    DRIVES,
    PARAMETERS,
    QUANTITIES,
    C,
    Delta,
    Equation,
    Filtered,
    G,
    K,
    N,
    OverNeurons,
    PairCovariance,
    R,
    Rate,
    Synaptic,
    Term,
    Variance,
    alpha,
    current,
    definition_latex,
    drive,
    equation_latex,
    f,
    i,
    in_strength,
    j,
    kappa,
    latex,
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
from .explicit import expand
from .record import Record
from .rules import Latents
from .statistics import SynapseStatistics

FEEDBACK_LATEX = [
    (r"R_{q}", r"\left\langle \phi_{q}(x) \right\rangle"),
    (
        r"\langle d\phi / dh \rangle_{q}",
        r"\left\langle \frac{\phi_{q}'(x)}{1 - \Gamma_{q} \, \phi_{q}'(x)} \right\rangle",
    ),
    (r"C_{q}", r"\left\langle \phi_{q}(x)^2 \right\rangle"),
]
FEEDBACK = [
    "R[q] = <phi(x)>, C[q] = <phi(x)**2>, susceptibility[q] = <phi'(x)/(1 - Gamma[q]*phi'(x))>",
    "over x = h + Gamma[q]*phi(x), h ~ N(K[q], Delta[q])",
]


@dataclass(frozen=True)
class MeanField:
    """The mean-field equations of an architecture under a closure, and how they came about.

    equations: of the states K, kappa and others, each what a filter makes of its terms, dX/dt = -X + terms for the unit filter; variance:
    Delta_p; definitions: A_pq, B_pq; averages: the Gaussian averages R_q, G_q, C_q that occur, over N(K_q, Delta_q); record: the rules that
    were applied; derivation: the same to read and check; feedback: Gamma_p, where neurons feel their own rate (`Cavity`): averages are then over
    x = h + Gamma phi(x), h ~ N(K, Delta).
    """

    architecture: Architecture
    closure: Closure
    equations: tuple[Equation, ...]
    variance: Equation
    definitions: dict[str, sp.Expr]
    averages: dict[str, GaussianAverage]
    record: Record
    derivation: Any = None
    feedback: Equation | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states, each with one value per population."""
        return tuple(equation.name for equation in self.equations)

    @property
    def is_unit(self) -> bool:
        """Whether the equations are dX/dt = -X + terms; otherwise their filters are those of the architecture."""
        return self.architecture.is_unit

    @property
    def is_static(self) -> bool:
        """Whether the equations hold at fixed points alone."""
        return self.closure.is_static

    @property
    def results(self) -> tuple[Equation, ...]:
        """All equations: of the states, of Delta, and of Gamma where there is one."""
        return (
            *self.equations,
            self.variance,
            *([self.feedback] if self.feedback is not None else []),
        )

    @property
    def displayed(self) -> tuple[Equation, ...]:
        """The same as they are displayed: static ones without a time derivative."""
        return (
            tuple(replace(e, response=None) for e in self.results)
            if self.is_static
            else self.results
        )

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that the equations depend on, `N` and the inputs included; those of functions and filters come apart."""
        everything = [t.summand for e in self.results for t in e.terms] + list(
            self.definitions.values()
        )
        bases = {str(b) for e in everything for b in e.atoms(sp.IndexedBase)}
        has_N = any(e.has(N) for e in everything)
        return (
            *(["N"] if has_N else []),
            *(name for name in (*PARAMETERS, *DRIVES) if name in bases),
        )

    def explicit(
        self, populations: int | list[str] | None = None, *, closed: bool = False
    ) -> list[sp.Eq]:
        """Scalar equations for P = 1..4: definitions, averages, variances, then the states' derivatives.

        `populations` is a number or names (default: the architecture's). Symbols are `K_E`, `tau_chn_EEI`; with `closed=True`
        averages are written in closed form where there is one. Raises `ArchitectureError` for other P.
        """
        if self.is_static:
            raise ArchitectureError(
                f"equations of {type(self.closure).__name__} are not written out: their averages are over x = h + Gamma phi(x)"
            )
        results = (self.variance, *self.equations)
        return expand(
            self.architecture, self.definitions, results, self.averages, populations, closed=closed
        )

    def latex_lines(self) -> list[str]:
        """Every final equation on a line of its own: states, variance, averages, definitions."""
        lines = []
        for equation in self.displayed:
            left, terms = equation_latex(equation, unit=self.is_unit)
            lines.append(f"{left} = {' '.join(terms)}")
        return lines + self._definition_lines()

    def latex(self) -> str:
        """The final equations as an `aligned` block, one term per line where an equation is long."""
        lines = []
        for equation in self.displayed:
            left, terms = equation_latex(equation, unit=self.is_unit)
            lines.append(f"{left} &= {' '.join(terms[:2])}")
            lines += [rf"&\quad {term}" for term in terms[2:]]
        lines += [line.replace(" = ", " &= ", 1) for line in self._definition_lines()]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _definition_lines(self) -> list[str]:
        lines = []
        for name, average in self.averages.items():
            inside = latex(average.f).replace(r"\left(x\right)", "(x)")
            lines.append(
                rf"{QUANTITIES[name].latex}_{{q}} = \left\langle {inside} \right\rangle, \quad "
                rf"x \sim \mathcal{{N}}(K_{{q}}, \Delta_{{q}})"
            )
        if self.feedback is not None:
            lines += [f"{left} = {right}" for left, right in FEEDBACK_LATEX]
            lines.append(
                r"x = h + \Gamma_{q} \, \phi_{q}(x), \quad h \sim \mathcal{N}(K_{q}, \Delta_{q})"
            )
        return lines + [definition_latex(name, value) for name, value in self.definitions.items()]

    def _repr_latex_(self) -> str:
        return "$$" + self.latex() + "$$"

    def _plain(self, e: Equation) -> str:
        if self.is_static:
            return f"{e.symbol} = {e.input()}"
        if self.is_unit:
            return f"d{e.symbol}/dt = {2 * (e.input() - e.symbol) if e.response == 'noise' else e.right_side()}"
        if e.response == "noise":
            return f"{e.symbol} = variance of M_{e.indices[0]}[white noise of intensity 2*({e.input()})]"
        return f"{e.symbol} = {'S' if e.response == 'synapse' else 'M'}_{e.indices[0]}[{e.input()}]"

    def __str__(self) -> str:
        lines = [self._plain(e) for e in self.equations]
        lines.append(f"{self.variance.symbol} = {self.variance.right_side()}")
        if self.feedback is not None:
            lines += [f"{self.feedback.symbol} = {self.feedback.right_side()}", *FEEDBACK]
        lines += [f"{name}[p, q] = {value}" for name, value in self.definitions.items()]
        return "\n".join(
            lines
            + [
                f"{name}[q] = <{value.f}> over N(K[q], Delta[q])"
                for name, value in self.averages.items()
            ]
        )


def equations(architecture: Architecture, closure: Closure | None = None) -> MeanField:
    """The mean-field equations of a network with correlated synapses, and the record of the rules that gave them; `derive` makes the record
    readable.

    Decomposes the synapses, collects the latent variables, evaluates the averages by Stein's lemma motif by motif, and closes the
    variance of the residual field. Source: theory after Zhang, Yu, Tao and Shao, arXiv:2606.27946. Raises `ArchitectureError` for an
    architecture to which the closure does not apply.
    """
    closure = LowRank() if closure is None else closure
    if not isinstance(closure, Closure):
        raise ArchitectureError(
            f"closure {closure!r} is not a closure object, such as LowRank() or SecondMoment()"
        )
    if "noise" in architecture.inputs and not closure.allows_noise:
        raise ArchitectureError(
            f"{type(closure).__name__} has no exact Gaussian closure with white noise: the second moment of the "
            "rates then mixes what neurons keep with what changes in time, which the residual field filters "
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
            f"{name} is of fixed points alone, which know of a filter its static gain only: leave the filters out of the "
            "architecture (and scale what they amplify)"
        )
    if architecture.inputs:
        raise ArchitectureError(
            f"{name} is derived for an input that is the same within a population, not for {sorted(architecture.inputs)[0]!r}"
        )
    for function in architecture.distinct_transfers:
        if function.function is not None:
            continue
        form = function.pieces
        for b, left, right in zip(form.breaks, form.pieces[:-1], form.pieces[1:], strict=True):
            jump = (right - left).subs(X, b).subs(function.defaults)
            if abs(sp.N(jump)) > 1e-12:
                raise ArchitectureError(
                    f"{name} needs continuous transfer functions: {function.name} = {function.expression} jumps, and "
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
    functions = {"R": Rate(q, X), "G": Rate(q, X, 1), "C": Rate(q, X) ** 2}
    return {
        name: GaussianAverage(f, K[q], Delta[q]) for name, f in functions.items() if name in used
    }
