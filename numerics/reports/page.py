"""One look for all pages: a template, its style, and the script that enlarges pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from ...files import write_text
from .drawings import drawing
from .parts import Picture, Section

WIDEN = 1.25
"""How much larger than in print a picture becomes where there is room."""


def write_page(
    path: str | Path, *, title: str, sections: Sequence[Section], introduction: str = ""
) -> None:
    """Write sections to an HTML file that needs no other one, whole or not at all.

    Args:
        path: HTML file to write.
        title: of the page.
        sections: in their order; those without parts are left out.
        introduction: a paragraph of plain text.

    Raises:
        FileError: the file cannot be written.
    """
    shown = [own for own in sections if own.parts]
    drawn: dict[int, str] = {}  # each picture has a number, by which its parts are named

    def inline(part: Picture) -> str:
        return drawn.setdefault(id(part), _inline(part, f"picture{len(drawn) + 1}"))

    page = TEMPLATES.get_template("page.html").render(
        title=title,
        introduction=introduction,
        sections=shown,
        inline=inline,
        version=version("motifield"),
    )
    write_text(path, page)


def _inline(part: Picture, name: str) -> str:
    """A picture as an element of the page."""
    inside, box = drawing(part.figure, name)
    width = WIDEN * float(box.split()[2])
    head = f'<svg role="img" aria-label="{escape(part.caption)}" viewBox="{box}"'
    return f'{head} style="max-width: {width:.0f}pt">{inside}</svg>'


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys as HTML; texts to the left, numbers to the right."""
    if not rows:
        return "<p>no rows</p>"
    cells = [{str(k).replace("_", " "): cell(v) for k, v in row.items()} for row in rows]
    texts = [k for k, v in enumerate(rows[0].values(), start=1) if isinstance(v, str)]
    with pd.option_context("display.max_colwidth", None):  # which shortens long texts
        return pd.DataFrame(cells).to_html(
            index=False,
            border=0,
            justify="unset",
            na_rep="",
            classes=[f"text-{k}" for k in texts],
        )


def cell(value: Any) -> str:
    """A number as a person reads it."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, (float, complex)) else str(value)


TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
TEMPLATES.globals |= {"table": table}
