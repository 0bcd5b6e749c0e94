"""Equations kept on disk, for the next process that works on the same architecture and closure.

A file holds the generated source and what numbers need of the equations, so that neither deriving
nor SymPy comes before a second command on a network. Its name is a digest of all that it was made
from: the section of the spec, the versions of the libraries, and the files of this package.

The source is code, and runs. What may put it there is what may put code beside it: the folder
belongs to this user, nobody else can write to it, and it has the machine code that XLA compiled and
JAX loads, as `__pycache__` has that of Python. Another folder is not read. The spec itself is data,
which is compared; none of it is evaluated.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...cache import is_own
from ...keeping import FOLDER, PACKAGE, files_of, read_entry, write_entry
from ..precision import require_x64
from .facts import facts_of
from .recalled import recalled
from .system import System, compile, shared

SUFFIX = ".equations"
LIBRARIES = ("sympy", "jax", "numpy")


class KeptEquations:
    """The equations of one section [architecture], where they are known from another process.

    Args:
        said: the section as plain data, with the populations and the closure.
        derive: makes the equations.
    """

    def __init__(self, said: Mapping[str, Any], derive: Callable[[], Any]):
        self._said = ""
        with suppress(TypeError):  # a date in a spec: what is wrong with it is said elsewhere
            self._said = json.dumps(said, sort_keys=True)
        self._derive = lru_cache(maxsize=1)(derive)

    def found(self) -> System | None:
        """The system; None where it is not known."""
        path = self._path()
        # there is no file, or it is damaged, or it is none of this program's
        with suppress(OSError, ValueError, LookupError, TypeError):
            if path is not None and is_own(path.parent):
                told, body = read_entry(path)
                if told["said"] == self._said:
                    return self._system(told["facts"], body.decode())
        return None

    def made(self) -> System:
        """The system, derived, compiled and kept for the next process."""
        system = compile(self._derive())
        path = self._path()
        if path is None or system.functions or not system.mean_field.architecture.populations:
            return system
        told = {"said": self._said, "facts": json.loads(json.dumps(facts_of(system.mean_field)))}
        write_entry(path, told, system.source.encode())
        # what the next process has, so that its programs are this one's
        return self._system(told["facts"], system.source)

    def _system(self, facts: Mapping[str, Any], source: str) -> System:
        require_x64()
        equations: Any = recalled(facts, self._derive, self._said)  # stand for a MeanField
        return System(equations, source, shared(source, ()))

    def _path(self) -> Path | None:
        folder = os.environ.get(FOLDER)
        if not folder or not self._said:
            return None
        digest = sha256("\n".join([_versions(), self._said]).encode()).hexdigest()
        return Path(folder) / f"{digest}{SUFFIX}"


@lru_cache(maxsize=1)
def _versions() -> str:
    own = files_of(f"{PACKAGE}.theory", f"{PACKAGE}.numerics")
    return "\n".join([sys.version, *(f"{name} {version(name)}" for name in LIBRARIES), own])
