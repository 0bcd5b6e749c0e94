"""Small pieces of text that several sections need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..documents import Display, Line, Prose
from ..notation import latex, terms_latex

MEMBRANE_AND_SYNAPSE = (("membrane", "M"), ("synapse", "S"))


def listed(names: Iterable[str]) -> str:
    """a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def spoken(name: str) -> str:
    """The name of a population in a sentence, where a dollar would begin a formula."""
    return name.replace("$", r"\$")


def signed(terms: Sequence[str]) -> tuple[str, ...]:
    """Terms with their signs in front, the first one's only if it is a minus."""
    return tuple(t if n == 0 or t.startswith(("-", "+")) else f"+ {t}" for n, t in enumerate(terms))


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
