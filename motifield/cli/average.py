"""The command `motifield average`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from .application import command
from .loading import double_precision
from .options import AsJson, option
from .parsing import listed, setting
from .paths import Writes
from .terminal import print_json, print_table, warnings_shown

Expression = Annotated[
    str,
    typer.Argument(
        metavar="EXPR",
        show_default=False,
        help="An expression of x, as 'Max(x, 0)*erf(x - 1)' or 'k*Max(x - theta, 0)**2' "
        "(parameters: --set), or a library name, as softplus. An expression that begins with a "
        "minus sign goes after --.",
    ),
]
Means = Annotated[str, typer.Option("--mu", help="Mean of x, or several separated by commas.")]
Spreads = Annotated[
    str,
    typer.Option("--variance", help="Variance of x, or several separated by commas; 0 or more."),
]
Order = Annotated[
    int,
    typer.Option("--order", min=0, max=2, help="Average the derivative of this order."),
]
Given = Annotated[
    list[str] | None,
    option("--set", metavar="NAME=VALUE", help="Parameter of the function; repeat for several."),
]
Tolerance = Annotated[
    float,
    typer.Option(
        "--tolerance",
        help="Tolerance of quadrature, relative to the function's size; 1e-13 to .01.",
    ),
]


@dataclass(frozen=True)
class Picture:
    """Curves of the average against the mean."""

    plot: Annotated[
        Path | None,
        option("--plot", help="Draw the average against the mean: .png, .svg or .pdf."),
        Writes(picture=True),
    ] = None
    variances: Annotated[
        str,
        typer.Option("--variances", help="Variances of the plotted curves, separated by commas."),
    ] = "0,1,4,16"
    span: Annotated[
        str | None,
        option(
            "--range",
            metavar="LO,HI",
            help="Range of means of the plot; default: where the function bends.",
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.span is not None and self.plot is None:
            raise SpecError("--range belongs to a picture: give --plot, too")
        self.axes()  # raises before the work begins

    def axes(self) -> tuple[list[float], tuple[float, float] | None]:
        """The variances, and the range of means, as numbers."""
        variances = listed("--variances", self.variances)
        if self.span is None:
            return variances, None
        ends = listed("--range", self.span)
        if len(ends) != 2:
            raise SpecError(
                f"--range {self.span!r} must be two numbers, the smallest and the largest mean"
            )
        return variances, (ends[0], ends[1])

    def draw(self, expression: str, options: dict[str, Any]) -> None:
        """Write the picture, if one is asked for."""
        if self.plot is not None:
            from ..numerics.plots import averages, save
            from ..numerics.system import curves

            save(averages(curves(expression, *self.axes(), **options)), self.plot)


@command()
def average(
    expression: Expression,
    *,
    mu: Means = "0",
    variance: Spreads = "1",
    order: Order = 0,
    given: Given = None,
    tolerance: Tolerance = 1e-11,
    picture: Picture,
    as_json: AsJson = False,
) -> None:
    """Average a function of a normal variable, E f(x) with x ~ N(mu, variance).

    The table has a row for every mu and variance: the average, its derivatives with respect to mu
    (which is <f'>) and to the variance (<f''>/2), and an estimate of its absolute error. A closed
    form is used where there is one, otherwise quadrature; the error of a closed form is its
    difference to quadrature, that of quadrature its difference to twice as many nodes.
    """
    means, spreads = listed("--mu", mu), listed("--variance", variance)
    parameters = dict(setting(text) for text in given or [])
    double_precision()
    from ..numerics.system import average as averaged

    options: dict[str, Any] = {"parameters": parameters, "tolerance": tolerance}
    with warnings_shown():
        found = averaged(expression, [[m] for m in means], [spreads], order, **options)
        rows = _rows(found)
        picture.draw(expression, options)
    if as_json:
        print_json(_answer(found, order, tolerance, rows))
    else:
        _say(found, order, tolerance, rows)


def _rows(found: Any) -> list[dict[str, float]]:
    """A row for every mean and variance."""
    columns = {
        "mean": found.mu,
        "variance": found.variance,
        "value": found.values,
        "by_mean": found.derivative(1).values,
        "by_variance": found.derivative(2).values / 2,
        "error": found.error,
    }
    rows = zip(*(v.ravel() for v in columns.values()), strict=True)
    return [dict(zip(columns, map(float, row), strict=True)) for row in rows]


def _answer(found: Any, order: int, tolerance: float, rows: list[Any]) -> dict[str, Any]:
    f = found.function
    return {
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


def _say(found: Any, order: int, tolerance: float, rows: list[dict[str, float]]) -> None:
    f = found.function
    values = "".join(f", {symbol} = {value}" for symbol, value in f.defaults.items())
    typer.echo(f"f(x) = {f.expression}{values}\n")
    if found.closed_form is not None:
        typer.echo(f"<f> = {found.closed_form}\n\nLaTeX: \\langle f \\rangle = {found.latex}\n")
    if not found.is_closed:
        typer.echo(f"Computed by quadrature, tolerance {tolerance:g}: {found.reason}\n")
    what = "<f" + "'" * order + ">"
    titles = {"by_mean": "d/dmean", "by_variance": "d/dvariance", "value": what}
    shown = [
        {titles.get(k, k): float(f"{v:.1e}") if k == "error" else v for k, v in row.items()}
        for row in rows
    ]
    print_table(f"{what}, {'closed form' if found.is_closed else 'quadrature'}", shown, digits=10)
