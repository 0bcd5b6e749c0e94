"""A fixed point at each of very many points: time, memory, disk, and what a kill costs.

A grid of an E/I network goes to a folder three times: once without a break, and once killed by
SIGKILL at a third and at two thirds and gone on with. The folders are compared bit for bit. Every
run is a process of its own, whose compilation counts; processes of one folder share what is
kept of it, as those of the command line do.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _timing import compared, options, report
from sweep import BOUNDS, NAMES, network

import motifield as mf

PARTS = (1 / 3, 2 / 3)
RUN = "motifield_sweep_million"
"""In the environment of the process that computes: its folder, size and points of a block."""
Grid = tuple[int, int]  # points along each axis, and of a block


def compute(path: str, grid: Grid) -> None:
    """The sweep, or what is left of it; prints what it took."""
    size, at_once = grid
    system, parameters = network()
    over = {n: np.linspace(*ends, size) for n, ends in zip(NAMES, BOUNDS, strict=True)}
    begin = time.perf_counter()
    mf.sweep(system, parameters, over, "fixed_point", out=path, at_once=at_once, resume=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": time.perf_counter() - begin, "GiB": peak}))


def started(path: Path, grid: Grid) -> subprocess.Popen:
    """A process that computes."""
    quiet = {
        "MOTIFIELD_PROGRAMS": f"{path}.programs",
        "JAX_COMPILATION_CACHE_DIR": f"{path}.cache",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    own = os.environ | quiet | {RUN: json.dumps([str(path), grid])}
    return subprocess.Popen([sys.executable, __file__], env=own, stdout=subprocess.PIPE, text=True)


def spent() -> np.ndarray:
    """Seconds so far, and those of processors in all processes that have ended."""
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return np.array([time.perf_counter(), own.ru_utime + own.ru_stime])


def whole(path: Path, grid: Grid) -> tuple[np.ndarray, dict[str, float]]:
    """Seconds of a run to its end, and what it says."""
    begin, process = spent(), started(path, grid)
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(process.returncode)
    return spent() - begin, json.loads(said.splitlines()[-1])


def killed(path: Path, grid: Grid, part: float) -> np.ndarray:
    """Seconds of a run that is killed when this part of the blocks is there."""
    begin, process = spent(), started(path, grid)
    while process.poll() is None:
        time.sleep(0.05)
        try:
            done, count = mf.sweeps.sweep_progress(path)
        except (mf.errors.FileError, KeyError):  # it is being made
            continue
        if done >= part * count:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    return spent() - begin


def bytes_of(path: Path) -> int:
    """Of all files of a folder."""
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


def differing(first: mf.sweeps.Sweep, second: mf.sweeps.Sweep) -> list[str]:
    """The variables that are not equal bit for bit."""
    pairs = ((n, first[n].values, second[n].values) for n in first.dataset.variables)
    return [str(n) for n, a, b in pairs if a.tobytes() != b.tobytes()]


def main() -> None:
    if RUN in os.environ:
        compute(*json.loads(os.environ[RUN]))
        return
    size = {"type": int, "default": 200, "help": "points along each axis (default 200)"}
    block = {"type": int, "default": 4096, "help": "points of a block (default 4096)"}
    given = options(__doc__, size=size, block=block)
    grid = (given.size, given.block)
    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder) / "whole.zarr", Path(folder) / "killed.zarr"
        seconds, said = whole(one, grid)
        pieces = [killed(other, grid, part) for part in PARTS]
        last, _ = whole(other, grid)
        begin = time.perf_counter()
        found = mf.sweeps.open_sweep(one)
        opened = time.perf_counter() - begin
        begin = time.perf_counter()
        repr(found)
        shown, count = time.perf_counter() - begin, given.size**2
        notes: dict[str, Any] = {
            "points": count,
            "microseconds a point": 1e6 * said["seconds"] / count,
            "peak memory, GiB": said["GiB"],
            "disk, bytes a point": bytes_of(one) / count,
            "variables that differ after two kills": differing(found, mf.sweeps.open_sweep(other)),
            "status": str(found.status),
            "seconds to open": opened,
            "seconds of the repr": shown,
        }
    again = np.sum([*pieces, last], axis=0)
    name = "killed at a third and two thirds / not"
    results = [
        compared(name, [again[0]] * 3, [seconds[0]] * 3, 1.1, True),
        compared(f"{name}, processors", [again[1]] * 3, [seconds[1]] * 3, 1.1, True),
    ]
    report("Sweeps of many points", ("killed", "whole"), results, notes, given.json)


if __name__ == "__main__":
    main()
