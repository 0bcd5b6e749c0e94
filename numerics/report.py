"""One self-contained HTML page: equations, pictures, table, verdict."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import latex2mathml.converter
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..files import write_text
from .plots import figures
from .verify import NetworkVerification, Verification

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
table { border-collapse: collapse; font-size: .85rem } td, th { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #ddd }
td.text, th.text { text-align: left } math { font-size: 1.05rem; margin: .4rem 0 } .wide { overflow-x: auto }
.verdict { padding: .7rem 1rem; border-left: 5px solid } .passed { border-color: #2a7; background: #f0faf4 }
.failed { border-color: #c33; background: #fbf0f0 } figure { margin: 1rem 0 } img { max-width: 100%; height: auto }
figcaption { color: #555; font-size: .9rem } details { margin: .5rem 0 }
"""


def write_report(result: Verification | NetworkVerification | Sequence[Any], path: str | Path, *, title: str | None = None,
                 introduction: str = "", tables: dict[str, Sequence[dict[str, Any]]] | None = None) -> None:  # fmt: skip
    """Write the comparison, or several of them on one page, to an HTML file that needs nothing else.

    introduction: a paragraph in plain text; tables: further tables by caption, each a list of rows. Written whole or not at all.
    """
    results = [result] if isinstance(result, (Verification, NetworkVerification)) else list(result)
    heading = title or results[0].title or "Theory against networks"
    body = [f"<h1>{escape(heading)}</h1>", f"<p>{escape(introduction)}</p>" if introduction else ""]
    body += [f"<h2>{escape(caption)}</h2>{_table(rows)}" for caption, rows in (tables or {}).items()]
    written: set[str] = set()
    for one in results:
        body += _section(one, len(results) > 1, written)
    write_text(path, f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(heading)}</title>'
                     f"<style>{STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n")  # fmt: skip


def _section(result: Verification | NetworkVerification, titled: bool, written: set[str]) -> list[str]:
    mark, word = ("passed", "Passed") if result.passed else ("failed", "Failed")
    parts = [f"<h2>{escape(result.title)}</h2>" if titled else ""]
    parts.append(f'<p class="verdict {mark}"><strong>{word}:</strong> {escape(result.criterion)}.</p>')
    equations = _equations(result)
    if equations not in written:
        written.add(equations)
        parts.append(equations)
    for caption, figure in figures(result).items():
        parts.append(f"<figure>{_image(figure, caption)}<figcaption>{escape(caption)}.</figcaption></figure>")
    if isinstance(result, Verification):
        parts.append(f"<h3>Extrapolated to infinite size</h3>{_table(result.json()['limits'])}")
        if result.verdict is not None:
            parts.append(f"<h3>p-values of mean and spread, all quantities together</h3>{_table([result.verdict.json()])}")
    return [*parts, f"<details open><summary>All numbers at the last time</summary>{_table(result.rows())}</details>"]


def _equations(result: Verification | NetworkVerification) -> str:
    mean_field = result.system.mean_field
    lines = [latex2mathml.converter.convert(line, display="block") for line in mean_field.latex_lines()]
    transfers = "".join(latex2mathml.converter.convert(rf"\phi(x) = {_latex(f)}", display="block")
                        for f in mean_field.architecture.distinct_transfers)  # fmt: skip
    return (f'<h2>Equations</h2><p>Closure {escape(type(mean_field.closure).__name__)}. {escape(mean_field.closure.statement)}</p>'
            f'<div class="wide">{"".join(lines)}</div><p>Transfer functions:</p><div class="wide">{transfers}</div>')  # fmt: skip


def _latex(transfer: Any) -> str:
    import sympy as sp

    return sp.latex(transfer.expression)


def _image(figure: Figure, caption: str) -> str:
    """An image element that holds its picture: as data, so that the names inside several pictures cannot collide."""
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "motifield", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{escape(caption)}" src="data:image/svg+xml;base64,{data}">'


def _table(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return "<p>no rows</p>"
    head = "".join(f"<th{_class(v)}>{escape(k.replace('_', ' '))}</th>" for k, v in rows[0].items())
    lines = ["<tr>" + "".join(f"<td{_class(v)}>{escape(cell(v))}</td>" for v in row.values()) + "</tr>" for row in rows]
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(lines)}</table></div>'


def _class(value: Any) -> str:
    return ' class="text"' if isinstance(value, str) else ""


def cell(value: Any) -> str:
    """A number as a person reads it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
