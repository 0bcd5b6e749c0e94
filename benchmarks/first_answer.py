"""The first answers of the command line against the imports that no answer can do without.

Commands in processes of their own: cold, with an empty cache and with the cache off, and a second
time with another input, each beside `python -c "import numpy, scipy, sympy, jax, ..."`. Times are
those of the clock on the wall. Processor times are notes, and so are lines on stderr: 0 allowed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import tomli_w
from _timing import UNSET, Comparison, compared, options, report

IMPORTS = "import numpy, scipy, sympy, jax, diffrax, xarray"
DERIVATIONS = Path(__file__).resolve().parents[1] / "derivations"
COMMANDS = {  # allowed: time / time of the imports, cold
    ("derive", "ei_chains"): 0.5,
    ("integrate", "ei_chains"): 1.7,
    ("fixed-points", "ei_chains"): 1.7,
    ("stability", "ei_chains"): 1.7,
    ("integrate", "adaptation_and_synapses"): 2.5,
}
SECOND = 0.8  # allowed on the second call
OTHER = 1.1  # times the input: the other input


@dataclass(frozen=True)
class Ran:
    """What one process took, in seconds, and how many lines it wrote to stderr."""

    wall: float
    processor: float
    lines: int


def ran(arguments: list[str], cache: str) -> Ran:
    """Run a process to its end; a failure ends the benchmark."""
    kept = {k: v for k, v in os.environ.items() if k not in UNSET}
    with tempfile.TemporaryFile() as said:
        start = perf_counter()
        process = subprocess.Popen(
            arguments,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=kept | {"MOTIFIELD_CACHE": cache},
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace")
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}:\n{text}")
    return Ran(wall, used.ru_utime + used.ru_stime, len(text.splitlines()))


def with_other_input(spec: Path, folder: Path) -> Path:
    """A copy of the spec with all inputs multiplied."""

    def times(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {k: times(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return value if name == "times" else [times(v) for v in value]
        return OTHER * value

    numbers = tomllib.loads(spec.read_text())
    numbers["parameters"]["input"] = times(numbers["parameters"]["input"])
    made = folder / f"{spec.parent.name}.toml"
    made.write_text(tomli_w.dumps(numbers))
    return made


def once(verb: str, spec: Path, other: Path) -> dict[str, Ran]:
    """One process of each kind, in a cache of its own."""
    motifield = str(Path(sys.executable).with_name("motifield"))
    with tempfile.TemporaryDirectory() as cache:
        return {
            "imports": ran([sys.executable, "-c", IMPORTS], "off"),
            "cold": ran([motifield, verb, str(spec)], cache),
            "second": ran([motifield, verb, str(other)], cache),
            "cache off": ran([motifield, verb, str(spec)], "off"),
        }


def rows(name: str, seen: list[dict[str, Ran]], allowed: float) -> tuple[list[Comparison], dict]:
    """Each kind against the imports, and notes."""
    targets = {"cold": allowed, "cache off": allowed, "second": SECOND}
    times: dict = defaultdict(list)
    for kinds in seen:
        for kind, one in kinds.items():
            times[kind].append(one)
    base = times.pop("imports")
    made, notes = [], {}
    for kind, own in times.items():
        label = f"{name}: {kind}"
        walls = [[one.wall for one in each] for each in (own, base)]
        made.append(compared(label, *walls, targets[kind], True))
        used = [median(one.processor for one in each) for each in (own, base)]
        ratio = f"{used[0]:.2f} / {used[1]:.2f} s = {used[0] / used[1]:.2f}"
        notes[f"{label}, processor time"] = ratio
        lines = max(one.lines for one in own)
        notes[f"{label}, lines on stderr"] = f"{lines}{': MISSED, 0 allowed' if lines else ''}"
    return made, notes


def main() -> None:
    count = {"type": int, "default": 5, "help": "processes of each kind (default 5)"}
    given = options(__doc__, repeats=count)
    results, notes = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for (verb, network), allowed in COMMANDS.items():
            spec = DERIVATIONS / network / "spec.toml"
            other = with_other_input(spec, Path(folder))
            seen = [once(verb, spec, other) for _ in range(given.repeats)]
            found, said = rows(f"{verb} {network}", seen, allowed)
            results += found
            notes |= said
    title = "First answers: time / time of the imports"
    report(title, ("ours", "imports"), results, notes, given.json)


if __name__ == "__main__":
    main()
