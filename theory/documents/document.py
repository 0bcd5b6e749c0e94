"""A document with numbered equations, independent of how it is printed.

`to_latex`, `to_markdown` and `to_html` print it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import SpecError
from .spans import Citation, CrossReference, Math, Span, spans

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._+-]*")


@dataclass(frozen=True)
class Prose:
    r"""A paragraph of words and marks.

    `$...$` is a formula, `[@key]` or `[@one; @two]` a citation, `[#label]` a reference to a
    display, and `\$` a dollar.
    """

    text: str


@dataclass(frozen=True)
class Line:
    """One equation of a display.

    left: LaTeX of the left side; "" continues the chain of the line above, aligned at the relation.
    relation: such as "=" or r"\\approx".
    terms: LaTeX of the right side, each term from the second on with its sign in front, so that a
    row may end before it. note: a reason to print beside it, written like `Prose`.
    """

    left: str
    relation: str
    terms: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Display:
    """Lines that share a number, aligned at their relations; `[#label]` in a text refers to it."""

    lines: tuple[Line, ...]
    label: str = ""


@dataclass(frozen=True)
class Table:
    """A table of texts, each written like `Prose`; numbered where it has a caption."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


Block = Prose | Display | Table


@dataclass(frozen=True)
class Section:
    """A title, which may hold `$...$`, and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Reference:
    """A source.

    Args:
        key: By which texts cite it.
        authors: One text for each, such as "A. Einstein".
        title: Of the work.
        where: Journal with volume and pages, publisher, or "" for a preprint.
        year: Of publication.
        doi, arxiv: Identifiers, where there are any.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    where: str
    year: int | str
    doi: str = ""
    arxiv: str = ""

    def links(self) -> list[tuple[str, str]]:
        """Names and addresses under which it is found."""
        found = [(f"doi:{self.doi}", f"https://doi.org/{self.doi}")] if self.doi else []
        return (
            [*found, (f"arXiv:{self.arxiv}", f"https://arxiv.org/abs/{self.arxiv}")]
            if self.arxiv
            else found
        )


@dataclass(frozen=True)
class Document:
    """Sections with numbered titles and displays, and their references.

    References stand in the order in which they are first cited; those never cited come last.

    Args:
        title, abstract: Written like `Prose`.
        sections: In their order.
        references: All that may be cited.

    Raises:
        SpecError: A citation or cross reference leads nowhere, a key or label is used twice, the
            brackets of a formula do not pair, or the rows of a table differ in length.
    """

    title: str
    abstract: str
    sections: tuple[Section, ...]
    references: tuple[Reference, ...] = ()

    def __post_init__(self) -> None:
        _check_names([r.key for r in self.references], "reference key")
        _check_names([d.label for d in self.displays() if d.label], "label")
        for reference in self.references:
            if isinstance(reference.authors, str):
                raise SpecError(
                    f"reference {reference.key!r}: authors = {reference.authors!r} is one text: "
                    "give a tuple with a text for each author"
                )
        for block in self._blocks():
            _check_block(block)
        keys, labels = {r.key for r in self.references}, {d.label for d in self.displays()} - {""}
        for text in self._texts():
            for span in spans(text):
                _check_span(span, text, keys, labels)

    def numbered(self) -> Iterator[tuple[str, list[tuple[Block, int]]]]:
        """For every section its numbered title, and its blocks with their numbers.

        The number is that of the display, of the table, or 0.
        """
        displays = tables = 0
        for number, section in enumerate(self.sections, start=1):
            blocks: list[tuple[Block, int]] = []
            for block in section.blocks:
                displays += isinstance(block, Display)
                tables += isinstance(block, Table) and bool(block.caption)
                captioned = isinstance(block, Table) and bool(block.caption)
                own = displays if isinstance(block, Display) else tables if captioned else 0
                blocks.append((block, own))
            yield f"{number}. {section.title}", blocks

    def displays(self) -> list[Display]:
        """All displays; the number of a display is its place here, counted from 1."""
        return [block for block in self._blocks() if isinstance(block, Display)]

    def display_numbers(self) -> dict[str, int]:
        """Numbers of the displays that have labels."""
        return {
            display.label: number
            for number, display in enumerate(self.displays(), start=1)
            if display.label
        }

    def cited(self) -> tuple[Reference, ...]:
        """The references in the order in which they are numbered."""
        order = [
            key
            for text in self._texts()
            for span in spans(text)
            if isinstance(span, Citation)
            for key in span.keys
        ]
        first = {key: order.index(key) for key in order}
        return tuple(sorted(self.references, key=lambda r: first.get(r.key, len(order))))

    def citation_numbers(self) -> dict[str, int]:
        """Numbers of the references, from 1."""
        return {reference.key: number for number, reference in enumerate(self.cited(), start=1)}

    def _blocks(self) -> Iterator[Block]:
        return (block for section in self.sections for block in section.blocks)

    def _texts(self) -> Iterator[str]:
        """Every text with spans, in reading order."""
        yield from (self.title, self.abstract)
        for section in self.sections:
            yield section.title
            for block in section.blocks:
                if isinstance(block, Prose):
                    yield block.text
                elif isinstance(block, Display):
                    yield from (line.note for line in block.lines)
                else:
                    yield from (
                        block.caption,
                        *block.header,
                        *(cell for row in block.rows for cell in row),
                    )


def _check_names(names: list[str], what: str) -> None:
    for name in names:
        if not _KEY.fullmatch(name):
            raise SpecError(f"{what} {name!r}: use letters, digits and : . _ + - only")
        if names.count(name) > 1:
            raise SpecError(f"{what} {name!r} is used {names.count(name)} times: give each its own")


def _check_span(span: Span, text: str, keys: set[str], labels: set[str]) -> None:
    if isinstance(span, Math):
        _check_formula(span.latex)
    elif isinstance(span, CrossReference) and span.label not in labels:
        raise SpecError(
            f"[#{span.label}] in {text!r} refers to no display: the labels are {sorted(labels)}"
        )
    elif isinstance(span, Citation):
        for key in span.keys:
            if key not in keys:
                raise SpecError(
                    f"[@{key}] in {text!r} is no reference: the keys are {sorted(keys)}"
                )


def _check_block(block: Block) -> None:
    if isinstance(block, Table):
        for row in block.rows:
            if len(row) != len(block.header):
                raise SpecError(
                    f"table {block.caption!r}: the row {row!r} has {len(row)} cells, the header "
                    f"{len(block.header)}"
                )
    elif isinstance(block, Display):
        if not block.lines:
            raise SpecError(f"display {block.label!r} has no lines: give at least one")
        for line in block.lines:
            if isinstance(line.terms, str) or not line.terms:
                raise SpecError(
                    f"display {block.label!r}: terms = {line.terms!r}: give a tuple with at least "
                    "one text"
                )
            for formula in (line.left, line.relation, *line.terms):
                _check_formula(formula)


def _check_formula(latex: str) -> None:
    depth = 0
    for token in re.findall(r"\\.|[{}]", latex, re.DOTALL):
        depth += (token == "{") - (token == "}")
        if depth < 0:
            break
    lefts, rights = (len(re.findall(rf"\\{word}(?![A-Za-z])", latex)) for word in ("left", "right"))
    if depth or lefts != rights:
        raise SpecError(
            f"the formula {latex!r} has brackets without a partner: {{...}} and \\left ... \\right "
            "must pair"
        )
