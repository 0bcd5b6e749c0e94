"""The external input of every neuron: of its population, along what it has, and its offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ...errors import NetworkError, ParameterError
from ..networks import Network
from ..parameters import (
    Input,
    as_input,
    is_zero,
    longest_step,
    named_inputs,
    with_jumps,
)

EACH_RUN = ("input", "in_strength", "spread", "pattern_input", "initial")


class Drive(eqx.Module):
    """I_i(t) = I_p(t) + sum_q h_q(t) u_i^q + sum_m h_pm(t) m_i + sigma_p(t) xi_i.

    Neurons are ordered by population; m_i are the values of patterns.
    """

    input: Input
    in_strength: Input | None = None
    rows: Any = None
    spread: Input | None = None
    offsets: Any = None
    pattern_input: tuple[Input, ...] = ()
    patterns: tuple[Any, ...] = ()

    def __call__(self, t, sizes):
        def over(value):
            own = jnp.broadcast_to(jnp.asarray(value(t)), (len(sizes),)).astype(float)
            return jnp.repeat(own, np.asarray(sizes), total_repeat_length=sum(sizes))

        total = over(self.input)
        if self.in_strength is not None:
            along = jnp.broadcast_to(jnp.asarray(self.in_strength(t)), (len(sizes),))
            total += self.rows @ along.astype(float)
        if self.spread is not None:
            total += over(self.spread) * self.offsets
        for given, pattern in zip(self.pattern_input, self.patterns, strict=True):
            total += over(given) * pattern
        return total

    @property
    def parts(self) -> tuple[Input, ...]:
        """All inputs that there are."""
        found = (self.input, self.in_strength, self.spread, *self.pattern_input)
        return tuple(v for v in found if v is not None)

    @property
    def edges(self) -> np.ndarray:
        edges = (np.asarray(v.edges, dtype=float).reshape(-1) for v in self.parts)
        return np.concatenate(list(edges))


class Drives(eqx.Module):
    """Those of several runs, (N, runs)."""

    each: tuple[Drive, ...]

    def __call__(self, t, sizes):
        return jnp.stack([drive(t, sizes) for drive in self.each], axis=1)

    @property
    def edges(self) -> np.ndarray:
        return np.concatenate([drive.edges for drive in self.each])


def drives_of(
    network: Network,
    order: np.ndarray,
    each: Sequence[Mapping[str, Any]],
    seed: int,
    times: tuple[float, float] | None = None,
) -> list[Drive]:
    """A drive for each run, neurons in the given order; what they share is measured once.

    Functions of time are searched for jumps between two times.
    """
    rows = cache(lambda: jnp.asarray(network.in_strengths()[order]))
    offsets = cache(lambda: jnp.asarray(input_offsets(network, seed)[order]))
    made = []
    for own in each:
        given = {name: as_input(own[name], network.populations, name) for name in EACH_RUN[:3]}
        given |= named_inputs(own.get("pattern_input"), network.populations, "pattern_input")
        if times is not None:
            given = {name: with_jumps(v, *times, name) for name, v in given.items()}
        mean, along, beside = (given.pop(name) for name in EACH_RUN[:3])
        led = {name: v for name, v in given.items() if not is_zero(v)}
        parts: dict[str, Any] = {}
        if not is_zero(along):
            parts |= {"in_strength": along, "rows": rows()}
        if not is_zero(beside):
            parts |= {"spread": beside, "offsets": offsets()}
        values = tuple(jnp.asarray(pattern_of(network, name)[order]) for name in led)
        made.append(Drive(mean, **parts, pattern_input=tuple(led.values()), patterns=values))
    return made


def edges_of(drives: Sequence[Drive], t0: float, t1: float) -> np.ndarray:
    """Times between t0 and t1 at which steps must end: edges, and often where a function drives."""
    found = [drive.edges for drive in drives]
    for drive in drives:
        for given in drive.parts:
            step = longest_step(given, t0, t1)
            if step is not None:
                found.append(np.arange(t0, t1, step))
    edges = np.concatenate(found)
    return np.unique(edges[(edges > t0) & (edges < t1)])


def runs_of(
    runs: Sequence[Mapping[str, Any]] | None, common: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What each run has: its own, else what is common to all. One run where `runs` is None."""
    if runs is None:
        return [dict(common)]
    if not len(runs):
        raise ParameterError("runs is empty: give at least one run, or leave it out")
    for run in runs:
        if unknown := [name for name in run if name not in EACH_RUN]:
            raise ParameterError(
                f"a run has no {unknown[0]!r} of its own: it may have {', '.join(EACH_RUN)}"
            )
    return [{**common, **run} for run in runs]


def pattern_of(network: Network, name: str) -> np.ndarray:
    """The values of a pattern, (N,).

    Raises:
        NetworkError: the network does not say them.
    """
    known = network.features or {}
    if name not in known:
        raise NetworkError(
            f"the neurons' values of the pattern {name!r} are not known, along which there is an "
            "input: give them, Network.of(..., features={" + repr(name) + ": ...})"
        )
    return known[name]


def input_offsets(network: Network, seed: int = 0) -> np.ndarray:
    """The standard normal offsets xi of the neurons' inputs.

    Args:
        network: with its own `offsets` where they are known.
        seed: of offsets that are not known; these are independent of the synapses.

    Returns:
        xi_i, shape (N,).
    """
    if network.offsets is not None:
        return network.offsets
    return np.random.default_rng([seed, 1]).standard_normal(network.N)  # 0: the synapses' stream
