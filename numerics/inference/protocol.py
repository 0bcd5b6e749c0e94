"""Simulated networks in the conditions of a fit: the same neurons and synapses in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...errors import ParameterError
from ..parameters import (
    FAMILIES,
    INPUTS,
    MOTIFS,
    NAMED_INPUTS,
    Constant,
    Input,
    Parameters,
    is_zero,
    residual_moments,
    with_all_inputs,
)
from ..sampling import Sampler, sample
from ..simulation import simulate

SYNAPSES = ("N", "fractions", "mean", "g", *MOTIFS, "tau_inp", "strengths")
BEFORE = 0.9
"""When, in parts of the time to settle, rates are looked at to see whether they still change."""
ROUNDING = 1e-9  # a negative eigenvalue of a correlation matrix that is rounding


class Later(Input):
    """An input held at its value at `start` until the time `delay`, from where it runs on."""

    input: Input
    start: float
    delay: float

    def __call__(self, t):
        return self.input(self.start + jnp.maximum(t - self.delay, 0.0))

    @property
    def edges(self):
        own = np.asarray(self.input.edges, dtype=float)
        return jnp.asarray(own[own > self.start] - self.start + self.delay)


def scaled(parameters: Parameters, N: int) -> Parameters:
    """Parameters of N neurons, with the reciprocity B_pq that chains do not bring kept.

    As `Parameters.rescaled`, which keeps tau_rec instead.

    Raises:
        InfeasibleStatisticsError: so few neurons cannot have the motifs.
    """
    around = np.einsum("pqp->pq", parameters.tau_chn) * float(parameters.N) / N
    pairs = residual_moments(parameters)[1] + around + around.T
    return parameters.replace(tau_rec=pairs).rescaled(N)


class Protocol:
    """Conditions to be simulated.

    Args:
        system: compiled equations.
        conditions: parameters by name.
        starts: when each one's time courses begin.
        times: when they are looked at; empty: at rest only.
        persistence: (P,), correlation of the static offsets of inputs between conditions.
        settle: time until the fixed point is looked at.
        initial: x of all neurons of each population at the start, by condition, (P,).

    Raises:
        ParameterError: offsets cannot be so correlated.
    """

    def __init__(
        self,
        system: Any,
        conditions: Mapping[str, Parameters],
        starts: Mapping[str, float],
        times: Mapping[str, np.ndarray],
        persistence: np.ndarray,
        settle: float,
        initial: Mapping[str, np.ndarray],
    ):
        self.system, self.conditions = system, dict(conditions)
        self.starts, self.times = starts, times
        self.settle, self.initial = settle, initial
        self.mixing = _mixing(conditions, persistence)

    def run(self, k: int, seed: int, sampler: Sampler | None, dtype: Any) -> dict[str, xr.Dataset]:
        """The k-th network in every condition, all neurons recorded, by the condition's name.

        Args:
            k: number of the network.
            seed: of all networks.
            sampler, dtype: as in `sample`.

        Raises:
            SolverError: the network diverged.
        """
        networks: dict[bytes, Any] = {}
        found: dict[str, xr.Dataset] = {}
        for group in self._groups():
            own = self.conditions[group[0]]
            key = _bytes(own, SYNAPSES)
            if key not in networks:
                networks[key] = sample(own, _seed(seed, k), sampler=sampler, dtype=dtype)
            network = replace(
                networks[key], offsets=self._offsets(networks[key], group[0], _seed(seed, k, 1))
            )
            runs = [{**self._inputs(c), "initial": self.initial[c]} for c in group]
            looks: list[Any] = [
                [BEFORE * self.settle, self.settle],
                *(self.moments(c) for c in group),
            ]
            stops = np.unique(np.concatenate(looks))
            seen = simulate(
                self.system,
                network,
                own,
                runs=runs,
                t1=float(stops[-1]),
                saveat=stops,
                record="all",
                seed=_seed(seed, k, 2),
            ).dataset
            found |= {name: seen.isel(run=j) for j, name in enumerate(group)}
        return found

    def moments(self, name: str) -> np.ndarray:
        """The times of a condition in those of the simulation."""
        return self.settle + self.times[name] - self.starts[name]

    def rates(self, name: str, seen: xr.Dataset, time: float) -> list[np.ndarray]:
        """Rates of all neurons of each population at a time of the simulation."""
        x, labels = seen["trajectory"].sel(time=time, method="nearest").values, seen["label"].values
        own, found = self.conditions[name], []
        for k, p in enumerate(own.populations):
            at = jnp.asarray(x[labels == p])
            found.append(np.broadcast_to(self.system.transfer(at, k, own), at.shape))
        return found

    def _groups(self) -> list[list[str]]:
        """Conditions that one simulation serves.

        They differ in inputs alone, and have the same offsets.
        """
        found: dict[bytes, list[str]] = {}
        for name, own in self.conditions.items():
            key = _bytes(own, (*SYNAPSES, "noise", *FAMILIES))
            found.setdefault(key if self.mixing is None else key + name.encode(), []).append(name)
        return list(found.values())

    def _inputs(self, name: str) -> dict[str, Any]:
        start, in_time = self.starts[name], len(self.times[name]) > 0

        def later(own: Input, _: str) -> Input:
            if isinstance(own, Constant):
                return own
            return Later(own, start, self.settle) if in_time else Constant(own(start))

        made = with_all_inputs(self.conditions[name], later)
        return {kind: getattr(made, kind) for kind in (*INPUTS, *NAMED_INPUTS)}

    def _offsets(self, network: Any, name: str, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        if self.mixing is None:
            return rng.standard_normal(network.N) if network.offsets is None else network.offsets
        draws = rng.standard_normal((len(self.conditions), network.N))
        weights = self.mixing[network.labels, list(self.conditions).index(name)]
        return np.einsum("ic,ci->i", weights, draws)


def _mixing(conditions: Mapping[str, Parameters], persistence: np.ndarray) -> np.ndarray | None:
    """(P, C, C) weights of independent offsets in those of each condition.

    None where all conditions have the same offsets.
    """
    heterogeneous = [own for own in conditions.values() if not is_zero(own.spread)]
    if len(heterogeneous) < 2 or np.all(persistence == 1):
        return None
    if any(bool(jnp.any(own.tau_inp != 0)) for own in heterogeneous):
        raise ParameterError(
            "offsets of inputs that are correlated with out-strengths (tau_inp) are the same in "
            "all conditions: networks are here for persistence 1 of every population"
        )
    C = len(conditions)
    found = []
    for population, value in zip(
        next(iter(conditions.values())).populations, persistence, strict=True
    ):
        values, vectors = np.linalg.eigh((1 - value) * np.eye(C) + value * np.ones((C, C)))
        if values[0] < -ROUNDING:
            raise ParameterError(
                f"persistence[{population}] = {value:.3g}: offsets of {C} conditions cannot have "
                f"this correlation between all pairs; at least {-1 / (C - 1):.3g} can be"
            )
        found.append(vectors * np.sqrt(np.maximum(values, 0.0)))
    return np.stack(found)


def _bytes(parameters: Parameters, names: Sequence[str]) -> bytes:
    parts = []
    for name in names:
        arrays = jax.tree.leaves(getattr(parameters, name))
        parts += [np.ascontiguousarray(array, dtype=float).tobytes() for array in arrays]
    return b"|".join(parts)


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
