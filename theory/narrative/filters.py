"""Filters in formulas: transfer functions of s, and the differential equations that they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp

from ..documents import Display, Line, Prose
from ..equations import MeanField
from ..notation import name_latex, parameter_latex
from .words import MEMBRANE_AND_SYNAPSE, introduced

Coefficients = Sequence[sp.Expr]


def filters(mean_field: MeanField) -> list[Any]:
    """The filters of membranes and synapses, by their transfer functions."""
    architecture = mean_field.architecture
    synapses = (
        ", and the synapses that population $q$ makes pass on $\\mathcal{S}_q$ of its rates."
        if architecture.has_synapses
        else "."
    )
    text = (
        "where a calligraphic letter is a linear filter, given by its transfer function of the "
        "Laplace variable $s$: the membranes of population $p$ turn an input into "
        f"$\\mathcal{{M}}_p$ of it{synapses}"
    )
    lines = []
    for kind, letter in MEMBRANE_AND_SYNAPSE:
        if kind == "membrane" or architecture.has_synapses:
            for name, own in _owners(mean_field, kind):
                left = rf"\mathcal{{{letter}}}_{{{name}}}(s)"
                lines.append(Line(left, "=", (filter_latex(own, kind, name),)))
    blocks = introduced(text, lines, "filters")
    if architecture.is_rate_form:
        blocks += _rate_form(mean_field)
    if any(len(getattr(architecture, kind)) > 1 for kind, _ in MEMBRANE_AND_SYNAPSE):
        blocks.append(
            Prose(
                "Populations with equal filters share their latent variables; parameters of the "
                "filters may differ between populations."
            )
        )
    return blocks


def _rate_form(mean_field: MeanField) -> list[Any]:
    """The rate variables, whose sum the input current is where the membrane is 1."""
    text = (
        "Where $\\mathcal{M}_p = 1$ the input current has no dynamics of its own: it is "
        "$x_i = \\sum_q \\sum_{j \\in q} J_{ij} \\, r_j + I_i$ at any time, with the rate "
        "variables $r_j = \\mathcal{S}_q \\phi_q(x_j)$,"
    )
    lines = []
    for name, own in _owners(mean_field, "synapse"):
        names = _names(own, "synapse", name)
        left, right = (
            _derivatives(side, of, names)
            for side, of in zip(
                own.polynomials[::-1], ("r_j", rf"\phi_{{{name}}}(x_j)"), strict=True
            )
        )
        lines.append(Line(left, "=", (right,)))
    return introduced(text, lines, "rate-form")


def realisation(mean_field: MeanField) -> list[Any]:
    """Filters as differential equations."""
    lines = [
        Line(*_differential(own, kind, name, letter))
        for kind, letter in MEMBRANE_AND_SYNAPSE
        for name, own in _owners(mean_field, kind)
        if not own.is_identity
    ]
    return [
        Prose(
            "A filter's output $y = \\mathcal{M}[v]$ is the solution of a linear differential "
            "equation, which the generated code integrates as a system of first order, one state "
            "for each order:"
        ),
        Display(tuple(lines), "realisation"),
    ]


def _owners(mean_field: MeanField, kind: str) -> Iterator[tuple[str, Any]]:
    """The index, p or q or a population's name, and the filter that belongs to it."""
    own = getattr(mean_field.architecture, kind)
    if len(own) == 1:
        yield "p" if kind == "membrane" else "q", own[0]
        return
    for name, f in zip(mean_field.architecture.populations or (), own, strict=True):
        yield name_latex(name), f


def filter_latex(f: Any, kind: str, population: str) -> str:
    """A filter's transfer function of s, its parameters being those of a population."""
    if f.is_identity:
        return "1"
    above, below = (_polynomial(c, _names(f, kind, population)) for c in f.polynomials)
    return rf"\frac{{{above}}}{{{below}}}"


def _names(f: Any, kind: str, population: str) -> dict[sp.Symbol, str]:
    """Parameters with the population as index: tau_E, of a synapse tau^syn_E."""
    return {symbol: parameter_latex(str(symbol), kind, population) for symbol in f.defaults}


def _polynomial(coefficients: Coefficients, names: dict[sp.Symbol, str]) -> str:
    return " + ".join(
        _coefficient(c, names, k) + ("" if k == 0 else " s" if k == 1 else f" s^{{{k}}}")
        for k, c in enumerate(coefficients)
        if c != 0
    )


def _coefficient(c: sp.Expr, names: dict[sp.Symbol, str], order: int) -> str:
    if c == 1 and order:
        return ""
    text = sp.latex(c, symbol_names=names)
    return rf"\left({text}\right)" if isinstance(c, sp.Add) and order else text


def _differential(
    f: Any, kind: str, population: str, letter: str
) -> tuple[str, str, tuple[str, ...]]:
    names = _names(f, kind, population)
    above, below = f.polynomials
    left = rf"\mathcal{{{letter}}}_{{{population}}}:\quad {_derivatives(below, 'y', names)}"
    return left, "=", (_derivatives(above, "v", names),)


def _derivatives(coefficients: Coefficients, of: str, names: dict[sp.Symbol, str]) -> str:
    parts = []
    for k, c in enumerate(coefficients):
        if c != 0:
            factor = "" if c == 1 else _coefficient(c, names, 1) + r" \, "
            order = "" if k == 1 else f"^{{{k}}}"
            parts.append(factor + (of if k == 0 else rf"\frac{{d{order} {of}}}{{dt{order}}}"))
    return " + ".join(parts)
