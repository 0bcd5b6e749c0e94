"""The command `motifield schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..files import write_text
from .application import command
from .options import AsJson, output_option
from .paths import Writes

To = Annotated[
    Path | None,
    output_option("Write it here, as motifield.schema.json; then only --json prints it."),
    Writes((".json",)),
]


@command()
def schema(*, to: To = None, as_json: AsJson = False) -> None:
    """Print the JSON Schema of a spec, by which editors complete and check one.

    An editor of TOML with the extension Even Better TOML, or another that knows Taplo, takes it
    from the spec's first line: #:schema ./motifield.schema.json
    """
    from ..numerics.spec import spec_schema

    text = json.dumps(spec_schema(), indent=1) + "\n"
    if to is not None:
        write_text(to, text)
    if to is None or as_json:
        typer.echo(text, nl=False)
