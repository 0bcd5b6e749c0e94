"""A document as LaTeX: an article that compiles on its own, a fragment, its references."""

from __future__ import annotations

import re
from collections.abc import Callable

from .breaking import pieces, rows
from .document import Block, Display, Document, Line, Prose, Reference, Table
from .letters import in_formula, letter_latex
from .spans import Citation, Math, Span, Text, spans
from .width import width

PAGE = 41.0  # em: 160 mm at 11 pt, less a hair
_NUMBER = 3.2  # kept free for "(123)"
BOLD = 1.15  # of a header in a narrow column, in units of the width of plain text
_INLINE = 8.0  # widest part of a formula in running text that may not be broken

_PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb,array,booktabs,longtable,microtype}
\usepackage[textwidth=160mm,textheight=240mm]{geometry}
\usepackage[hidelinks]{hyperref}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.6em plus 0.2em minus 0.1em}
\setlength{\emergencystretch}{3em}
\setlength{\LTleft}{0pt}
\setlength{\jot}{5pt}
\AtBeginDocument{\setlength{\LTcapwidth}{\linewidth}}
"""
_NEEDS = (
    r"% Needs \usepackage{amsmath,amssymb,array}; references: \bibliography with the .bib file "
    r"that belongs to it."
)
_FRAGMENT_HEAD = rf"""{_NEEDS}
\providecommand{{\texorpdfstring}}[2]{{#1}}
\begingroup
\allowdisplaybreaks
\setlength{{\emergencystretch}}{{3em}}
"""


def article(document: Document, bib: str) -> str:
    """A complete article for pdflatex and bibtex.

    It needs the packages of texlive-latex-base and -recommended.

    Args:
        document: What is printed.
        bib: Stem of the .bib file that holds `bibliography(document)`.
    """
    title = rf"{{\LARGE {_prose(document.title)}\par}}"
    parts = [
        _PREAMBLE + "\n\\begin{document}\n\\begin{center}\n" + title + "\n\\end{center}\n\\bigskip"
    ]
    if document.abstract:
        parts.append(
            f"\\begin{{abstract}}\n\\noindent {_prose(document.abstract)}\n\\end{{abstract}}"
        )
    parts += _sections(document, PAGE, is_fragment=False)
    if document.references:
        parts.append(f"\\nocite{{*}}\n\\bibliographystyle{{unsrt}}\n\\bibliography{{{bib}}}")
    return "\n\n".join([*parts, "\\end{document}\n"])


def fragment(document: Document, *, page: float = PAGE) -> str:
    r"""The sections alone, as \subsection* without a preamble, for \input into an article.

    Tables break over columns and pages, in articles of two columns, too.

    Args:
        document: What is printed.
        page: The width of the text there, in em (41 for 160 mm at 11 pt, 24.6 for a column of
            246 pt at 10 pt).
    """
    return (
        _FRAGMENT_HEAD
        + "\n"
        + "\n\n".join(_sections(document, page, is_fragment=True))
        + "\n\n\\par\n\\endgroup\n"
    )


def bibliography(document: Document) -> str:
    """The references as a .bib file."""
    head = '@preamble{"\\providecommand{\\href}[2]{#2}"}'
    return "\n\n".join([head, *map(_entry, document.cited())]) + "\n" if document.references else ""


def _entry(reference: Reference) -> str:
    links = [rf"\href{{{_address(url)}}}{{{_escape(name)}}}" for name, url in reference.links()]
    fields = {
        "author": " and ".join(map(_escape, reference.authors)),
        "title": "{" + _prose(reference.title) + "}",
        "journal": _escape(reference.where),
        "year": str(reference.year),
        "note": ", ".join(links),
        "doi": reference.doi,
    }
    kind = "article" if reference.where else "misc"
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{kind}{{{reference.key},\n{body}\n}}"


def _address(url: str) -> str:
    return url.replace("%", r"\%").replace("#", r"\#").replace("_", r"\_")


def _sections(document: Document, page: float, *, is_fragment: bool) -> list[str]:
    parts = []
    for number, (section, (_, blocks)) in enumerate(
        zip(document.sections, document.numbered(), strict=True), start=1
    ):
        head = (
            rf"\subsection*{{{number}. {_heading(section.title)}}}"
            if is_fragment
            else rf"\section{{{_heading(section.title)}}}"
        )
        body = head
        for block, _ in blocks:
            body += ("\n" if isinstance(block, Display) else "\n\n") + _block(
                block, page, _rows if is_fragment else _longtable
            )
        parts.append(body)
    return parts


def _block(block: Block, page: float, table: Callable[[Table, float], str]) -> str:
    if isinstance(block, Prose):
        return _prose(block.text)
    return _display(block, page) if isinstance(block, Display) else table(block, page)


def _display(display: Display, page: float) -> str:
    rows_of = (_line(line, display, page - _NUMBER) for line in display.lines)
    lines = [in_formula(row) for rows in rows_of for row in rows]
    label = rf"\label{{eq:{display.label}}}" if display.label else ""
    lines[-1] += f" {label}".rstrip()
    if len(lines) == 1:
        return f"\\begin{{equation}}\n{lines[0].replace('&', '', 1)}\n\\end{{equation}}"
    return "\\begin{align}\n" + " \\notag \\\\\n".join(lines) + "\n\\end{align}"


def _line(line: Line, display: Display, room: float) -> list[str]:
    """The rows of one equation, each with its alignment mark."""
    lefts = [width(other.left) for other in display.lines]
    margin = max([w for w in lefts if w <= room * 0.3], default=0.0)
    found, broad = [], width(line.left) > room * 0.3
    if broad:
        found = [
            rf"& {indent}{row}" for indent, row in rows([line.left], room - margin, room - margin)
        ]
    body = rows(
        line.terms, room - margin - width(line.relation) - (1.7 if broad else 0.6), room - margin
    )
    for k, (indent, row) in enumerate(body):
        if k:
            found.append(rf"& {indent}{row}")
        else:
            found.append(
                rf"& \quad {line.relation} {row}"
                if broad
                else rf"{line.left} & {line.relation} {row}".strip()
            )
    if line.note:
        found = _annotated(found, line.note, room - margin)
    return found


def _annotated(found: list[str], note: str, room: float) -> list[str]:
    text = _prose(note)
    size = (
        sum(
            width(s.latex, display=False)
            if isinstance(s, Math)
            else 0.5 * len(getattr(s, "text", "[00]"))
            for s in spans(note)
        )
        + 1
    )
    if width(found[-1].replace("&", "")) + size + 2 < room:
        return [*found[:-1], rf"{found[-1]} \qquad \text{{({text})}}"]
    if size < room - 2:
        return [*found, rf"& \qquad \text{{({text})}}"]
    return [*found, rf"& \qquad \parbox{{{room - 3:.1f}em}}{{\raggedright ({text})}}"]


def _longtable(table: Table, page: float) -> str:
    form, head, body = _cells(table, page)
    caption = rf"\caption{{{_prose(table.caption)}}} \\" + "\n" if table.caption else ""
    start = rf"\begin{{longtable}}{{@{{}}{form}@{{}}}}" + "\n" + caption
    rules = f"\\toprule\n{head} \\\\\n\\midrule\n"
    return (
        f"{start}{rules}\\endfirsthead\n{rules}\\endhead\n\\bottomrule\n\\endlastfoot\n"
        + "\n".join(rf"{row} \\" for row in body)
        + "\n\\end{longtable}"
    )


def _rows(table: Table, page: float) -> str:
    """Every row a table of its own, which stands in columns, too, where longtable does not."""
    form, head, body = _cells(table, page, BOLD)
    rule = r"\noindent\rule{\linewidth}{.4pt}\par"
    parts = [rf"\noindent {_prose(table.caption)}\par"] if table.caption else []
    for row in (head, *body):
        tabular = rf"\begin{{tabular}}[t]{{@{{}}{form}@{{}}}}{row}\end{{tabular}}"
        parts.append(rf"\noindent{tabular}\par")
    parts.insert(bool(table.caption), rule)
    parts.insert(2 + bool(table.caption), rule)
    return "\n".join([r"\begingroup\setlength{\tabcolsep}{.55em}", *parts, rule, r"\endgroup"])


def _cells(table: Table, page: float, bold: float = 1.0) -> tuple[str, str, list[str]]:
    """The form of the columns, the header and the rows; bold: how much wider headers are."""
    count = len(table.header)
    gaps = 1.1 * (count - 1)
    columns = [[row[k] for row in (table.header, *table.rows)] for k in range(count)]
    wide = [max(bold * _cell_width(cells[0]), *map(_cell_width, cells)) + 0.6 for cells in columns]
    room = page - gaps
    shares = (
        wide
        if sum(wide) <= room
        else _shares(wide, [_least(cells, bold) for cells in columns], room)
    )
    form = "".join(rf">{{\raggedright\arraybackslash}}p{{{share:.2f}em}}" for share in shares)
    head = " & ".join(rf"\textbf{{{_prose(cell)}}}" for cell in table.header)
    body = [
        " & ".join(
            _prose(cell, max(share - 0.5, 3.0)) for cell, share in zip(row, shares, strict=True)
        )
        for row in table.rows
    ]
    return form, head, body


def _least(cells: list[str], bold: float) -> float:
    """What a column cannot do without."""
    return max(bold * _longest(cells[0]), *map(_longest, cells)) + 0.3


def _shares(wide: list[float], least: list[float], room: float) -> list[float]:
    """Widths of columns that together fill the room.

    Each column has what it cannot do without, and of the rest a share in proportion to what it
    would like.
    """
    least = [min(a, b, room / 2) for a, b in zip(least, wide, strict=True)]
    spare = room - sum(least)
    if spare < 0:
        return [a * room / sum(least) for a in least]
    wishes = [b - a for a, b in zip(least, wide, strict=True)]
    return [a + spare * wish / sum(wishes) for a, wish in zip(least, wishes, strict=True)]


def _cell_width(text: str) -> float:
    return sum(
        width(s.latex, display=False)
        if isinstance(s, Math)
        else 0.5 * len(getattr(s, "text", "[00]"))
        for s in spans(text)
    )


def _longest(text: str) -> float:
    """The widest part of a cell that cannot be broken."""
    found = [2.0]
    for span in spans(text):
        if isinstance(span, Math):
            found += [width(piece.text, display=False) for piece in pieces(span.latex, _INLINE)]
        elif isinstance(span, Text):
            found += [0.55 * len(word) for word in span.text.split()]
    return max(found)


def _prose(text: str, limit: float = _INLINE) -> str:
    return "".join(_span(span, limit) for span in spans(text))


def _span(span: Span, limit: float) -> str:
    if isinstance(span, Text):
        return _escape(span.text)
    if isinstance(span, Math):
        parts = pieces(span.latex, limit)
        rest = "".join(rf"{part.glue}\allowbreak {part.text}" for part in parts[1:])
        return f"${in_formula(parts[0].text + rest)}$"
    if isinstance(span, Citation):
        return rf"\cite{{{','.join(span.keys)}}}"
    return rf"\eqref{{eq:{span.label}}}"


def _heading(title: str) -> str:
    plain = re.sub(
        r"[\\{}$^_]|\\[a-z]+",
        "",
        " ".join(s.latex if isinstance(s, Math) else getattr(s, "text", "") for s in spans(title)),
    )
    return (
        rf"\texorpdfstring{{{_prose(title, 99)}}}{{{_escape(' '.join(plain.split()))}}}"
        if "$" in title
        else _prose(title)
    )


def _escape(text: str) -> str:
    text = re.sub(r'"([^"]*)"', r"“\1”", text)
    return "".join(map(letter_latex, text))
