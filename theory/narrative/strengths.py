"""Strengths that have components, and features that synapses know: told where there are such."""

from __future__ import annotations

from typing import Any

from ..documents import Line, Prose, Section
from ..equations import MeanField
from ..notation import Equation, equation_latex, latex, terms_latex
from .words import introduced, listed, spoken

_TOTALS = {"in": "total in-strength", "out": "total out-strength"}


def features_in_words(mean_field: MeanField) -> str:
    """What the features are, and what the elements of Gamma are called; "" without features."""
    architecture = mean_field.architecture
    if not architecture.features:
        return ""
    own = [
        f"the deviation of its {_TOTALS[name]}" if name in _TOTALS else f"{spoken(name)}, centred"
        for name in architecture.assortativity
    ]
    hidden = [f"the pattern {spoken(name)}" for name in architecture.patterns]
    text = (
        f" The features $f_{{ik}}$ of a neuron are {listed([*own, *hidden])}. Pairs of neurons "
        "that have much of them have stronger or weaker synapses than they had otherwise: "
        "$\\Gamma_{pqkl}$ is what a synapse gains per feature $k$ of its target and feature $l$ of "
        "its source"
    )
    if architecture.assortativity:
        names = [
            f"{spoken(a)}-{spoken(b)}"
            for a in architecture.features[:2]
            for b in architecture.features[:2]
        ]
        text += f", the assortativity, with the elements {listed(names)}"
        text += " and so on" * (len(architecture.features) > 2)
    text += (
        ". It is a statistic of third order, and changes none of the means, variances and "
        "correlations of pairs"
    )
    if architecture.patterns:
        text += (
            "; with $\\Gamma = 1/N$ between two patterns it is a low-rank structure "
            "[@Mastrogiuseppe2018; @Beiran2021]"
        )
    return text + "."


def components(mean_field: MeanField) -> Section:
    """The components of the strengths' distribution, and averages over them."""
    if not mean_field.components:
        return Section("", ())
    steps = [s for s in mean_field.record if s.section == "Components"]
    *moments, average = steps
    blocks: list[Any] = [Prose(_distribution(mean_field))]
    if moments:
        lines = [Line(latex(s.before), "=", terms_latex(s.right)) for s in moments]
        blocks += introduced(moments[0].reason, lines, "components")
    line = Line(latex(average.before), "=", terms_latex(average.right))
    blocks += introduced(
        f"{average.reason} Both follow from the latent variables, as shown below. The mean rate is",
        [line],
        "component-average",
    )
    return Section("Components", tuple(blocks))


def _distribution(mean_field: MeanField) -> str:
    """The kind of the distribution, in words."""
    architecture = mean_field.architecture
    own = architecture.strengths
    there = {
        ("in-strengths $u_i^q = N a_i^q$", r"$\bar{u}$"): "convergent" in architecture.motifs,
        ("out-strengths $b_i^p$", r"$\bar{b}$"): "divergent" in architecture.motifs,
        ("features $f_{ik}$", r"$\bar{f}$"): bool(architecture.features),
    }
    whole, means = (
        listed(names) for names in zip(*(k for k, v in there.items() if v), strict=True)
    )
    if not own.has_centres:
        return (
            f"The {whole} of a neuron are jointly normal with mean 0: their distribution has one "
            "component, $m = 1$ with weight $\\pi_{mq} = 1$, whose covariances $S$ are those of "
            "the population."
        )
    if not own.has_widths:
        return (
            f"The {whole} are those of the neurons of a given network, whatever their "
            "distribution: each neuron $m$ of population $q$ is a component of weight "
            f"$\\pi_{{mq}} = 1/N_q$ and of no width, at its own deviations {means} "
            "from the population's mean. What is measured on a finite network holds "
            "what the residual synapses add to its rows and columns; the residual is then what is "
            "left, and sums to 0 over the neurons of a population."
        )
    text = (
        f"The {whole} of a neuron have a distribution that may be skewed: a mixture of components "
        f"$m$ with weights $\\pi_{{mq}}$ in population $q$, means {means} whose weighted sum is 0, "
        "and covariances $S$, jointly normal within a component. Components are no further "
        "variables."
    )
    if own.is_quenched:
        text += (
            " They describe the strengths of the neurons of a given network, whose finite rows and "
            "columns hold what the residual synapses add to them; the residual is then what is "
            "left, and sums to 0 over the neurons of a population."
        )
    return text


def within(mean_field: MeanField) -> list[Any]:
    """Mean and variance of the input current in each component."""
    own = [e for e in mean_field.components if e.name in ("shift", "Delta_c")]
    if not own:
        return []
    mean = "$K_p + \\mu_{mp}$" if has_shifts(mean_field) else "$K_p$"
    text = (
        f"Within component $m$ the input current is normal, with the mean {mean} and the variance "
        "$\\Delta_{mp}$,"
    )
    return introduced(text, [_line(e) for e in own], "within")


def has_shifts(mean_field: MeanField) -> bool:
    """Whether components differ in the mean of their input current."""
    return any(e.name == "shift" for e in mean_field.components)


def _line(e: Equation) -> Line:
    left, terms = equation_latex(e)
    return Line(left, "=", tuple(terms))


def observed(mean_field: MeanField) -> str:
    """What the equations say of currents and rates within populations."""
    shifted = has_shifts(mean_field)
    centred = (
        "a mixture of normal distributions with the weights $\\pi_{mp}$, the means "
        "$K_p + \\mu_{mp}$ and the variances $\\Delta_{mp}$: their mean is $K_p$, and their "
        "variance $\\Delta_p$ is the mean variance within components plus the variance of the "
        "components' means"
        if shifted
        else "normally distributed with mean $K_p$ and variance $\\Delta_p$"
    )
    rates = (
        "Quantiles of the rates are $\\phi_p$ of those of the mixture where $\\phi_p$ rises, not "
        "of those of a normal distribution with mean $K_p$ and variance $\\Delta_p$."
        if shifted
        else "Quantiles of the rates are $\\phi_p$ of the current's where $\\phi_p$ rises."
    )
    return (
        f"Within population $p$ the input currents are {centred}. The mean rate is $R_p$, and the "
        "variance of the rates across neurons is $\\sum_m \\pi_{mp} \\langle \\phi_p^2 "
        f"\\rangle_{{mp}} - R_p^2$. {rates}"
    )
