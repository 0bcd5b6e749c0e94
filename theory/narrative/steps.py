"""The parts of the input one by one, from their population averages to latent variables."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ..documents import Line, Prose, Section
from ..equations import MeanField, Step, SynapseStatistics
from ..notation import QUANTITIES, latex, terms_latex
from .strengths import within
from .words import chain, introduced, shown


class Steps:
    """Tells the steps of a derivation; a reason that has been given is not given again."""

    def __init__(self, mean_field: MeanField):
        self.mean_field, self.steps = mean_field, list(mean_field.record)
        self.motifs, self.inputs = mean_field.architecture.motifs, mean_field.architecture.inputs
        self.told: set[str] = set()

    def sections(self) -> list[Section]:
        """Means, variability, columns, residual, and the variance with its closure."""
        return [
            Section("The means of the synapses", tuple(self._told("mean"))),
            self.variability(),
            self.columns(),
            self.assortativity(),
            self.reciprocal(),
            self.variance(),
        ]

    def variability(self) -> Section:
        if "convergent" not in self.motifs:
            return Section("", ())
        (last,) = [s for s in self.steps if s.rule == "collect_rows"]
        blocks = [
            *self._told("rows"),
            Prose(f"{last.reason} Written with $u_i^q = N a_i^q$, which is of order one,"),
            shown(latex(last.before), last.right, "latent"),
        ]
        return Section("Convergent motifs: the variability", tuple(blocks))

    def columns(self) -> Section:
        if "divergent" not in self.motifs:
            return Section("", ())
        blocks = self._told("columns")
        if self.mean_field.components:
            blocks += self._in_components("Columns")
            return Section("Out-strengths: the variability moves the mean", tuple(blocks))
        if "chain" in self.motifs:
            return Section("Chain motifs: the variability moves the mean", tuple(blocks))
        if "out-strength" not in self.inputs:
            blocks.append(
                Prose(
                    "Divergent motifs alone move no mean: out-strengths that are correlated with "
                    "nothing else average out, and what they add is seen in finite networks only."
                )
            )
        return Section("Divergent motifs", tuple(blocks))

    def assortativity(self) -> Section:
        found = [s for s in self.steps if s.rule == "collect_features"]
        if not found:
            return Section("", ())
        (last,) = found
        blocks = [
            *self._told("assortativity"),
            *self._in_components("Assortativity"),
            Prose(last.reason),
            shown(latex(last.before), last.right, "latent-features"),
        ]
        names = "Assortativity" if self.mean_field.architecture.assortativity else "Patterns"
        return Section(f"{names}: the variability along features", tuple(blocks))

    def _in_components(self, section: str) -> list[Any]:
        """The covariance with rates as a sum over components, for the columns or for features."""
        title = f"{section}: sum over components"
        (step,) = [s for s in self.steps if s.title == title]
        text = "In the same way,"
        if step.reason not in self.told:
            text = step.reason + " [@Stein1981]" * (step.rule == "stein_in_components")
            self.told.add(step.reason)
        label = "covariance-columns" if section == "Columns" else "covariance-features"
        return [Prose(text), shown(latex(step.before), step.right, label)]

    def reciprocal(self) -> Section:
        title, architecture = "The residual", self.mean_field.architecture
        quenched = architecture.strengths.is_quenched
        if SynapseStatistics.of(architecture).has_reciprocal_residual and not quenched:
            own = ": neurons feel their own rate" if self.mean_field.is_static else ""
            title = f"Reciprocal motifs{own}"
        return Section(title, tuple(self._told("residual")))

    def _told(self, part: str) -> list[Any]:
        """The chain of equalities that begins with the average of one part of the input."""
        first = next(s for s in self.steps if s.title == f"Population average: {part}")
        blocks: list[Any] = []
        for run in self._chains(first):
            reasons = [r for r in dict.fromkeys(s.reason for s in run) if r not in self.told]
            self.told.update(reasons)
            cite = " [@Stein1981]" if any(s.rule == "stein" for s in run) else ""
            text = " ".join(reasons) + cite if reasons else "In the same way,"
            blocks += [Prose(text), chain(run)]
        return blocks

    def _chains(self, first: Step) -> list[list[Step]]:
        """Runs of steps, each of which begins where the one before ended.

        Where a result has several parts, each is followed.
        """
        run, more = [first], []
        while True:
            after = run[-1].after
            if isinstance(after, dict) and len(after) > 1:
                for value in after.values():
                    begun = next((s for s in self.steps if s.before == value), None)
                    more += self._chains(begun) if begun else []
                break
            value = next(iter(after.values())) if isinstance(after, dict) else after
            later = [s for s in self.steps if s.before == value and s.holds != "closure"]
            follow = next((s for s in later if s not in run), None)
            if follow is None:
                break
            run.append(follow)
        return [run, *more]

    def variance(self) -> Section:
        section = "Variance and closure"
        ansatz, field, closure = [s for s in self.steps if s.section == section]
        inside = ansatz.before.args[0] + QUANTITIES["y"].base[sp.Symbol("i", integer=True)]
        blocks = [
            *self._ansatz(inside),
            Prose(
                "in which $K_p$ is the same for all neurons of the population, and $y_i$ is the "
                "residual field, the filtered $\\sum_j w_{ij} \\phi(x_j)$. "
                f"{ansatz.reason}"
            ),
            shown(latex(ansatz.before), ansatz.right, "variance"),
            Prose(field.reason),
            shown(latex(field.before), field.right, "field"),
            Prose(
                "This second moment is not among the latent variables: here an approximation "
                f"closes the equations. {closure.reason}"
            ),
            shown(latex(closure.before), closure.right, "closure", r"\approx"),
            *within(self.mean_field),
        ]
        return Section(section, tuple(blocks))

    def _ansatz(self, inside: sp.Expr) -> list[Any]:
        if not self.mean_field.is_static:
            text = "Together the parts give every neuron the input current"
            return [Prose(text), shown("x_i", inside, "ansatz")]
        text = "Together the parts give every neuron, at a fixed point, the input current"
        lines = (
            Line("x_i", "=", ("h_i", r"+ \Gamma_p \, \phi_p(x_i)")),
            Line("h_i", "=", terms_latex(inside)),
        )
        return introduced(text, lines, "ansatz")
