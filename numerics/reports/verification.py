"""One self-contained HTML page: equations, pictures, table, verdict."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from ..plots import verification_figures
from ..verification import NetworkVerification, Verification
from .page import equations, picture, table, verdict, write_page


def save_report(
    result: Verification | NetworkVerification | Sequence[Any],
    path: str | Path,
    *,
    title: str | None = None,
    introduction: str = "",
    tables: dict[str, Sequence[dict[str, Any]]] | None = None,
) -> None:
    """Write the comparison, or several of them on one page, to an HTML file that needs nothing else.

    introduction: a paragraph in plain text; tables: further tables by caption, each a list of rows. Written whole or not at all.
    """
    results = [result] if isinstance(result, (Verification, NetworkVerification)) else list(result)
    heading = title or results[0].title or "Theory against networks"
    body = [f"<p>{escape(introduction)}</p>" if introduction else ""]
    body += [f"<h2>{escape(caption)}</h2>{table(rows)}" for caption, rows in (tables or {}).items()]
    written: set[str] = set()
    for one in results:
        body += _section(one, len(results) > 1, written)
    write_page(path, heading, body)


def _section(
    result: Verification | NetworkVerification, titled: bool, written: set[str]
) -> list[str]:
    parts = [f"<h2>{escape(result.title)}</h2>" if titled else ""]
    parts.append(verdict(result.passed, "Passed" if result.passed else "Failed", result.criterion))
    own = equations(result.system.mean_field)
    if own not in written:
        written.add(own)
        parts.append(own)
    parts += [picture(figure, caption) for caption, figure in verification_figures(result).items()]
    if isinstance(result, Verification):
        parts.append(f"<h3>Extrapolated to infinite size</h3>{table(result.json()['limits'])}")
        if result.verdict is not None:
            parts.append(
                f"<h3>p-values of mean and spread, all quantities together</h3>{table([result.verdict.json()])}"
            )
    return [
        *parts,
        f"<details open><summary>All numbers at the last time</summary>{table(result.rows())}</details>",
    ]
