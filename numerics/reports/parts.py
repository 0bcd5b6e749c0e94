"""What a page is made of: sections of texts, tables, pictures and formulas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from matplotlib.figure import Figure

SHORT = 40
"""Rows of a table that is shown open; a longer one is folded."""


class Part:
    """A part of a section; the template has a macro for each kind."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class Heading(Part):
    """A heading within a section."""

    kind = "heading"
    text: str


@dataclass(frozen=True)
class Verdict(Part):
    """How something came out.

    Args:
        colour: "passed", "failed" or "open".
        word: the verdict.
        text: why, without a full stop.
    """

    kind = "verdict"
    colour: str
    word: str
    text: str

    @classmethod
    def of(cls, passed: bool, words: tuple[str, str], text: str) -> Verdict:
        """One of two words, for passed and failed."""
        return cls("passed", words[0], text) if passed else cls("failed", words[1], text)


@dataclass(frozen=True)
class Text(Part):
    """A paragraph of plain text."""

    kind = "text"
    text: str


@dataclass(frozen=True)
class Facts(Part):
    """Texts by name, a line each."""

    kind = "facts"
    lines: Mapping[str, str]


@dataclass(frozen=True)
class Rows(Part):
    """A table of rows with the same keys; with a caption it can be folded."""

    kind = "rows"
    rows: Sequence[Mapping[str, Any]]
    caption: str = ""
    is_open: bool = False

    @property
    def open(self) -> bool:
        """Whether it is shown at once."""
        return self.is_open or len(self.rows) <= SHORT


@dataclass(frozen=True)
class Picture(Part):
    """A figure with its caption, which ends without a full stop."""

    kind = "picture"
    figure: Figure
    caption: str


@dataclass(frozen=True)
class Formulas(Part):
    """The equations of a mean field, as `formulas.equations` has them."""

    kind = "formulas"
    equations: Mapping[str, Any]


@dataclass(frozen=True)
class Lines(Part):
    """Text whose lines stay as they are."""

    kind = "lines"
    text: str


@dataclass(frozen=True)
class Section:
    """Parts under a heading; without a title they stand at the top of the page."""

    title: str = ""
    parts: Sequence[Part] = field(default_factory=tuple)


def pictures(figures: Iterable[tuple[str, Figure]]) -> list[Part]:
    """Figures by caption."""
    return [Picture(figure, caption) for caption, figure in figures]


def further(tables: Mapping[str, Sequence[Mapping[str, Any]]] | None) -> list[Section]:
    """A section for each table."""
    return [
        Section(caption, [Rows(rows, is_open=True)]) for caption, rows in (tables or {}).items()
    ]
