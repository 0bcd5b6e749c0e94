"""The application that every command registers with."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import __version__

app = typer.Typer(
    name="motifield",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Mean-field equations of nonlinear random recurrent networks with correlated synapses: "
    "derive them, run them, check them against sampled networks. A SPEC is a TOML or JSON file; "
    "see the README for its entries. Exit status: 0 done, 1 a check failed, 2 bad input.",
)


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"motifield {__version__}")
        raise typer.Exit()
