"""From an architecture and a closure to mean-field equations, as sums over a symbolic number of populations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from ..errors import ArchitectureError
from . import rules
from .architecture import Architecture
from .closures import Closure, LowRank
from .derivation import Derivation
from .explicit import expand
from .expressions import X
from .gaussian import GaussianAverage
from .latex import definition_latex, equation_latex, latex
from .notation import AVERAGES, PARAMETERS, QUANTITIES, C, Delta, K, N, R, Rate, alpha, drive, p, q
from .statistics import SynapseStatistics
from .terms import Equation, Term


@dataclass(frozen=True)
class MeanField:
    """The mean-field equations of an architecture under a closure, and how they came about.

    equations: of the states K, kappa (and s), each dX/dt = -X + terms; variance: Delta_p; definitions: A_pq, B_pq; averages: the
    Gaussian averages R_q, G_q, C_q that occur, over N(K_q, Delta_q).
    """

    architecture: Architecture
    closure: Closure
    equations: tuple[Equation, ...]
    variance: Equation
    definitions: dict[str, sp.Expr]
    averages: dict[str, GaussianAverage]
    derivation: Derivation

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states, each with one value per population."""
        return tuple(equation.name for equation in self.equations)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that the equations depend on, `N` and the input `drive` included."""
        everything = [t.summand for e in (*self.equations, self.variance) for t in e.terms] + list(self.definitions.values())
        bases = {str(b) for e in everything for b in e.atoms(sp.IndexedBase)}
        has_N = any(e.has(N) for e in everything)
        return (*(["N"] if has_N else []), *(name for name in (*PARAMETERS, "drive") if name in bases))

    def explicit(self, populations: int | list[str] | None = None, *, closed: bool = False) -> list[sp.Eq]:
        """Scalar equations for P = 1..4: definitions, averages, variances, then the states' derivatives.

        `populations` is a number or names (default: the architecture's). Symbols are `K_E`, `tau_chn_EEI`; with `closed=True`
        averages are written in closed form where there is one. Raises `ArchitectureError` for other P.
        """
        results = (self.variance, *self.equations)
        return expand(self.architecture, self.definitions, results, self.averages, populations, closed=closed)

    def latex_lines(self) -> list[str]:
        """Every final equation on a line of its own: states, variance, averages, definitions."""
        lines = []
        for equation in (*self.equations, self.variance):
            left, terms = equation_latex(equation)
            lines.append(f"{left} = {' '.join(terms)}")
        return lines + self._definition_lines()

    def latex(self) -> str:
        """The final equations as an `aligned` block, one term per line where an equation is long."""
        lines = []
        for equation in (*self.equations, self.variance):
            left, terms = equation_latex(equation)
            lines.append(f"{left} &= {' '.join(terms[:2])}")
            lines += [rf"&\quad {term}" for term in terms[2:]]
        lines += [line.replace(" = ", " &= ", 1) for line in self._definition_lines()]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _definition_lines(self) -> list[str]:
        lines = []
        for name, average in self.averages.items():
            inside = latex(average.f).replace(r"\left(x\right)", "(x)")
            lines.append(rf"{QUANTITIES[name].latex}_{{q}} = \left\langle {inside} \right\rangle, \quad "
                         rf"x \sim \mathcal{{N}}(K_{{q}}, \Delta_{{q}})")  # fmt: skip
        return lines + [definition_latex(name, value) for name, value in self.definitions.items()]

    def _repr_latex_(self) -> str:
        return "$$" + self.latex() + "$$"

    def __str__(self) -> str:
        lines = [f"d{e.symbol}/dt = {e.right_side()}" for e in self.equations]
        lines.append(f"{self.variance.symbol} = {self.variance.right_side()}")
        lines += [f"{name}[p, q] = {value}" for name, value in self.definitions.items()]
        return "\n".join(lines + [f"{name}[q] = <{value.f}> over N(K[q], Delta[q])" for name, value in self.averages.items()])


def derive(architecture: Architecture, closure: Closure | None = None) -> MeanField:
    """Derive the mean-field equations of a network with correlated synapses.

    Decomposes the synapses, collects the latent variables, evaluates the averages by Stein's lemma motif by motif, and closes the
    variance of the residual field. Source: theory after Zhang, Yu, Tao and Shao, arXiv:2606.27946.
    """
    closure = LowRank() if closure is None else closure
    if not isinstance(closure, Closure):
        raise ArchitectureError(f"closure {closure!r} is not a closure object, such as LowRank() or SecondMoment()")
    record, statistics = Derivation(), SynapseStatistics(architecture.motifs)
    inputs = record.apply("Decomposition of the synapses", rules.decompose, rules.synaptic_input(), statistics)
    inputs = {name: record.apply(f"Population average: {name}", rules.average_over_neurons, part) for name, part in inputs.items()}
    mean_terms = {"mean_coupling": record.apply("Mean coupling", rules.name_averages, inputs["mean"])}
    mean_terms |= _column_terms(record, inputs, statistics) | _residual_terms(record, inputs, statistics)
    mean_terms["drive"] = drive[p]
    kappa_drive = _row_drive(record, inputs)
    variance = _variance(record, statistics, closure)
    extra = {name: Equation(name, q, (Term("target", target),)) for name, (_, target) in closure.extra_equations().items()}
    equations = (_equation("K", p, mean_terms), _equation("kappa", q, {"fraction": kappa_drive}), *extra.values())
    result = (*equations, variance)
    used = {name for name in AVERAGES if any(t.summand.has(QUANTITIES[name].base) for e in result for t in e.terms)}
    definitions = {n: v for n, v in statistics.definitions(p, q).items()
                   if any(t.summand.has(QUANTITIES[n].base) for e in result for t in e.terms)}  # fmt: skip
    return MeanField(architecture, closure, equations, variance, definitions, _averages(used), record)


def _column_terms(record: Derivation, inputs: dict, statistics: SynapseStatistics) -> dict[str, sp.Expr]:
    if "columns" not in inputs:
        return {}
    term = record.apply("Columns: Stein's lemma", rules.stein, inputs["columns"])
    term = record.apply("Chains", rules.covariance_with_columns, term, statistics)
    term = record.apply("Chains: named averages", rules.name_averages, term)
    return {"chain": term} if _is_nonzero(term) else {}


def _residual_terms(record: Derivation, inputs: dict, statistics: SynapseStatistics) -> dict[str, sp.Expr]:
    if not statistics.has_reciprocal_residual:
        return {}
    term = record.apply("Residual: Stein's lemma", rules.stein, inputs["residual"])
    term = record.apply("Reciprocal motifs", rules.covariance_with_residual, term, statistics)
    term = record.apply("Reciprocal motifs: filtered rate", rules.filtered_rate, term)
    term = record.apply("Reciprocal motifs: named averages", rules.name_averages, term)
    return {"reciprocal": term} if _is_nonzero(term) else {}


def _row_drive(record: Derivation, inputs: dict) -> sp.Expr:
    if "rows" not in inputs:
        return alpha[q] * R[q]
    term = record.apply("Rows: named averages", rules.name_averages, inputs["rows"])
    term = record.apply("Rows: scaling", rules.scale_rows, term)
    return record.apply("Latent variables of the variability", rules.row_equation, term)


def _variance(record: Derivation, statistics: SynapseStatistics, closure: Closure) -> Equation:
    ansatz = rules.current(rules.i, p, statistics)
    parts = record.apply("Variance within a population", rules.latent_variance, ansatz, statistics)
    residual = record.apply("Variance of the residual field", rules.residual_variance, ansatz, statistics)

    def close(term: sp.Expr) -> sp.Expr:
        return Term.of("residual", term).expression().xreplace({C[q]: closure.second_moment()})

    close.__doc__ = closure.statement
    closed = record.apply(f"Closure: {type(closure).__name__}", close, residual)
    if _is_nonzero(closed):
        parts = {**parts, "residual": closed}
    return _equation("Delta", p, parts, is_state=False)


def _equation(name: str, index: sp.Symbol, parts: dict[str, sp.Expr], is_state: bool = True) -> Equation:
    return Equation(name, index, tuple(Term.of(key, part) for key, part in parts.items()), is_state)


def _is_nonzero(term: sp.Expr) -> bool:
    return Term.of("", term).summand != 0 if term != 0 else False


def _averages(used: set[str]) -> dict[str, GaussianAverage]:
    functions = {"R": Rate(q, X), "G": Rate(q, X, 1), "C": Rate(q, X) ** 2}
    return {name: GaussianAverage(f, K[q], Delta[q]) for name, f in functions.items() if name in used}
