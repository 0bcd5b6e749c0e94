"""What every script of this folder does around its own computation.

A script reads the spec beside it, compares theory with networks or with data, and writes a picture.
It runs as `python derivations/<name>/run.py` from any folder, without being installed: it puts this
folder on the path and makes one `Script`.
"""

import argparse
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

import motifield as mf

jax.config.update("jax_enable_x64", True)

COMPARED = "N = {N}, {population}, {quantity:8s}"
"""Where a row of a verification stands; the numbers follow in `print_verification`."""
WIDEST = 10_000
"""Columns that no table needs."""


class Script:
    """One run of a script: its options, its spec and system, what it writes, and its verdict.

    Args:
        file: the script's `__file__`; the spec and the picture of the page lie beside it.
        description: its docstring, of which `--help` shows the first line.
        arguments: further options by name, as keyword arguments of `add_argument`.
    """

    def __init__(self, file: str, description: str, **arguments: Mapping[str, Any]):
        self.here = Path(file).parent
        self.passed = True
        parser = argparse.ArgumentParser(description=description.splitlines()[0])
        parser.add_argument(
            "--out",
            type=Path,
            default=self.here / "out",
            help="folder to write to (default: out/ beside the script)",
        )
        parser.add_argument(
            "--picture", action="store_true", help="also replace the pictures of the page"
        )
        for name, settings in arguments.items():
            parser.add_argument(f"--{name}", **settings)
        self.options = parser.parse_args()
        self.out: Path = self.options.out
        self.out.mkdir(parents=True, exist_ok=True)

    @cached_property
    def spec(self) -> mf.specs.Spec:
        """The spec beside the script."""
        return mf.load_spec(self.here / "spec.toml")

    @cached_property
    def equations(self) -> mf.types.MeanField:
        """The mean-field equations of the spec's architecture."""
        return mf.derive(self.spec.architecture, self.spec.closure)

    @cached_property
    def system(self) -> mf.types.System:
        """The compiled equations."""
        return mf.compile(self.equations)

    @property
    def origin(self) -> mf.reports.Origin:
        """What a report says of the script: the command, and the spec beside it."""
        command = shlex.join(["python", *sys.argv])
        return mf.reports.Origin(command=command, spec=self.here / "spec.toml")

    def save_picture(self, figure: Figure, name: str = "picture.png", dpi: int = 110) -> None:
        """Write a figure; with `--picture` it also replaces the one of the page."""
        figure.savefig(self.out / name, dpi=dpi)
        if self.options.picture:
            shutil.copyfile(self.out / name, self.here / name)

    def save_derivation(self, equations: mf.types.MeanField | None = None) -> None:
        """Write the derivation of equations, by default of the spec's, as LaTeX."""
        (equations or self.equations).derivation.save(self.out / "derivation.tex")

    def check(self, passed: Any, yes: str = "ok", no: str = "MISSED") -> str:
        """Count a comparison towards the verdict; the word that says how it came out."""
        self.passed = self.passed and bool(passed)
        return yes if passed else no

    def end(self, criterion: str = "", passed: Any = True) -> int:
        """Print the verdict on all checks and this last one; the exit status."""
        word = self.check(passed) and ("PASSED" if self.passed else "FAILED")
        print(f"{word}: {criterion}" if criterion else word)
        return 0 if self.passed else 1


def despine(*axes: Axes) -> None:
    """Remove the upper and the right frame."""
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)


def print_table(title: str, rows: Iterable[Mapping[str, Any]], digits: int = 3) -> None:
    """Print rows under a title, numbers to so many digits; the first row names the columns."""
    rows = list(rows)
    grid = Table(title=title, title_justify="left")
    for name, value in rows[0].items():
        grid.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in rows:
        grid.add_row(*(f"{v:.{digits}g}" if isinstance(v, float) else str(v) for v in row.values()))
    console = Console()
    # in a file, where a line has 80 characters for Rich, nothing is cut
    whole = console.measure(grid, options=console.options.update(max_width=WIDEST)).maximum
    console.width = max(console.width, whole)
    console.print(grid)


def print_verification(rows: Iterable[Mapping[str, Any]], where: str = COMPARED) -> None:
    """Print theory against networks, one line for each row of a verification."""
    for row in rows:
        numbers = "theory {theory:.4f}, networks {network:.4f} +- {error:.4f}"
        print(f"{where}: {numbers}".format(**row))
