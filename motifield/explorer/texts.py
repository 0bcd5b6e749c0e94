"""The texts of a page: fixed points, feasibility, verdicts, equations, as HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from ..numerics.fixed_points import FixedPoint
from ..numerics.stability import Stability
from .figures import COLOURS, MOST_POPULATIONS
from .sliders import Slider
from .subject import Subject

BODY = re.compile(r"<body>(.*)</body>", re.DOTALL)
SHEET = re.compile(r"<style>(.*?)</style>", re.DOTALL)
OF_PAGE = re.compile(r"body\s*\{[^}]*\}|@media \(prefers.*?\} \}", re.DOTALL)
"""Margins and darkness of a page, which this is only a part of."""
DARK = "color-scheme: light dark;"
TITLE = re.compile(r"<h1>.*?</h1>", re.DOTALL)


def equations_html(subject: Subject) -> str:
    """The equations with mathematics as MathML, of which no script is part."""
    derivation: Any = subject.system.mean_field.derivation
    document = derivation.html("equations")
    body, sheet = BODY.search(document), SHEET.search(document)
    assert body is not None
    assert sheet is not None
    own = TITLE.sub("", body[1], count=1)
    style = OF_PAGE.sub("", sheet[1]).replace(":root", ":host").replace(DARK, "")
    return f"<style>{style}</style>{own}"


def points_html(points: Sequence[FixedPoint], note: str = "") -> str:
    """A table of fixed points: kind, leading eigenvalue, mean inputs and rates."""
    if not points:
        return f"<p>No fixed point is known here. {escape(note)}</p>"
    names = list(points[0].numbers["population"][:MOST_POPULATIONS])
    heads = [
        "",
        "kind",
        "leading eigenvalue",
        *(f"K {n}" for n in names),
        *(f"R {n}" for n in names),
    ]
    rows = []
    for k, point in enumerate(points):
        leading = complex(point.eigenvalues[0])
        numbers = [*point.numbers["mean"][: len(names)], *point.numbers["rate"][: len(names)]]
        colour = COLOURS[2] if point.stable else COLOURS[3]
        cells = [
            str(k + 1),
            f'<b style="color:{colour}">{escape(point.kind)}</b>',
            _complex(leading),
        ]
        cells += [f"{float(v):.4g}" for v in numbers]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    said = f"<p>{escape(note)}</p>" if note else ""
    return f'<table class="points"><tr>{head}</tr>{"".join(rows)}</table>{said}'


def _complex(value: complex) -> str:
    if not value.imag:
        return f"{value.real:.4g}"
    return f"{value.real:.4g} ± {abs(value.imag):.4g}i"


def refused_html(why: str, own: Slider | None, ranges: Sequence[tuple[float, float]]) -> str:
    """Why no network has the numbers, and where the slider that was moved may stand."""
    first, *more = why.splitlines()
    lines = [f"<b>{escape(first)}</b>", *map(escape, more)]
    if own is not None:
        lines.append(f"<b>{escape(own.name)}: {escape(ranges_text(ranges))}.</b>")
    lines.append("The pictures are those of the last position at which a network exists.")
    return "<br>".join(lines)


def ranges_text(ranges: Sequence[tuple[float, float]]) -> str:
    """The ranges at which a network exists, in words."""
    if not ranges:
        return "no value is feasible while the others stand here"
    return "feasible from " + " and from ".join(f"{a:.4g} to {b:.4g}" for a, b in ranges)


def verdict_html(answer: Stability | None) -> str:
    """What the spectrum says of the network."""
    if answer is None:
        return ""
    return f"<b>{escape(answer.verdict)}</b>: {escape(answer.meaning)}."
