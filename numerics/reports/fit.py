"""A fit on one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ..fitting import Fit
from ..inference import Comparison, Confirmation, Identifiability, Profile
from ..plots import comparison, fit_figures, profiles
from .page import equations, picture, table, verdict, write_page

CLOSE = 2.0
"""Standard errors within which a target counts as reproduced."""
SHORT = 40


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
    """Write an HTML file that needs nothing else: verdict, equations, targets against the fit, held-out predictions, values with standard errors
    and intervals, matrices, what is determined, starts and equally good solutions, and what else is given.

    determined: of `identifiability`; check: of `check`; compared: of `compare`; profiled: of `profile`; tables: further tables by caption, each a
    list of rows. Written whole or not at all.
    """
    pictures = fit_figures(fit, determined)
    body = [_verdict(fit), f"<p>{escape(introduction)}</p>" if introduction else "", *_summary(fit)]
    shown = list(pictures.items())
    body += [f"<h2>Targets</h2>{picture(shown[0][1], shown[0][0])}", _targets(fit, determined)]
    body += [f"<h2>Values</h2>{_values(fit, determined)}"]
    body += [picture(figure, caption) for caption, figure in shown[1:]]
    body += _determined(determined) + _check(check) + _compared(compared) + _profiled(profiled)
    body += [f"<h2>{escape(caption)}</h2>{table(rows)}" for caption, rows in (tables or {}).items()]
    write_page(path, title, [*body, equations(fit.problem.system.mean_field)])


def headline(fit: Fit) -> tuple[bool, str]:
    """Whether all targets in the fit, those with a value, are reproduced within 2 standard errors, and this in words."""
    rows = [row for row in fit.rows() if not row["held out"] and np.isfinite(row["value"])]
    close = sum(abs(row["z"]) <= CLOSE for row in rows)
    worst = max(rows, key=lambda row: abs(row["z"]))
    text = (
        f"{close} of {len(rows)} targets are within {CLOSE:g} standard errors; the largest difference is {abs(worst['z']):.2g} "
        f"({worst['target']}); loss {fit.loss:.4g}"
    )
    return close == len(rows), text


def _verdict(fit: Fit) -> str:
    if fit.status != "ok":
        return verdict(False, "Not converged", fit.status)
    reproduced, text = headline(fit)
    return verdict(reproduced, "Reproduced" if reproduced else "Not reproduced", text)


def _summary(fit: Fit) -> list[str]:
    stable = "; ".join(f"{name}: {found}" for name, found in fit.stability().items())
    lines = {
        "Stability": stable,
        "Closure": f"{type(fit.problem.system.mean_field.closure).__name__}, {fit.closure_validity()}",
        "Loss": ", ".join(f"{name} {value:.4g}" for name, value in fit.losses().items()),
        "Starts": ", ".join(f"{name} {value}" for name, value in fit.agreement().items()),
    }
    if fit.problem.held_out.any():
        lines["Held out"] = f"mean squared misfit {fit.held_out_loss():.4g}, in standard errors"
    return [
        "<ul>",
        *(
            f"<li><strong>{escape(name)}:</strong> {escape(text)}</li>"
            for name, text in lines.items()
        ),
        "</ul>",
    ]


def _targets(fit: Fit, determined: Identifiability | None) -> str:
    every = [
        ({k: v for k, v in row.items() if k != "held out"}, row["held out"]) for row in fit.rows()
    ]
    rows, held = (
        [row for row, out in every if out is kind and np.isfinite(row["value"])]
        for kind in (False, True)
    )
    missing = [
        {"target": row["target"], "fit": row["fit"]}
        for row, _ in every
        if not np.isfinite(row["value"])
    ]
    parts = {
        "Targets in the fit": rows,
        "Held-out targets, predicted": held if determined is None else determined.held_out_rows(),
        "Without a value, predicted": missing,
    }
    return "".join(_folded(caption, own) for caption, own in parts.items() if own)


def _folded(caption: str, rows: list[dict[str, Any]]) -> str:
    """A table that is open unless it is long."""
    return f"<details{' open' if len(rows) <= SHORT else ''}><summary>{escape(caption)}</summary>{table(rows)}</details>"


def _values(fit: Fit, determined: Identifiability | None) -> str:
    rows = (
        [{"parameter": name, "value": value} for name, value in fit.values.items()]
        if determined is None
        else determined.rows()
    )
    note = (
        ""
        if determined is None
        else (
            "<p>Standard errors and 95 % intervals from the curvature at the best solution, with the priors; infinite "
            "where nothing determines a number by itself.</p>"
        )
    )
    return note + table(rows)


def _determined(found: Identifiability | None) -> list[str]:
    if found is None:
        return []
    return [
        "<h2>What the targets determine</h2>",
        f"<pre>{escape(found.text())}</pre>",
        _folded("Values of the combinations", found.combination_rows()),
    ]


def _check(found: Confirmation | None) -> list[str]:
    if found is None:
        return []
    return [
        "<h2>Sampled networks</h2>",
        verdict(found.passed, "Confirmed" if found.passed else "Not confirmed", found.criterion),
        "" if found.status == "ok" else f"<p>{escape(found.status)}</p>",
        table(found.rows()),
    ]


def _compared(found: Comparison | None) -> list[str]:
    if found is None:
        return []
    best = "; ".join(f"{criterion}: {name}" for criterion, name in found.json()["best"].items())
    return [
        "<h2>With and without classes of motifs</h2>",
        f"<p>The best by {escape(best)}.</p>",
        table(found.rows()),
        picture(comparison(found), "Models compared"),
    ]


def _profiled(found: Sequence[Profile]) -> list[str]:
    if not found:
        return []
    rows = [
        {
            "parameter": own.name,
            "low": own.interval[0],
            "high": own.interval[1],
            "level": own.level,
            "status": own.status,
        }
        for own in found
    ]
    return [
        "<h2>Profiles of the loss</h2>",
        table(rows),
        picture(profiles(found), "Rise of the loss with one number held, all others adapting"),
    ]
