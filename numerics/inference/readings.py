"""Targets as measured in simulated networks."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...errors import ParameterError
from ..parameters import Parameters
from ..targets import Pools, Targets
from .protocol import BEFORE, Protocol


def readings(targets: Targets, protocol: Protocol, seen: Mapping[str, xr.Dataset]) -> np.ndarray:
    """Each target as measured in a simulated network, (n,).

    Args:
        targets: what to measure.
        protocol: that was simulated.
        seen: the simulations, by condition.

    Raises:
        ParameterError: a quantity that networks do not tell.
    """
    populations = next(iter(protocol.conditions.values())).populations
    pools = Pools.of(targets.population, populations)
    rates = {name: protocol.rates(name, own, protocol.settle) for name, own in seen.items()}
    moments = {name: _moments(pools, protocol.conditions[name], own) for name, own in seen.items()}

    def moment(k: int, condition: str, which: int) -> float:
        later = targets.time[k] - protocol.starts[condition] if np.isfinite(targets.time[k]) else 0
        time = protocol.settle + float(later)
        at = int(np.argmin(np.abs(seen[condition]["time"].values - time)))
        return float(moments[condition][which][at, pools.names.index(targets.population[k])])

    def value(k: int) -> float:
        condition, against = targets.condition[k], targets.against[k]
        match targets.quantity[k]:
            case "rate_mean":
                return moment(k, condition, 0)
            case "rate_sd":
                return moment(k, condition, 1)
            case "rate_change":
                return moment(k, condition, 0) - moment(k, against, 0)
        p = populations.index(targets.population[k])
        match targets.quantity[k]:
            case "rate_quantile":
                return float(np.quantile(rates[condition][p], targets.level[k]))
            case "rate_correlation":
                a, b = rates[condition][p], rates[against][p]
                return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0
        raise ParameterError(
            f"{targets.label(k)}: networks do not tell {targets.quantity[k]!r} here"
        )

    return np.array([value(k) for k in range(len(targets))])


def _moments(
    pools: Pools, parameters: Parameters, seen: xr.Dataset
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of rates, (times, populations and pools)."""
    both = (jnp.asarray(seen[what].values) for what in ("rate", "rate_sd"))
    mean, sd = jax.vmap(lambda m, s: pools.extended(m, s, parameters.fractions))(*both)
    return np.asarray(mean), np.asarray(sd)


def drift(protocol: Protocol, seen: Mapping[str, xr.Dataset]) -> float:
    """Change of the mean rates before they are looked at, relative to 1 + the largest."""
    change = [
        np.abs(
            own["rate"].sel(time=protocol.settle, method="nearest")
            - own["rate"].sel(time=BEFORE * protocol.settle, method="nearest")
        ).max()
        for own in seen.values()
    ]
    size = max(float(np.abs(own["rate"]).max()) for own in seen.values())
    return float(max(change)) / (1 + size)
