"""How a command's process is set up, before JAX loads: precision, compilation, cache, quietness.

Everything is an environment variable that JAX and XLA read when they load; what the user has set
stays.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import warnings
from hashlib import sha256
from pathlib import Path

from .. import cache

SETTINGS = {
    "JAX_ENABLE_X64": "1",
    "JAX_TRACEBACK_IN_LOCATIONS_LIMIT": "0",  # where in the source an operation is from: unused
}
LOGGED, FATAL, OF_JAX = "TF_CPP_MIN_LOG_LEVEL", "3", "1"
"""XLA's loader says of every cached program, in lines of 2 kB that end in SIGILL, that the machine
lacks what are preferences of the compiler and no instructions. JAX sets the level to 1, and a
process that JAX has started inherits that: no user's choice."""
PROGRAMS = "MOTIFIELD_PROGRAMS"  # as `motifield.keeping` reads it, which JAX would load with
KEEPING = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
}
ONCE = {
    "xla_backend_optimization_level": "0",
    "xla_cpu_use_fusion_emitters": "false",
    "xla_cpu_parallel_codegen_split_count": "1",
}
"""XLA's flags for what runs once: it compiles 2 to 4 times faster, and runs 3 to 8 times slower."""
COLLECTED = (200_000, 20, 20)
"""Tracing makes a million objects that live on: looking for circles among them took a tenth of a
command's time, and a quarter where Python looks a last time as it ends, which frees nothing that
ending does not."""

DAMAGED = "Error (reading|writing) persistent compilation cache entry"
"""How JAX warns of an entry that it cannot read, and compiles again: nobody has to know."""


def prepare(*, once: bool) -> None:
    """Set the process up for one command; nothing where JAX is there already, as in tests.

    Args:
        once: whether what the command compiles runs about once, and is compiled fast rather than
            well.
    """
    if "jax" in sys.modules:
        return
    gc.set_threshold(*COLLECTED)
    atexit.register(gc.freeze)
    warnings.filterwarnings("ignore", message=DAMAGED)
    wanted = dict(SETTINGS)
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ and (place := cache.usable()) is not None:
        cache.trim(place)
        here = place / _machine()
        wanted |= KEEPING | {
            "JAX_COMPILATION_CACHE_DIR": str(here / "compiled"),
            PROGRAMS: str(here / "programs"),
        }
    if os.environ.get(LOGGED) in (None, OF_JAX):
        os.environ[LOGGED] = FATAL
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    if once:
        own = os.environ.get("XLA_FLAGS", "")
        more = [f"--{name}={value}" for name, value in ONCE.items() if name not in own]
        os.environ["XLA_FLAGS"] = " ".join([own, *more]).strip()


def _machine() -> str:
    """A name of this processor: code compiled for one may not run on another."""
    said = [sys.platform, os.uname().machine if hasattr(os, "uname") else ""]
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    said += sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return sha256("\n".join(said).encode()).hexdigest()[:16]
