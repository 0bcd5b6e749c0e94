"""Coupled neurons with white noise in their inputs, integrated in time by diffrax."""

from __future__ import annotations

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..system import LARGEST_STATE, Units
from .neurons import Ran, Report, by_parts, ran


@eqx.filter_jit
def integrate_noisy_neurons(coupled, J, y0, noise, times, t0, t1, max_steps, report) -> Ran:
    """By Heun's method, along the grid of the noise."""
    saved = diffrax.SubSaveAt(ts=times, fn=coupled.moments)
    drift = diffrax.ODETerm(lambda t, state, J: coupled.change(t, state, J))
    solution = diffrax.diffeqsolve(
        diffrax.MultiTerm(drift, noise),
        diffrax.Heun(),
        t0,
        t1,
        None,
        y0,
        J,
        saveat=diffrax.SaveAt(subs=[saved, diffrax.SubSaveAt(t1=True)]),
        stepsize_controller=diffrax.StepTo(noise.grid),
        max_steps=max_steps,
        throw=False,
        progress_meter=diffrax.NoProgressMeter() if report is None else Meter(report),
        event=diffrax.Event(
            lambda t, state, J, **_: ~jnp.all(jnp.abs(coupled.states(state)) < LARGEST_STATE)
        ),
    )
    kept, last = solution.ys
    exhausted = solution.result == diffrax.RESULTS.max_steps_reached
    steps = (solution.stats[f"num_{kind}_steps"] for kind in ("accepted", "rejected"))
    end = jax.tree.map(lambda v: v[0], last)
    return ran(coupled, J, kept, solution.ts[1][0], end, (exhausted, *steps))


class Noise(diffrax.AbstractTerm):
    """Additive white noise in the neurons' inputs.

    Each step of `grid` has normal numbers of its own, keyed by its position: the keys of
    `diffrax.UnsafeBrownianPath` are times in float32, which are equal for many short steps late in
    a long run.
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
        """Noise of (N,) or (N, runs) neurons; the grid's first time is part of the seed."""
        start = () if grid[0] == 0 else (int(np.float64(grid[0]).view(np.uint64)),)
        entropy = (seed, *start) if start else seed
        key = jax.random.key(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
        return cls(units, shape, sizes, jnp.asarray(grid), key)

    def vf(self, t, y, args):
        return y

    def contr(self, t0, t1, **kwargs):
        key = jax.random.fold_in(self.key, jnp.searchsorted(self.grid, t0))
        return jnp.sqrt(t1 - t0) * jax.random.normal(key, self.shape)

    def prod(self, vf, control):
        return self.units.kick(vf, by_parts(control, self.sizes))


class Meter(diffrax.AbstractProgressMeter):
    """What diffrax calls, in turn calling a report."""

    report: Report = eqx.field(static=True)

    def init(self):
        return jnp.asarray(0.0)

    def step(self, state, progress):
        jax.debug.callback(self.report, progress)
        return state

    def close(self, state):
        del state
