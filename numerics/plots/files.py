"""Pictures to files."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from ...errors import SpecError
from ...files import write_with

DPI = 150  # pictures are sharp at the width of a page


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure in the format of the suffix, whole or not at all.

    Args:
        figure: a figure of Matplotlib.
        path: file to write, as .png, .svg or .pdf.

    Raises:
        SpecError: no figure can be written with this suffix.
    """
    check_drawable(path)
    suffix = Path(path).suffix.removeprefix(".")
    write_with(path, lambda temporary: figure.savefig(temporary, format=suffix, dpi=DPI))


def check_drawable(path: str | Path) -> None:
    """Raise `SpecError` for a suffix that no figure can be written with."""
    known = Figure().canvas.get_supported_filetypes()
    if Path(path).suffix.removeprefix(".") not in known:
        raise SpecError(
            f"cannot draw to {path}: the suffix must be one of {', '.join(sorted(known))}"
        )
