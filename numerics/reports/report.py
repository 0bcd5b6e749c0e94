"""Results on one page: what was found, numbers, equations, how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import SpecError
from ..fitting import Fit
from ..results import Result
from ..verification import NetworkVerification, Verification
from .fit import fit_sections
from .formulas import equations
from .general import result_parts
from .origin import Origin, how_made, system_of
from .page import write_page
from .parts import Formulas, Heading, Part, Section, further
from .verification import verification_parts


def save_report(
    result: Result | Sequence[Any],
    path: str | Path,
    *,
    title: str | None = None,
    introduction: str = "",
    tables: Mapping[str, Sequence[dict[str, Any]]] | None = None,
    origin: Origin | None = None,
) -> None:
    """Write one or several results to a self-contained HTML file.

    The page has the status, the picture and the table of each result, the equations, and how it
    was made. Its pictures can be enlarged, and it can be printed. Nothing is loaded from
    elsewhere.

    Args:
        result: of any verb, or several of them; of a fit, `save_fit_report` shows more.
        path: HTML file, written whole or not at all.
        title: heading of the page; by default the first result's.
        introduction: a paragraph of plain text.
        tables: further tables by caption, each a list of rows.
        origin: command, spec and options; parameters, equations and versions are known without.

    Raises:
        SpecError: no result, or what is none; a spec that cannot be read.
        FileError: the file cannot be written.
    """
    results = [result] if isinstance(result, Result) else list(result)
    for own in results:
        if not isinstance(own, Result):
            raise SpecError(f"a report is about results of verbs: {own!r} is none")
    if not results:
        raise SpecError("a report is about results of verbs: give one or several")
    sections = further(tables) + _found(results) + _equations(results, origin or Origin())
    write_page(
        path,
        title=title or results[0].title or "Theory against networks",
        introduction=introduction,
        sections=[*sections, how_made(results, origin)],
    )


def _found(results: Sequence[Any]) -> list[Section]:
    """One result at the top of the page and its numbers, or a section for each."""
    if len(results) == 1 and isinstance(results[0], Fit):
        return fit_sections(results[0])
    each = [_parts(own) for own in results]
    if len(each) == 1:
        found, numbers = each[0]
        return [Section("", found), Section("Numbers", numbers)]
    return [
        Section(own.title, [*found, *numbers])
        for own, (found, numbers) in zip(results, each, strict=True)
    ]


def _parts(result: Any) -> tuple[list[Part], list[Part]]:
    """What was found, and the numbers."""
    if isinstance(result, (Verification, NetworkVerification)):
        return verification_parts(result)
    return result_parts(result)


def _equations(results: Sequence[Any], origin: Origin) -> list[Section]:
    """The equations of all results, each once; those of the origin where a result knows none."""
    parts: list[Part] = []
    seen: list[dict[str, Any]] = []
    for own in results:
        system = system_of(own) or origin.system
        if system is None or (formulas := equations(system.mean_field)) in seen:
            continue
        seen.append(formulas)
        parts += [Heading(own.title)] * (len(results) > 1) + [Formulas(formulas)]
    return [Section("Equations", parts)]
