"""What the generated files say of themselves at their top."""

from __future__ import annotations

import json

from ..equations import MeanField


def origin(mean_field: MeanField) -> str:
    """Closure and populations; names of populations come from outside, and are escaped."""
    names = mean_field.architecture.populations
    listed = ", ".join(json.dumps(n)[1:-1] for n in names or ())
    who = f"populations {listed}" if names else "any number of populations"
    return f"closure {type(mean_field.closure).__name__}, {who}"


def version() -> str:
    """Of the program that writes the file."""
    from ... import __version__

    return __version__


def indented(mean_field: MeanField) -> list[str]:
    """The equations, four blanks to the right."""
    return ["    " + line for line in str(mean_field).splitlines()]
