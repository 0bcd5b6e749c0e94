"""The entry point of the command line, with all commands."""

from __future__ import annotations

import sys

from . import (  # noqa: F401  (a command registers itself when its module is imported)
    ablate,
    average,
    bifurcate,
    cache,
    derive,
    dmft,
    explore,
    fit,
    fixed_points,
    integrate,
    measure,
    phase_diagram,
    response,
    sample,
    schema,
    simulate,
    stability,
    sweep,
    verify,
)
from .application import app
from .ending import status_of


def run() -> None:
    """Run a command and exit; errors in what it is given end with one message and status 2."""
    sys.exit(status_of(lambda: app(standalone_mode=True)))
