"""Explicit steps of Tsitouras' method of order 5, with an adaptive length.

The loop has the right side in one place, whichever stage evaluates it. It is traced and compiled
several times faster than a general solver, holds no call back to Python, so that what is compiled
can be kept, and has no derivatives backwards. Source: Tsitouras, Comput. Math. Appl. 62 (2011) 770.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

LARGEST_STATE = 1e12  # a state this large has diverged: currents of networks are of order 1
SHORTEST = 16 * np.finfo(float).eps  # step relative to the time: its ends hardly differ
MOST_SHORT = 50  # so many of those in a row are no landing on an edge of the input
FIRST = 1e-6  # of the whole time: steps grow tenfold until errors limit them
SAFETY, SHRINK, GROW = 0.9, 0.2, 10.0  # of the next step, as other solvers choose them

A = np.zeros((7, 7))
A[1, :1] = 0.161
A[2, :2] = -0.008480655492356989, 0.3354806554923570
A[3, :3] = 2.897153057105493, -6.359448489975075, 4.362295432869581
A[4, :4] = 5.325864828439257, -11.74888356406283, 7.495539342889836, -0.09249506636175525
A[5, :5] = (
    5.861455442946420,
    -12.92096931784711,
    8.159367898576159,
    -0.07158497328140100,
    -0.02826905039406838,
)
B = np.array(
    [
        0.09646076681806523,
        0.01,
        0.4798896504144996,
        1.379008574103742,
        -3.290069515436081,
        2.324710524099774,
        0.0,
    ]
)
A[6] = B
C = np.array([0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0])
ERROR = np.array(
    [
        0.001780011052225777,
        0.000816434459656747,
        -0.007880878010261995,
        0.1447110071732629,
        -0.5823571654525553,
        0.4580821059291869,
        -1 / 66,
    ]
)
"""The solution of order 5 minus the one of order 4."""
FACTORS = (
    (-1.0530884977290216, (1.3299890189751412,), (-1.4364028541716351, 0.7139816917074209), 1),
    (0.1017, (), (-2.1966568338249754, 1.2949852507374631), 2),
    (2.490627285651252793, (), (-2.38535645472061657, 1.57803468208092486), 2),
    (-16.54810288924490272, (1.21712927295533244, 0.61620406037800089), None, 2),
    (47.37952196281928122, (1.203071208372362603, 0.658047292653547382), None, 2),
    (-34.87065786149660974, (1.2, 2 / 3), None, 2),
    (2.5, (1.0, 0.6), None, 2),
)
"""Weights of the stages between the ends of a step: a number, roots, a quadratic, powers of t."""


def _weights() -> np.ndarray:
    """Coefficients of the weights as polynomials, (7, 5), the highest power first."""
    rows = []
    for factor, roots, quadratic, power in FACTORS:
        row = factor * np.poly([*roots, *np.zeros(power)])
        rows.append(row if quadratic is None else np.convolve(row, [1.0, *quadratic]))
    return np.array(rows)


BETWEEN = _weights()


class Course(NamedTuple):
    """States at the given times, infinite from where it ended; how it ended, and where.

    Args:
        states: (t, n), or what is kept of them.
        exhausted: whether the steps ran out.
        steps: how many, rejected ones included.
        accepted: how many were not rejected.
        t: the time of the end.
        state: the state there, (n,).
    """

    states: Any
    exhausted: Array
    steps: Array
    accepted: Array
    t: Array
    state: Array


class _Carry(NamedTuple):
    t: Array
    y: Array
    h: Array
    slope: Array  # d(state)/dt at t
    is_known: Array  # whether that is known: not at the start, and not behind a jump
    states: Any
    place: Array  # of the next time to save
    steps: Array
    accepted: Array
    short: Array  # steps in a row that are as short as rounding
    is_over: Array
    exhausted: Array


def _itself(t: Array, y: Array) -> Array:
    return y


def _rms(v: Array) -> Array:
    return jnp.sqrt(jnp.mean(v**2))


def explicit_course(
    field: Callable[[Array, Array], Array],
    start: Float[Array, " n"],
    ts: Float[Array, " t"],
    edges: Any = (),
    *,
    rtol: Any,
    atol: Any,
    most: Any,
    longest: float | None = None,
    keep: Callable[[Array, Array], Any] = _itself,
    norm: Callable[[Array], Array] = _rms,
    report: Callable[[Any], None] | None = None,
) -> Course:
    """The solution of dy/dt = field(t, y) at given times; pure, for jit and vmap.

    Steps end before every edge and go on behind it. The solution ends when a state exceeds 1e12,
    when steps become as short as the time's rounding, or when they run out.

    Args:
        field: of the time and a state.
        start: the state at the first time.
        ts: increasing times.
        edges: times at which the field jumps.
        rtol, atol: relative and absolute tolerance of a step.
        most: steps.
        longest: the longest step; None: any.
        keep: what is kept at the given times, a function of the time and the state.
        norm: of the errors relative to the tolerances, (n,), their root mean square by default.
        report: called with the part of the time that is behind, 0 to 1, after every step.
    """
    end, jumps = ts[-1], jnp.asarray(edges, dtype=float).reshape(-1)

    def step(c: _Carry) -> _Carry:
        wanted = c.h if longest is None else jnp.minimum(c.h, longest)
        edge, last, lands, t1 = _landing(c.t, wanted, jumps, end)
        h = t1 - c.t
        k = _stages(field, c, h, t1)
        y = c.y + h * (B @ k)
        size = _size(h * (ERROR @ k), c.y, y, rtol, atol, norm)
        good = size < 1
        grown = h * jnp.clip(SAFETY * size ** (-1 / 5), jnp.where(good, 1.0, SHRINK), GROW)
        crosses = good & lands & (last < edge) & (edge <= end)
        seen = jnp.where(good, jnp.where(crosses, edge, t1), -jnp.inf)
        states, place = _saved(c, ts, k, h, seen, keep)
        short, count = jnp.where(_is_short(h, t1), c.short + 1, 0), c.steps + 1
        t = jnp.where(crosses, jnp.nextafter(edge, jnp.inf), jnp.where(good, t1, c.t))
        diverged = good & (jnp.max(jnp.abs(y)) > LARGEST_STATE)
        exhausted = (count >= most) & (t < end) & ~diverged
        y, slope = jnp.where(good, y, c.y), jnp.where(good, k[-1], k[0])
        following = jnp.where(good & lands, jnp.maximum(wanted, grown), grown)
        is_over = diverged | exhausted | (short > MOST_SHORT)
        counts = (count, c.accepted + jnp.where(good, 1, 0), short)
        if report is not None:
            jax.debug.callback(report, (t - ts[0]) / (end - ts[0]))
        return _Carry(t, y, following, slope, ~crosses, states, place, *counts, is_over, exhausted)

    c = jax.lax.while_loop(lambda c: (c.t < end) & ~c.is_over, step, _begun(start, ts, keep))
    return Course(c.states, c.exhausted, c.steps, c.accepted, c.t, c.y)


def _landing(t: Array, wanted: Array, jumps: Array, end: Array) -> tuple[Array, ...]:
    """The next jump, the last time before it, whether a step gets there, and where it ends."""
    edge = jnp.min(jumps, where=(jumps > t) & (jumps <= end), initial=jnp.inf)
    last = jnp.minimum(jnp.nextafter(edge, -jnp.inf), end)
    lands = t + wanted >= last
    return edge, last, lands, jnp.where(lands, last, t + wanted)


def _is_short(h: Array, t1: Array) -> Array:
    return h < SHORTEST * jnp.maximum(jnp.abs(t1), 1e-300)


def _begun(start: Array, ts: Array, keep: Callable) -> _Carry:
    none, no = jnp.asarray(0), jnp.asarray(False)
    first = keep(ts[0], start)
    states = jax.tree.map(lambda v: jnp.full((len(ts), *v.shape), jnp.inf).at[0].set(v), first)
    counts = (none + 1, none, none, none)
    h = FIRST * (ts[-1] - ts[0])
    return _Carry(ts[0], start, h, jnp.zeros_like(start), no, states, *counts, no, no)


def _size(error: Array, y0: Array, y1: Array, rtol: Any, atol: Any, norm: Callable) -> Array:
    """Of a step's error, relative to the tolerances."""
    relative = error / (atol + rtol * jnp.maximum(jnp.abs(y0), jnp.abs(y1)))
    size = norm(relative)
    return jnp.where(jnp.isfinite(size), size, jnp.inf)


def _stages(field: Callable, c: _Carry, h: Array, t1: Array) -> Array:
    """Slopes at the stages of a step, (7, n); the first is known behind another step."""

    def stage(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        i, k = carry
        at = jnp.minimum(c.t + jnp.asarray(C)[i] * h, t1)
        return i + 1, k.at[i].set(field(at, c.y + h * (jnp.asarray(A)[i] @ k)))

    k = jnp.zeros((len(C), len(c.y))).at[0].set(c.slope)
    start = (jnp.where(c.is_known, 1, 0), k)
    return jax.lax.while_loop(lambda carry: carry[0] < len(C), stage, start)[1]


def _saved(
    c: _Carry, ts: Array, k: Array, h: Array, seen: Array, keep: Callable
) -> tuple[Any, Array]:
    """What is kept at all times up to that one, between the ends of a step, and how many these are.

    The times of a step are few among all, and are visited one after the other.
    """

    def there(carry: tuple[Any, Array]) -> Array:
        place = carry[1]
        return (place < len(ts)) & (ts[jnp.minimum(place, len(ts) - 1)] <= seen)

    def save(carry: tuple[Any, Array]) -> tuple[Any, Array]:
        states, place = carry
        part = (ts[place] - c.t) / h
        weights = jnp.polyval(jnp.asarray(BETWEEN).T, part)
        own = keep(ts[place], c.y + h * (weights @ k))
        return jax.tree.map(lambda all, v: all.at[place].set(v), states, own), place + 1

    return jax.lax.while_loop(there, save, (c.states, c.place))
