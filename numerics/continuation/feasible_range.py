"""Over which values of a parameter a network can have the statistics."""

from __future__ import annotations

import numpy as np

from ..parameters import violations
from .along import Along

INTERVALS = 64  # a range that is narrower than one of these may be missed
BISECTIONS = 40  # 1e-12 of the range


class Feasible:
    """Whether a network can have the statistics at a value of the parameter.

    The same for all branches: neighbours on a grid answer for what lies between.
    """

    def __init__(self, along: Along, intervals: int = INTERVALS):
        self.along = along
        self.grid = np.linspace(0, 1, intervals + 1)
        self.there = np.array([not self._violations(s) for s in self.grid])
        self.borders = {
            int(k): self._bisect(self.grid[k], self.grid[k + 1])
            for k in np.flatnonzero(self.there[:-1] != self.there[1:])
        }

    def _violations(self, s: float):
        value = np.asarray(self.along.low)[0] + np.asarray(self.along.width)[0] * s
        return violations(self.along.at([value]))

    def _bisect(self, a: float, b: float) -> float:
        good = not self._violations(a)
        for _ in range(BISECTIONS):
            middle = 0.5 * (a + b)
            a, b = (middle, b) if (not self._violations(middle)) == good else (a, middle)
        return 0.5 * (a + b)

    def __call__(self, value: float) -> bool:
        low, width = (float(np.asarray(v)[0]) for v in (self.along.low, self.along.width))
        s = float(np.clip((value - low) / width, 0, 1))
        k = min(int(s * (len(self.grid) - 1)), len(self.grid) - 2)
        return bool(
            self.there[k] if k not in self.borders or s < self.borders[k] else self.there[k + 1]
        )

    def border(self, a: float, b: float) -> float:
        """The border between two values."""
        inside = [s for s in self.borders.values() if min(a, b) <= s <= max(a, b)]
        return inside[0] if inside else 0.5 * (a + b)

    def reason(self, s: float) -> str:
        """Which condition fails beyond a border."""
        broken = self._violations(s - 1e-6) or self._violations(s + 1e-6)
        return str(broken[0].condition) if broken else ""
