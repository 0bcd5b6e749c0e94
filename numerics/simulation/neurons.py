"""Coupled units integrated in time by diffrax: the vector field of all neurons, their drive, their noise. Of several runs along a last axis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx

from ..parameters import Input
from ..system import Units

DIVERGED = 1e12


@eqx.filter_jit
def integrate_neurons(
    J,
    y0,
    units,
    drive,
    noise,
    edges,
    times,
    t0,
    t1,
    recorded,
    phi,
    sizes,
    rtol,
    atol,
    max_steps,
    meter,
):
    """The state is x where the units are plain (None), else the `States` of all filters; of several runs along a last axis."""
    split = partial(by_parts, sizes=sizes)

    def rates(x):
        def own(p, part):
            return jnp.broadcast_to(jnp.asarray(phi(part, p)).astype(x.dtype), part.shape)

        each = own if x.ndim == 1 else jax.vmap(own, (None, 1), 1)
        return jnp.concatenate([each(p, part) for p, part in enumerate(split(x))])

    def output(state):
        return state if units is None else jnp.concatenate([z[0] for z in state.membrane])

    def field(t, state, J):
        x = output(state)
        r = rates(x)
        sent = r if units is None else units.transmitted(state, split(r))
        recurrent = (J @ sent.astype(J.dtype)).astype(x.dtype)
        if units is None:
            return recurrent - x + drive(t, sizes)
        return units.change(state, split(r), split(recurrent + drive(t, sizes)))

    def moments(t, state, J):
        x = output(state)
        pairs = zip(split(x), split(rates(x)), strict=True)
        values = jnp.stack(
            [
                jnp.stack([jnp.mean(u, 0), jnp.var(u, 0), jnp.mean(v, 0), jnp.std(v, 0)])
                for u, v in pairs
            ]
        )
        return values, None if recorded is None else x[recorded]

    terms: Any = diffrax.ODETerm(field)
    # below this step a solution that turns into NaN or runs away would be retried for ever
    steps: Any = diffrax.PIDController(
        rtol,
        atol,
        dtmin=1e-13 * t1,
        force_dtmin=False,
        norm=_rms if output(y0).ndim == 1 else _largest_rms,
    )
    if noise is not None:
        terms, steps = diffrax.MultiTerm(terms, noise), diffrax.StepTo(noise.grid)
    elif len(edges):
        steps = diffrax.ClipStepSizeController(steps, jump_ts=edges)
    solution = diffrax.diffeqsolve(
        terms,
        diffrax.Tsit5() if noise is None else diffrax.Heun(),
        t0,
        t1,
        None,
        y0,
        J,
        saveat=diffrax.SaveAt(
            subs=[diffrax.SubSaveAt(ts=times, fn=moments), diffrax.SubSaveAt(t1=True)]
        ),
        stepsize_controller=steps,
        max_steps=max_steps,
        throw=False,
        progress_meter=meter,
        event=diffrax.Event(lambda t, state, J, **_: ~jnp.all(jnp.abs(output(state)) < DIVERGED)),
    )
    (values, trajectory), last = solution.ys
    end = jax.tree.map(lambda v: v[0], last)
    x = output(end)
    return (
        values,
        trajectory,
        x,
        rates(x),
        solution.ts[1][0],
        solution.result,
        solution.stats,
        None if units is None else end,
    )


_rms: Any = optx.rms_norm


def _largest_rms(y):
    """Of several runs, along the last axis of every array, the largest."""
    leaves = jax.tree.leaves(y)
    squares = sum(jnp.sum(v**2, axis=tuple(range(v.ndim - 1))) for v in leaves)
    return jnp.sqrt(jnp.max(squares / float(sum(np.prod(v.shape[:-1]) for v in leaves))))


def by_parts(x, sizes):
    return tuple(jnp.split(x, np.cumsum(sizes)[:-1]))


class Drive(eqx.Module):
    """I_i(t), with neurons in the order that we integrate in."""

    input: Input
    in_strength: Input | None = None
    rows: Any = None
    spread: Input | None = None
    offsets: Any = None

    def __call__(self, t, sizes):
        def over(value):
            own = jnp.broadcast_to(jnp.asarray(value(t)), (len(sizes),)).astype(float)
            return jnp.repeat(own, np.asarray(sizes), total_repeat_length=sum(sizes))

        total = over(self.input)
        if self.in_strength is not None:
            total += self.rows @ jnp.broadcast_to(
                jnp.asarray(self.in_strength(t)), (len(sizes),)
            ).astype(float)
        if self.spread is not None:
            total += over(self.spread) * self.offsets
        return total

    @property
    def edges(self) -> np.ndarray:
        parts = (v.edges for v in (self.input, self.in_strength, self.spread) if v is not None)
        return np.concatenate([np.asarray(part, dtype=float).reshape(-1) for part in parts])


class Drives(eqx.Module):
    """Those of several runs, (N, runs)."""

    each: tuple[Drive, ...]

    def __call__(self, t, sizes):
        return jnp.stack([drive(t, sizes) for drive in self.each], axis=1)

    @property
    def edges(self) -> np.ndarray:
        return np.concatenate([drive.edges for drive in self.each])


class Noise(diffrax.AbstractTerm):
    """White noise in the neurons' inputs, additive. Each step of `grid` has normal numbers of its own, keyed by its position: the keys of
    `diffrax.UnsafeBrownianPath` are times in float32, which are equal for many short steps late in a long run.
    """

    units: Units
    shape: tuple[int, ...] = eqx.field(static=True)
    sizes: tuple[int, ...] = eqx.field(static=True)
    grid: Any
    key: Any

    @classmethod
    def of(
        cls,
        units: Units,
        shape: tuple[int, ...],
        sizes: tuple[int, ...],
        grid: np.ndarray,
        seed: int,
    ) -> Noise:
        """Noise of (N,) neurons, or (N, runs), from the first time of the grid on, which is part of what the seed means."""
        start = () if grid[0] == 0 else (int(np.float64(grid[0]).view(np.uint64)),)
        key = jax.random.key(
            int(np.random.SeedSequence((seed, *start) if start else seed).generate_state(1)[0])
        )
        return cls(units, shape, sizes, jnp.asarray(grid), key)

    def vf(self, t, y, args):
        return y

    def contr(self, t0, t1, **kwargs):
        key = jax.random.fold_in(self.key, jnp.searchsorted(self.grid, t0))
        return jnp.sqrt(t1 - t0) * jax.random.normal(key, self.shape)

    def prod(self, vf, control):
        return self.units.kick(vf, by_parts(control, self.sizes))


class Report(diffrax.AbstractProgressMeter):
    """Calls a function with the fraction done, at most every hundredth."""

    call: Callable[[float], None] = eqx.field(static=True)

    def init(self):
        return jnp.asarray(0.0)

    def step(self, state, progress):
        progress = jnp.asarray(progress).astype(state.dtype)
        due = (progress - state > 0.01) | (progress >= 1)
        jax.lax.cond(
            due,
            lambda f: jax.debug.callback(lambda v: self.call(float(v)), f),
            lambda f: None,
            progress,
        )
        return jnp.where(due, progress, state)

    def close(self, state):
        del state
