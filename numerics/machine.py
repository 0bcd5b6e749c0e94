"""What this machine has: cores, free memory, and work shared among its threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from ..errors import NetworkError

FEWER = "use fewer neurons, dtype=float32, or a machine with more memory"
GROUP = Path("/sys/fs/cgroup")  # of Linux; the files of memory are those of version 2
REPORTS = 200  # how often progress is told: a step of half a percent


def in_threads(
    work: Callable[[Any], Any], items: Sequence[Any], threads: int | None = None
) -> Iterator[float]:
    """Do some work on every item by several threads.

    Args:
        work: takes an item.
        items: what to work on.
        threads: how many; one per core by default.

    Yields:
        The fraction that is done, now and then.

    Raises:
        NetworkError: fewer than one thread.
    """
    count = cores() if threads is None else threads
    if count < 1:
        raise NetworkError(f"threads = {threads} must be at least 1")
    every = max(1, len(items) // REPORTS)
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


def require_memory(needed: float, what: str, advice: str = FEWER) -> None:
    """Check that memory suffices.

    Args:
        needed: bytes.
        what: what needs them, for the error.
        advice: what to do, for the error.

    Raises:
        NetworkError: less is free.
    """
    free = available_memory()
    if needed > free:
        raise NetworkError(
            f"{what} needs {needed / 2**30:.3g} GiB, {free / 2**30:.3g} GiB are free: {advice}"
        )


def available_memory() -> int:
    """Bytes that can be allocated now without swapping, within the limit of a container."""
    return min([psutil.virtual_memory().available, *_left_in_group()])


def _left_in_group(folder: Path = GROUP) -> list[int]:
    """What the control group of this process, as of a container, leaves; empty without a limit."""
    try:
        limit, used = (int((folder / f"memory.{name}").read_text()) for name in ("max", "current"))
        rows = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
        cached = {name: int(value) for name, value in rows}.get("inactive_file", 0)
    except (OSError, ValueError):  # no such group, or "max", no limit
        return []
    return [max(limit - used + cached, 0)]
