"""Self-contained HTML pages: equations, pictures and tables for templates."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import latex2mathml.converter
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from ...files import write_text

SHORT = 40
"""Rows of a table that is shown open; a longer one is folded."""


def write_page(path: str | Path, template: str, **values: Any) -> None:
    """Fill a template and write it to an HTML file, whole or not at all.

    Args:
        path: HTML file to write.
        template: name of a file in `templates`.
        values: what stands in the template; texts are escaped.
    """
    write_text(path, TEMPLATES.get_template(template).render(**values))


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys as HTML; texts to the left, numbers to the right."""
    if not rows:
        return "<p>no rows</p>"
    cells = [{str(k).replace("_", " "): cell(v) for k, v in row.items()} for row in rows]
    texts = [k for k, v in enumerate(rows[0].values(), start=1) if isinstance(v, str)]
    with pd.option_context("display.max_colwidth", None):  # which shortens long texts
        return pd.DataFrame(cells).to_html(
            index=False, border=0, justify="unset", classes=[f"text-{k}" for k in texts]
        )


def cell(value: Any) -> str:
    """A number as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def equations(mean_field: Any) -> dict[str, Any]:
    """The closure's name and statement, the equations and the transfer functions, as MathML."""
    functions = mean_field.architecture.distinct_transfers
    transfers = (rf"\phi(x) = {f.latex()}" for f in functions)
    parts = enumerate(mean_field.closure.statement.split("$"))
    return {
        "closure": mean_field.closure.kind,
        # formulas stand between dollars: every second part is one
        "statement": [(k % 2 == 1, _formula(p, "inline") if k % 2 else p) for k, p in parts],
        "lines": [_formula(line) for line in mean_field.latex_lines()],
        "transfers": [_formula(line) for line in transfers],
    }


def _formula(latex: str, display: str = "block") -> str:
    return latex2mathml.converter.convert(latex, display=display)


def picture(figure: Figure) -> str:
    """A figure as the address of an image that is its own data, so that no names collide."""
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "motifield", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
TEMPLATES.globals |= {"picture": picture, "table": table, "short": SHORT}
