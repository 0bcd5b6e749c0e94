"""The mean-field equations of an architecture, to read, to print and to write out."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import sympy as sp

from ...errors import ArchitectureError, NoClosedFormError
from ..architecture import Architecture
from ..averages import GaussianAverage, OwenT
from ..notation import (
    AVERAGES,
    DRIVES,
    PAIRS,
    PARAMETERS,
    QUANTITIES,
    STRENGTHS,
    Equation,
    N,
    definition_latex,
    equation_latex,
    latex,
)
from .closures import Closure
from .explicit import expand
from .record import Record

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


class ClosedAverage(NamedTuple):
    """A Gaussian average R, G or C of a transfer function, and its closed form."""

    name: str
    transfer: str
    average: GaussianAverage
    form: sp.Expr

    @property
    def has_owen(self) -> bool:
        """Whether Owen's T occurs in the closed form."""
        return self.form.has(OwenT)


@dataclass(frozen=True)
class MeanField:
    """The mean-field equations of an architecture under a closure, and how they came about.

    Made by `derive`. Printed, it is the equations; in a notebook it shows them as formulas.

    Args:
        architecture: Of the network.
        closure: What stands for the second moment of the rates.
        equations: Of the states K, kappa and others, each what a filter makes of its terms;
            dX/dt = -X + terms for the unit filter.
        variance: Delta_p, the variance of the input current within a population.
        definitions: A_pq and B_pq in the motif coefficients, where they occur.
        averages: The Gaussian averages R_q, G_q, C_q that occur, over N(K_q, Delta_q).
        record: The rules that were applied.
        derivation: The same, to read, save and check.
        feedback: Gamma_p, where neurons feel their own rate (`Cavity`): averages are then over
            x = h + Gamma phi(x), h ~ N(K, Delta).
        components: Where strengths have components: mean and variance of the input current of each,
            and what the averages over them add up to. Averages are then over
            N(K_q + shift_mq, Delta_c_mq).

    Source: docs/theory.md, section 2.
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
    components: tuple[Equation, ...] = ()

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states, each with one value per population."""
        return tuple(equation.name for equation in self.equations)

    @property
    def is_unit(self) -> bool:
        """Whether the equations are dX/dt = -X + terms, without other filters."""
        return self.architecture.is_unit

    @property
    def is_static(self) -> bool:
        """Whether the equations hold at fixed points alone."""
        return self.closure.is_static

    @property
    def results(self) -> tuple[Equation, ...]:
        """All equations: of states, of Delta, of components, and of Gamma where there is one."""
        return (
            *self.equations,
            self.variance,
            *self.components,
            *([self.feedback] if self.feedback is not None else []),
        )

    @property
    def displayed(self) -> tuple[Equation, ...]:
        """The same as they are displayed, each as `shown` gives it."""
        return tuple(map(self.shown, self.results))

    def shown(self, e: Equation) -> Equation:
        """An equation as it is displayed: without a filter where it is none of a state.

        That is at fixed points alone, and of all that passes membranes that are 1.
        """
        passing = e.response == "membrane" and all(
            f.is_identity for f in self.architecture.membrane
        )
        return replace(e, response=None) if self.is_static or passing else e

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that the equations depend on, `N` and the inputs included.

        Parameters of transfer functions and filters are not among them.
        """
        everything = [t.summand for e in self.results for t in e.terms] + list(
            self.definitions.values()
        )
        bases = {str(b) for e in everything for b in e.atoms(sp.IndexedBase)}
        has_N = any(e.has(N) for e in everything)
        return (
            *(["N"] if has_N else []),
            *(name for name in (*PARAMETERS, *STRENGTHS, *DRIVES) if name in bases),
        )

    def closed_averages(self) -> list[ClosedAverage]:
        """The averages that have a closed form, for each distinct transfer function."""
        mean, variance = sp.Symbol("K", real=True), sp.Symbol("Delta", positive=True)
        options = {"R": {}, "G": {"order": 1}, "C": {"power": 2}}
        found = []
        for function in self.architecture.distinct_transfers:
            for name in AVERAGES if function.function is None else ():
                if name in self.averages:
                    shown = function.average(mean, variance, **options[name])
                    with suppress(NoClosedFormError):
                        form = shown.closed_form()
                        found.append(ClosedAverage(name, function.name, shown, form))
        return found

    def explicit(
        self,
        populations: int | list[str] | None = None,
        *,
        closed: bool = False,
        averages: bool = True,
    ) -> list[sp.Eq]:
        """Scalar equations for 1 to 4 populations.

        They are averages, definitions, variances, then the derivatives of the states. Symbols are
        `K_E`, `tau_chn_EEI`; the mean rate of the second component of E is `R_c_2E`, the latent
        variable along its feature "in" `theta_E_in`.

        Args:
            populations: A number, or names; default: those of the architecture.
            closed: Whether averages are written in closed form where there is one.
            averages: Whether the averages are among the equations.

        Raises:
            ArchitectureError: Another number of populations, equations of fixed points alone, or
                an unknown number of components: `Mixture(2)` has two.
        """
        if self.is_static:
            raise ArchitectureError(
                f"equations of {type(self.closure).__name__} are not written out: their averages "
                "are over x = h + Gamma phi(x)"
            )
        return expand(
            self.architecture,
            self.definitions,
            (self.variance, *self.components, *self.equations),
            self.averages if averages else {},
            populations,
            closed=closed,
        )

    def latex_lines(self) -> list[str]:
        """Every final equation on a line of its own: states, variance, averages, definitions."""
        lines = []
        for equation in self.displayed:
            left, terms = equation_latex(equation, unit=self.is_unit)
            lines.append(f"{left} = {' '.join(terms)}")
        return lines + self._definition_lines()

    def latex(self) -> str:
        """The final equations as an `aligned` block, one term per line where one is long."""
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
            over = ", ".join(map(latex, (average.mean, average.variance)))
            index = "mq" if self.components else "q"
            lines.append(
                rf"{QUANTITIES[name].latex}_{{{index}}} = \left\langle {inside} \right\rangle, "
                rf"\quad x \sim \mathcal{{N}}({over})"
            )
        if self.feedback is not None:
            lines += [f"{left} = {right}" for left, right in FEEDBACK_LATEX]
            lines.append(
                r"x = h + \Gamma_{q} \, \phi_{q}(x), \quad h \sim \mathcal{N}(K_{q}, \Delta_{q})"
            )
        return lines + [definition_latex(name, value) for name, value in self.definitions.items()]

    def _repr_latex_(self) -> str:
        return "$$" + self.latex() + "$$"

    def __repr__(self) -> str:
        names = self.architecture.populations
        who = f"populations {', '.join(names)}" if names else "any number of populations"
        motifs = ", ".join(m for m in PAIRS if m in self.architecture.motifs) or "none"
        functions = ", ".join(f.name for f in self.architecture.distinct_transfers)
        lines = [
            f"MeanField under {type(self.closure).__name__}, {who}",
            f"  motifs: {motifs}",
            f"  transfer functions: {functions}",
            f"  states: {', '.join(self.states)}",
            f"  averages: {', '.join(self.averages) or 'over neurons that feel their own rate'}",
            f"  parameters: {', '.join(self.parameters)}",
            "  print() it for the equations; .latex(), .explicit(), .derivation",
        ]
        return "\n".join(lines)

    def _averaged(self, name: str) -> str:
        """What an average is called in the text of the equations."""
        return f"{name}_c[m, q]" if self.components else f"{name}[q]"

    def _plain(self, e: Equation) -> str:
        terms = e.input()
        if e.response is None:
            return f"{e.symbol} = {terms}"
        if self.is_unit:
            change = 2 * (terms - e.symbol) if e.response == "noise" else e.right_side()
            return f"d{e.symbol}/dt = {change}"
        index = e.indices[0]
        if e.response == "noise":
            return f"{e.symbol} = variance of M_{index}[white noise of intensity 2*({terms})]"
        return f"{e.symbol} = {'S' if e.response == 'synapse' else 'M'}_{index}[{terms}]"

    def __str__(self) -> str:
        lines = [self._plain(self.shown(e)) for e in self.equations]
        for e in (self.variance, *self.components):
            lines.append(f"{e.symbol} = {e.right_side()}")
        if self.feedback is not None:
            lines += [f"{self.feedback.symbol} = {self.feedback.right_side()}", *FEEDBACK]
        lines += [f"{name}[p, q] = {value}" for name, value in self.definitions.items()]
        return "\n".join(
            lines
            + [
                f"{self._averaged(name)} = <{value.f}> over N({value.mean}, {value.variance})"
                for name, value in self.averages.items()
            ]
        )
