"""The command `motifield cache`."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import cache as kept
from .application import command
from .options import AsJson
from .terminal import print_json

Clear = Annotated[bool, typer.Option("--clear", help="Remove all entries.")]
MEGABYTE = 2**20


@command()
def cache(*, clear: Clear = False, as_json: AsJson = False) -> None:
    """Show the folder in which commands keep what they compile, or clear it.

    A command that finds its programs there answers in about half the time. MOTIFIELD_CACHE in the
    environment names another folder, or is "off".
    """
    place = kept.folder()
    removed = kept.clear(place) if clear and place is not None else 0
    sizes = [] if place is None else [own.st_size for _, own in kept.entries(place)]
    if as_json:
        found = {"folder": None if place is None else str(place), "entries": len(sizes)}
        print_json({**found, "bytes": sum(sizes), "limit": kept.LIMIT, "removed": removed})
    elif place is None:
        typer.echo("the cache is off")
    else:
        held, limit = sum(sizes) / MEGABYTE, kept.LIMIT // MEGABYTE
        typer.echo(f"{place}: {len(sizes)} entries, {held:.1f} of at most {limit} MB")
        if clear:
            typer.echo(f"removed {removed} entries")
