"""Running text taken apart: words, formulas, citations and cross references."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import SpecError

_SPAN = re.compile(
    r"(?<!\\)\$(?P<math>(?:\\.|[^$\\])*)\$|\[(?P<cite>@[^\]]*)\]|\[#(?P<label>[^\]]*)\]", re.DOTALL
)


@dataclass(frozen=True)
class Text:
    """Plain words."""

    text: str


@dataclass(frozen=True)
class Math:
    """A formula in running text, in LaTeX without its dollars."""

    latex: str


@dataclass(frozen=True)
class Citation:
    """References cited at one place, by their keys."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class CrossReference:
    """A numbered display, by its label."""

    label: str


Span = Text | Math | Citation | CrossReference


def spans(text: str) -> tuple[Span, ...]:
    """A text, taken apart; runs of blanks and line ends become single blanks."""
    found: list[Span] = []
    at = 0
    text = " ".join(text.split())
    for match in _SPAN.finditer(text):
        found += _words(text[at : match.start()], text)
        if match["math"] is not None:
            found.append(Math(match["math"].strip()))
        elif match["cite"] is not None:
            found.append(
                Citation(tuple(key.strip().removeprefix("@") for key in match["cite"].split(";")))
            )
        else:
            found.append(CrossReference(match["label"].strip()))
        at = match.end()
    return tuple(found + _words(text[at:], text))


def _words(text: str, whole: str) -> list[Span]:
    if re.search(r"(?<!\\)\$", text):
        raise SpecError(
            f"a dollar without its partner in {whole!r}: close the formula, or write \\$ for the "
            "character"
        )
    return [Text(text.replace(r"\$", "$"))] if text else []
