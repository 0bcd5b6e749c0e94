"""Jumps and short features of inputs that are functions of time, found before steps miss them.

An adaptive integrator sees an input where it evaluates it. A pulse between two evaluations is lost,
and nothing tells. Here a function is evaluated at so many times that one is found, and a bisection
finds where it jumps.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .inputs import Function, Input, Separate

PROBES = 2**18  # of a function: a pulse as long as a 200,000th of the time is seen
MOST = 256  # places that are looked at; a function with more varies everywhere, and steps see it
STEPS = 500  # in which a function of time is passed at least: what is longer than one is seen
LEAST = 1e-3  # a change between probes that counts, relative to all that the function does
REST = 0.5  # of the change, which is left on the shortest interval where the function jumps
BISECTIONS = 60
SHORT = 1e-2  # of the time, which all features together take that steps may miss


def with_jumps(given: Input, t0: float, t1: float, name: str) -> Input:
    """The input, with the jumps that its functions were found to have; a warning names them.

    Args:
        given: any input.
        t0, t1: first and last time.
        name: what the warning calls it.
    """
    if isinstance(given, Separate):
        return Separate(tuple(with_jumps(part, t0, t1, name) for part in given.parts))
    if not isinstance(given, Function):
        return given
    found = [t for t in _edges(given, t0, t1) if not np.any(np.isclose(t, given.jumps, 1e-12))]
    if not found:
        return given
    named = ", ".join(f"{t:.9g}" for t in found[:8]) + (", ..." if len(found) > 8 else "")
    warnings.warn(
        f"the {name} is a function of time that changes abruptly at t = {named}, where it declares "
        f"no jumps: steps end there; give motifield.inputs.Function(f, jumps=[{named}])",
        stacklevel=4,
    )
    return Function(given.function, (*given.jumps, *found))


def longest_step(given: Input, t0: float, t1: float) -> float | None:
    """The longest step that sees what an input does; None where its edges tell all."""
    if isinstance(given, Function):
        return (t1 - t0) / STEPS
    inside = [longest_step(part, t0, t1) for part in getattr(given, "parts", ())]
    return next((step for step in inside if step is not None), None)


def _edges(given: Function, t0: float, t1: float) -> list[float]:
    """Where the function jumps, and where short features begin and end."""
    values = jax.jit(jax.vmap(lambda t: jnp.ravel(given(t)).astype(float)))
    ts = np.linspace(t0, t1, PROBES + 1)
    course = np.asarray(values(jnp.asarray(ts)))
    change = np.max(np.abs(np.diff(course, axis=0)), axis=1)
    size = np.max(np.ptp(course, axis=0), initial=0.0)
    large = np.flatnonzero(change > LEAST * size) if np.isfinite(size) else np.array([], int)
    runs = np.split(large, np.flatnonzero(np.diff(large) > 1) + 1) if len(large) else []
    if not 0 < len(runs) <= MOST:
        return []
    found: list[float] = []
    for run in runs:
        if len(run) <= 2:
            jumps = [t for k in run if (t := _jump(values, ts[k], ts[k + 1])) is not None]
            found += jumps
            if len(jumps) == len(run):
                continue
        begin, end = float(ts[run[0]]), float(ts[run[-1] + 1])
        margin = end - begin
        named = any(begin - margin <= t <= end + margin for t in given.jumps)
        if len(large) < SHORT * PROBES and not named:
            found += [begin, end]
    return sorted({t for t in found if t0 < t < t1})


def _jump(values: Callable[[Any], Any], low: float, high: float) -> float | None:
    """Where the function jumps between two times; None where it only changes fast."""
    first, last = (np.asarray(values(jnp.asarray([t])))[0] for t in (low, high))
    whole = np.max(np.abs(last - first))
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        there = np.asarray(values(jnp.asarray([middle])))[0]
        if np.max(np.abs(there - first)) >= np.max(np.abs(last - there)):
            high, last = middle, there
        else:
            low, first = middle, there
    return float(high) if np.max(np.abs(last - first)) > REST * whole else None
