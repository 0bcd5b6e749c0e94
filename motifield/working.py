"""How a process that computes for another one is set up: before JAX loads, so that numbers agree.

It imports nothing that loads JAX or NumPy: what a process has of them by then stays.
"""

from __future__ import annotations

import os
import pickle
import platform
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from .errors import ParameterError

LIBRARIES = ("motifield", "jax", "jaxlib", "numpy")
FLAGS, THREADS = "XLA_FLAGS", "NPROC"
"""What XLA compiles with, and how many threads it starts."""


def surroundings() -> dict[str, str]:
    """What has to be the same in all processes for the same numbers."""
    own = {FLAGS: " ".join(sorted(os.environ.get(FLAGS, "").split()))}
    return own | {"Python": platform.python_version()} | {n: version(n) for n in LIBRARIES}


def received(wanted: Mapping[str, str], payload: bytes) -> Any:
    """What another process has pickled, loaded where numbers come out the same.

    Args:
        wanted: its surroundings.
        payload: of pickle.

    Raises:
        ParameterError: this process has other versions, lacks a module, or JAX has loaded with
            other flags.
    """
    if "jax" not in sys.modules:
        os.environ[FLAGS] = wanted[FLAGS]
        os.environ.setdefault(THREADS, str(_threads()))
    own = surroundings()
    for name, value in wanted.items():
        if own[name] != value:
            raise ParameterError(
                f"the worker {platform.node()}, process {os.getpid()}, has {name} = "
                f"{own[name] or 'nothing'}, and the process that sends it work has "
                f"{value or 'nothing'}: numbers could differ; start workers with the same"
            )
    import jax

    jax.config.update("jax_enable_x64", True)
    try:
        return pickle.loads(payload)
    except ImportError as error:
        raise ParameterError(
            f"the worker {platform.node()}, process {os.getpid()}, lacks what it is to call: "
            f"{error}; put the module where workers import from, or the function into the script"
        ) from None


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """The function of the arguments: what a worker is asked for, which loads nothing."""
    return function(*arguments)


def _threads() -> int:
    """Threads that this process was given as a worker of dask, else all cores."""
    with suppress(ImportError, ValueError):  # it is none
        from distributed import get_worker

        return get_worker().state.nthreads
    return os.cpu_count() or 1
