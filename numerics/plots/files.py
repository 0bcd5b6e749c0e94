"""Pictures to files."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from ...errors import SpecError
from ...files import write_with


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure in the format of the suffix, whole or not at all. Raises `SpecError` for an unknown suffix."""
    check_drawable(path)
    write_with(
        path,
        lambda temporary: figure.savefig(
            temporary, format=Path(path).suffix.removeprefix("."), dpi=150
        ),
    )


def check_drawable(path: str | Path) -> None:
    """Raise `SpecError` for a suffix that no figure can be written with."""
    known = Figure().canvas.get_supported_filetypes()
    if Path(path).suffix.removeprefix(".") not in known:
        raise SpecError(
            f"cannot draw to {path}: the suffix must be one of {', '.join(sorted(known))}"
        )
