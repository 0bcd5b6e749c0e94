"""The command `motifield average`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from .shared import (
    AsJson,
    app,
    double_precision,
    listed,
    print_json,
    print_table,
    setting,
    warnings_shown,
)


@app.command()
def average(
    expression: Annotated[
        str,
        typer.Argument(
            metavar="EXPR",
            show_default=False,
            help="An expression of x, as 'Max(x, 0)*erf(x - 1)' or 'k*Max(x - theta, 0)**2' (parameters: --set), or a library "
            "name, as softplus. One that begins with a minus goes after --.",
        ),
    ],
    mu: Annotated[
        str, typer.Option("--mu", help="Mean of x, or several separated by commas.")
    ] = "0",
    variance: Annotated[
        str,
        typer.Option(
            "--variance", help="Variance of x, or several separated by commas; 0 or more."
        ),
    ] = "1",
    order: Annotated[
        int,
        typer.Option(
            "--order", min=0, max=2, help="Average the function's derivative of this order."
        ),
    ] = 0,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A parameter of the function; repeat for several.",
            show_default=False,
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance", help="Of quadrature, relative to the function's size; 1e-13 to .01."
        ),
    ] = 1e-11,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot",
            help="Draw the average against the mean: .png, .svg or .pdf.",
            show_default=False,
        ),
    ] = None,
    variances: Annotated[
        str,
        typer.Option("--variances", help="Variances of the plot's curves, separated by commas."),
    ] = "0,1,4,16",
    span: Annotated[
        str | None,
        typer.Option(
            "--range",
            metavar="LO,HI",
            help="Means of the plot; default: around what bends.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Average a function of a normal variable, E f(x) with x ~ N(mu, variance): closed form, values, derivatives, picture.

    The table has a row for every mu and variance: the average, its derivatives with respect to mu (which is <f'>) and to the variance
    (<f''>/2), and an estimate of its absolute error. A closed form is used where there is one, else quadrature; the error of a closed
    form is its difference to quadrature, that of quadrature its difference to twice as many nodes.
    """
    means, spreads = listed("--mu", mu), listed("--variance", variance)
    parameters = dict(setting(text) for text in given or [])
    if span is not None and plot is None:
        raise SpecError("--range belongs to a picture: give --plot, too")
    shown, ends = (
        listed("--variances", variances),
        None if span is None else listed("--range", span),
    )
    if ends is not None and len(ends) != 2:
        raise SpecError(f"--range {span!r} must be two numbers, the smallest and the largest mean")
    double_precision()
    from ..numerics.system import average as averaged
    from ..numerics.system import curves

    options: dict[str, Any] = {"parameters": parameters, "tolerance": tolerance}
    with warnings_shown():
        found = averaged(expression, [[m] for m in means], [spreads], order, **options)
        by_mean, by_variance, error = (
            found.derivative(1).values,
            found.derivative(2).values / 2,
            found.error,
        )
        if plot is not None:
            from ..numerics.plots import averages as drawn
            from ..numerics.plots import save

            save(
                drawn(curves(expression, shown, (ends[0], ends[1]) if ends else None, **options)),
                plot,
            )
    columns = {
        "mean": found.mu,
        "variance": found.variance,
        "value": found.values,
        "by_mean": by_mean,
        "by_variance": by_variance,
        "error": error,
    }
    rows = [
        dict(zip(columns, map(float, row), strict=True))
        for row in zip(*(v.ravel() for v in columns.values()), strict=True)
    ]
    f = found.function
    if as_json:
        print_json(
            {
                "function": str(f.expression),
                "parameters": {str(s): float(v) for s, v in f.defaults.items()},
                "order": order,
                "closed_form": None if found.closed_form is None else str(found.closed_form),
                "latex": found.latex,
                "method": "closed form" if found.is_closed else "quadrature",
                "reason": found.reason or None,
                "tolerance": tolerance,
                "rows": rows,
            }
        )
        return
    values = "".join(f", {symbol} = {value}" for symbol, value in f.defaults.items())
    typer.echo(f"f(x) = {f.expression}{values}\n")
    if found.closed_form is not None:
        typer.echo(f"<f> = {found.closed_form}\n\nLaTeX: \\langle f \\rangle = {found.latex}\n")
    if not found.is_closed:
        typer.echo(f"Computed by quadrature, tolerance {tolerance:g}: {found.reason}\n")
    what = "<f" + "'" * order + ">"
    titles = {"by_mean": "d/dmean", "by_variance": "d/dvariance", "value": what}
    print_table(
        f"{what}, {'closed form' if found.is_closed else 'quadrature'}",
        [
            {titles.get(k, k): float(f"{v:.1e}") if k == "error" else v for k, v in row.items()}
            for row in rows
        ],
        digits=10,
    )
