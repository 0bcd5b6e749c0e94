"""The times at which a trajectory is given: dense where it changes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...errors import ParameterError

INTERVALS = 200  # of a trajectory whose times are not given: enough for a smooth picture
DENSE = 24  # times behind the start and each jump, closer together the nearer they are to it
FIRST = 0.1  # of them, in units of the shortest time constant
APART = 1e-12  # of the whole: closer times are one


def check_span(t0: float, t1: float) -> None:
    """Raise `ParameterError` unless t0 < t1 are two times."""
    if not (np.isfinite(t0) and np.isfinite(t1) and t0 < t1):
        raise ParameterError(f"integration needs finite t0 < t1: t0 = {t0}, t1 = {t1}")


def even_times(t0: float, t1: float, intervals: int) -> np.ndarray:
    """Times at equal intervals, both ends among them.

    Raises:
        ParameterError: there is no interval.
    """
    if intervals < 1:
        raise ParameterError(f"saveat = {intervals}: at least one interval is needed")
    return np.linspace(t0, t1, intervals + 1)


def dense_times(t0: float, t1: float, edges: Iterable[float], shortest: float) -> np.ndarray:
    """Times at equal intervals, and denser ones behind the start and the edges of inputs.

    Edges closer together than the intervals, as of a table, are no jumps to wait for.

    Args:
        t0: start time.
        t1: end time.
        edges: times at which an input may jump or bend.
        shortest: the shortest time constant of the units.
    """
    even = even_times(t0, t1, INTERVALS)
    apart = (t1 - t0) / INTERVALS
    inside = [float(e) for e in edges if t0 < e < t1]
    starts = np.array([t0, *sorted(inside)])
    starts = starts[np.diff([*starts, t1]) >= apart]
    first = FIRST * shortest
    behind = np.geomspace(first, apart, DENSE, endpoint=False) if first < apart else np.zeros(0)
    more = (starts[:, None] + np.array([0.0, *behind])).ravel()
    ts = np.unique(np.concatenate([even, more[more < t1]]))
    return ts[np.diff(ts, prepend=-np.inf) > APART * (t1 - t0)]
