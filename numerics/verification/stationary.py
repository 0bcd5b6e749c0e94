"""What dynamical mean-field theory predicts of stationary states, measured on sampled networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import numpy as np
import xarray as xr

from ...errors import ParameterError
from ...numbers import counted
from ...time_units import measured
from ..dmft import require_dmft
from ..parameters import Parameters, without_reciprocity
from ..results import OK, Result, Status
from ..sampling import sample
from ..simulation import simulate
from ..system import System

SMALLEST_SPREAD = 1e-12  # in place of a standard error of 0
TOLERANCES = {"rtol": 1e-4, "atol": 1e-5}  # far below the spread of networks of any N
AVERAGES = ("mean", "rate", "variance", "autocovariance")


@dataclass(frozen=True, repr=False, eq=False)
class StationaryNetworks(Result):
    """Stationary statistics of sampled networks; from `stationary_networks`.

    Args:
        dataset: `mean`, `rate` and `variance` over (network, population), `autocovariance` over
            (network, lag, population).
        status: "ok".
    """

    dataset: xr.Dataset
    status: Status = OK

    @property
    def title(self) -> str:
        """How many networks, and how large."""
        data = self.dataset
        networks = counted(data.sizes["network"], "network")
        return f"Stationary states of {networks} of {data.attrs['N']} neurons"

    def rows(self) -> list[dict[str, Any]]:
        """A row per population: mean over networks of `mean`, `rate` and `variance`."""
        names, data = AVERAGES[:3], self.dataset.mean("network")
        return [
            {"population": str(p), **{n: float(data[n].sel(population=p)) for n in names}}
            for p in data["population"].values
        ]


def autocovariance(
    trajectory: np.ndarray, labels: np.ndarray, P: int, shifts: Sequence[int]
) -> np.ndarray:
    """Covariance across neurons of x(t) with x(t + lag), averaged over t, (len(shifts), P).

    Args:
        trajectory: x at equidistant times, (times, N).
        labels: population of each neuron, (N,).
        P: number of populations.
        shifts: lags in steps.
    """
    made = np.empty((len(shifts), P))
    for p in range(P):
        x = trajectory[:, labels == p]
        x = x - x.mean(axis=1, keepdims=True)
        made[:, p] = [np.mean(x[: len(x) - k] * x[k:]) for k in shifts]
    return made


class AveragingOptions(TypedDict, total=False):
    """Options of `stationary_networks`, as keyword arguments."""

    transient: float
    duration: float
    dt: float


@dataclass(frozen=True)
class Averaging:
    """When averages over time are taken, in time constants.

    Args:
        transient: how long to wait.
        duration: how long averages are taken after that.
        dt: between the times of these averages.
    """

    transient: float = 30.0
    duration: float = 30.0
    dt: float = 0.25

    @property
    def times(self) -> np.ndarray:
        """The times of the averages."""
        return self.transient + self.dt * np.arange(round(self.duration / self.dt) + 1)

    def shifts(self, lags: np.ndarray) -> np.ndarray:
        """Lags in steps of dt; a `ParameterError` where they are none."""
        steps = np.rint(lags / self.dt).astype(int)
        fits = np.allclose(steps * self.dt, lags)
        if not (fits and lags.min() >= 0 and lags.max() < self.duration):
            raise ParameterError(
                f"lags must be multiples of dt = {self.dt} from 0 to below duration = "
                f"{self.duration}: {lags.tolist()}"
            )
        return steps


def stationary_networks(
    system: System,
    parameters: Parameters,
    *,
    N: int,
    networks: int = 10,
    lags: Sequence[float] = (),
    seed: int = 0,
    initial: Any = 0.0,
    spread: float = 1.0,
    progress: Callable[[str, float], None] | None = None,
    **averaging: Unpack[AveragingOptions],
) -> StationaryNetworks:
    """Stationary statistics of sampled networks, beside what `dmft.stationary` predicts.

    Synapses are in float32.

    Args:
        system: the compiled equations, for transfer functions and filters.
        parameters: the network's numbers, without reciprocal residual synapses (B = 0).
        N: neurons of each network.
        networks: how many.
        lags: of the autocovariance, multiples of dt below duration.
        seed: of the networks and their initial states.
        initial: mean of x at the start, a number or one per population; x is normal.
        spread: standard deviation of x at the start.
        progress: called with what is being done and the part, 0 to 1, that is done.
        averaging: transient, how long to wait, in time constants, 30 by default; duration, how long
            averages are taken after that, 30; dt, between the times of these averages, 0.25.

    Returns:
        Statistics of every network by population.

    Raises:
        ParameterError: other lags, and as `dmft.transient`.
    """
    at_lags = np.asarray(lags if len(lags) else [0.0], dtype=float)
    chosen = Averaging(**averaging)
    shifts = chosen.shifts(at_lags)
    require_dmft(system, parameters)
    # chains get weaker with N, and with them what cancels them
    scaled, rows = without_reciprocity(parameters.rescaled(N)), []
    say = progress or (lambda text, part: None)
    for k in range(networks):
        say(f"network {k + 1} of {networks}", k / networks)
        own = int(np.random.SeedSequence([seed, N, k]).generate_state(1)[0])
        rows.append(_one(system, scaled, chosen.times, shifts, (initial, spread), own))
    dims: dict[str, Any] = dict.fromkeys(AVERAGES, ("network", "population"))
    dims["autocovariance"] = ("network", "lag", "population")
    data = {n: (dims[n], np.stack([row[n] for row in rows])) for n in AVERAGES}
    coords = {"population": list(parameters.populations), "lag": at_lags}
    dataset = xr.Dataset(data, coords=coords, attrs={"N": N})
    return StationaryNetworks(measured(dataset, parameters.time_unit))


def _one(
    system: System,
    parameters: Parameters,
    times: np.ndarray,
    shifts: np.ndarray,
    start: tuple[Any, float],
    seed: int,
) -> dict[str, np.ndarray]:
    network = sample(parameters, seed, dtype=np.float32)
    at = np.broadcast_to(np.asarray(start[0], dtype=float), network.P)[network.labels]
    x = at + start[1] * np.random.default_rng([seed, 3]).standard_normal(network.N)
    how: dict[str, Any] = {"t1": float(times[-1]), "saveat": times, "record": "all", **TOLERANCES}
    run = simulate(system, network, parameters, initial=x, seed=seed, **how).dataset
    found = {name: run[name].mean("time").values for name in AVERAGES[:3]}
    lagged = autocovariance(run["trajectory"].values, network.labels, network.P, shifts.tolist())
    return found | {"autocovariance": lagged}


def standard_scores(networks: Any, theory: Any) -> xr.Dataset:
    """(ensemble mean - theory) / standard error, for what both have.

    Args:
        networks: from `stationary_networks`, or its dataset.
        theory: from `dmft.stationary`, or its dataset; its lags are interpolated.
    """
    seen, known = (getattr(own, "dataset", own) for own in (networks, theory))
    names = [n for n in seen.data_vars if n in known]
    error = seen[names].std("network", ddof=1) / np.sqrt(seen.sizes["network"])
    expected = known[names]
    if "lag" in known.dims:
        expected = expected.interp(lag=seen["lag"], method="cubic")
    return (seen[names].mean("network") - expected) / np.maximum(error, SMALLEST_SPREAD)
