"""The command `motifield response`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .application import command
from .model import Model
from .options import Start, option
from .output import Out
from .parsing import listed
from .terminal import print_table

STRONGEST = 20
"""Sensitivities printed, which fit on a screen; the written file has all."""

To = Annotated[
    list[str] | None,
    option(
        "--to",
        metavar="NAME",
        help="Derivatives with respect to this parameter, as 'tau_chn[E,E,I]' or 'factor(mean)'; "
        "repeat for several. Default: all.",
    ),
]
Omega = Annotated[
    str | None,
    option("--omega", help="Angular frequencies of a periodic drive, separated by commas."),
]


@command()
def response(
    model: Model, *, start: Start = None, to: To = None, omega: Omega = None, out: Out
) -> None:
    """How a fixed point responds: to a drive, to each parameter, to each class of motif.

    The table is the matrix dR_p/dI_q. Populations whose rate falls when they are driven more are
    named: the paradoxical effect. The written file has the derivatives with respect to all
    parameters (or those of --to).
    """
    frequencies = None if omega is None else listed("--omega", omega)
    system, parameters = model.system, model.parameters
    from ..numerics.fixed_points import response as respond
    from ..numerics.parameters import scalar

    for name in to or []:
        scalar(name, parameters)
    answer = respond(system, parameters, model.point(start))
    table = answer.sensitivity(to)
    over = None if frequencies is None else answer.frequency(frequencies)

    def say() -> None:
        _say_paradoxical(answer)
        _say_motifs(answer)
        _say_strongest(table)
        if over is not None:
            _say_gain(answer, over)

    out.conclude(
        answer,
        f"{model.title}: dR/dI at the fixed point, {answer.status}",
        numbers=table,
        answer=answer.json(to) if out.as_json else None,
        more=None if over is None else _gains(over),
        then=say,
        ok=True,
    )


def _gains(over: Any) -> dict[str, Any]:
    parts = {f"frequency_{p}": getattr(over["rate"], p).values for p in ("real", "imag")}
    return {"omega": over["omega"].values, **parts}


def _say_paradoxical(answer: Any) -> None:
    falling = [
        f"{p}{' (inhibitory)' if p in answer.inhibitory else ''}" for p in answer.paradoxical
    ]
    typer.echo(f"paradoxical, less active when driven more: {', '.join(falling) or 'none'}")


def _say_motifs(answer: Any) -> None:
    motifs = answer.motifs()["rate"]
    if not motifs.values.any():
        typer.echo("no class of motifs changes the rates: all coefficients are 0, or do not act")
        return
    print_table(
        "Derivatives with respect to a common factor of all motifs of a class",
        [{"motif": str(m), **_by_name(motifs.sel(motif=m))} for m in motifs["motif"].values],
    )


def _say_strongest(table: Any) -> None:
    def effect(name: Any) -> float:
        return -float(abs(table["without"].sel(parameter=name)).max())

    rows = [
        {
            "parameter": str(n),
            "value": float(table["value"].sel(parameter=n)),
            **_by_name(table["rate"].sel(parameter=n)),
        }
        for n in sorted(table["parameter"].values, key=effect)[:STRONGEST]
    ]
    print_table("Derivatives of the rates, largest value times derivative first", rows)


def _say_gain(answer: Any, over: Any) -> None:
    names = answer.populations
    gain = abs(over["rate"])
    rows = []
    for w in over["omega"].values:
        row = {"omega": float(w)}
        for p in names:
            for q in names:
                row[f"{p}, drive {q}"] = float(gain.sel(omega=w, population=p, driven=q))
        rows.append(row)
    print_table("Gain of the linear response |dR/dI|", rows, of=answer)


def _by_name(row: Any) -> dict[str, float]:
    return {f"dR_{p}": float(row.sel(population=p)) for p in row["population"].values}
