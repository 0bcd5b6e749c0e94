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
from .page import equations, write_page

CLOSE = 2.0
"""Standard errors within which a target counts as reproduced."""


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
) -> None:
    """Write a fit to a self-contained HTML file.

    The page has a verdict, the equations, targets against the fit, held-out predictions, values
    with standard errors and intervals, matrices, starts and equally good solutions.

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

    Raises:
        FileError: the file cannot be written.
    """
    values = [{"parameter": name, "value": value} for name, value in fit.values.items()]
    best = {} if compared is None else compared.json()["best"]
    write_page(
        path,
        "fit.html",
        title=title,
        introduction=introduction,
        verdict=_verdict(fit),
        summary=_summary(fit),
        pictures=list(fit_figures(fit, determined).items()),
        targets=_targets(fit, determined),
        values=values if determined is None else determined.rows(),
        determined=determined,
        check=check,
        caution=None if check is None or _is_verdict(check) else check.status,
        compared=compared,
        best="; ".join(f"{criterion}: {name}" for criterion, name in best.items()),
        models=None if compared is None else comparison(compared),
        intervals=_intervals(profiled),
        rises=profiles(profiled) if profiled else None,
        tables=tables or {},
        equations=equations(fit.problem.system.mean_field),
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


def _verdict(fit: Fit) -> tuple[bool, str, str]:
    if fit.status != "ok":
        return False, "Not converged", fit.status
    reproduced, text = headline(fit)
    return reproduced, "Reproduced" if reproduced else "Not reproduced", text


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
