"""Where a report comes from: the command as it was typed, its options, and the spec."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

_options: ContextVar[Mapping[str, Any]] = ContextVar("options")


@contextmanager
def options_noted(values: Mapping[str, Any]) -> Iterator[None]:
    """Keep all options of the command that runs, also those that were not typed."""
    token = _options.set(dict(values))
    try:
        yield
    finally:
        _options.reset(token)


def origin_of(spec: Path) -> Any:
    """For the section "How this was made" of a report on this spec."""
    from ..numerics.reports import Origin

    command = shlex.join(["motifield", *sys.argv[1:]])
    options = {name: _shown(value) for name, value in _options.get({}).items() if _says(value)}
    return Origin(command=command, spec=spec, options=options)


def _says(value: Any) -> bool:
    """Whether a value is a choice that changes numbers: no file, and not left out."""
    return not isinstance(value, Path) and value is not None and value is not False and value != []


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
