"""The spec of what a page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tomli_w

from .subject import Subject

ABOUT = ("title", "t1", "initial", "integrate", "time_unit")
"""Entries of a spec beside [architecture] and [parameters] that stay as they are."""


def data_of(subject: Subject, values: Sequence[float]) -> dict[str, Any]:
    """The spec at a position of the sliders as plain data.

    Without a spec, as for equations that were derived in Python, [parameters] alone, which
    `Parameters.load` reads.

    Raises:
        SpecError: an input that is code.
    """
    numbers = subject.at(values).data()
    return {**(subject.spec or {}), "parameters": numbers}


def toml_of(subject: Subject, values: Sequence[float]) -> str:
    """The same as the text of a TOML file; raises as `data_of`."""
    return tomli_w.dumps(data_of(subject, values))


def unnumbered(data: Mapping[str, Any], section: Mapping[str, Any], closure: str) -> dict[str, Any]:
    """A spec without its numbers: what it says of the network and of the equations.

    Args:
        data: the spec.
        section: [architecture] with the populations that it has here, None for what is not set.
        closure: of the equations.
    """
    kept = {name: data[name] for name in ABOUT if name in data}
    return {**kept, "architecture": {**_told(section), "closure": closure}}


def _told(section: Any) -> Any:
    """TOML has no None."""
    if isinstance(section, Mapping):
        return {name: _told(v) for name, v in section.items() if v is not None}
    return [_told(v) for v in section] if isinstance(section, list | tuple) else section
