"""The command `motifield response`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .shared import (
    AsJson,
    ClosureName,
    Output,
    Plot,
    Settings,
    SpecFile,
    Start,
    app,
    check_files,
    listed,
    parameters_of,
    point_of,
    print_json,
    print_table,
    system_of,
    write_dataset,
)

STRONGEST = 20


@app.command()
def response(
    spec: SpecFile,
    closure: ClosureName = None,
    settings: Settings = None,
    start: Start = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            metavar="NAME",
            show_default=False,
            help="Derivatives with respect to this parameter, as 'tau_chn[E,E,I]' or 'factor(mean)'; repeat for several. Default: all.",
        ),
    ] = None,
    omega: Annotated[
        str | None,
        typer.Option(
            "--omega",
            help="Angular frequencies of a drive, separated by commas.",
            show_default=False,
        ),
    ] = None,
    output: Output = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """How a fixed point answers: rates to a drive of each population, to every parameter, to each class of motif.

    The table is the matrix dR_p/dI_q. A population whose rate falls when it is driven more is named: the paradoxical effect. The written
    file has the derivatives with respect to all parameters (or those of --to).
    """
    loaded, system = system_of(spec, closure)
    parameters = parameters_of(loaded, system, settings)
    check_files(output, plot)
    frequencies = None if omega is None else listed("--omega", omega)
    from ..numerics.fixed_points import response as respond
    from ..numerics.parameters import scalar

    for name in to or []:
        scalar(name, parameters)
    answer = respond(system, parameters, point_of(loaded, system, parameters, start))
    table = answer.sensitivity(to)
    over = None if frequencies is None else answer.frequency(frequencies)
    if output is not None:
        write_dataset(table, output)
    if plot is not None:
        from ..numerics.plots import responses, save

        save(responses(answer), plot)
    if as_json:
        extra = (
            {}
            if over is None
            else {
                "omega": over["omega"].values,
                **{
                    f"frequency_{part}": getattr(over["rate"], part).values
                    for part in ("real", "imag")
                },
            }
        )
        print_json(answer.json(to) | extra)
        return
    print_table(f"{loaded.title}: dR/dI at the fixed point, {answer.status}", answer.rows())
    falling = [
        f"{p}{' (inhibitory)' if p in answer.inhibitory else ''}" for p in answer.paradoxical
    ]
    typer.echo(f"paradoxical, less active when driven more: {', '.join(falling) or 'none'}")
    motifs = answer.motifs()["rate"]
    print_table(
        "Derivatives with respect to a common factor of all motifs of a class",
        [{"motif": str(m), **_by_name(motifs.sel(motif=m))} for m in motifs["motif"].values],
    )
    order = sorted(
        table["parameter"].values,
        key=lambda n: -float(abs(table["without"].sel(parameter=n)).max()),
    )
    print_table(
        "Derivatives of the rates, largest value times derivative first",
        [
            {
                "parameter": str(n),
                "value": float(table["value"].sel(parameter=n)),
                **_by_name(table["rate"].sel(parameter=n)),
            }
            for n in order[:STRONGEST]
        ],
    )
    if over is not None:
        print_table(
            "Gain of the linear response |dR/dI|",
            [
                {
                    "omega": float(w),
                    **{
                        f"{p}, drive {q}": float(
                            abs(over["rate"].sel(omega=w, population=p, driven=q))
                        )
                        for p in answer.populations
                        for q in answer.populations
                    },
                }
                for w in over["omega"].values
            ],
        )


def _by_name(row: Any) -> dict[str, float]:
    return {f"dR_{p}": float(row.sel(population=p)) for p in row["population"].values}
