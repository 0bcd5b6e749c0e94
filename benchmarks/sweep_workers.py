"""Sweeps by two workers against one process, and what a block costs beside its numbers.

The sweep is the grid of all fixed points of `benchmarks/sweep.py`, as large as one process needs
for the seconds that are asked for. Both sides have compiled before. An overhead is the time of many
blocks less that of one with the same points, by the number of blocks.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _timing import Comparison, compared, options, report, seconds
from sweep import axes, network

import motifield as mf
from motifield.numerics.sweeps import local_workers

AT_ONCE = 1024
TRIAL = 64  # points along each axis of the grid that shows how fast one process is
WANTED, MOST = 1.7, 0.050  # times as fast; seconds of a block
POINTS, FEW = 1024, 16  # points of the sweep whose blocks are counted, and of a small block


def swept(size: int, **more: Any) -> Any:
    """The grid of all fixed points."""
    system, parameters = network()
    over = axes(size)
    return mf.sweep(system, parameters, over, "fixed_points", at_once=AT_ONCE, **more).dataset


def size_of(wanted: float) -> int:
    """Points along each axis with which one process is busy for so many seconds."""
    swept(TRIAL)
    per_point = seconds(lambda: swept(TRIAL)) / TRIAL**2
    return int(np.ceil(np.sqrt(wanted / per_point)))


def against_one(client: Any, size: int, repeats: int) -> tuple[Comparison, bool]:
    """The workers against this process, alternately, and whether the numbers are the same."""
    same, ours, theirs = True, [], []
    swept(TRIAL, scheduler=client)
    for _ in range(repeats):
        begin = time.perf_counter()
        found = swept(size, scheduler=client)
        middle = time.perf_counter()
        alone = swept(size)
        ours.append(middle - begin)
        theirs.append(time.perf_counter() - middle)
        same = same and found.drop_attrs().identical(alone.drop_attrs())
    count = len(client.nthreads())
    name = f"{size} x {size} points: {count} workers / one process"
    return compared(name, ours, theirs, WANTED, False), same


def overhead(name: str, sweep: Callable[[int], Any], repeats: int) -> Comparison:
    """Seconds of a block beside its numbers, against those allowed."""
    blocks = POINTS // FEW
    for at_once in (FEW, POINTS):
        sweep(at_once)
    each = []
    for _ in range(repeats):
        many, one = seconds(lambda: sweep(FEW)), seconds(lambda: sweep(POINTS))
        each.append(max(many - one, 0.0) / (blocks - 1))
    return compared(f"a block {name}", each, [MOST] * repeats, 1.0, True)


def overheads(client: Any, repeats: int) -> list[Comparison]:
    """Of blocks in memory and on disk, of this process and of workers."""
    _, parameters = network()
    quick = mf.derive(mf.Architecture(["E", "I"], "1 + erf(x - 1)"), mf.MotifOnly())
    system, over = mf.compile(quick), {"input": np.linspace(-1.0, 1.0, POINTS)}

    def sweep(at_once: int, on_disk: bool, scheduler: Any) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "a.zarr" if on_disk else None
            more = {"at_once": at_once, "out": out, "scheduler": scheduler, "t1": 1.0}
            return mf.sweep(system, parameters, over, "integrate", **more)

    found = []
    for where, scheduler in (("here", None), ("of workers", client)):
        for kept, on_disk in (("in memory", False), ("on disk", True)):
            name = f"{where}, {kept}"
            run = overhead(name, lambda n, d=on_disk, s=scheduler: sweep(n, d, s), repeats)
            found.append(run)
    return found


def main() -> None:
    given = options(
        __doc__,
        seconds={"type": float, "default": 75.0, "help": "of one process (default 75)"},
        workers={"type": int, "default": 2, "help": "processes (default 2)"},
        repeats={"type": int, "default": 3, "help": "pairs of timings (default 3)"},
    )
    begin = time.perf_counter()
    with local_workers(given.workers) as client:
        notes: dict[str, Any] = {"seconds until workers were there": time.perf_counter() - begin}
        results = overheads(client, given.repeats)
        gain, same = against_one(client, size_of(given.seconds), given.repeats)
    notes["the same bit for bit"] = same
    report("Workers", ("workers", "one"), [gain, *results], notes, given.json)


if __name__ == "__main__":
    main()
