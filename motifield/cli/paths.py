"""Files that a command reads and writes: checked together, before any work begins."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from typing import Any, get_args

from ..errors import FileError, SpecError
from ..files import check_writable, same_file

DATA_SUFFIXES = (".nc", ".csv", ".json")
SPEC_SUFFIXES = (".toml", ".json")
NETWORK_SUFFIXES = (".npz", ".h5", ".hdf5")
NAMED = {"connectome": ("edges", "nodes", "network", "labels"), "fit": ("targets",)}
"""Entries of a spec that name files, by their section."""


@dataclass(frozen=True)
class Writes:
    """Marks an option as a file that is written; a path without this mark is one that is read.

    Args:
        suffixes: those that the file may have; none: any.
        picture: whether the suffix must be one of Matplotlib's.
        folders: suffixes of folders, which may be there.
    """

    suffixes: tuple[str, ...] = ()
    picture: bool = False
    folders: tuple[str, ...] = ()

    def check(self, path: Path) -> None:
        """Raise `SpecError` for the suffix, `FileError` for a path that cannot be written."""
        if path.suffix in self.folders and path.parent.is_dir():
            return
        suffixes = (*self.folders, *self.suffixes)
        if suffixes and path.suffix not in suffixes:
            several = "one of " * (len(suffixes) > 1)
            known = ", ".join(suffixes)
            raise SpecError(f"cannot write {path}: the suffix must be {several}{known}")
        if self.picture:
            from ..numerics.plots import check_drawable

            check_drawable(path)
        check_writable(path)


def check_paths(options: Sequence[Parameter], values: Mapping[str, Any]) -> None:
    """Check every file of a command: none that it reads is one that it writes.

    Args:
        options: of the command, with their annotations.
        values: what they are given, by name.

    Raises:
        SpecError: a file cannot have this suffix.
        FileError: a file cannot be written, is read as well, or is written twice.
    """
    given = [(own, values[own.name]) for own in options if isinstance(values[own.name], Path)]
    outputs = [(_flag(own), path, mark) for own, path in given if (mark := _mark(own)) is not None]
    if not outputs:
        return
    inputs = [path for own, path in given if _mark(own) is None]
    inputs += [path for own in inputs for path in _named_in(own)]
    for k, (flag, path, mark) in enumerate(outputs):
        if any(same_file(path, other) for other in inputs):
            raise FileError(
                f"{flag} {path}: the command reads this file, and would write over it: "
                "name another file"
            )
        for earlier, other, _ in outputs[:k]:
            if same_file(path, other):
                raise FileError(f"{earlier} and {flag} are one file, {path}: name two")
        mark.check(path)


def _mark(own: Parameter) -> Writes | None:
    return next((m for m in get_args(own.annotation) if isinstance(m, Writes)), None)


def _flag(own: Parameter) -> str:
    """The option as it is typed, --output."""
    settings = next(m for m in get_args(own.annotation) if hasattr(m, "param_decls"))
    names = (settings.default, *(settings.param_decls or ()))  # typer keeps the first as a default
    return next((n for n in names if isinstance(n, str) and n.startswith("--")), own.name)


def _named_in(path: Path) -> Iterable[Path]:
    """The files that a spec names; of another file none."""
    if path.suffix not in SPEC_SUFFIXES:
        return []
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError, RecursionError):
        return []  # whoever loads the spec says what is wrong with it
    sections = {name: data.get(name) for name in NAMED} if isinstance(data, dict) else {}
    names = [
        own.get(entry)
        for section, own in sections.items()
        if isinstance(own, dict)
        for entry in NAMED[section]
    ]
    return [path.parent / name for name in names if isinstance(name, str)]
