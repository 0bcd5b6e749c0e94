"""The table of symbols of a derivation: what occurs in it, and nothing else."""

from __future__ import annotations

import re

import sympy as sp

from ..documents import Table
from ..equations import MeanField
from ..notation import QUANTITIES, latex, parameter_latex
from .words import parameter_names

_INDICES = {
    "p": "P",
    "q": "P",
    "r": "P",
    "f": "F",
    "i": "N",
    "j": "N",
    "m": "M",
    "k": "F",
    "l": "F",
}


def symbol_table(mean_field: MeanField) -> Table:
    """Symbol, meaning and shape of every quantity of the equations and of their derivation."""
    seen = {str(b) for e in _expressions(mean_field) for b in e.atoms(sp.IndexedBase)}
    rows = [("$N$", "number of neurons", "$1$"), ("$P$", "number of populations", "$1$")]
    letters = dict(_INDICES)
    if mean_field.components:
        rows.append(("$M$", "largest number of components in a population", "$1$"))
    if mean_field.architecture.features:
        rows.append(("$F$", "number of features", "$1$"))
        letters["f"] = "L"
    for q in QUANTITIES.values():
        if q.name in seen or q.name in ("x", "y", "Delta"):
            rows.append(
                (
                    f"${shown(q.name, q.indices)}$",
                    meaning(q.meaning),
                    "$" + r" \times ".join(letters[i] for i in q.indices) + "$",
                )
            )
    own = parameter_names(mean_field, "p")
    shapes = {str(s): text for s, text in own.items()}
    for name in mean_field.architecture.transfer_parameters:
        rows.append((f"${shapes[name]}$", f"parameter {name} of the transfer functions", "$P$"))
    for kind in ("membrane", "synapse"):
        for f in getattr(mean_field.architecture, kind):
            for name in f.parameters:
                row = (
                    f"${parameter_latex(name, kind, 'p')}$",
                    f"parameter {name} of the {kind} filters",
                    "$P$",
                )
                if row not in rows:
                    rows.append(row)
    synapses = (
        f"; ${letters['f']}$ is the number of distinct synaptic filters"
        if mean_field.architecture.has_synapses
        else ""
    )
    return Table(
        ("Symbol", "Meaning", "Shape"),
        tuple(rows),
        f"Symbols. The first index of a shape is that of the target{synapses}.",
    )


def shown(name: str, indices: str) -> str:
    """A quantity with its indices."""
    return latex(QUANTITIES[name].base[tuple(sp.Symbol(i, integer=True) for i in indices)])


def meaning(text: str) -> str:
    """Plain words with names such as alpha_q as formulas."""
    greek = {"alpha": r"\alpha", "xi": r"\xi", "theta": r"\theta"}

    def formula(match: re.Match) -> str:
        base, lower, upper = match["base"], match["lower"], match["upper"]
        return f"${greek.get(base, base)}_{{{lower}}}{f'^{{{upper}}}' if upper else ''}$"

    return re.sub(
        r"\b(?P<base>[A-Za-z]+)_(?P<lower>[a-z]{1,2})(?:\^(?P<upper>[a-z]))?\b", formula, text
    )


def _expressions(mean_field: MeanField) -> list[sp.Basic]:
    every = [term.summand for e in mean_field.results for term in e.terms]
    every += [e.symbol for e in mean_field.results] + list(mean_field.definitions.values())
    every += [
        QUANTITIES[name].base[sp.Symbol("p"), sp.Symbol("q")] for name in mean_field.definitions
    ]
    for step in mean_field.record:
        every += [sp.sympify(step.before), sp.sympify(step.right)]
    return every
