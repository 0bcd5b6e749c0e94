"""Small pieces of text that several sections need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp

from ..documents import Display, Line, Prose
from ..equations import MeanField
from ..notation import latex, terms_latex, transfer_parameter_latex

MEMBRANE_AND_SYNAPSE = (("membrane", "M"), ("synapse", "S"))


def parameter_names(mean_field: MeanField, index: str) -> dict[sp.Symbol, str]:
    """LaTeX of the parameters of transfer functions, for `latex`.

    Args:
        mean_field: The equations.
        index: Of the population; left out where there is only one.
    """
    architecture = mean_field.architecture
    index = "" if len(architecture.populations or "pq") == 1 else index
    symbols = {s for f in architecture.transfer for s in f.defaults}
    own = bool(mean_field.components)
    return {s: transfer_parameter_latex(str(s), index, components=own) for s in symbols}


def listed(names: Iterable[str]) -> str:
    """a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def spoken(name: str) -> str:
    """The name of a population in a sentence, where a dollar would begin a formula."""
    return name.replace("$", r"\$")


def chain(steps: Sequence[Any]) -> Display:
    """The equalities of successive steps, the left side once."""
    first, *later = steps
    lines = [Line(latex(first.before), "=", terms_latex(first.right))]
    return Display((*lines, *(Line("", "=", terms_latex(s.right)) for s in later)))


def shown(left: str, right: Any, label: str, relation: str = "=") -> Display:
    """One labelled equality."""
    return Display((Line(left, relation, terms_latex(right)),), label)


def introduced(text: str, lines: Iterable[Line], label: str) -> list[Any]:
    """A sentence and the lines that it announces."""
    return [Prose(text), Display(tuple(lines), label)]
