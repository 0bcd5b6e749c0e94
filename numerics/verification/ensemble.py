"""Compare mean-field theory with sampled finite networks, or with one given network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from ...errors import MotifieldError, ParameterError
from ..fixed_points import fixed_point
from ..networks import Network
from ..parameters import Parameters
from ..sampling import Sampler, sample
from ..simulation import simulate
from ..system import STATE_NAMES, System, initial_state, integrate
from .chi_squared import Verdict, as_z, check_level, judge
from .fluctuations import FiniteSize, finite_size, require_plain

QUANTITIES = ("mean", "variance", "rate")
STANDARD_ERRORS = 4.0
SETTLED = 0.1
"""A fixed point is reached when what is left is this small, in units of the error that it would add to."""
LATE = 0.9
PREDICTED = ("bias", "predicted_spread", "spread_z")
Progress = Callable[[str, float], None]
_SIDE_BY_SIDE: Any = {
    "data_vars": "all",
    "coords": "minimal",
    "compat": "override",
    "join": "override",
}


@dataclass(frozen=True)
class Verification:
    """Theory against networks.

    theory: time courses over (size, time, population); networks: the same over (size, network, time, population), with the final
    `rate_sd`; summary: at the last time, over (size, quantity, population): `theory`, `network` (ensemble mean), `error` (standard
    error of it), `spread` (root mean square difference of a single network), and over (quantity, population): `limit`, the difference
    extrapolated to N -> infinity, `limit_error` its standard error, `trend` the exponent of the spread in N.
    predictions: of the spread and bias at each size (`FiniteSize`), empty where there are none; verdict: p-values, None likewise. With them,
    the summary has `bias` and `predicted_spread`, errors are the predicted ones, the bias is taken off the difference, `spread_z` is the
    score of the networks' variance, and `slope`, with `slope_error`, what the bias leaves of the difference times N.
    """

    title: str
    system: System
    parameters: Parameters
    theory: xr.Dataset
    networks: xr.Dataset
    summary: xr.Dataset
    passed: bool
    criterion: str
    predictions: tuple[FiniteSize, ...] = ()
    verdict: Verdict | None = None

    def rows(self) -> list[dict[str, Any]]:
        """One row per size, population and quantity, at the last time."""
        s, rows = self.summary, []
        for n in s["size"].values:
            for p in s["population"].values:
                for k in QUANTITIES:
                    at = {"size": n, "population": p, "quantity": k}
                    own = {str(v): float(s[v].sel(at)) for v in s if "size" in s[v].dims}
                    z = (
                        (own["network"] - own["theory"] - own.get("bias", 0.0)) / own["error"]
                        if own["error"] > 0
                        else float("nan")
                    )
                    rows.append(
                        {
                            "N": int(n),
                            "population": str(p),
                            "quantity": k,
                            **{v: own[v] for v in ("theory", "network", "error")},
                            "z": z,
                            **{v: own[v] for v in PREDICTED if v in own},
                        }
                    )
        return rows

    def json(self) -> dict[str, Any]:
        """Everything in the table and the verdict, as plain numbers."""
        names = [
            v
            for v in ("limit", "limit_error", "trend", "slope", "slope_error")
            if v in self.summary
        ]
        limits = [
            {
                "population": str(p),
                "quantity": k,
                **{v: float(self.summary[v].sel(quantity=k, population=p)) for v in names},
            }
            for p in self.summary["population"].values
            for k in QUANTITIES
        ]
        return {
            "title": self.title,
            "passed": self.passed,
            "criterion": self.criterion,
            "rows": self.rows(),
            "limits": limits,
            "verdict": None if self.verdict is None else self.verdict.json(),
        }


def verify(
    system: System,
    parameters: Parameters,
    *,
    sizes: Sequence[int] = (500, 1000, 2000),
    networks: int = 8,
    seed: int = 0,
    t1: float = 25.0,
    initial: Any = None,
    tolerance: float = 0.0,
    level: float = 0.01,
    sampler: Sampler | None = None,
    title: str = "",
    progress: Progress | None = None,
) -> Verification:
    """Theory against an ensemble of `networks` sampled networks at each of several sizes N.

    The parameters are rescaled to each N with the same mean-field limit (`Parameters.rescaled`), and theory and networks start
    from the same state: all neurons of a population at the initial mean, all other states of filters 0. Each network has its own
    synapses, offsets of inputs and white noise, which `seed` decides.

    The verdict is on the mean input, its variance and the mean rate of every population at t1. Where theory and networks have reached a
    fixed point there, `finite_size` predicts how these vary from network to network, and the O(1/N) bias: the theory passes unless the
    ensembles' means, with the bias taken off and extrapolated in 1/N to infinite size, or their covariances have a p-value below
    `level` (`judge`), which is the probability to reject a true theory. Elsewhere, with filters or noise, or before a fixed point is
    reached, the spread is estimated from the networks: the extrapolated difference must be within 4 standard errors of zero (widened by
    Student's t, since few networks tell their own spread only roughly). A difference within the relative `tolerance` passes in any case.
    The prediction is for Gaussian synapses; networks of another `sampler` are judged by it, too.

    Raises `InfeasibleStatisticsError` when the smallest size cannot have the motifs, `ParameterError` for fewer than two networks, or a level
    that is no probability.
    """
    sizes = sorted({int(n) for n in sizes})
    if not sizes or networks < 2:
        raise ParameterError(
            f"verify needs at least one size and two networks: sizes = {sizes}, networks = {networks}"
        )
    check_level(level)
    system.check(parameters)
    ts = np.linspace(0.0, t1, 51)
    theories, samples, done = [], [], 0
    for n in sizes:
        scaled = parameters.rescaled(n)
        theories.append(integrate(system, scaled, t1, saveat=ts, initial=initial).dataset)
        x0 = _neurons(system, scaled, initial)
        runs = []
        for k in range(networks):
            if progress is not None:
                progress(f"N = {n}, network {k + 1} of {networks}", done / (len(sizes) * networks))
            network = sample(scaled, _seed(seed, n, k), sampler=sampler, dtype=np.float32)
            runs.append(_simulate(system, scaled, network, ts, x0, _seed(seed, n, k, 1)))
            done += 1
        samples.append(xr.concat(runs, "network", **_SIDE_BY_SIDE)[[*QUANTITIES, "rate_sd"]])
    size = xr.DataArray(sizes, dims="size", name="size")
    theory, ensemble = (xr.concat(parts, size, **_SIDE_BY_SIDE) for parts in (theories, samples))
    predictions, reason = _predictions(system, parameters, theory, ensemble)
    summary = _summarise(theory, ensemble, predictions)
    close = np.abs(summary["limit"]) <= tolerance * np.abs(summary["theory"].isel(size=-1))
    where = "extrapolated to infinite N" if len(sizes) > 1 else f"at N = {sizes[0]}"
    allowed = f" or within {tolerance:g} of the theory" if tolerance else ""
    ensembles = f"({networks} networks at N = {', '.join(map(str, sizes))})"
    if predictions:
        verdict = _judge(summary, ensemble, predictions, sizes, level)
        criterion = (
            f"p = {verdict.p_value:.2g}, at least {level:g} is required{allowed}: of the ensemble mean minus theory and bias, {where} "
            f"(p = {verdict.p_mean:.2g}), and of the spread over networks (p = {verdict.p_spread:.2g}), "
            f"for the mean, variance and rate of all populations together {ensembles}"
        )
        return Verification(
            title,
            system,
            parameters,
            theory,
            ensemble,
            summary,
            verdict.passed or bool(close.all()),
            criterion,
            predictions,
            verdict,
        )
    allowed_errors = student_threshold(len(sizes) * (networks - 1))
    within = (np.abs(summary["limit"]) <= allowed_errors * summary["limit_error"]) | close
    criterion = (
        f"the ensemble mean minus theory, {where}, is within {allowed_errors:.1f} standard errors of 0{allowed}, for the mean, variance "
        f"and rate of every population {ensembles}; no prediction of the spread: {reason}"
    )
    return Verification(
        title, system, parameters, theory, ensemble, summary, bool(within.all()), criterion
    )


def _predictions(
    system: System, parameters: Parameters, theory: xr.Dataset, ensemble: xr.Dataset
) -> tuple[tuple[FiniteSize, ...], str]:
    """One for each size, or none and why."""
    t1, made = float(theory["time"][-1]), []
    for n in theory["size"].values:
        scaled, course, seen = (
            parameters.rescaled(int(n)),
            theory.sel(size=n),
            ensemble[list(QUANTITIES)].sel(size=n),
        )
        end = course.isel(time=-1)
        try:
            require_plain(system, scaled)
            start = {STATE_NAMES[name]: end[STATE_NAMES[name]].values for name in system.states}
            own = finite_size(
                system, scaled, fixed_point(system, scaled, start, time=t1, throw=True), time=t1
            )
        except MotifieldError as error:
            return (), f"{error} (N = {n})"
        spread = own.spread.sel(quantity=list(QUANTITIES))
        left = np.abs(
            end[list(QUANTITIES)].to_dataarray("quantity")
            - own.point.dataset[list(QUANTITIES)].to_dataarray("quantity")
        )
        if bool((left > SETTLED * spread / np.sqrt(seen.sizes["network"])).any()):
            return (), f"the theory has not settled at t1 = {t1:g} (N = {n})"
        late = seen.isel(time=-1) - seen.sel(time=LATE * t1, method="nearest")
        moved = float(
            (np.sqrt((late.to_dataarray("quantity") ** 2).mean("network")) / spread).max()
        )
        if moved > SETTLED:
            return (
                (),
                f"the networks still move at t1 = {t1:g}, since {LATE * t1:g} by {moved:.2g} of their spread (N = {n})",
            )
        made.append(own)
    return tuple(made), ""


def _judge(
    summary: xr.Dataset,
    ensemble: xr.Dataset,
    predictions: Sequence[FiniteSize],
    sizes: Sequence[int],
    level: float,
) -> Verdict:
    order = ("quantity", "population")
    last = (
        ensemble[list(QUANTITIES)]
        .isel(time=-1)
        .to_dataarray("quantity")
        .transpose("size", "network", *order)
        .values
    )
    expected = (summary["theory"] + summary["bias"]).transpose("size", *order).values
    samples, covariances = (
        [own.reshape(len(own), -1) for own in last],
        [own.matrix(QUANTITIES) for own in predictions],
    )
    return judge(
        samples,
        [own.ravel() for own in expected],
        covariances,
        sizes,
        [min(own.sizes) for own in predictions],
        level,
    )


def student_threshold(degrees: int) -> float:
    """How many estimated standard errors are as improbable as 4 known ones, with so many degrees of freedom."""
    return float(stats.t.isf(stats.norm.sf(STANDARD_ERRORS), degrees))


def _neurons(system: System, parameters: Parameters, initial: Any) -> np.ndarray:
    """Initial neurons that realise an initial state: only the mean can be given to a network that starts uniform."""
    state = initial_state(system, parameters, initial)
    if initial is not None and any(
        bool(np.any(np.asarray(v) != 0)) for name, v in state._asdict().items() if name != "K"
    ):
        raise ParameterError(
            "networks start with equal neurons in each population: give only the initial mean, not kappa or rms_rate"
        )
    return np.asarray(state.K)


def _simulate(
    system: System,
    parameters: Parameters,
    network: Network,
    ts: np.ndarray,
    x0: np.ndarray,
    seed: int,
) -> xr.Dataset:
    """A network with the units and inputs of `parameters`."""
    return simulate(
        system, network, parameters, t1=float(ts[-1]), saveat=ts, initial=x0, seed=seed
    ).dataset


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _summarise(
    theory: xr.Dataset, ensemble: xr.Dataset, predictions: Sequence[FiniteSize] = ()
) -> xr.Dataset:
    quantity = xr.DataArray(list(QUANTITIES), dims="quantity", name="quantity")
    last = [
        d[list(QUANTITIES)].isel(time=-1).to_dataarray("quantity").drop_vars("time")
        for d in (theory, ensemble)
    ]
    expected, seen = (
        last[0].assign_coords(quantity=quantity),
        last[1].assign_coords(quantity=quantity),
    )
    n, count = seen["size"].astype(float), seen.sizes["network"]
    # one variance for all sizes, since it scales as 1/N: pooling makes it reliable with few networks
    scale = (n * seen.var("network", ddof=1)).mean("size")
    error = (scale / (n * count)) ** 0.5
    difference = seen.mean("network") - expected
    made = {
        "theory": expected,
        "network": seen.mean("network"),
        "spread": ((seen - expected) ** 2).mean("network") ** 0.5,
    }
    if predictions:
        made["bias"], made["predicted_spread"] = (
            xr.concat(
                [getattr(own, name).sel(quantity=list(QUANTITIES)) for own in predictions],
                seen["size"],
            )
            for name in ("bias", "spread")
        )
        error, difference = made["predicted_spread"] / np.sqrt(count), difference - made["bias"]
        scores = (count - 1) * seen.var("network", ddof=1) / made["predicted_spread"] ** 2
        made["spread_z"] = scores.copy(data=as_z(scores.values, count - 1))
    made["error"] = error
    made["limit"], made["limit_error"] = _extrapolate(difference, error)
    if predictions and len(n) > 1:
        made["slope"], made["slope_error"] = _extrapolate(difference * n, error * n, n)
    made["trend"] = (
        _slope(xr.ufuncs.log(n), xr.ufuncs.log(made["spread"]))
        if len(n) > 1
        else made["limit"] * np.nan
    )
    return xr.Dataset(made)


def _extrapolate(
    difference: xr.DataArray, error: xr.DataArray, x: xr.DataArray | None = None
) -> tuple[xr.DataArray, xr.DataArray]:
    """Weighted least squares of difference = limit + slope x, x = 1/N unless given, and the standard error of the limit."""
    x = 1.0 / difference["size"].astype(float) if x is None else x
    w = 1.0 / xr.where(error > 0, error, 1.0) ** 2
    if difference.sizes["size"] == 1:
        return difference.isel(size=0, drop=True), error.isel(size=0, drop=True)
    s0, s1, s2 = w.sum("size"), (w * x).sum("size"), (w * x * x).sum("size")
    determinant = s0 * s2 - s1**2
    limit = (
        s2 * (w * difference).sum("size") - s1 * (w * x * difference).sum("size")
    ) / determinant
    return limit, np.sqrt(s2 / determinant)


def _slope(x: xr.DataArray, y: xr.DataArray) -> xr.DataArray:
    centred = x - x.mean("size")
    return (centred * y).sum("size") / (centred**2).sum("size")
