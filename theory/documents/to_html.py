"""A document as one HTML page that needs nothing else, with mathematics in MathML."""

from __future__ import annotations

import re
from html import escape

from ...errors import SpecError
from .breaking import pieces, rows
from .document import Block, Display, Document, Line, Prose, Reference, Table
from .spans import Citation, Math, Span, Text, spans
from .style import STYLE
from .width import width

_PIECE = 29.0  # em: widest part of an equation that stays in one row
_INLINE = 14.0  # em: the same in running text
_LEFT = 12.0  # em: a wider left side has a row of its own

_MENDS = [  # what latex2mathml 3.79 gets wrong for our purpose
    (
        re.compile(r"<mo>([A-Za-z]{2,})</mo>"),
        r"<mi>\1</mi>",
    ),  # \operatorname as an operator has wide gaps on both sides
    (re.compile(r"<mi>(&#x027E[89];)</mi>"), r'<mo stretchy="false">\1</mo>'),
    (re.compile(r">\\langle<"), ">&#x027E8;<"),
    (re.compile(r">\\rangle<"), ">&#x027E9;<"),
    (re.compile(r"<mi>&#x0007E;</mi>"), "<mo>&#x0223C;</mo>"),  # \sim
]


def html(document: Document) -> str:
    """The document as a page.

    Raises:
        SpecError: A formula has no MathML.
    """
    writer = _Writer(document)
    body = [f"<h1>{writer.prose(document.title)}</h1>"]
    if document.abstract:
        body.append(f'<p class="abstract">{writer.prose(document.abstract)}</p>')
    for k, (title, blocks) in enumerate(document.numbered(), start=1):
        body.append(f'<h2 id="section-{k}">{writer.prose(title)}</h2>')
        body += [writer.block(block, number) for block, number in blocks]
    if document.references:
        items = "\n".join(
            f'<li id="ref-{escape(r.key)}">{writer.reference(r)}</li>' for r in document.cited()
        )
        body.append(f"<h2>References</h2>\n<ol>\n{items}\n</ol>")
    title = escape(
        "".join(
            s.latex if isinstance(s, Math) else getattr(s, "text", "")
            for s in spans(document.title)
        )
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


class _Writer:
    """Knows the numbers that citations and cross references print."""

    def __init__(self, document: Document):
        self.displays, self.references = document.display_numbers(), document.citation_numbers()

    def block(self, block: Block, number: int) -> str:
        if isinstance(block, Prose):
            return f"<p>{self.prose(block.text)}</p>"
        return (
            self.display(block, number) if isinstance(block, Display) else self.table(block, number)
        )

    def display(self, display: Display, number: int) -> str:
        name = f' id="eq-{escape(display.label)}"' if display.label else ""
        lines = "\n".join(self.line(line) for line in display.lines)
        return (
            f'<div class="display"{name}><div class="lines">\n{lines}\n</div>'
            f'<span class="number">({number})</span></div>'
        )

    def line(self, line: Line) -> str:
        """The left side, and the right side in parts that the page may wrap between."""
        broad = ' broad"' if width(line.left) > _LEFT else '"'
        left = " ".join(mathml(part, large=True) for part in _parts(line.left)) if line.left else ""
        first, *rest = [part for term in line.terms for part in _parts(term)]
        right = [
            mathml(f"{{}} {line.relation} {first}", large=True),
            *(_continued(mathml(part, large=True)) for part in rest),
        ]
        note = f' <span class="note">({self.prose(line.note)})</span>' if line.note else ""
        return (
            f'<div class="left{broad}>{left}</div><div class="right">{" ".join(right)}{note}</div>'
        )

    def table(self, table: Table, number: int) -> str:
        head = "".join(f"<th>{self.prose(cell)}</th>" for cell in table.header)
        body = "\n".join(
            "<tr>" + "".join(f"<td>{self.prose(cell)}</td>" for cell in row) + "</tr>"
            for row in table.rows
        )
        caption = (
            f"<figcaption><b>Table {number}.</b> {self.prose(table.caption)}</figcaption>"
            if number
            else ""
        )
        return (
            f"<figure>{caption}<table>\n<thead><tr>{head}</tr></thead>\n"
            f"<tbody>\n{body}\n</tbody>\n</table></figure>"
        )

    def reference(self, reference: Reference) -> str:
        where = f"{escape(reference.where)} " if reference.where else ""
        links = "".join(
            f', <a href="{escape(url)}">{escape(name)}</a>' for name, url in reference.links()
        )
        authors, title = escape(", ".join(reference.authors)), self.prose(reference.title)
        return f"{authors}. <em>{title}</em>. {where}({escape(str(reference.year))}){links}."

    def prose(self, text: str) -> str:
        return "".join(self.span(span) for span in spans(text))

    def span(self, span: Span) -> str:
        if isinstance(span, Text):
            return escape(span.text, quote=False)
        if isinstance(span, Math):
            first, *rest = pieces(span.latex, _INLINE)
            return " ".join(
                [mathml(first.text), *(_continued(mathml(piece.text)) for piece in rest)]
            )
        if isinstance(span, Citation):
            return (
                "["
                + ", ".join(
                    f'<a href="#ref-{escape(key)}">{self.references[key]}</a>' for key in span.keys
                )
                + "]"
            )
        return f'<a href="#eq-{escape(span.label)}">({self.displays[span.label]})</a>'


def _parts(latex: str) -> list[str]:
    """A term as it is, or in rows where it is too wide."""
    return [row for _, row in rows([latex], _PIECE, _PIECE)]


def _continued(formula: str) -> str:
    """A formula that goes on from the one before: its first sign is no prefix."""
    return re.sub(r"^(<math[^>]*><mrow>)<mo>", r'\1<mo form="infix">', formula)


def mathml(latex: str, *, large: bool = False) -> str:
    """A formula as MathML within a row of text.

    Args:
        latex: The formula.
        large: Whether sums have limits above and below, and fractions their full size, as in a
            display.

    Raises:
        SpecError: The formula has no MathML.
    """
    from latex2mathml.converter import convert

    try:
        found = convert(_escaped_words(latex), display="block" if large else "inline")
    except Exception as error:  # latex2mathml's errors have no base class of their own
        raise SpecError(
            f"the formula {latex!r} has no MathML: {type(error).__name__} {error}"
        ) from error
    for pattern, replacement in _MENDS:
        found = pattern.sub(replacement, found)
    if unknown := re.search(r">(\\[A-Za-z]+)<", found):
        raise SpecError(f"the formula {latex!r} has no MathML: {unknown[1]} is unknown")
    style = 'display="inline" displaystyle="true"' if large else 'display="inline"'
    return re.sub(r'<math [^>]*display="(?:block|inline)">', f"<math {style}>", found, count=1)


def _escaped_words(latex: str) -> str:
    latex = re.sub(
        r"\\mathrm\{([A-Za-z])\}", r"\\text{\1}", latex
    )  # latex2mathml prints a single letter in italics
    return re.sub(
        r"\\text\{([^{}]*)\}",
        lambda m: rf"\text{{{m[1].replace('<', '&lt;').replace('>', '&gt;')}}}",
        latex,
    )
