"""Coupled neurons integrated in time by diffrax: their vector field, their noise, their moments.

Several runs of one network go along a last axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx

from ..system import Units
from .drives import Drive, Drives

DIVERGED = 1e12  # beyond what currents can be; far below overflow, so that errors stay finite
SHORTEST_STEP = 1e-13  # of t1, near the rounding of t: a shorter step would not move the time
REPORTED = 0.01  # of the time between two reports of progress


class Coupled(eqx.Module):
    """The differential equations of all neurons, ordered by population.

    The state is x where units are plain (`units` is None), else the `States` of all filters.
    """

    drive: Drive | Drives
    units: Units | None
    phi: Any
    recorded: Any
    sizes: tuple[int, ...] = eqx.field(static=True)

    def split(self, x):
        return by_parts(x, self.sizes)

    def rates(self, x):
        """phi_q(x_j), neuron by neuron."""

        def own(p, part):
            return jnp.broadcast_to(jnp.asarray(self.phi(part, p)).astype(x.dtype), part.shape)

        each = own if x.ndim == 1 else jax.vmap(own, (None, 1), 1)
        return jnp.concatenate([each(p, part) for p, part in enumerate(self.split(x))])

    def output(self, t, state, J):
        """x, the outputs of the membranes; the inputs where there are none."""
        if self.units is None:
            return state
        if self.units.is_rate_form:
            return self.passed(state, self.rate_form_inputs(t, state, J))
        return jnp.concatenate([z[0] for z in state.membrane])

    def passed(self, state, inputs):
        """x, where some neurons have no membrane, from the inputs by population."""
        pairs = zip(state.membrane, inputs, strict=True)
        return jnp.concatenate([own if z is None else z[0] for z, own in pairs])

    def rate_form_inputs(self, t, state, J):
        """All inputs by population, where the outputs of the synapses are states of their own."""
        sent = jnp.concatenate([z[0] for z in state.synapse])
        recurrent = (J @ sent.astype(J.dtype)).astype(sent.dtype)
        return self.split(recurrent + self.drive(t, self.sizes))

    def change(self, t, state, J):
        """d(state)/dt."""
        if self.units is not None and self.units.is_rate_form:
            inputs = self.rate_form_inputs(t, state, J)
            r = self.rates(self.passed(state, inputs))
            return self.units.change(state, self.split(r), inputs)
        x = self.output(t, state, J)
        r = self.rates(x)
        sent = r if self.units is None else self.units.transmitted(state, self.split(r))
        recurrent = (J @ sent.astype(J.dtype)).astype(x.dtype)
        if self.units is None:
            return recurrent - x + self.drive(t, self.sizes)
        inputs = self.split(recurrent + self.drive(t, self.sizes))
        return self.units.change(state, self.split(r), inputs)

    def states(self, state):
        """What grows where the network diverges: x, or all outputs of filters without membranes."""
        if self.units is None:
            return state
        if self.units.is_rate_form:
            return jnp.concatenate([z[0] for kind in state for z in kind if z is not None])
        return jnp.concatenate([z[0] for z in state.membrane])

    def moments(self, t, state, J):
        """Mean and variance of x, mean and deviation of phi(x) by population; recorded x."""
        x = self.output(t, state, J)
        pairs = zip(self.split(x), self.split(self.rates(x)), strict=True)
        each = [
            jnp.stack([jnp.mean(u, 0), jnp.var(u, 0), jnp.mean(v, 0), jnp.std(v, 0)])
            for u, v in pairs
        ]
        return jnp.stack(each), None if self.recorded is None else x[self.recorded]


class Ran(NamedTuple):
    """What `integrate_neurons` found; `end` is the state of all filters, None of plain units."""

    moments: Any
    trajectory: Any
    x: Any
    r: Any
    end: Any
    reached: Any
    result: Any
    stats: Any

    def of_run(self, k: int) -> Ran:
        """One of several runs."""
        names = ("moments", "trajectory", "x", "r", "end")
        own = {name: getattr(self, name) for name in names}
        return self._replace(**jax.tree.map(lambda v: v[..., k], own))


@eqx.filter_jit
def integrate_neurons(coupled, J, y0, noise, jumps, times, t0, t1, rtol, atol, max_steps, meter):
    """Without noise Tsitouras' method with adaptive steps, with noise Heun's along its grid."""
    terms: Any = diffrax.ODETerm(lambda t, state, J: coupled.change(t, state, J))
    # below the shortest step a solution that runs away would be retried for ever
    steps: Any = diffrax.PIDController(
        rtol,
        atol,
        dtmin=SHORTEST_STEP * t1,
        force_dtmin=False,
        norm=_rms if coupled.states(y0).ndim == 1 else _largest_rms,
    )
    if noise is not None:
        terms, steps = diffrax.MultiTerm(terms, noise), diffrax.StepTo(noise.grid)
    elif len(jumps):
        steps = diffrax.ClipStepSizeController(steps, jump_ts=jumps)
    saved = diffrax.SubSaveAt(ts=times, fn=coupled.moments)
    solution = diffrax.diffeqsolve(
        terms,
        diffrax.Tsit5() if noise is None else diffrax.Heun(),
        t0,
        t1,
        None,
        y0,
        J,
        saveat=diffrax.SaveAt(subs=[saved, diffrax.SubSaveAt(t1=True)]),
        stepsize_controller=steps,
        max_steps=max_steps,
        throw=False,
        progress_meter=meter,
        event=diffrax.Event(
            lambda t, state, J, **_: ~jnp.all(jnp.abs(coupled.states(state)) < DIVERGED)
        ),
    )
    (values, trajectory), last = solution.ys
    end = jax.tree.map(lambda v: v[0], last)
    reached = solution.ts[1][0]
    x = coupled.output(reached, end, J)
    states = None if coupled.units is None else end
    return Ran(
        values, trajectory, x, coupled.rates(x), states, reached, solution.result, solution.stats
    )


_rms: Any = optx.rms_norm


def _largest_rms(y):
    """Of several runs, along the last axis of every array, the largest."""
    leaves = jax.tree.leaves(y)
    squares = sum(jnp.sum(v**2, axis=tuple(range(v.ndim - 1))) for v in leaves)
    return jnp.sqrt(jnp.max(squares / float(sum(np.prod(v.shape[:-1]) for v in leaves))))


def by_parts(x, sizes):
    """By population, from neurons in the order of their populations."""
    return tuple(jnp.split(x, np.cumsum(sizes)[:-1]))


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


class Report(diffrax.AbstractProgressMeter):
    """Calls progress("simulating", part) now and then."""

    call: Callable[[str, float], None] = eqx.field(static=True)

    def init(self):
        return jnp.asarray(0.0)

    def step(self, state, progress):
        progress = jnp.asarray(progress).astype(state.dtype)
        due = (progress - state > REPORTED) | (progress >= 1)
        jax.lax.cond(
            due,
            lambda f: jax.debug.callback(lambda v: self.call("simulating", float(v)), f),
            lambda f: None,
            progress,
        )
        return jnp.where(due, progress, state)

    def close(self, state):
        del state
