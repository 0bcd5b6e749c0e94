"""A fit on one page: targets, values, what is determined, and evidence for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...time_units import in_words
from ..fitting import Fit
from ..inference import Comparison, Confirmation, Identifiability, Profile
from ..plots import comparison, fit_figures, profiles
from ..results import Code
from .formulas import equations
from .origin import Origin, how_made
from .page import write_page
from .parts import (
    Facts,
    Formulas,
    Lines,
    Part,
    Picture,
    Rows,
    Section,
    Text,
    Verdict,
    further,
    pictures,
)

CLOSE = 2.0
"""Standard errors within which a target counts as reproduced."""
INTERVALS = (
    "Standard errors and 95 % intervals from the curvature at the best solution, with the priors; "
    "infinite where nothing determines a number by itself."
)


def save_fit_report(
    fit: Fit,
    path: str | Path,
    *,
    title: str = "Fit",
    introduction: str = "",
    determined: Identifiability | None = None,
    check: Confirmation | None = None,
    compared: Comparison | None = None,
    profiled: Sequence[Profile] = (),
    tables: Mapping[str, Sequence[dict[str, Any]]] | None = None,
    origin: Origin | None = None,
) -> None:
    """Write a fit to a self-contained HTML file.

    The page has a verdict, targets against the fit, held-out predictions, values with standard
    errors and intervals, matrices, starts and equally good solutions, the equations, and how it
    was made. Its pictures can be enlarged, and it can be printed.

    Args:
        fit: of `fit`.
        path: HTML file, written whole or not at all.
        title: heading of the page.
        introduction: a paragraph of plain text.
        determined: of `identifiability`: errors, and what the targets determine.
        check: of `confirm`: sampled networks against the fit.
        compared: of `compare`: models with and without classes of motifs.
        profiled: of `profile`: profiles of the loss.
        tables: further tables by caption, each a list of rows.
        origin: command, spec and options.

    Raises:
        SpecError: the spec of the origin cannot be read.
        FileError: the file cannot be written.
    """
    sections = fit_sections(fit, determined, check, compared, profiled, tables)
    made = [Section("Equations", [Formulas(equations(fit.problem.system.mean_field))])]
    made.append(how_made([fit], origin))
    write_page(path, title=title, introduction=introduction, sections=[*sections, *made])


def fit_sections(
    fit: Fit,
    determined: Identifiability | None = None,
    check: Confirmation | None = None,
    compared: Comparison | None = None,
    profiled: Sequence[Profile] = (),
    tables: Mapping[str, Sequence[dict[str, Any]]] | None = None,
) -> list[Section]:
    """What a page shows of a fit, without its equations and origin."""
    (caption, first), *others = fit_figures(fit, determined).items()
    targets = (Rows(rows, name) for name, rows in _targets(fit, determined).items() if rows)
    return [
        Section("", [_verdict(fit), Facts(_summary(fit))]),
        Section("Targets", [Picture(first, caption), *targets]),
        Section("Values", [*_values(fit, determined), *pictures(others)]),
        *([] if determined is None else [_what_is_determined(determined)]),
        *([] if check is None else [_check(check)]),
        *([] if compared is None else [_compared(compared)]),
        *([_profiles(profiled)] if profiled else []),
        *further(tables),
    ]


def _values(fit: Fit, determined: Identifiability | None) -> list[Part]:
    if determined is None:
        return [Rows([{"parameter": name, "value": v} for name, v in fit.values.items()])]
    return [Text(INTERVALS), Rows(determined.rows())]


def _what_is_determined(determined: Identifiability) -> Section:
    combinations = Rows(determined.combination_rows(), "Values of the combinations")
    return Section("What the targets determine", [Lines(determined.text()), combinations])


def _check(check: Confirmation) -> Section:
    words = ("Confirmed", "Not confirmed")
    caution = [] if _is_verdict(check) else [Text(str(check.status))]
    parts = [Verdict.of(check.passed, words, check.criterion), *caution, Rows(check.rows())]
    return Section("Sampled networks", parts)


def _compared(compared: Comparison) -> Section:
    best = "; ".join(f"{by}: {name}" for by, name in compared.json()["best"].items())
    picture = Picture(comparison(compared), "Models compared")
    parts = [Text(f"The best by {best}."), Rows(compared.rows()), picture]
    return Section("With and without classes of motifs", parts)


def _profiles(found: Sequence[Profile]) -> Section:
    caption = "Rise of the loss with one number held, all others adapting"
    return Section(
        "Profiles of the loss", [Rows(_intervals(found)), Picture(profiles(found), caption)]
    )


def _is_verdict(check: Confirmation) -> bool:
    """Whether the status only repeats the verdict."""
    return check.status.code in (Code.OK, Code.REJECTED)


def headline(fit: Fit) -> tuple[bool, str]:
    """Whether all fitted targets with a value are reproduced within 2 standard errors, in words."""
    rows = [row for row in fit.rows() if not row["held out"] and np.isfinite(row["value"])]
    close = sum(abs(row["z"]) <= CLOSE for row in rows)
    worst = max(rows, key=lambda row: abs(row["z"]))
    text = (
        f"{close} of {len(rows)} targets are within {CLOSE:g} standard errors; "
        f"the largest difference is {abs(worst['z']):.2g} ({worst['target']}); loss {fit.loss:.4g}"
    )
    return close == len(rows), text


def _verdict(fit: Fit) -> Verdict:
    if fit.status != "ok":
        return Verdict("failed", "Not converged", fit.status)
    reproduced, text = headline(fit)
    return Verdict.of(reproduced, ("Reproduced", "Not reproduced"), text)


def _summary(fit: Fit) -> dict[str, str]:
    closure = fit.problem.system.mean_field.closure.kind
    lines = {
        "Stability": "; ".join(f"{name}: {found}" for name, found in fit.stability().items()),
        "Closure": f"{closure}, {fit.closure_validity()}",
        "Loss": ", ".join(f"{name} {value:.4g}" for name, value in fit.losses().items()),
        "Starts": ", ".join(f"{name} {value}" for name, value in fit.agreement().items()),
    }
    if fit.problem.held_out.any():
        lines["Held out"] = f"mean squared misfit {fit.held_out_loss():.4g}, in standard errors"
    if fit.time_unit:
        lines["Time"] = in_words(fit.time_unit)
    return lines


def _targets(fit: Fit, determined: Identifiability | None) -> dict[str, list[dict[str, Any]]]:
    """Rows by caption: fitted targets, held-out ones, and those without a value."""
    fitted: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    missing: list[dict[str, Any]] = []
    for row in fit.rows():
        if not np.isfinite(row["value"]):
            missing.append({"target": row["target"], "fit": row["fit"]})
        else:
            own = {k: v for k, v in row.items() if k != "held out"}
            (held if row["held out"] else fitted).append(own)
    return {
        "Targets in the fit": fitted,
        "Held-out targets, predicted": held if determined is None else determined.held_out_rows(),
        "Without a value, predicted": missing,
    }


def _intervals(found: Sequence[Profile]) -> list[dict[str, Any]]:
    return [
        {
            "parameter": own.name,
            "low": own.interval[0],
            "high": own.interval[1],
            "level": own.level,
            "status": own.status,
        }
        for own in found
    ]
