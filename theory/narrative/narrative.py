"""A derivation in words and formulas: the document is made from the same objects as the equations, and speaks only of what is present."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from ...errors import ArchitectureError
from ..architecture import Filter
from ..averages import OwenT
from ..checks import closed_averages
from ..documents import Display, Document, Line, Prose, Section
from ..equations import (
    FEEDBACK_LATEX,
    MOST_POPULATIONS,
    MeanField,
    Step,
    SynapseStatistics,
    linearised,
    varied_averages,
)
from ..expressions import X
from ..notation import (
    QUANTITIES,
    Equation,
    derivative_latex,
    equation_latex,
    latex,
    name_latex,
    p,
    parameter_latex,
    q,
    r,
    scalar_latex,
    terms_latex,
)
from . import references
from .symbols import symbol_table

LEVELS = ("full", "equations")
_MOTIFS = {
    "convergent": ("J_{ij}, J_{ik}", "convergent"),
    "divergent": ("J_{ij}, J_{kj}", "divergent"),
    "chain": ("J_{ij}, J_{jk}", "chain"),
    "reciprocal": ("J_{ij}, J_{ji}", "reciprocal"),
}

_PARTS = {
    "rows": r"\mathrm{Cov}(a_i^q, a_i^r)",
    "columns": r"\mathrm{Cov}(b_j^p, b_j^r)",
    "across": r"\mathrm{Cov}(b_j^p, a_j^r)",
    "residual": r"\mathrm{Var}(w_{ij})",
    "back": r"\mathrm{Cov}(w_{ij}, w_{ji})",
}


def narrate(
    mean_field: MeanField, level: str, *, explicit: bool = False, title: str = ""
) -> Document:
    """The document of a derivation."""
    teller = _Teller(mean_field, explicit)
    sections = teller.full() if level == "full" else teller.short()
    who = (
        f" of populations {_listed(mean_field.architecture.populations)}"
        if mean_field.architecture.populations
        else ""
    )
    heading = title or f"Mean-field equations of a random recurrent network{who}"
    return Document(
        heading, teller.abstract(), tuple(s for s in sections if s.blocks), references.EVERY
    )


def _listed(names: Any) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


class _Teller:
    def __init__(self, mean_field: MeanField, explicit: bool):
        self.mean_field, self.explicit = mean_field, explicit
        self.architecture, self.steps = mean_field.architecture, list(mean_field.record)
        self.told: set[str] = set()
        self.motifs, self.inputs = self.architecture.motifs, self.architecture.inputs
        self.plain = mean_field.is_unit

    # ---- the whole

    def abstract(self) -> str:
        names = [m for m in ("convergent", "divergent", "chain", "reciprocal") if m in self.motifs]
        correlated = (
            f"whose synapses are correlated in pairs ({', '.join(names)} motifs)"
            if names
            else "with independent synapses"
        )
        states = len(self.mean_field.equations)
        return (
            f"The dynamics of a large random network {correlated} are reduced to equations for {states} kinds of latent variables, under the "
            f"closure {type(self.mean_field.closure).__name__}. Every displayed equality has been generated together with a numerical test of itself."
        )

    def full(self) -> list[Section]:
        return [
            self.network(),
            self.statistics(),
            self.decomposition(),
            self.mean_coupling(),
            self.variability(),
            self.columns(),
            self.reciprocal(),
            self.variance(),
            *self.final(),
            *([] if self.mean_field.is_static else [self.linearisation()]),
            self.observables(),
            self.symbols(),
        ]

    def final(self) -> list[Section]:
        return [self.equations(), self.averages(), *([self.written_out()] if self.explicit else [])]

    def short(self) -> list[Section]:
        return [*self.final(), self.symbols()]

    def symbols(self) -> Section:
        return Section("Symbols", (symbol_table(self.mean_field),))

    # ---- the network

    def network(self) -> Section:
        membrane = r"\left(1 + \frac{d}{dt}\right)^{-1}" if self.plain else r"\mathcal{M}_p"
        rate = r"\mathcal{S}_q \phi_q(x_j)" if self.architecture.has_synapses else r"\phi_q(x_j)"
        lines = [
            Line(
                r"\frac{d x_i}{dt}",
                "=",
                ("- x_i", rf"+ \sum_{{q}} \sum_{{j \in q}} J_{{ij}} \, {rate}", "+ I_i"),
            )
        ]
        if not self.plain:
            lines = [
                Line(
                    "x_i",
                    "=",
                    (
                        rf"{membrane} \Bigl[ \sum_{{q}} \sum_{{j \in q}} J_{{ij}} \, {rate} + I_i \Bigr]",
                    ),
                )
            ]
        blocks: list[Any] = [
            Prose(
                f"Consider $N$ neurons in {self._count()}, $N_p = N \\alpha_p$ of them in population $p$. Neuron $i$ of population $p$ has the input "
                "current $x_i$ and the rate $\\phi_p(x_i)$; $J_{ij}$ is the synapse from neuron $j$ onto neuron $i$. The current follows"
            ),
            Display(tuple(lines), "network"),
        ]
        if self.plain:
            blocks.append(
                Prose(
                    "that is, $x_i = \\mathcal{M}_p[\\dots]$ with the filter $\\mathcal{M}_p = (1 + d/dt)^{-1}$ of what drives it."
                )
            )
        else:
            blocks += self.filters()
        return Section("Network", (*blocks, *self.external(), *self.transfer()))

    def _count(self) -> str:
        names = self.architecture.populations
        return (
            f"the populations {_listed(names)}"
            if names and len(names) > 1
            else "one population"
            if names
            else "$P$ populations"
        )

    def filters(self) -> list[Any]:
        """The filters of membranes and synapses."""
        blocks: list[Any] = [
            Prose(
                "where a calligraphic letter is a linear filter, given by its transfer function of the Laplace variable $s$: the membranes of "
                "population $p$ turn an input into $\\mathcal{M}_p$ of it"
                + (
                    ", and the synapses that population $q$ makes pass on $\\mathcal{S}_q$ of its rates."
                    if self.architecture.has_synapses
                    else "."
                )
            )
        ]
        lines = []
        for kind, letter in (("membrane", "M"), ("synapse", "S")):
            own = getattr(self.architecture, kind)
            if kind == "synapse" and not self.architecture.has_synapses:
                continue
            for name, f in self._owners(kind, own):
                lines.append(
                    Line(
                        rf"\mathcal{{{letter}}}_{{{name}}}(s)", "=", (filter_latex(f, kind, name),)
                    )
                )
        blocks.append(Display(tuple(lines), "filters"))
        same = [
            kind for kind in ("membrane", "synapse") if len(getattr(self.architecture, kind)) == 1
        ]
        if len(same) < 2:
            blocks.append(
                Prose(
                    "Populations with equal filters share their latent variables; parameters of the filters may differ between populations."
                )
            )
        return blocks

    def _owners(self, kind: str, own: tuple[Filter, ...]) -> Iterator[tuple[str, Filter]]:
        letter = "p" if kind == "membrane" else "q"
        if len(own) == 1:
            yield letter, own[0]
            return
        for name, f in zip(self.architecture.populations or (), own, strict=True):
            yield name_latex(name), f

    def external(self) -> list[Any]:
        if not self.inputs:
            return [
                Prose(
                    "The external input $I_i = I_p(t)$ is the same for all neurons of a population."
                )
            ]
        terms, words = ["I_p"], []
        if "in-strength" in self.inputs:
            terms.append(r"+ \sum_{q} h_q \, u_i^q")
            words.append("a part along the deviations $u_i^q$ of its in-strengths, defined below")
        if "spread" in self.inputs:
            terms.append(r"+ \sigma_p \, \xi_i")
            words.append("an offset, $\\xi_i$ being standard normal across neurons")
        if "noise" in self.inputs:
            terms.append(r"+ \sqrt{2 D_p} \, \eta_i(t)")
            words.append(
                "white noise, $\\eta_i$ being independent for each neuron with unit intensity"
            )
        return [
            Prose(f"The external input of a neuron has beside $I_p$ {_listed(words)}:"),
            Display((Line("I_i", "=", tuple(terms)),), "input"),
        ]

    def transfer(self) -> list[Any]:
        functions = self.architecture.transfer
        lines = []
        for k, f in enumerate(functions):
            name = (
                "p" if len(functions) == 1 else name_latex((self.architecture.populations or ())[k])
            )
            shown = r"\text{(given as code)}" if f.function is not None else latex(f.expression)
            lines.append(Line(rf"\phi_{{{name}}}(x)", "=", (shown,)))
        return [
            Prose(
                "The transfer function is" if len(functions) == 1 else "The transfer functions are"
            ),
            Display(tuple(lines), "transfer"),
        ]

    # ---- statistics and decomposition

    def statistics(self) -> Section:
        steps = self._in("Statistics")
        lines = [Line(r"\langle J_{ij} \rangle", "=", (r"\bar{J}_{pq}",))]
        for step in steps:
            motif = str(step.before.args[0])
            left = (
                r"\mathrm{Var}(J_{ij})"
                if motif == "variance"
                else rf"\mathrm{{Cov}}({_MOTIFS[motif][0]})"
            )
            lines.append(
                Line(left, "=", terms_latex(step.right), "" if motif == "variance" else motif)
            )
        what = (
            "All other pairs of synapses are uncorrelated"
            if len(steps) > 1
            else "Synapses are uncorrelated"
        )
        offsets = (
            " The offset of a neuron's input is correlated with the synapses that it makes, $\\mathrm{Cov}(J_{ij}, \\xi_j) = \\tau^{\\mathrm{inp}}_{pq} "
            "g_{pq} / \\sqrt{N}$."
            if "out-strength" in self.inputs
            else ""
        )
        return Section(
            "Statistics of the synapses",
            (
                Prose(
                    "For $i$ in population $p$, $j$ in $q$ and $k$ in $r$, different neurons, the synapses have the first- and second-order statistics"
                ),
                Display(tuple(lines), "statistics"),
                Prose(f"{what}.{offsets}"),
            ),
        )

    def decomposition(self) -> Section:
        (step,) = self._in("Decomposition")
        parts = [r"\bar{J}_{pq}"]
        words = []
        if "convergent" in self.motifs:
            parts.append("+ a_i^q")
            words.append(
                "$a_i^q$ is the deviation of neuron $i$'s in-strength from population $q$, per synapse"
            )
        if "divergent" in self.motifs:
            parts.append("+ b_j^p")
            words.append("$b_j^p$ that of neuron $j$'s out-strength to population $p$")
        parts.append("+ w_{ij}")
        words.append("$w_{ij}$ is what is left")
        lines = [Line("J_{ij}", "=", tuple(parts))]
        for name, value in self._statistics().of_parts(p, q, r).items():
            lines.append(Line(_PARTS[name], "=", terms_latex(value)))
        for name, value in self._statistics().definitions(p, q).items():
            lines.append(Line(rf"{QUANTITIES[name].latex}_{{pq}}", "=", terms_latex(value)))
        return Section(
            "Decomposition",
            (
                Prose(f"{step.reason} Here {_listed(words)} [@Zhang2026; @Shao2025]:"),
                Display(tuple(lines), "decomposition"),
                Prose(
                    "With it the recurrent input of neuron $i$ falls into parts, one for each part of a synapse, which the next sections evaluate one by one:"
                ),
                Display(
                    (
                        Line(
                            latex(step.before),
                            "=",
                            _signed([latex(part) for part in step.after.values()]),
                        ),
                    ),
                    "parts",
                ),
            ),
        )

    def _statistics(self) -> SynapseStatistics:
        return SynapseStatistics(self.motifs, self.inputs)

    # ---- the parts of the input, one by one

    def mean_coupling(self) -> Section:
        return Section("The means of the synapses", tuple(self._told("mean")))

    def variability(self) -> Section:
        if "convergent" not in self.motifs:
            return Section("", ())
        (last,) = [s for s in self.steps if s.rule == "collect_rows"]
        blocks = [
            *self._told("rows"),
            Prose(f"{last.reason} Written with $u_i^q = N a_i^q$, which is of order one,"),
            Display((Line(latex(last.before), "=", terms_latex(last.right)),), "latent"),
        ]
        return Section("Convergent motifs: the variability", tuple(blocks))

    def columns(self) -> Section:
        if "divergent" not in self.motifs:
            return Section("", ())
        chains = "chain" in self.motifs
        blocks = self._told("columns")
        if not chains and "out-strength" not in self.inputs:
            blocks.append(
                Prose(
                    "Divergent motifs alone move no mean: out-strengths that are correlated with nothing else average out, and what they "
                    "add is seen in finite networks only."
                )
            )
        return Section(
            "Chain motifs: the variability moves the mean" if chains else "Divergent motifs",
            tuple(blocks),
        )

    def reciprocal(self) -> Section:
        there = self._statistics().has_reciprocal_residual
        if there and self.mean_field.is_static:
            return Section(
                "Reciprocal motifs: neurons feel their own rate", tuple(self._told("residual"))
            )
        return Section(
            "Reciprocal motifs" if there else "The residual", tuple(self._told("residual"))
        )

    def _told(self, part: str) -> list[Any]:
        """The chain of equalities that begins with the average of one part of the input."""
        first = next(s for s in self.steps if s.title == f"Population average: {part}")
        blocks: list[Any] = []
        for chain in self._chains(first):
            reasons = [r for r in dict.fromkeys(s.reason for s in chain) if r not in self.told]
            self.told.update(reasons)
            lines = [Line(latex(chain[0].before), "=", terms_latex(chain[0].right))]
            lines += [Line("", "=", terms_latex(s.right)) for s in chain[1:]]
            cite = " [@Stein1981]" if any(s.rule == "stein" for s in chain) else ""
            blocks += [
                *([Prose(" ".join(reasons) + cite)] if reasons else [Prose("In the same way,")]),
                Display(tuple(lines)),
            ]
        return blocks

    def _chains(self, first: Step) -> list[list[Step]]:
        """Runs of steps, each beginning where the one before ended; where a result has several parts, each is followed."""
        run, more = [first], []
        while True:
            after = run[-1].after
            if isinstance(after, dict) and len(after) > 1:
                for value in after.values():
                    follow = next((s for s in self.steps if s.before == value), None)
                    more += self._chains(follow) if follow else []
                break
            value = next(iter(after.values())) if isinstance(after, dict) else after
            follow = next(
                (
                    s
                    for s in self.steps
                    if s.before == value and s.holds != "closure" and s not in run
                ),
                None,
            )
            if follow is None:
                break
            run.append(follow)
        return [run, *more]

    def _in(self, section: str) -> list[Step]:
        return [s for s in self.steps if s.section == section]

    # ---- variance and closure

    def variance(self) -> Section:
        ansatz, field, closure = self._in("Variance and closure")
        inside = ansatz.before.args[0] + QUANTITIES["y"].base[sp.Symbol("i", integer=True)]
        blocks: list[Any] = [
            *self._ansatz(inside),
            Prose(
                "in which $K_p$ is the same for all neurons of the population, and $y_i$ is the residual field, the filtered "
                f"$\\sum_j w_{{ij}} \\phi(x_j)$. {ansatz.reason}"
            ),
            Display((Line(latex(ansatz.before), "=", terms_latex(ansatz.right)),), "variance"),
            Prose(field.reason),
            Display((Line(latex(field.before), "=", terms_latex(field.right)),), "field"),
            Prose(
                f"This second moment is not among the latent variables: here an approximation closes the equations. {closure.reason}"
            ),
            Display(
                (Line(latex(closure.before), r"\approx", terms_latex(closure.right)),), "closure"
            ),
        ]
        return Section("Variance and closure", tuple(blocks))

    def _ansatz(self, inside: sp.Expr) -> list[Any]:
        if not self.mean_field.is_static:
            return [
                Prose("Together the parts give every neuron the input current"),
                Display((Line("x_i", "=", terms_latex(inside)),), "ansatz"),
            ]
        own = (
            Line("x_i", "=", ("h_i", r"+ \Gamma_p \, \phi_p(x_i)")),
            Line("h_i", "=", terms_latex(inside)),
        )
        return [
            Prose("Together the parts give every neuron, at a fixed point, the input current"),
            Display(own, "ansatz"),
        ]

    # ---- results

    def equations(self) -> Section:
        lines = [self._equation(e) for e in self.mean_field.displayed]
        follow = (
            "The fixed points solve" if self.mean_field.is_static else "The latent variables follow"
        )
        blocks: list[Any] = [
            Prose(follow + ("" if self.plain else ", with the filters of the units,")),
            Display(tuple(lines), "equations"),
        ]
        values = [
            Line(rf"{QUANTITIES[name].latex}_{{pq}}", "=", terms_latex(value))
            for name, value in self.mean_field.definitions.items()
        ]
        if values:
            blocks += [Prose("with"), Display(tuple(values), "definitions")]
        if not self.plain:
            blocks += self.realisation()
        return Section("Mean-field equations", tuple(blocks))

    def _equation(self, e: Equation) -> Line:
        left, terms = equation_latex(e, unit=self.mean_field.is_unit)
        return Line(
            left,
            "=",
            tuple(terms),
            "stationary" if e.response == "noise" and not self.mean_field.is_unit else "",
        )

    def realisation(self) -> list[Any]:
        """Filters as differential equations."""
        lines = []
        for kind, letter in (("membrane", "M"), ("synapse", "S")):
            own = getattr(self.architecture, kind)
            for name, f in self._owners(kind, own):
                if not f.is_identity:
                    lines.append(Line(*_differential(f, kind, name, letter)))
        return [
            Prose(
                "A filter's output $y = \\mathcal{M}[v]$ is the solution of a linear differential equation, which the generated code integrates as a "
                "system of first order, one state for each order:"
            ),
            Display(tuple(lines), "realisation"),
        ]

    def felt(self) -> Section:
        """Averages over neurons that feel their own rate."""
        lines = [Line(left, "=", (right,)) for left, right in FEEDBACK_LATEX]
        return Section(
            "Averages",
            (
                Prose(
                    "The field $h$ is normal, $h \\sim \\mathcal{N}(K_q, \\Delta_q)$; the input current $x = h + \\Gamma_q \\phi_q(x)$ is not. Averages are those over $x$:"
                ),
                Display(tuple(lines), "averages"),
                Prose(
                    "They are integrals over $x$ itself: its density is that of $h$ at $x - \\Gamma_q \\phi_q(x)$, times $1 - \\Gamma_q \\phi_q'(x)$, which must be "
                    "positive wherever $h$ reaches; elsewhere the equation of a neuron has several solutions, and the network several states that these "
                    "equations do not describe."
                ),
            ),
        )

    def averages(self) -> Section:
        if self.mean_field.is_static:
            return self.felt()
        functions = {"R": r"\phi_q", "G": r"\phi_q'", "C": r"\phi_q^2"}
        lines = [
            Line(rf"{name}_q", "=", (rf"\left\langle {functions[name]}(x) \right\rangle",))
            for name in self.mean_field.averages
        ]
        blocks: list[Any] = [
            Prose(
                "The averages are those over a normal variable, $x \\sim \\mathcal{N}(K_q, \\Delta_q)$, and differentiate by Price's theorem, $\\partial \\langle f "
                "\\rangle / \\partial K = \\langle f' \\rangle$ and $\\partial \\langle f \\rangle / \\partial \\Delta = \\langle f'' \\rangle / 2$ [@Price1958]:"
            ),
            Display(tuple(lines), "averages"),
        ]
        closed = [
            Line(
                self._average_name(title),
                "=",
                tuple(_signed([latex(t) for t in sp.Add.make_args(form)])),
            )
            for title, _, form in closed_averages(self.mean_field)
        ]
        if closed:
            blocks += [
                Prose("In closed form, with $K$ and $\\Delta$ those of the population,"),
                Display(tuple(closed), "closed"),
            ]
        if any(form.has(OwenT) for _, _, form in closed_averages(self.mean_field)):
            blocks.append(
                Prose(
                    "where $T(h, a)$ is Owen's function, an integral over the bivariate normal density."
                )
            )
        missing = len(self.mean_field.averages) * len(self.architecture.distinct_transfers) - len(
            closed
        )
        if missing:
            blocks.append(
                Prose(
                    ("The others have" if closed else "They have")
                    + " no closed form and are computed by quadrature."
                )
            )
        return Section("Averages", tuple(blocks))

    def _average_name(self, title: str) -> str:
        name, function = title.removeprefix("Closed form of ").split(" for ", 1)
        several = len(self.architecture.distinct_transfers) > 1
        owner = next(
            (
                n
                for n, f in zip(
                    self.architecture.populations or (), self.architecture.transfer, strict=False
                )
                if f.name == function
            ),
            "q",
        )
        return f"{name}_{{{name_latex(owner) if several else 'q'}}}"

    def written_out(self) -> Section:
        names = self.architecture.populations
        if names is not None and len(names) > MOST_POPULATIONS:
            raise ArchitectureError(
                f"equations are written out for at most {MOST_POPULATIONS} populations, not {len(names)}"
            )
        lines = []
        for e in self.mean_field.explicit():
            left = e.lhs
            if isinstance(left, sp.Derivative):
                shown = derivative_latex(scalar_latex(left.args[0]))
            elif isinstance(e.rhs, sp.Expr) and e.rhs.has(X):
                continue
            else:
                shown = scalar_latex(left)
            lines.append(Line(shown, "=", terms_latex(sp.expand(e.rhs), scalar=True)))
        return Section("The equations of each population", (Display(tuple(lines), "explicit"),))

    def linearisation(self) -> Section:
        values = [
            Line(rf"\delta {name}_q", "=", terms_latex(value))
            for name, value in varied_averages(self.mean_field).items()
        ]
        lines = [self._equation(e) for e in linearised(self.mean_field)]
        more = [r"$H_q = \langle \phi_q'' \rangle$"]
        if "G" in self.mean_field.averages:
            more.append(r"$\Theta_q = \langle \phi_q''' \rangle$")
        return Section(
            "Jacobian",
            (
                Prose(
                    "Small deviations $\\delta$ from a solution follow the linearised equations, whose matrix is the Jacobian; by Price's theorem no square root of the "
                    "variance appears in it:"
                ),
                Display(tuple(lines), "linear"),
                Prose(f"with the deviations of the averages, where {_listed(more)},"),
                Display(tuple(values), "linear-averages"),
            ),
        )

    def observables(self) -> Section:
        if self.mean_field.is_static:
            return Section(
                "Observables",
                (
                    Prose(
                        "Within population $p$ the input currents have the mean $K_p + \\Gamma_p R_p$ and, since $\\mathrm{Cov}(h, \\phi) = \\Delta_p \\chi_p$ by Stein's lemma, "
                        "the variance $\\Delta_p (1 + 2 \\Gamma_p \\chi_p) + \\Gamma_p^2 (C_p - R_p^2)$. Where $B = 0$ nothing returns, and $x = h$ is normal."
                    ),
                ),
            )
        text = (
            "Within population $p$ the input currents are normally distributed with mean $K_p$ and variance $\\Delta_p$, so that the mean rate is $R_p$, "
            "the variance of the rates across neurons is $\\langle \\phi_p^2 \\rangle - R_p^2$, and any quantile of the rates is $\\phi_p$ of the current's quantile where "
            "$\\phi_p$ rises."
        )
        static = (
            " Of $\\Delta_p$ the part $V_p$ changes in time, the rest belongs to the neuron."
            if "noise" in self.inputs
            else ""
        )
        limits = (
            " Without motifs the equations are those of mean-field theory for independent synapses [@Kadmon2015; @Shao2023]."
            if self.motifs
            else " They are those of mean-field theory for independent synapses [@Kadmon2015; @Shao2023]."
        )
        return Section("Observables", (Prose(text + static + limits),))


def filter_latex(f: Filter, kind: str, population: str) -> str:
    """A transfer function of s, its parameters being those of a population."""
    above, below = (_polynomial(c, _names(f, kind, population)) for c in f.polynomials)
    return rf"\frac{{{above}}}{{{below}}}"


def _names(f: Filter, kind: str, population: str) -> dict[sp.Symbol, str]:
    """Parameters with the population as index: tau_E, of a synapse tau^syn_E."""
    return {symbol: parameter_latex(str(symbol), kind, population) for symbol in f.defaults}


def _polynomial(coefficients: tuple[sp.Expr, ...], names: dict[sp.Symbol, str]) -> str:
    return " + ".join(
        _coefficient(c, names, k) + ("" if k == 0 else " s" if k == 1 else f" s^{{{k}}}")
        for k, c in enumerate(coefficients)
        if c != 0
    )


def _coefficient(c: sp.Expr, names: dict[sp.Symbol, str], order: int) -> str:
    if c == 1 and order:
        return ""
    shown = sp.latex(c, symbol_names=names)
    return rf"\left({shown}\right)" if isinstance(c, sp.Add) and order else shown


def _differential(
    f: Filter, kind: str, population: str, letter: str
) -> tuple[str, str, tuple[str, ...]]:
    names = _names(f, kind, population)
    above, below = f.polynomials
    return (
        rf"\mathcal{{{letter}}}_{{{population}}}:\quad {_derivatives(below, 'y', names)}",
        "=",
        (_derivatives(above, "v", names),),
    )


def _derivatives(coefficients: tuple[sp.Expr, ...], of: str, names: dict[sp.Symbol, str]) -> str:
    parts = []
    for k, c in enumerate(coefficients):
        if c != 0:
            shown = "" if c == 1 else _coefficient(c, names, 1) + r" \, "
            order = "" if k == 1 else f"^{{{k}}}"
            parts.append(shown + (of if k == 0 else rf"\frac{{d{order} {of}}}{{dt{order}}}"))
    return " + ".join(parts)


def _signed(terms: list[str], first: bool = True) -> tuple[str, ...]:
    """Terms with their signs in front, the first one's only if it is a minus or if it follows others."""
    return tuple(
        t if (first and n == 0) or t.startswith(("-", "+")) else f"+ {t}"
        for n, t in enumerate(terms)
    )
