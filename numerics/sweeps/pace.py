"""How fast a sweep is, and how long it will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

RECENT = 20  # blocks; a rate is that of the later half of these


@dataclass(frozen=True)
class Rate:
    """How fast a sweep is.

    Args:
        per_second: points.
        left: seconds until the last point, at this rate.
    """

    per_second: float
    left: float

    def __str__(self) -> str:
        return f"{_short(self.per_second)} points/s, {duration(self.left)} left"


def rate_of(times: Sequence[float], counts: Sequence[int], left: int) -> Rate | None:
    """From when how many points were there; None where that says nothing.

    Args:
        times: in seconds, rising.
        counts: of points at these times.
        left: how many points are missing.
    """
    half = len(times) // 2 if len(times) > 3 else 0  # the first ones compile
    times, counts = times[half:], counts[half:]
    if len(times) < 2 or times[-1] <= times[0] or counts[-1] <= counts[0]:
        return None
    per_second = (counts[-1] - counts[0]) / (times[-1] - times[0])
    return Rate(per_second, left / per_second)


class Pace:
    """Tells of progress, with points per second and the time that is left.

    Args:
        say: called as say(text, part); None: nobody is told.
        count: of all points.
    """

    def __init__(self, say: Callable[[str, float], None] | None, count: int):
        self._say, self._count, self._done = say, count, 0
        self._marks: deque[tuple[float, int]] = deque(maxlen=RECENT)

    def begin(self, done: int) -> None:
        """Some points are there before."""
        self._done = 0
        self.add(done)

    def add(self, more: int) -> None:
        """More points are there."""
        self._done += more
        self._marks.append((time.monotonic(), self._done))
        if self._say is None:
            return
        times, counts = zip(*self._marks, strict=True)
        rate = rate_of(times, counts, self._count - self._done)
        text = f"{self._done} of {self._count} points"
        if rate is not None and self._done < self._count:
            text += f", {rate}"
        self._say(text, self._done / self._count)


def duration(seconds: float) -> str:
    """A time as people say it: 45 s, 12:07 min, 3:20 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
