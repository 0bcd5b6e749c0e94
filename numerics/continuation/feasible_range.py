"""Over which values of a parameter a network can have the statistics."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from ..parameters import violations
from .along import Along

INTERVALS = 64  # a range that is narrower than one of these may be missed
BISECTIONS = 40  # 1e-12 of the range


class Feasible:
    """Whether a network can have the statistics at a value between two others.

    Neighbours on a grid answer for what lies between, so that it holds for all branches at once.

    Args:
        why_not: of a value, which condition fails; "" where none does.
        low: lowest value.
        high: highest value.
        intervals: of the grid.
        bisections: of an interval with a border.
    """

    def __init__(
        self,
        why_not: Callable[[float], str],
        low: float,
        high: float,
        *,
        intervals: int = INTERVALS,
        bisections: int = BISECTIONS,
    ):
        self.why_not, self.low, self.width = why_not, low, high - low
        self.grid = np.linspace(0, 1, intervals + 1)
        self.there = np.array([not self._wrong(s) for s in self.grid])
        self.borders = {
            int(k): self._bisect(self.grid[k], self.grid[k + 1], bisections)
            for k in np.flatnonzero(self.there[:-1] != self.there[1:])
        }

    @classmethod
    def along(cls, along: Along) -> Feasible:
        """Of the first parameter along which equations are followed."""

        def why_not(value: float) -> str:
            broken = violations(along.at([value]))
            return str(broken[0].condition) if broken else ""

        low, width = (float(np.asarray(v)[0]) for v in (along.low, along.width))
        return cls(why_not, low, low + width)

    def _wrong(self, s: float) -> str:
        return self.why_not(self.low + self.width * s)

    def _bisect(self, a: float, b: float, bisections: int) -> float:
        good = not self._wrong(a)
        for _ in range(bisections):
            middle = 0.5 * (a + b)
            a, b = (middle, b) if (not self._wrong(middle)) == good else (a, middle)
        return 0.5 * (a + b)

    def __call__(self, value: float) -> bool:
        s = float(np.clip((value - self.low) / self.width, 0, 1))
        k = min(int(s * (len(self.grid) - 1)), len(self.grid) - 2)
        return bool(
            self.there[k] if k not in self.borders or s < self.borders[k] else self.there[k + 1]
        )

    @property
    def ranges(self) -> list[tuple[float, float]]:
        """The ranges of values at which the statistics can be, lowest first."""
        ends = [0.0, *sorted(self.borders.values()), 1.0]
        pairs = itertools.pairwise(ends)
        first = bool(self.there[0])  # each border leads out of a range or into one
        inside = [pair for k, pair in enumerate(pairs) if (k % 2 == 0) == first]
        return [(self.low + self.width * a, self.low + self.width * b) for a, b in inside]

    def border(self, a: float, b: float) -> float:
        """The border between two values, both in parts of the range."""
        inside = [s for s in self.borders.values() if min(a, b) <= s <= max(a, b)]
        return inside[0] if inside else 0.5 * (a + b)

    def reason(self, s: float) -> str:
        """Which condition fails beyond a border, at a part of the range."""
        return self._wrong(s - 1e-6) or self._wrong(s + 1e-6)
