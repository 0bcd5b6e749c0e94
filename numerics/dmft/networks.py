"""What dynamical mean-field theory predicts, measured on sampled networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ...errors import ParameterError
from ..networks import Network
from ..parameters import Parameters, without_reciprocity
from ..sampling import sample
from ..simulation import simulate
from ..system import System
from .terms import require_dmft

SMALLEST_SPREAD = 1e-12


def autocovariance(
    trajectory: np.ndarray, labels: np.ndarray, P: int, shifts: Sequence[int]
) -> np.ndarray:
    """Covariance across the neurons of a population of x(t) with x(t + lag), averaged over t; (len(shifts), P).

    trajectory: (times, N), equidistant; shifts: lags in steps
    """
    made = np.empty((len(shifts), P))
    for p in range(P):
        x = trajectory[:, labels == p]
        x = x - x.mean(axis=1, keepdims=True)
        made[:, p] = [np.mean(x[: len(x) - k] * x[k:]) for k in shifts]
    return made


def stationary_networks(
    system: System,
    parameters: Parameters,
    *,
    N: int,
    networks: int = 10,
    lags: Sequence[float] = (),
    seed: int = 0,
    transient: float = 30.0,
    duration: float = 30.0,
    dt: float = 0.25,
    mean: Any = 0.0,
    spread: float = 1.0,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Stationary statistics of sampled networks of N neurons, by network and population: `mean`, `rate`, `variance`, `autocovariance`.

    Networks start at independent normal x with `mean` (as in `simulate`) and standard deviation `spread`; after `transient`, averages are taken
    over `duration`. lags: multiples of dt below duration. Synapses are in float32.
    Raises `ParameterError` for other lags.
    """
    at_lags = np.asarray([0.0] if not len(lags) else lags, dtype=float)
    shifts = np.rint(at_lags / dt).astype(int)
    if not (np.allclose(shifts * dt, at_lags) and at_lags.min() >= 0 and at_lags.max() < duration):
        raise ParameterError(
            f"lags must be multiples of dt = {dt} from 0 to below duration = {duration}: {at_lags.tolist()}"
        )
    require_dmft(system, parameters)
    scaled, rows = (
        without_reciprocity(parameters.rescaled(N)),
        [],
    )  # chains get weaker with N, and with them what cancels them
    times = transient + dt * np.arange(round(duration / dt) + 1)
    for k in range(networks):
        if progress is not None:
            progress(f"network {k + 1} of {networks}", k / networks)
        own = int(np.random.SeedSequence([seed, N, k]).generate_state(1)[0])
        rows.append(
            _one(
                system,
                scaled,
                sample(scaled, own, dtype=np.float32),
                times,
                shifts,
                mean,
                spread,
                own,
            )
        )
    names = ("mean", "rate", "variance", "autocovariance")
    dims = {
        **dict.fromkeys(names, ("network", "population")),
        "autocovariance": ("network", "lag", "population"),
    }
    coords = {"population": list(parameters.populations), "lag": at_lags}
    return xr.Dataset(
        {n: (dims[n], np.stack([row[n] for row in rows])) for n in names},
        coords=coords,
        attrs={"N": N},
    )


def _one(
    system: System,
    parameters: Parameters,
    network: Network,
    times: np.ndarray,
    shifts: np.ndarray,
    mean: Any,
    spread: float,
    seed: int,
) -> dict[str, np.ndarray]:
    at = np.broadcast_to(np.asarray(mean, dtype=float), network.P)[network.labels]
    x0 = at + spread * np.random.default_rng([seed, 3]).standard_normal(network.N)
    run = simulate(
        system,
        network,
        parameters,
        t1=float(times[-1]),
        saveat=times,
        initial=x0,
        rtol=1e-4,
        atol=1e-5,
        record="all",
        seed=seed,
    )
    found = {name: run[name].mean("time").values for name in ("mean", "rate", "variance")}
    return found | {
        "autocovariance": autocovariance(
            run["trajectory"].values, network.labels, network.P, shifts.tolist()
        )
    }


def standard_scores(networks: xr.Dataset, theory: xr.Dataset) -> xr.Dataset:
    """(ensemble mean - theory) / standard error, for what both have; lags of the theory are interpolated."""
    names = [n for n in networks.data_vars if n in theory]
    count = networks.sizes["network"]
    error = networks[names].std("network", ddof=1) / np.sqrt(count)
    expected = (
        theory[names].interp(lag=networks["lag"], method="cubic")
        if "lag" in theory.dims
        else theory[names]
    )
    return (networks[names].mean("network") - expected) / np.maximum(error, SMALLEST_SPREAD)
