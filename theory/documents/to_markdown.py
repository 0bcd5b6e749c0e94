"""A document as Markdown with mathematics, as GitHub and Jupyter show it."""

from __future__ import annotations

import re

from .breaking import rows
from .document import Block, Display, Document, Line, Prose, Reference, Table
from .spans import Citation, Math, Span, Text, spans
from .width import width

_ROW = 44.0  # em
_MARKS = re.compile(r"([\\`*_\[\]~$|])")
# GitHub forbids \operatorname (github/markup issue 1688), and in running text it reads \, and the
# like as escapes of Markdown
_PORTABLE = [
    (re.compile(r"\\operatorname\{([A-Za-z]+)\}"), r"\\mathop{\\mathrm{\1}}"),
    (re.compile(r"(?<!\\)\\,"), r"\\thinspace "),
    (re.compile(r"(?<!\\)\\:"), r"\\medspace "),
    (re.compile(r"(?<!\\)\\;"), r"\\thickspace "),
    (re.compile(r"(?<!\\)\\!"), r"\\negthinspace "),
    (re.compile(r"(?<!\\)\\\{"), r"\\lbrace "),
    (re.compile(r"(?<!\\)\\\}"), r"\\rbrace "),
    (re.compile(r"(?<!\\)\\\|"), r"\\Vert "),
    (re.compile(r"\|"), r"\\vert "),
    (re.compile("<"), r"\\lt "),
    (re.compile(">"), r"\\gt "),
    (re.compile(r"\*"), r"\\ast "),
]


def markdown(document: Document) -> str:
    r"""The document in GitHub-flavoured Markdown.

    Displays are `$$` with aligned rows and \tag, references a list.
    """
    writer = _Writer(document)
    parts = [f"# {writer.prose(document.title)}"]
    if document.abstract:
        parts.append(f"**Abstract.** {writer.prose(document.abstract)}")
    for title, blocks in document.numbered():
        parts.append(f"## {writer.prose(title)}")
        parts += [writer.block(block, number) for block, number in blocks]
    if document.references:
        parts.append("## References")
        parts.append(
            "\n".join(f"{n}. {_reference(r)}" for n, r in enumerate(document.cited(), start=1))
        )
    return "\n\n".join(parts) + "\n"


class _Writer:
    """Knows the numbers that citations and cross references print."""

    def __init__(self, document: Document):
        self.displays, self.references = document.display_numbers(), document.citation_numbers()

    def block(self, block: Block, number: int) -> str:
        if isinstance(block, Prose):
            return re.sub(
                r"^(#|[-+>]|\d+[.)])", lambda m: m[1][:-1] + "\\" + m[1][-1], self.prose(block.text)
            )
        return (
            self.display(block, number) if isinstance(block, Display) else self.table(block, number)
        )

    def display(self, display: Display, number: int) -> str:
        lines = " \\\\\n".join(row for line in display.lines for row in self.line(line))
        return f"$$\n\\begin{{aligned}}\n{lines}\n\\end{{aligned}} \\tag{{{number}}}\n$$"

    def line(self, line: Line) -> list[str]:
        first, *rest = rows(line.terms, _ROW - width(line.left), _ROW - width(line.left))
        found = [
            f"{line.left} & {line.relation} {first[1]}".strip(),
            *(f"& {indent}{row}" for indent, row in rest),
        ]
        if line.note:
            found[-1] += rf" \qquad {self.words(f'({line.note})')}"
        return [_portable(row) for row in found]

    def words(self, text: str) -> str:
        """A text within a formula."""
        parts = [
            span.latex
            if isinstance(span, Math)
            else rf"\text{{{_in_text(self.span(span, plain=True))}}}"
            for span in spans(text)
        ]
        return " ".join(parts)

    def table(self, table: Table, number: int) -> str:
        lines = [table.header, ["---"] * len(table.header), *table.rows]
        body = "\n".join(
            "| " + " | ".join(cell if k == 1 else self.prose(cell) for cell in row) + " |"
            for k, row in enumerate(lines)
        )
        return f"**Table {number}.** {self.prose(table.caption)}\n\n{body}" if number else body

    def prose(self, text: str) -> str:
        return "".join(self.span(span) for span in spans(text))

    def span(self, span: Span, *, plain: bool = False) -> str:
        if isinstance(span, Text):
            return span.text if plain else _escape(span.text)
        if isinstance(span, Math):
            return f"${_portable(span.latex).strip()}$"
        if isinstance(span, Citation):
            numbers = ", ".join(str(self.references[key]) for key in span.keys)
            return f"[{numbers}]" if plain else rf"\[{numbers}\]"
        return f"({self.displays[span.label]})"


def _reference(reference: Reference) -> str:
    where = f"{_escape(reference.where)} " if reference.where else ""
    links = "".join(f", [{_escape(name)}](<{url}>)" for name, url in reference.links())
    title = "".join(
        f"${_portable(s.latex)}$" if isinstance(s, Math) else _escape(getattr(s, "text", ""))
        for s in spans(reference.title)
    )
    return f"{_escape(', '.join(reference.authors))}. *{title}*. {where}({reference.year}){links}."


def _portable(latex: str) -> str:
    for pattern, replacement in _PORTABLE:
        latex = pattern.sub(replacement, latex)
    return latex


def _escape(text: str) -> str:
    return _MARKS.sub(r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _in_text(text: str) -> str:
    return re.sub(r"[\\{}$&#%_^~]", " ", text)
