"""Paired timings, their table, and the options that all benchmarks share.

The two sides alternate within one run, so that whatever else the machine does falls on both.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

# of the environment: not for processes whose first answer is timed
UNSET = ("JAX_COMPILATION_CACHE_DIR", "XLA_FLAGS", "JAX_TRACEBACK_IN_LOCATIONS_LIMIT")


@dataclass(frozen=True)
class Comparison:
    """Median times of two sides in seconds, and the ratio of each pair: median and extremes."""

    name: str
    ours: float
    other: float
    ratio: float
    low: float
    high: float
    target: float
    at_most: bool

    @property
    def met(self) -> bool:
        """Whether the median ratio meets its target."""
        return self.ratio <= self.target if self.at_most else self.ratio >= self.target

    def __str__(self) -> str:
        bound, verdict = "at most" if self.at_most else "at least", "met" if self.met else "MISSED"
        return (
            f"{self.name:<44} {_duration(self.ours):>9} {_duration(self.other):>9} "
            f"{self.ratio:8.2f} [{self.low:.2f}, {self.high:.2f}]  "
            f"{bound} {self.target:g}: {verdict}"
        )


def compare(
    name: str,
    ours: Callable[[], Any],
    other: Callable[[], Any],
    target: float,
    *,
    at_most: bool,
    repeats: int = 15,
    calls: tuple[int, int] = (1, 1),
    per_call: tuple[int, int] = (1, 1),
) -> Comparison:
    """Time two sides in alternation, after one call of each to compile.

    Args:
        name: what is timed.
        ours: one side.
        other: the other side.
        target: of the ratio.
        at_most: the ratio is ours / other, a cost; otherwise other / ours, a gain.
        repeats: pairs of timings.
        calls: calls per timing of each side.
        per_call: how many results one call of each side makes.
    """
    jax.block_until_ready((ours(), other()))
    mine, theirs = [], []
    for n in range(repeats):
        sides = [(mine, ours, calls[0], per_call[0]), (theirs, other, calls[1], per_call[1])]
        for times, side, count, made in sides if n % 2 else sides[::-1]:
            times.append(seconds(side, count) / made)
    return compared(name, mine, theirs, target, at_most)


def within(name: str, run: Callable[[], Any], allowed: float, *, repeats: int) -> Comparison:
    """Time one side against the seconds allowed, without a call before the first timing."""
    times = [seconds(run) for _ in range(repeats)]
    return compared(name, times, [allowed] * repeats, 1.0, True)


def compared(
    name: str, mine: list[float], theirs: list[float], target: float, at_most: bool
) -> Comparison:
    """Two sides from times that were taken in pairs."""
    ratios = [a / b if at_most else b / a for a, b in zip(mine, theirs, strict=True)]
    middle, low, high = median(ratios), min(ratios), max(ratios)
    return Comparison(name, median(mine), median(theirs), middle, low, high, target, at_most)


def seconds(side: Callable[[], Any], calls: int = 1) -> float:
    """Mean time of a call, until its results are there."""
    start = time.perf_counter()
    for _ in range(calls):
        jax.block_until_ready(side())
    return (time.perf_counter() - start) / calls


def options(description: str, **arguments: Mapping[str, Any]) -> argparse.Namespace:
    """The command line: --json, and further options as keyword arguments of `add_argument`."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON objects, one per line")
    for name, settings in arguments.items():
        parser.add_argument(f"--{name}", **settings)
    return parser.parse_args()


def say(found: Mapping[str, Any], as_json: bool) -> None:
    """Print a finding, a line for each entry, or one JSON object."""
    if as_json:
        print(json.dumps(found), flush=True)
    else:
        print("\n".join(f"{name}: {value}" for name, value in found.items()), flush=True)


def report(
    title: str,
    columns: tuple[str, str],
    results: list[Comparison],
    notes: dict[str, Any],
    as_json: bool,
) -> None:
    """Print a table and notes, or one JSON object."""
    if as_json:
        rows = [asdict(r) | {"met": r.met} for r in results]
        say({"title": title, "results": rows, "notes": notes}, as_json)
        return
    print(f"{title}\n{'':<44} {columns[0]:>9} {columns[1]:>9} {'ratio':>8} [min, max]")
    print("\n".join(map(str, results)))
    print("\n".join(f"  {name}: {value}" for name, value in notes.items()))


def _duration(value: float) -> str:
    scale, unit = next((s, u) for s, u in ((1.0, "s"), (1e-3, "ms"), (0.0, "us")) if value >= s)
    return f"{value / (scale or 1e-6):.3g} {unit}"
