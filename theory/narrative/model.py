"""The network, its transfer functions and inputs, and the statistics of its synapses."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ..documents import Display, Line, Prose, Section
from ..equations import MeanField, SynapseStatistics
from ..notation import (
    QUANTITIES,
    PairCovariance,
    covariance_latex,
    latex,
    name_latex,
    p,
    q,
    r,
    signed,
    terms_latex as terms,
)
from .filters import filters
from .strengths import features_in_words
from .words import introduced, listed, parameter_names, spoken


def network(mean_field: MeanField) -> Section:
    """The dynamics of the neurons."""
    architecture = mean_field.architecture
    rate = r"\mathcal{S}_q \phi_q(x_j)" if architecture.has_synapses else r"\phi_q(x_j)"
    recurrent = rf"\sum_{{q}} \sum_{{j \in q}} J_{{ij}} \, {rate}"
    blocks: list[Any] = [
        Prose(
            f"Consider $N$ neurons in {_count(architecture.populations)}, $N_p = N \\alpha_p$ of "
            "them in population $p$. Neuron $i$ of population $p$ has the input current $x_i$ and "
            "the rate $\\phi_p(x_i)$; $J_{ij}$ is the synapse from neuron $j$ onto neuron $i$. The "
            "current follows"
        )
    ]
    if mean_field.is_unit:
        line = Line(r"\frac{d x_i}{dt}", "=", ("- x_i", f"+ {recurrent}", "+ I_i"))
        text = (
            "that is, $x_i = \\mathcal{M}_p[\\dots]$ with the filter "
            "$\\mathcal{M}_p = (1 + d/dt)^{-1}$ of what drives it."
        )
        blocks += [Display((line,), "network"), Prose(text)]
    else:
        line = Line("x_i", "=", (rf"\mathcal{{M}}_p \Bigl[ {recurrent} + I_i \Bigr]",))
        blocks += [Display((line,), "network"), *filters(mean_field)]
    return Section("Network", (*blocks, *_external(architecture.inputs), *_transfer(mean_field)))


def _count(names: tuple[str, ...] | None) -> str:
    if not names:
        return "$P$ populations"
    return f"the populations {listed(map(spoken, names))}" if len(names) > 1 else "one population"


def _external(inputs: frozenset[str]) -> list[Any]:
    if not inputs:
        return [
            Prose("The external input $I_i = I_p(t)$ is the same for all neurons of a population.")
        ]
    parts = {
        "in-strength": (
            r"+ \sum_{q} h_q \, u_i^q",
            "a part along the deviations $u_i^q$ of its in-strengths, defined below",
        ),
        "pattern": (
            r"+ \sum_{k} h^{f}_{pk} \, f_{ik}",
            "a part along its patterns, which are features $f_{ik}$ as defined below",
        ),
        "spread": (
            r"+ \sigma_p \, \xi_i",
            "an offset, $\\xi_i$ being standard normal across neurons",
        ),
        "noise": (
            r"+ \sqrt{2 D_p} \, \eta_i(t)",
            "white noise, $\\eta_i$ being independent for each neuron with unit intensity",
        ),
    }
    there = [part for name, part in parts.items() if name in inputs]
    text = f"The external input of a neuron has beside $I_p$ {listed([w for _, w in there])}:"
    return introduced(text, [Line("I_i", "=", ("I_p", *(t for t, _ in there)))], "input")


def _transfer(mean_field: MeanField) -> list[Any]:
    functions = mean_field.architecture.transfer
    names = mean_field.architecture.populations or ()
    lines = []
    for k, f in enumerate(functions):
        name = "p" if len(functions) == 1 else name_latex(names[k])
        own = parameter_names(mean_field, name)
        text = r"\text{(given as code)}" if f.function is not None else latex(f.expression, own)
        lines.append(Line(rf"\phi_{{{name}}}(x)", "=", (text,)))
    text = "The transfer function is" if len(functions) == 1 else "The transfer functions are"
    return introduced(text, lines, "transfer")


def statistics(mean_field: MeanField) -> Section:
    """First and second moments of the synapses."""
    steps = [s for s in mean_field.record if s.section == "Statistics"]
    lines = [Line(r"\langle J_{ij} \rangle", "=", (r"\bar{J}_{pq}",))]
    for step in steps:
        motif = str(step.before.args[0])
        label = "" if motif == "variance" else motif
        lines.append(Line(covariance_latex(step.before), "=", terms(step.right), label))
    what = (
        "All other pairs of synapses are uncorrelated"
        if len(steps) > 1
        else "Synapses are uncorrelated"
    )
    offsets = (
        " The offset of a neuron's input is correlated with the synapses that it makes, "
        "$\\mathrm{Cov}(J_{ij}, \\xi_j) = \\tau^{\\mathrm{inp}}_{pq} g_{pq} / \\sqrt{N}$."
        if "out-strength" in mean_field.architecture.inputs
        else ""
    )
    text = (
        "For $i$ in population $p$, $j$ in $q$ and $k$ in $r$, different neurons, the synapses "
        "have the first- and second-order statistics"
    )
    blocks = (*introduced(text, lines, "statistics"), Prose(f"{what}.{offsets}"))
    return Section("Statistics of the synapses", blocks)


_WITH = "with parts of the right covariances"


def decomposition(mean_field: MeanField) -> Section:
    """A synapse as mean, row, column and residual."""
    architecture = mean_field.architecture
    (step,) = [s for s in mean_field.record if s.section == "Decomposition"]
    parts, words = [r"\bar{J}_{pq}"], []
    if "convergent" in architecture.motifs:
        parts.append("+ a_i^q")
        words.append(
            "$a_i^q$ is the deviation of neuron $i$'s in-strength from population $q$, per synapse"
        )
    if "divergent" in architecture.motifs:
        parts.append("+ b_j^p")
        words.append("$b_j^p$ that of neuron $j$'s out-strength to population $p$")
    if architecture.features:
        parts.append(r"+ \sum_{k l} f_{ik} \, \Gamma_{pqkl} \, f_{jl}")
        words.append(
            "$f_{ik} \\Gamma_{pqkl} f_{jl}$ is what it gains from features of both its neurons"
        )
    parts.append("+ w_{ij}")
    words.append("$w_{ij}$ is what is left")
    own = SynapseStatistics.of(architecture)
    lines = [Line("J_{ij}", "=", tuple(parts))]
    for name, value in own.of_parts(p, q, r).items():
        pair = PairCovariance(sp.Symbol(name), p, q, r)
        lines.append(Line(covariance_latex(pair), "=", terms(value)))
    for name, value in own.definitions(p, q).items():
        lines.append(Line(rf"{QUANTITIES[name].latex}_{{pq}}", "=", terms(value)))
    falls = Line(latex(step.before), "=", signed([latex(part) for part in step.after.values()]))
    features = f".{features_in_words(mean_field)} In formulas," if architecture.features else ":"
    reason = step.reason
    if mean_field.components:  # neither Gaussian parts alone, nor first and second order alone
        reason = reason.replace("with Gaussian parts of the right covariances", _WITH)
    text = (
        "With it the recurrent input of neuron $i$ falls into parts, one for each part of a "
        "synapse, which the next sections evaluate one by one:"
    )
    blocks = (
        Prose(f"{reason} Here {listed(words)} [@Zhang2026; @Shao2025]{features}"),
        Display(tuple(lines), "decomposition"),
        *introduced(text, [falls], "parts"),
    )
    return Section("Decomposition", blocks)
