"""What this machine has: cores, free memory, and work shared among its threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
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


def over_sets(one: Callable[..., Any], *batches: Any) -> Any:
    """`jax.vmap(one)(*batches)`, the sets shared among the devices of this machine; for jit.

    Each device has loops of its own, which end with its last set: no device waits for others. A
    program is one of so many devices, which XLA may round otherwise in the last place; those that
    `motifield.keeping` keeps are of a single device.

    Args:
        one: a function of one set, pure.
        batches: trees of arrays, all with a leading axis over the sets.
    """
    import jax
    from jax.sharding import Mesh, PartitionSpec

    devices = device_count()
    if devices == 1:
        return jax.vmap(one)(*batches)
    count = len(jax.tree.leaves(batches)[0])
    rows = np.resize(np.arange(count), -(-count // devices) * devices)
    whole = batches if len(rows) == count else jax.tree.map(lambda v: v[rows], batches)
    mesh, sets = Mesh(np.array(jax.local_devices()), ("sets",)), PartitionSpec("sets")
    shared = jax.shard_map(jax.vmap(one), mesh=mesh, in_specs=sets, out_specs=sets, check_vma=False)
    return jax.tree.map(lambda v: v[:count], shared(*whole))


def device_count() -> int:
    """Devices that JAX computes with: all of this machine, or the one that was chosen."""
    import jax

    config: Any = jax.config
    return 1 if config.jax_default_device is not None else jax.local_device_count()


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
