"""What a derivation comes to: the equations, the averages in them, the Jacobian, observables."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ...errors import ArchitectureError
from ..documents import Display, Line, Prose, Section
from ..equations import (
    FEEDBACK_LATEX,
    MOST_POPULATIONS,
    MeanField,
    labels_of,
    linearised,
    varied_averages,
)
from ..notation import (
    QUANTITIES,
    Equation,
    derivative_latex,
    entry_of,
    equation_latex,
    latex,
    name_latex,
    ordered_terms,
    scalar_latex,
    scalar_terms_latex,
    signed,
    terms_latex,
)
from .filters import realisation
from .strengths import has_shifts, observed
from .words import introduced, listed, parameter_names


def equations(mean_field: MeanField) -> Section:
    """The mean-field equations, and filters as differential equations."""
    follow = "The fixed points solve" if mean_field.is_static else "The latent variables follow"
    filters = "" if mean_field.is_unit else ", with the filters of the units,"
    lines = [_equation(mean_field, e) for e in mean_field.displayed]
    blocks = introduced(follow + filters, lines, "equations")
    values = [
        Line(rf"{QUANTITIES[name].latex}_{{pq}}", "=", terms_latex(value))
        for name, value in mean_field.definitions.items()
    ]
    if values:
        blocks += introduced("with", values, "definitions")
    if not mean_field.is_unit:
        blocks += realisation(mean_field)
    return Section("Mean-field equations", tuple(blocks))


def _equation(mean_field: MeanField, e: Equation) -> Line:
    left, terms = equation_latex(e, unit=mean_field.is_unit)
    stationary = e.response == "noise" and not mean_field.is_unit
    return Line(left, "=", tuple(terms), "stationary" if stationary else "")


def averages(mean_field: MeanField) -> Section:
    """The averages over a population, in closed form where there is one."""
    if mean_field.is_static:
        return _felt()
    functions = {"R": r"\phi_q", "G": r"\phi_q'", "C": r"\phi_q^2"}
    at, who, over = _over(mean_field)
    lines = [
        Line(f"{name}_{at}", "=", (rf"\left\langle {functions[name]}(x) \right\rangle",))
        for name in mean_field.averages
    ]
    text = (
        f"The averages are those over a normal variable, $x \\sim \\mathcal{{N}}({over})$, "
        "and differentiate by Price's theorem, "
        "$\\partial \\langle f \\rangle / \\partial K = \\langle f' \\rangle$ and "
        "$\\partial \\langle f \\rangle / \\partial \\Delta = \\langle f'' \\rangle / 2$ "
        "[@Price1958]:"
    )
    blocks = introduced(text, lines, "averages")
    closed = mean_field.closed_averages()
    if closed:
        lines = []
        for average in closed:
            owner = _owner(mean_field, average.transfer)
            index = f"m {owner}" if mean_field.components else owner
            own = parameter_names(mean_field, owner)
            terms = [latex(t, own) for t in sp.Add.make_args(average.form)]
            lines.append(Line(f"{average.name}_{{{index}}}", "=", signed(terms)))
        text = f"In closed form, with $K$ and $\\Delta$ {who},"
        blocks += introduced(text, lines, "closed")
    if any(average.has_owen for average in closed):
        blocks.append(
            Prose(
                "where $T(h, a)$ is Owen's function, an integral over the bivariate normal density."
            )
        )
    transfers = mean_field.architecture.distinct_transfers
    if len(mean_field.averages) * len(transfers) > len(closed):
        which = "The others have" if closed else "They have"
        blocks.append(Prose(f"{which} no closed form and are computed by quadrature."))
    return Section("Averages", tuple(blocks))


def _over(mean_field: MeanField) -> tuple[str, str, str]:
    """The index of averages, whose mean and variance they have, and which these are."""
    if mean_field.components:
        who = "the mean and the variance of the component"
        mean = "K_q + \\mu_{m q}" if has_shifts(mean_field) else "K_q"
        return "{m q}", who, f"{mean}, \\Delta_{{m q}}"
    return "q", "those of the population", "K_q, \\Delta_q"


def _owner(mean_field: MeanField, function: str) -> str:
    """E for the function of population E; q where all populations have the same."""
    own = mean_field.architecture
    if len(own.distinct_transfers) == 1:
        return "q"
    pairs = zip(own.populations or (), own.transfer, strict=False)
    return name_latex(next((n for n, f in pairs if f.name == function), "q"))


def _felt() -> Section:
    """Averages over neurons that feel their own rate."""
    text = (
        "The field $h$ is normal, $h \\sim \\mathcal{N}(K_q, \\Delta_q)$; the input current "
        "$x = h + \\Gamma_q \\phi_q(x)$ is not. Averages are those over $x$:"
    )
    lines = [Line(left, "=", (right,)) for left, right in FEEDBACK_LATEX]
    density = (
        "They are integrals over $x$ itself: its density is that of $h$ at "
        "$x - \\Gamma_q \\phi_q(x)$, times $1 - \\Gamma_q \\phi_q'(x)$, which must be positive "
        "wherever $h$ reaches; elsewhere the equation of a neuron has several solutions, and the "
        "network several states that these equations do not describe."
    )
    return Section("Averages", (*introduced(text, lines, "averages"), Prose(density)))


def written_out(mean_field: MeanField) -> Section:
    """The equations of each population."""
    names = mean_field.architecture.populations
    if names is not None and len(names) > MOST_POPULATIONS:
        raise ArchitectureError(
            f"equations are written out for at most {MOST_POPULATIONS} populations, "
            f"not {len(names)}"
        )
    lines, own = [], labels_of(mean_field.architecture, None)
    like = _indexed_terms(mean_field)
    order = {name: n for n, name in enumerate(like)}

    def kind(e: sp.Eq) -> str:
        return entry_of(str(_quantity(e)), own).base

    for e in sorted(mean_field.explicit(averages=False), key=lambda e: order[kind(e)]):
        left = scalar_latex(_quantity(e), own)
        left = derivative_latex(left) if isinstance(e.lhs, sp.Derivative) else left
        lines.append(Line(left, "=", scalar_terms_latex(sp.expand(e.rhs), own, like[kind(e)])))
    return Section("The equations of each population", (Display(tuple(lines), "explicit"),))


def _quantity(e: sp.Eq) -> sp.Expr:
    """What an equation is about."""
    return e.lhs.args[0] if isinstance(e.lhs, sp.Derivative) else e.lhs


def _indexed_terms(mean_field: MeanField) -> dict[str, list[sp.Expr]]:
    """The terms of every equation and definition by its name, all in the order of the text."""
    found = {e.name: [e.symbol, *(term.summand for term in e.terms)] for e in mean_field.displayed}
    return found | {name: ordered_terms(value) for name, value in mean_field.definitions.items()}


def linearisation(mean_field: MeanField) -> Section:
    """The equations of small deviations."""
    at, _, _ = _over(mean_field)
    values = [
        Line(rf"\delta {QUANTITIES[name].latex}_{at}", "=", terms_latex(value))
        for name, value in varied_averages(mean_field).items()
    ]
    more = [rf"$H_{at} = \langle \phi_q'' \rangle$"]
    if "G" in mean_field.averages:
        more.append(rf"$\Theta_{at} = \langle \phi_q''' \rangle$")
    text = (
        "Small deviations $\\delta$ from a solution follow the linearised equations, whose matrix "
        "is the Jacobian; by Price's theorem no square root of the variance appears in it:"
    )
    lines = [_equation(mean_field, mean_field.shown(e)) for e in linearised(mean_field)]
    deviations = f"with the deviations of the averages, where {listed(more)},"
    blocks = (
        *introduced(text, lines, "linear"),
        *introduced(deviations, values, "linear-averages"),
    )
    return Section("Jacobian", blocks)


def observables(mean_field: MeanField) -> Section:
    """What the equations say of currents and rates within populations."""
    if mean_field.is_static:
        text = (
            "Within population $p$ the input currents have the mean $K_p + \\Gamma_p R_p$ and, "
            "since $\\mathrm{Cov}(h, \\phi) = \\Delta_p \\chi_p$ by Stein's lemma, the variance "
            "$\\Delta_p (1 + 2 \\Gamma_p \\chi_p) + \\Gamma_p^2 (C_p - R_p^2)$. Where $B = 0$ "
            "nothing returns, and $x = h$ is normal."
        )
        return Section("Observables", (Prose(text),))
    if mean_field.components:
        return Section("Observables", (Prose(_of_components(mean_field)),))
    parts: list[Any] = [
        "Within population $p$ the input currents are normally distributed with mean $K_p$ and "
        "variance $\\Delta_p$, so that the mean rate is $R_p$, the variance of the rates across "
        "neurons is $\\langle \\phi_p^2 \\rangle - R_p^2$, and any quantile of the rates is "
        "$\\phi_p$ of the current's quantile where $\\phi_p$ rises."
    ]
    if "noise" in mean_field.architecture.inputs:
        parts.append(
            "Of $\\Delta_p$ the part $V_p$ changes in time, the rest belongs to the neuron."
        )
    which = "Without motifs the equations are" if mean_field.architecture.motifs else "They are"
    parts.append(
        f"{which} those of mean-field theory for independent synapses [@Kadmon2015; @Shao2023]."
    )
    return Section("Observables", (Prose(" ".join(parts)),))


def _of_components(mean_field: MeanField) -> str:
    parts = [observed(mean_field)]
    if "noise" in mean_field.architecture.inputs:
        parts.append(
            "Of $\\Delta_{m p}$ the part $V_p$ changes in time, the rest belongs to the neuron."
        )
    own = mean_field.architecture
    without = ["one component of mean 0"] * own.strengths.has_centres
    without += ["$\\Gamma = 0$"] * bool(own.features)
    parts.append(f"With {listed(without)} the equations are those without components.")
    return " ".join(parts)
