"""How rates are spread within populations at the end of a comparison: theory and network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...errors import ParameterError
from ..distributions import LEVELS, rate_quantiles, rate_sd, within
from ..fixed_points import fixed_point
from ..networks import Network
from ..parameters import Parameters
from ..system import STATE_NAMES, System


def theory_spread(system: System, parameters: Parameters, course: xr.Dataset) -> xr.Dataset:
    """`rate_sd` and `rate_quantile` of the rates at the last time, by the theory.

    Args:
        system: the compiled equations.
        parameters: the network's numbers.
        course: of `integrate`; where it did not come to the end, values are NaN.
    """
    last = course.isel(time=-1)
    values = {name: jnp.asarray(last[STATE_NAMES[name]].values) for name in system.states}
    if all(np.isfinite(v).all() for v in values.values()):
        # what filters keep inside is not known, and neither means nor variances depend on it
        clouds = within(system, parameters, system.rest(parameters.P)._replace(**values))
        return _dataset(rate_sd(clouds), rate_quantiles(clouds, LEVELS), parameters.populations)
    nothing = np.full((parameters.P, len(LEVELS)), np.nan)
    return _dataset(nothing[:, 0], nothing, parameters.populations)


def rates_at_rest(
    system: System,
    parameters: Parameters,
    initial: Any = None,
    *,
    levels: Sequence[float] = LEVELS,
    time: float = 0.0,
    settle: float = 100.0,
) -> xr.Dataset:
    """How rates are distributed within populations at the attractor, by the theory.

    Args:
        system: the compiled equations, with dynamics.
        parameters: the network's numbers.
        initial: where the dynamics begin, as `fixed_point` takes it.
        levels: of the quantiles.
        time: when the inputs are held.
        settle: how long the dynamics run from there, as of `fixed_point`.

    Returns:
        By population `mean` and `variance` of the input currents, `rate` and `rate_sd` of the
        rates, and `rate_quantile` over level too.

    Raises:
        ParameterError: levels that are not between 0 and 1.
        SolverError: there is no attractor.
    """
    if not all(0 < level < 1 for level in levels):
        raise ParameterError(f"levels of quantiles lie between 0 and 1: {list(levels)}")
    point = fixed_point(system, parameters, initial, time=time, settle=settle)
    clouds = within(system, parameters, point.state)
    own = _dataset(rate_sd(clouds), rate_quantiles(clouds, levels), parameters.populations, levels)
    return point.dataset[["mean", "variance", "rate"]].drop_attrs().merge(own)


def network_spread(network: Network, seen: xr.Dataset) -> xr.Dataset:
    """The same of a simulated network, whose rates at the end are `r` over neurons."""
    rates = [seen["r"].values[network.members(p)] for p in range(network.P)]
    if not all(np.isfinite(r).all() for r in rates):
        nothing = np.full((network.P, len(LEVELS)), np.nan)
        return _dataset(nothing[:, 0], nothing, network.populations)
    quantiles = np.stack([np.quantile(r, LEVELS) for r in rates])
    return _dataset(np.array([r.std() for r in rates]), quantiles, network.populations)


def ensemble_spread(
    theories: Sequence[xr.Dataset], networks: Sequence[Sequence[xr.Dataset]], sizes: Sequence[int]
) -> xr.Dataset:
    """The theory of each size beside the mean over its networks, with the standard errors.

    Args:
        theories: of `theory_spread`, for each size.
        networks: of `network_spread`, for each size and network.
        sizes: numbers of neurons.
    """
    size = xr.DataArray(list(sizes), dims="size", name="size")
    expected = xr.concat(list(theories), size)
    seen = xr.concat([xr.concat(list(runs), "network") for runs in networks], size)
    source = xr.DataArray(["theory", "network"], dims="source", name="source")
    both = xr.concat([expected, seen.mean("network")], source)
    errors = seen.std("network", ddof=1) / np.sqrt(seen.sizes["network"])
    return both.assign({f"{name}_error": errors[name] for name in both})


def spread_columns(spread: xr.Dataset, name: str = "") -> dict[str, xr.DataArray]:
    """The SD and every quantile by the names that tables have, or their `name` "_error"."""
    found = {"rate_sd": spread[f"rate_sd{name}"]}
    for level in spread["level"].values:
        own = spread[f"rate_quantile{name}"].sel(level=level)
        found[f"rate, {100 * level:.0f} %"] = own
    return found


def _dataset(
    deviations: np.ndarray, quantiles: np.ndarray, names: Any, levels: Sequence[float] = LEVELS
) -> xr.Dataset:
    data = {
        "rate_sd": (("population",), deviations),
        "rate_quantile": (("population", "level"), quantiles),
    }
    return xr.Dataset(data, coords={"population": list(names), "level": list(levels)})
