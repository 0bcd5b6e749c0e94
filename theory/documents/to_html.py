"""A document as one HTML page that needs nothing else: mathematics in MathML, light and dark, on screen and on paper."""

from __future__ import annotations

import re
from html import escape

from ...errors import SpecError
from .document import (
    Block,
    Citation,
    CrossReference,
    Display,
    Document,
    Line,
    Math,
    Prose,
    Reference,
    Table,
    Text,
    spans,
)
from .width import pieces, rows, width

_PIECE = 29.0  # em: widest part of an equation that stays in one row
_INLINE = 14.0  # em: the same in running text
_LEFT = 12.0  # em: a wider left side has a row of its own

STYLE = """
:root { color-scheme: light dark; --ink: #1d1d1f; --paper: #fdfdfb; --faint: #6b6b70; --rule: #d9d9d4; --link: #22558c; --soft: #f4f4ef }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e4df; --paper: #17181a; --faint: #9a9a9f; --rule: #3a3b3f; --link: #8ab6e8; --soft: #202225 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 3rem 1.25rem 5rem; max-width: 50rem; color: var(--ink); background: var(--paper);
  font: 1.06rem/1.6 "Source Serif 4", "Iowan Old Style", Charter, "Bitstream Charter", Georgia, "Times New Roman", serif; text-wrap: pretty }
h1 { font-size: 1.9rem; line-height: 1.2; font-weight: 600; margin: 0 0 1.5rem; text-wrap: balance }
h2 { font-size: 1.3rem; line-height: 1.3; font-weight: 600; margin: 2.6rem 0 .8rem }
p { margin: .8rem 0 } a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", "XITS Math", "STIXGeneral", math; font-size: 1.04em }
.abstract { margin: 0 0 2rem; padding: .9rem 1.2rem; background: var(--soft); border-radius: 4px }
.display { display: flex; align-items: center; gap: 1rem; margin: 1rem 0 }
.lines { display: grid; grid-template-columns: minmax(0, max-content) minmax(0, 1fr); column-gap: .3em; row-gap: .55rem; flex: 1; min-width: 0;
  padding: .15rem 0 .15rem 1.6rem; overflow-x: auto; overflow-y: hidden; align-items: baseline }
.left { text-align: right; white-space: nowrap } .left.broad { grid-column: 1 / -1; text-align: left; white-space: normal }
.right { grid-column: 2; padding-left: 2.6em; text-indent: -2.6em; line-height: 2.3 } .broad + .right { grid-column: 1 / -1; margin-left: 1.5em }
.right math, .left math { text-indent: 0 } .note { color: var(--faint); font-size: .92em; margin-left: 1.5em; text-indent: 0; display: inline-block }
.number { color: var(--faint); font-variant-numeric: tabular-nums }
.display:target .number, li:target { color: var(--link) }
figure { margin: 1.6rem 0; overflow-x: auto } figcaption { font-size: .95rem; margin-bottom: .5rem } figcaption b { font-weight: 600 }
table { border-collapse: collapse; width: 100%; font-size: .96rem; line-height: 1.45; border-block: 1.5px solid var(--ink) }
th { text-align: left; font-weight: 600; border-bottom: 1px solid var(--ink) } td, th { padding: .32rem 1.2rem .32rem 0; vertical-align: top }
td:last-child, th:last-child { padding-right: 0 } tbody tr + tr td { border-top: 1px solid var(--rule) }
ol { padding-left: 1.6rem } li { margin: .4rem 0 }
@media (max-width: 40rem) { .lines { padding-left: 0 } body { padding-top: 1.5rem } .right { padding-left: 1.4em; text-indent: -1.4em } }
@media print { :root { --ink: #000; --paper: #fff; --soft: #fff; --link: #000 } @page { margin: 22mm 24mm }
  body { max-width: none; padding: 0; font-size: 10.5pt } .abstract { padding: 0 2rem } h2 { break-after: avoid } tr, .left { break-inside: avoid }
  .lines, figure { overflow: visible } thead { display: table-header-group } }
"""
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
    """The document as a page. Raises `SpecError` for a formula that has no MathML."""
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
        return f'<div class="display"{name}><div class="lines">\n{lines}\n</div><span class="number">({number})</span></div>'

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
        return f"<figure>{caption}<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></figure>"

    def reference(self, reference: Reference) -> str:
        where = f"{escape(reference.where)} " if reference.where else ""
        links = "".join(
            f', <a href="{escape(url)}">{escape(name)}</a>' for name, url in reference.links()
        )
        return f"{escape(', '.join(reference.authors))}. <em>{self.prose(reference.title)}</em>. {where}({escape(str(reference.year))}){links}."

    def prose(self, text: str) -> str:
        return "".join(self.span(span) for span in spans(text))

    def span(self, span: Text | Math | Citation | CrossReference) -> str:
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
    """A formula as MathML within a row of text; large: with limits above and below sums, and full-size fractions, as in a display."""
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
