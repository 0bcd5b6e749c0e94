"""Coupled neurons integrated in time: their vector field and their moments.

Several runs of one network go along a last axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ..system import Units, explicit_course
from .drives import Drive, Drives

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
    exhausted: Any
    accepted: Any
    rejected: Any

    def of_run(self, k: int) -> Ran:
        """One of several runs."""
        names = ("moments", "trajectory", "x", "r", "end")
        own = {name: getattr(self, name) for name in names}
        return self._replace(**jax.tree.map(lambda v: v[..., k], own))


@eqx.filter_jit
def integrate_neurons(coupled, J, y0, jumps, times, t0, t1, rtol, atol, max_steps, report):
    """By Tsitouras' method, with adaptive steps."""
    start, back = ravel_pytree(y0)
    change = jax.jit(lambda t, y: ravel_pytree(coupled.change(t, back(y), J))[0])
    found = explicit_course(
        change,
        start,
        jnp.concatenate([t0[None], times, t1[None]]),
        jumps,
        rtol=rtol,
        atol=atol,
        most=max_steps,
        keep=lambda t, y: coupled.moments(t, back(y), J),
        norm=_rms if coupled.states(y0).ndim == 1 else lambda e: _largest_rms(back(e)),
        report=report,
    )
    kept = jax.tree.map(lambda v: v[1:-1], found.states)
    counts = (found.exhausted, found.accepted, found.steps - found.accepted)
    return ran(coupled, J, kept, found.t, back(found.state), counts)


def ran(coupled, J, kept, reached, end, counts) -> Ran:
    """With what is kept of the times, and the counts, as `Ran` has them."""
    x = coupled.output(reached, end, J)
    states = None if coupled.units is None else end
    moments, trajectory = kept
    exhausted, accepted, rejected = counts
    return Ran(
        moments,
        trajectory,
        x,
        coupled.rates(x),
        states,
        reached,
        exhausted,
        accepted,
        rejected,
    )


def _rms(v):
    return jnp.sqrt(jnp.mean(v**2))


def _largest_rms(y):
    """Of several runs, along the last axis of every array, the largest."""
    leaves = jax.tree.leaves(y)
    squares = sum(jnp.sum(v**2, axis=tuple(range(v.ndim - 1))) for v in leaves)
    return jnp.sqrt(jnp.max(squares / float(sum(np.prod(v.shape[:-1]) for v in leaves))))


def by_parts(x, sizes):
    """By population, from neurons in the order of their populations."""
    return tuple(jnp.split(x, np.cumsum(sizes)[:-1]))


class Report:
    """Calls progress("simulating", part) now and then."""

    def __init__(self, call: Callable[[str, float], None]):
        self.call, self.told = call, 0.0

    def __call__(self, part: Any) -> None:
        if part - self.told > REPORTED or part >= 1:
            self.told = float(part)
            self.call("simulating", float(part))
