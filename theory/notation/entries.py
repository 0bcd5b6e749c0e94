"""Names of the quantities of certain populations, such as `tau_chn_EEI`, and what they are made of.

Names of populations of one letter follow each other, longer ones have underscores between them. A
name that has an underscore or a brace stands in braces, as in `mean_{a_a}_b`, where braces within
it are doubled: different indices never make equal names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .quantities import QUANTITIES, STRENGTHS

_TOKEN = r"\{(?:[^{}]|\{\{|\}\})*\}|[^_{}]"
_NAME = r"\{(?:[^{}]|\{\{|\}\})*\}|[^_{}]+"
_FAMILY = re.compile(rf"(transfer|membrane|synapse)_(\w+)_({_NAME})", re.DOTALL)
# mu and nu are those of exported code: mean and variance of a x + b
_BASES = sorted((*QUANTITIES, "mu", "nu"), key=len, reverse=True)


class Entry(NamedTuple):
    """What the name of an entry says.

    Args:
        base: The quantity, or "transfer", "membrane" or "synapse".
        own: The number of a further state of a filter, or the name of a parameter.
        names: Of the populations that index it.
    """

    base: str
    own: str
    names: tuple[str, ...]


def entry_name(base: str, indices: Sequence[int], names: Sequence[str]) -> str:
    """The name of a quantity of these of the populations."""
    separator = "" if all(len(name) == 1 for name in names) else "_"
    return f"{base}_{separator.join(_marked(names[k]) for k in indices)}"


def entry_of(text: str, populations: Sequence[str] = ()) -> Entry:
    """What a name is made of; what is none of an entry is all base.

    Args:
        text: The name.
        populations: All names of populations. Without them `kappa_EI` is of one population.
    """
    if family := _FAMILY.fullmatch(text):
        return Entry(family[1], family[2], (_plain(family[3]),))
    for base in _BASES:
        state = r"\d+(?:_\d+)?" if base == "V" else r"\d+"  # covariances are of two states
        match = re.fullmatch(rf"{base}({state})?_(.+)", text, re.DOTALL)
        if match and (names := _names(match[2], base, populations)) and _fits(base, names):
            return Entry(base, match[1] or "", names)
    return Entry(text, "", ())


def _fits(base: str, names: tuple[str, ...]) -> bool:
    """Whether there are as many names as indices.

    mean_in_E may be the mean of populations in and E, not of components' in-strengths.
    """
    return base not in STRENGTHS or len(names) == len(QUANTITIES[base].indices)


def _names(text: str, base: str, populations: Sequence[str]) -> tuple[str, ...]:
    if re.fullmatch(rf"(?:{_TOKEN})+(?:_(?:{_TOKEN})+)*", text, re.DOTALL) is None:
        return ()
    letters = re.findall(_TOKEN, text, re.DOTALL)
    count = len(QUANTITIES[base].indices) if base in QUANTITIES else 1
    of_letters = (
        all(len(name) == 1 for name in populations)
        if populations
        else (len(letters) == count > 1 and "".join(letters) == text)
    )
    return tuple(map(_plain, letters if of_letters else re.findall(_NAME, text, re.DOTALL)))


def _marked(name: str) -> str:
    if not set(name) & set("_{}"):
        return name
    return "{" + name.replace("{", "{{").replace("}", "}}") + "}"


def _plain(marked: str) -> str:
    inside = marked[1:-1] if marked.startswith("{") else marked
    return inside.replace("{{", "{").replace("}}", "}")
