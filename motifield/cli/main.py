"""The entry point of the command line, with all commands."""

from __future__ import annotations

import sys

import typer

from ..errors import MotifieldError
from . import (  # noqa: F401  (a command registers itself when its module is imported)
    ablate,
    average,
    bifurcate,
    derive,
    dmft,
    fit,
    fixed_points,
    integrate,
    measure,
    phase_diagram,
    response,
    sample,
    simulate,
    stability,
    verify,
)
from .application import app


def run() -> None:
    """Run a command; errors in what it is given end with one message and status 2."""
    try:
        app(standalone_mode=True)
    except (MotifieldError, FileNotFoundError, IsADirectoryError, PermissionError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
