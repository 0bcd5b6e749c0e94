"""How commands read networks: one group of options, under the names that Python has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from .options import READING, LabelFile, option
from .paths import NETWORK_SUFFIXES, Writes

NO_WEIGHT = "none"
MOST_SIZES = 12  # populations that a line names
COLUMNS = ("pre", "post", "weight", "id", "label")


def _reading(*names: str, help: str, **settings: Any) -> Any:
    return option(*names, help=help, rich_help_panel=READING, **settings)


@dataclass(frozen=True)
class Reading:
    """Options of `read_network`, under its names; those that are not given have its defaults."""

    labels: LabelFile = None
    pre: Annotated[
        str | None,
        _reading(
            "--pre", help="Column of the source neurons: a name, or a position from 0 without one."
        ),
    ] = None
    post: Annotated[str | None, _reading("--post", help="Column of their targets.")] = None
    weight: Annotated[
        str | None,
        _reading("--weight", help="Column of the weights, or none: every edge is 1."),
    ] = None
    id: Annotated[
        str | None, _reading("--id", help="Column of the ids in a table of neurons or labels.")
    ] = None
    label: Annotated[
        str | None,
        _reading("--label", help="Column of the populations there, or an attribute of nodes."),
    ] = None
    where: Annotated[
        list[str] | None,
        _reading(
            "--where",
            metavar="FILTER",
            help="Keep edges or neurons: 'type=chemical', 'layer=L1|L2', 'type!=electrical', "
            "'count>=5', or 'neurons.type=E' where both tables have the column; repeat for "
            "several.",
        ),
    ] = None
    kind: Annotated[str | None, _reading("--kind", help="What a table is: edges or adjacency.")] = (
        None
    )
    rows: Annotated[
        str | None,
        _reading("--rows", help="Rows of a matrix: target (default) or source neurons."),
    ] = None
    missing: Annotated[
        str | None, _reading("--missing", help="Missing weights: refuse (default) or zero.")
    ] = None
    negative: Annotated[
        str | None, _reading("--negative", help="Weights below 0: keep (default) or refuse.")
    ] = None
    self_synapses: Annotated[
        str | None,
        _reading(
            "--self-synapses", help="Synapses of a neuron onto itself: keep (default) or drop."
        ),
    ] = None
    duplicates: Annotated[
        str | None, _reading("--duplicates", help="Repeated edges: refuse (default) or sum.")
    ] = None
    unlabelled: Annotated[
        str | None,
        _reading("--unlabelled", help="Neurons without a label: refuse (default) or drop."),
    ] = None
    unknown: Annotated[
        str | None,
        _reading("--unknown", help="Edges of neurons that no table has: refuse (default) or drop."),
    ] = None
    distinct: Annotated[
        str | None,
        _reading(
            "--distinct", help="A label of its own for each neuron: refuse (default) or keep."
        ),
    ] = None
    smallest: Annotated[
        int | None,
        _reading(
            "--smallest", min=1, help="Merge populations with fewer neurons than this into one."
        ),
    ] = None
    other: Annotated[
        str | None, _reading("--other", help="The name of that one; default: other.")
    ] = None
    decimal: Annotated[
        str | None, _reading("--decimal", help="Decimal sign, . or , ; default: recognised.")
    ] = None
    separator: Annotated[
        str | None, _reading("--separator", help="Between columns of text; default: recognised.")
    ] = None
    encoding: Annotated[
        str | None, _reading("--encoding", help="Of text, as latin-1; default: recognised.")
    ] = None
    part: Annotated[
        str | None,
        _reading("--part", help="Which sheet, variable or member of a file is the network."),
    ] = None
    cache: Annotated[
        Path | None,
        _reading("--cache", help="Keep the network in this .npz or .h5 file, to be read sooner."),
        Writes(NETWORK_SUFFIXES),
    ] = None

    def given(self) -> dict[str, Any]:
        """Those that are given, as `read_network` takes them."""
        own = {name: value for name, value in vars(self).items() if value is not None}
        for name in COLUMNS:
            if str(own.get(name, "")).isdecimal():
                own[name] = int(own[name])
        if own.get("weight") == NO_WEIGHT:
            own["weight"] = None
        return own


def as_flags(message: str) -> str:
    """A message whose options are those of the command line: --missing zero, not missing='zero'."""
    names = "|".join(own.name for own in fields(Reading))

    def flag(found: re.Match[str]) -> str:
        value = found["value"].strip("'\"")
        own = "--" + found["name"].replace("_", "-")
        return f"{own} {NO_WEIGHT if value == 'None' else value}".rstrip()

    return re.sub(rf"\b(?P<name>{names})=(?P<value>None|'[^']*'|\"[^\"]*\"|\d*)", flag, message)


_READ: ContextVar[dict[str, Any] | None] = ContextVar("read", default=None)
"""The report of the network that the command has read last."""


@contextmanager
def readings_noted() -> Iterator[None]:
    """A command, whose --json has the report of the network that it has read."""
    token = _READ.set(None)
    try:
        yield
    finally:
        _READ.reset(token)


def noted() -> dict[str, Any]:
    """The whole report for --json; nothing where no network was read."""
    own = _READ.get()
    return {} if own is None else {"reading": own}


def note_reading(network: Any, *, said: bool = True) -> None:
    """Note the report of a network that was read, and say it in a line on standard error.

    Args:
        network: with or without a report.
        said: whether the line is printed; the output is left to results.
    """
    if network.reading is None:
        return
    _READ.set(network.reading.json())
    if said:
        typer.echo(_lines(network), err=True)


def _lines(network: Any) -> str:
    """What a network was read from and what was found, in a line, and what deserves a look."""
    own = network.reading
    sizes = [f"{p} {n}" for p, n in zip(network.populations, network.sizes, strict=True)]
    more = [f"{len(sizes) - MOST_SIZES} more"] if len(sizes) > MOST_SIZES else []
    counts = {
        "self-synapses": own.self_synapses,
        "isolated": own.isolated,
        "duplicates": own.duplicates,
        "missing": own.missing,
        "dropped edges": own.dropped_edges,
        "dropped neurons": own.dropped_neurons,
    }
    parts = [
        f"{own.source} ({own.format})" if own.format else own.source,
        own.orientation,
        f"{network.N} neurons ({', '.join(sizes[:MOST_SIZES] + more)}), {own.edges} edges",
        *(f"{n} {what}" for what, n in counts.items() if n),
    ]
    if own.in_degrees is not None and own.out_degrees is not None:
        one, other = own.in_degrees, own.out_degrees
        parts.append(f"SD of in-degrees {one.sd:.3g}, of out-degrees {other.sd:.3g}")
    lines = ["read " + "; ".join(part for part in parts if part)]
    return "\n".join([*lines, *(f"note: {note}" for note in own.notes)])
