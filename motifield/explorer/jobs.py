"""Work that comes later: one thing at a time, and the latest wish counts."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import MotifieldError

PATIENCE = 0.3  # seconds without a move before long work begins: a slider that is dragged moves on
LONGEST_END = 2.0  # seconds in which work ends that is no longer wanted


class Outdated(Exception):
    """What is being computed is no longer wanted."""


@dataclass(frozen=True)
class Job:
    """A piece of work.

    Args:
        name: of its result.
        run: computes it, given a function to report progress to, which ends it when it is outdated.
    """

    name: str
    run: Callable[[Callable[[str, float], None]], Any]


@dataclass(frozen=True)
class Failed:
    """What came of a job that could not be done.

    Args:
        text: why.
    """

    text: str


class Jobs:
    """Runs jobs in a thread of its own, one after the other.

    Args:
        patience: seconds between a wish and its first job.
    """

    def __init__(self, patience: float = PATIENCE):
        self._patience, self._changed = patience, threading.Condition()
        self._wishes: dict[Any, tuple[float, int, Sequence[Job], Callable]] = {}
        self._latest: dict[Any, int] = {}
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, daemon=True, name="motifield explorer")
        self._thread.start()

    def wish(self, whose: Any, jobs: Sequence[Job], deliver: Callable[[str, Any], None]) -> None:
        """Do these jobs in place of all earlier ones of the same page, also of one at work.

        Args:
            whose: of which page.
            jobs: in their order.
            deliver: called with the name of each job and its result, or `Failed`, in the thread of
                the jobs; never for jobs that are outdated.
        """
        with self._changed:
            number = self._latest.get(whose, 0) + 1
            self._latest[whose] = number
            self._wishes.pop(whose, None)  # behind those of other pages
            if jobs:
                when = time.monotonic() + self._patience
                self._wishes[whose] = (when, number, jobs, deliver)
            self._changed.notify()

    def forget(self, whose: Any) -> None:
        """Of a page that is closed."""
        with self._changed:
            self._wishes.pop(whose, None)
            self._latest.pop(whose, None)

    def close(self) -> None:
        """End the work; what does not listen ends with the process."""
        with self._changed:
            self._is_closed = True
            self._wishes.clear()
            self._latest.clear()
            self._changed.notify()
        self._thread.join(LONGEST_END)

    def _next(self) -> tuple[Any, int, Sequence[Job], Callable] | None:
        """The wish that is due, waiting for it; None at the end."""
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                due = [(wish[0], whose) for whose, wish in self._wishes.items()]
                first = min(due, key=lambda pair: pair[0], default=None)
                if first is not None and first[0] <= now:
                    whose = first[1]
                    _, number, jobs, deliver = self._wishes.pop(whose)
                    return whose, number, jobs, deliver
                self._changed.wait(None if first is None else first[0] - now)
        return None

    def _work(self) -> None:
        while (found := self._next()) is not None:
            whose, number, jobs, deliver = found

            def say(text: str, part: float, own: Any = (whose, number)) -> None:
                if self._latest.get(own[0]) != own[1]:
                    raise Outdated

            for job in jobs:
                try:
                    say(job.name, 0.0)
                    result = job.run(say)
                    say(job.name, 1.0)
                except Outdated:
                    break
                except MotifieldError as error:
                    result = Failed(str(error))
                except Exception as error:
                    traceback.print_exc()
                    result = Failed(f"it failed, see the terminal: {error}")
                if self._latest.get(whose) == number:
                    deliver(job.name, result)
