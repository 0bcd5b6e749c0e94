"""Theory against networks on one page: equations, pictures, tables, verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...time_units import in_words
from ..plots import verification_figures
from ..verification import NetworkVerification, Verification
from .page import equations, write_page


def save_report(
    result: Verification | NetworkVerification | Sequence[Any],
    path: str | Path,
    *,
    title: str | None = None,
    introduction: str = "",
    tables: Mapping[str, Sequence[dict[str, Any]]] | None = None,
) -> None:
    """Write one or several comparisons of theory with networks to a self-contained HTML file.

    Args:
        result: of `verify` or `verify_network`, or several of them.
        path: HTML file, written whole or not at all.
        title: heading of the page; by default the first result's.
        introduction: a paragraph of plain text.
        tables: further tables by caption, each a list of rows.

    Raises:
        FileError: the file cannot be written.
    """
    results = [result] if isinstance(result, (Verification, NetworkVerification)) else list(result)
    sections = [_section(one) for one in results]
    for k, own in enumerate(sections):
        if own["equations"] in [other["equations"] for other in sections[:k]]:
            own["equations"] = None  # they stand on the page already
    write_page(
        path,
        "verification.html",
        title=title or results[0].title or "Theory against networks",
        introduction=introduction,
        tables=tables or {},
        sections=sections,
    )


def _section(result: Verification | NetworkVerification) -> dict[str, Any]:
    """What a page shows of one comparison."""
    section = {
        "title": result.title,
        "passed": result.passed,
        "criterion": result.criterion,
        "equations": equations(result.system.mean_field),
        "pictures": verification_figures(result),
        "limits": [],
        "spread": [],
        "p_values": [],
        "time": in_words(result.time_unit),
        "rows": result.rows(),
    }
    if isinstance(result, Verification):
        section["limits"] = result.json()["limits"]
        section["spread"] = result.spread_rows()
        if result.verdict is not None:
            section["p_values"] = [result.verdict.json()]
    return section
