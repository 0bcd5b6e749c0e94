"""Pieces of self-contained HTML pages: equations, pictures, tables."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import latex2mathml.converter
import sympy as sp
from matplotlib import rc_context
from matplotlib.figure import Figure

from ...files import write_text

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
table { border-collapse: collapse; font-size: .85rem } td, th { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #ddd }
td.text, th.text { text-align: left } math { font-size: 1.05rem; margin: .4rem 0 } .wide { overflow-x: auto }
.verdict { padding: .7rem 1rem; border-left: 5px solid } .passed { border-color: #2a7; background: #f0faf4 }
.failed { border-color: #c33; background: #fbf0f0 } figure { margin: 1rem 0 } img { max-width: 100%; height: auto }
figcaption { color: #555; font-size: .9rem } details { margin: .5rem 0 }
"""


def write_page(path: str | Path, heading: str, body: Sequence[str]) -> None:
    """An HTML file that needs nothing else; written whole or not at all."""
    write_text(
        path,
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(heading)}</title>'
        f"<style>{STYLE}</style></head>\n<body>\n<h1>{escape(heading)}</h1>\n"
        + "\n".join(body)
        + "\n</body></html>\n",
    )


def verdict(passed: bool, word: str, text: str) -> str:
    """What it comes to, in green or red."""
    return f'<p class="verdict {"passed" if passed else "failed"}"><strong>{escape(word)}:</strong> {escape(text)}.</p>'


def equations(mean_field: Any) -> str:
    """The closure's statement, the equations and the transfer functions."""
    lines = [
        latex2mathml.converter.convert(line, display="block") for line in mean_field.latex_lines()
    ]
    transfers = "".join(
        latex2mathml.converter.convert(rf"\phi(x) = {sp.latex(f.expression)}", display="block")
        for f in mean_field.architecture.distinct_transfers
    )
    return (
        f"<h2>Equations</h2><p>Closure {escape(type(mean_field.closure).__name__)}. {_with_formulas(mean_field.closure.statement)}</p>"
        f'<div class="wide">{"".join(lines)}</div><p>Transfer functions:</p><div class="wide">{transfers}</div>'
    )


def _with_formulas(text: str) -> str:
    """A text with formulas between dollars."""
    parts = text.split("$")
    return "".join(
        latex2mathml.converter.convert(part) if k % 2 else escape(part)
        for k, part in enumerate(parts)
    )


def picture(figure: Figure, caption: str) -> str:
    """A figure with its caption; the picture is data, so that the names inside several pictures cannot collide."""
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "motifield", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{escape(caption)}.</figcaption></figure>"
    )


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows with the same keys; texts to the left, numbers to the right."""
    if not rows:
        return "<p>no rows</p>"
    head = "".join(f"<th{_class(v)}>{escape(k.replace('_', ' '))}</th>" for k, v in rows[0].items())
    lines = [
        "<tr>" + "".join(f"<td{_class(v)}>{escape(cell(v))}</td>" for v in row.values()) + "</tr>"
        for row in rows
    ]
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(lines)}</table></div>'


def cell(value: Any) -> str:
    """A number as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _class(value: Any) -> str:
    return ' class="text"' if isinstance(value, str) else ""
