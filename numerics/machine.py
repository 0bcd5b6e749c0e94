"""What this machine has: cores, free memory, and work shared among its threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..errors import NetworkError


def in_threads(
    work: Callable[[Any], Any], items: Sequence[Any], threads: int | None = None
) -> Iterator[float]:
    """Do `work` on every item by several threads (default: one per core); yields the fraction that is done, now and then."""
    count = cores() if threads is None else threads
    if count < 1:
        raise NetworkError(f"threads = {threads} must be at least 1")
    every = max(1, len(items) // 200)
    if count == 1:
        for k, item in enumerate(items):
            work(item)
            if k % every == 0:
                yield (k + 1) / len(items)
        return
    with ThreadPoolExecutor(count) as pool:
        for k, _ in enumerate(pool.map(work, items)):
            if k % every == 0:
                yield (k + 1) / len(items)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def require_memory(needed: float, what: str) -> None:
    """Raise `NetworkError` if `needed` bytes exceed the memory that is free."""
    free = available_memory()
    if free is not None and needed > free:
        raise NetworkError(
            f"{what} needs {needed / 2**30:.3g} GiB, {free / 2**30:.3g} GiB are free: "
            "use fewer neurons, dtype=float32, or a machine with more memory"
        )


def available_memory() -> int | None:
    """Bytes that can be allocated now; None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None
