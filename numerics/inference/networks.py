"""Sampled networks in the conditions of a fit: the same neurons and synapses in all of them, with what each condition changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...errors import ParameterError
from ..networks import Network
from ..parameters import (
    ARRAYS,
    FAMILIES,
    INPUTS,
    Constant,
    Input,
    Parameters,
    check_feasible,
    is_zero,
    residual_moments,
)
from ..sampling import Sampler, sample
from ..simulation import simulate
from ..system import System
from ..targets import Pools, Targets

SYNAPSES = tuple(name for name in ARRAYS if name != "noise")
BEFORE = 0.9
"""When, in parts of the time to settle, rates are looked at to see whether they still change."""


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
    """As `rescaled`, with the reciprocity B_pq that chains do not bring kept, rather than tau_rec.

    Raises `InfeasibleStatisticsError` where so few neurons cannot have the motifs.
    """
    made = parameters.replace(
        tau_rec=jnp.zeros_like(parameters.tau_rec), tau_chn=jnp.zeros_like(parameters.tau_chn)
    ).rescaled(N)
    chains = np.asarray(parameters.tau_chn) * float(parameters.N) / N
    around = np.einsum("pqp->pq", chains)
    own = made.replace(tau_chn=chains, tau_rec=residual_moments(parameters)[1] + around + around.T)
    check_feasible(own)
    return own


class Protocol:
    """Conditions to be simulated.

    conditions: parameters by name; starts, times: where each one's time courses begin, and when they are looked at (empty: at rest only)
    persistence: (P,), correlation of the static offsets of inputs between conditions; settle: time until the fixed point is looked at
    initial: x of all neurons of each population at the start, by condition, (P,)
    Raises `ParameterError` for offsets that cannot be so correlated.
    """

    def __init__(
        self,
        system: System,
        conditions: Mapping[str, Parameters],
        starts: Mapping[str, float],
        times: Mapping[str, np.ndarray],
        persistence: np.ndarray,
        settle: float,
        initial: Mapping[str, np.ndarray],
    ):
        self.initial = initial
        self.system, self.conditions, self.starts, self.times, self.settle = (
            system,
            dict(conditions),
            starts,
            times,
            settle,
        )
        self.mixing = _mixing(conditions, persistence)

    def run(self, k: int, seed: int, sampler: Sampler | None, dtype: Any) -> dict[str, xr.Dataset]:
        """The k-th network in every condition: `simulate`'s result, all neurons recorded, by the condition's name."""
        networks: dict[bytes, Network] = {}
        found: dict[str, xr.Dataset] = {}
        for group in self._groups():
            own = self.conditions[group[0]]
            key = _bytes(own, SYNAPSES)
            if key not in networks:
                networks[key] = sample(own, _seed(seed, k), sampler=sampler, dtype=dtype)
            network = replace(
                networks[key], offsets=self._offsets(networks[key], group[0], _seed(seed, k, 1))
            )
            runs = [
                {**{name: self._input(c, name) for name in INPUTS}, "initial": self.initial[c]}
                for c in group
            ]
            end = self.settle + max(
                (self.times[c][-1] - self.starts[c] for c in group if len(self.times[c])),
                default=0.0,
            )
            stops = np.unique(
                np.concatenate(
                    [[BEFORE * self.settle, self.settle], *(self.moments(c) for c in group)]
                )
            )
            seen = simulate(
                self.system,
                network,
                own,
                runs=runs,
                t1=float(end),
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
        """Of all neurons of each population at a time of the simulation."""
        x, labels = seen["trajectory"].sel(time=time, method="nearest").values, seen["label"].values
        own = self.conditions[name]
        return [
            np.broadcast_to(
                np.asarray(self.system.transfer(jnp.asarray(x[labels == p]), k, own)),
                (int(np.sum(labels == p)),),
            )
            for k, p in enumerate(own.populations)
        ]

    def _groups(self) -> list[list[str]]:
        """Conditions that one simulation serves: they differ in inputs alone, and have the same offsets."""
        found: dict[bytes, list[str]] = {}
        for name, own in self.conditions.items():
            key = _bytes(own, (*SYNAPSES, "noise", *FAMILIES))
            found.setdefault(key if self.mixing is None else key + name.encode(), []).append(name)
        return list(found.values())

    def _input(self, name: str, kind: str) -> Input:
        own, start = getattr(self.conditions[name], kind), self.starts[name]
        if isinstance(own, Constant):
            return own
        return Later(own, start, self.settle) if len(self.times[name]) else Constant(own(start))

    def _offsets(self, network: Network, name: str, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        if self.mixing is None:
            return rng.standard_normal(network.N) if network.offsets is None else network.offsets
        draws = rng.standard_normal((len(self.conditions), network.N))
        weights = self.mixing[network.labels, list(self.conditions).index(name)]
        return np.einsum("ic,ci->i", weights, draws)


def _mixing(conditions: Mapping[str, Parameters], persistence: np.ndarray) -> np.ndarray | None:
    """(P, C, C) weights of independent offsets in those of each condition; None where all have the same."""
    heterogeneous = [own for own in conditions.values() if not is_zero(own.spread)]
    if len(heterogeneous) < 2 or np.all(persistence == 1):
        return None
    if any(bool(jnp.any(own.tau_inp != 0)) for own in heterogeneous):
        raise ParameterError(
            "offsets of inputs that are correlated with out-strengths (tau_inp) are the same in all conditions: "
            "networks are here for persistence 1 of every population"
        )
    C = len(conditions)
    found = []
    for population, value in zip(
        next(iter(conditions.values())).populations, persistence, strict=True
    ):
        values, vectors = np.linalg.eigh((1 - value) * np.eye(C) + value * np.ones((C, C)))
        if values[0] < -1e-9:
            raise ParameterError(
                f"persistence[{population}] = {value:.3g}: offsets of {C} conditions cannot have this correlation between all "
                f"pairs; at least {-1 / (C - 1):.3g} can be"
            )
        found.append(vectors * np.sqrt(np.maximum(values, 0.0)))
    return np.stack(found)


def measured(targets: Targets, protocol: Protocol, seen: Mapping[str, xr.Dataset]) -> np.ndarray:
    """What a network says about each target, (n,). Raises `ParameterError` for quantities that it does not tell."""
    populations = next(iter(protocol.conditions.values())).populations
    pools = Pools.of(targets.population, populations)
    rates = {name: protocol.rates(name, own, protocol.settle) for name, own in seen.items()}
    moments = {name: _moments(pools, protocol.conditions[name], own) for name, own in seen.items()}

    def moment(k: int, condition: str, which: int) -> float:
        time = protocol.settle + (
            float(targets.time[k]) - protocol.starts[condition]
            if np.isfinite(targets.time[k])
            else 0.0
        )
        at = int(np.argmin(np.abs(seen[condition]["time"].values - time)))
        return float(moments[condition][which][at, pools.names.index(targets.population[k])])

    found = np.zeros(len(targets))
    for k, quantity in enumerate(targets.quantity):
        condition, against = targets.condition[k], targets.against[k]
        if quantity in ("rate_mean", "rate_sd"):
            found[k] = moment(k, condition, int(quantity == "rate_sd"))
        elif quantity == "rate_change":
            found[k] = moment(k, condition, 0) - moment(k, against, 0)
        elif quantity == "rate_quantile":
            found[k] = np.quantile(
                rates[condition][populations.index(targets.population[k])], targets.level[k]
            )
        elif quantity == "rate_correlation":
            a, b = (
                rates[name][populations.index(targets.population[k])]
                for name in (condition, against)
            )
            found[k] = np.corrcoef(a, b)[0, 1] if a.std() > 0 and b.std() > 0 else 0.0
        else:
            raise ParameterError(f"{targets.label(k)}: networks do not tell {quantity!r} here")
    return found


def _moments(
    pools: Pools, parameters: Parameters, seen: xr.Dataset
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of rates, (times, populations and pools)."""
    both = (jnp.asarray(seen[what].values) for what in ("rate", "rate_sd"))
    mean, sd = jax.vmap(lambda m, s: pools.extended(m, s, parameters.fractions))(*both)
    return np.asarray(mean), np.asarray(sd)


def drift(protocol: Protocol, seen: Mapping[str, xr.Dataset]) -> float:
    """How much the mean rates still change before they are looked at, relative to 1 + the largest."""
    change = [
        np.abs(
            own["rate"].sel(time=protocol.settle, method="nearest")
            - own["rate"].sel(time=BEFORE * protocol.settle, method="nearest")
        ).max()
        for own in seen.values()
    ]
    size = max(float(np.abs(own["rate"]).max()) for own in seen.values())
    return float(max(change)) / (1 + size)


def _bytes(parameters: Parameters, names: Sequence[str]) -> bytes:
    parts = []
    for name in names:
        value = getattr(parameters, name)
        arrays = [value[key] for key in sorted(value)] if isinstance(value, dict) else [value]
        parts += [np.ascontiguousarray(array, dtype=float).tobytes() for array in arrays]
    return b"|".join(parts)


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
