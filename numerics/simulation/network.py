"""The microscopic network itself: N coupled units integrated in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import diffrax
import jax
import jax.experimental.sparse as jsparse
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sps
import xarray as xr

from ...errors import NetworkError, ParameterError, SolverError
from ..machine import require_memory
from ..networks import Network
from ..parameters import as_input, by_population, is_zero
from ..precision import require_x64
from ..sampling import MatrixFree, as_seed
from ..system import Units
from .neurons import DIVERGED, Drive, Drives, Noise, Report, by_parts, integrate_neurons

DENSE_NEURONS, DENSE_FRACTION = 5000, 0.05
NOISE_STEPS = 40
"""Steps per shortest time constant of the filters where there is white noise."""


def simulate(
    network: Network,
    phi: Callable[[Any, int], Any],
    *,
    units: Units | None = None,
    input: Any = 0.0,
    in_strength: Any = 0.0,
    spread: Any = 0.0,
    t1: float,
    saveat: Sequence[float] | np.ndarray | None = None,
    dt_save: float | None = None,
    x0: Any = 0.0,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    dtype: Any = None,
    record: str | Sequence[int] | np.ndarray = "moments",
    dt: float | None = None,
    seed: int = 0,
    runs: Sequence[Mapping[str, Any]] | None = None,
    resume: xr.Dataset | None = None,
    max_steps: int = 100_000,
    throw: bool = False,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Integrate x_i = M_p[ sum_j J_ij S_q[phi_q(x_j)] + I_i ], i in p, j in q, from t = 0 to `t1` (theory, 1 and 2.3).

    Without `units`, dx_i/dt = -x_i + sum_j J_ij phi_q(x_j) + I_i. The input is I_i(t) = I_p(t) + sum_q h_q(t) u_i^q + sigma_p(t) xi_i, u_i^q
    the deviation of neuron i's in-strength from population q, xi_i an offset, standard normal across neurons; and white noise.

    Without noise: Runge-Kutta 5(4) of Tsitouras with adaptive steps that land on the inputs' jumps. With noise: Heun's method in steps of `dt`,
    whose means and variances have errors of order dt^2 (the variance of a unit without synapses is too small by the fraction
    (dt / 2 tau)^2); look at half the dt where synapses make a network faster than its units. One matrix-vector product per stage. Code is
    compiled once per network size, `phi` object and form of units.

    phi(x, p): rates of neurons of population p (an index) from their inputs x, shape (N_p,); traced by JAX
    units: filters M_p and S_q and the noise, `Units.of(architecture, parameters)`
    input, in_strength, spread: I_p, h_q and sigma_p, anything that `as_input` takes: a number, one per population, a function of time, an `Input`.
        u_i^q is `network.rows` of a sampled network; of a network whose rows are not known, such as a connectome, the measured
        `network.in_strengths()`. xi_i is `network.offsets`; where they are not known they are drawn from `seed`, independent of the synapses
    saveat, dt_save: times at which to record (increasing, within [0, t1]), or their spacing; 201 times unless given
    x0: initial x: a number, one per population (list or mapping by name), or one per neuron, in the network's order; all other states of
        filters start at 0, as in `integrate`: the output of M_p starts at x0, of S_q at 0
    dtype: float64 or float32 for J and its product with the rates, that of the weights unless given; x is float64
    record: "moments" of every population, and also x(t) of "all" neurons or of the neurons with these indices
    dt: longest step with noise; 1/40 of the filters' shortest time constant unless given
    seed: of the noise, and of offsets that the network lacks; the same seed gives the same result
    runs: several simulations of the network at once, each with its own of `input`, `in_strength`, `spread`, `x0`; what a run does not say is
        that of the arguments. One product of matrices serves them all, so each costs a fraction of a single one; the steps are those of the run
        that needs the shortest. Variables get a first dimension `run`
    resume: the result of an earlier simulation of this network, to go on from its end in place of x0: then t1 and saveat lie beyond its `t_end`.
        Noise after it is independent of the noise before it
    progress: called now and then with the fraction of t1 that is done

    Returns a dataset with, over (time, population), `mean` and `variance` of x, `rate` and `rate_sd`, the mean and
    standard deviation of phi(x); over neurons, in the network's order, `x` and `r` = phi(x) at the end; `trajectory`,
    x over (time, recorded), if asked for; `state` over (part, neuron), all states of the filters at the end, where units are filters.
    Attributes: `status`, "ok" or what went wrong ("diverged: ..." when some |x| exceeds 1e12 or is not finite; values after that are NaN),
    `t_end`, the time reached, `steps` and `rejected`.

    Raises `ParameterError` for times, tolerances, initial values, units or indices that cannot be used, `NetworkError` for
    weights that do not fit into memory or a seed that is no integer >= 0, and with `throw=True` `SolverError` when the status is not "ok".
    """
    require_x64()
    if runs is not None and not len(runs):
        raise ParameterError("runs is empty: give at least one run, or leave it out")
    dtype, seed = _dtype(dtype, network), as_seed(seed)
    t0 = 0.0 if resume is None else _end(resume, network)
    times = _times(t0, t1, saveat, dt_save)
    if not (0 <= rtol < 1 and atol >= 0 and rtol + atol > 0):
        raise ParameterError(
            f"tolerances must be non-negative, not both 0, and rtol < 1: rtol = {rtol}, atol = {atol}"
        )
    if dt is not None and not 0 < dt < np.inf:
        raise ParameterError(f"dt = {dt} must be a positive time")
    order = np.argsort(network.labels, kind="stable")
    each = [
        {"input": input, "in_strength": in_strength, "spread": spread, "x0": x0} | _checked(run)
        for run in (runs if runs is not None else [{}])
    ]
    # measured or drawn once, if any run needs them
    rows = cache(lambda: jnp.asarray(network.in_strengths()[order]))
    offsets = cache(lambda: jnp.asarray(input_offsets(network, seed)[order]))
    drives = [_drive(network.populations, own, rows, offsets) for own in each]
    drive: Any = drives[0] if runs is None else Drives(tuple(drives))
    units = None if units is None or (units := units.over(network.P)).is_plain else units
    starts = [
        (_initial(own["x0"], network) if resume is None else _resumed(resume, own["x0"]))[order]
        for own in each
    ]
    start = starts[0] if runs is None else np.stack(starts, axis=1)
    recorded = _recorded(record, network.N)
    # positions, in the order that we integrate in, of the recorded neurons
    place = np.argsort(order)
    edges = np.unique(drive.edges[(drive.edges > t0) & (drive.edges < t1)])
    noise = None
    if units is not None and units.is_noisy:
        grid = _grid(times, edges, t0, float(t1), dt or units.shortest / NOISE_STEPS, max_steps)
        noise = Noise.of(units, start.shape, network.sizes, grid, seed)
    positions = None if recorded is None else jnp.asarray(place[recorded])
    meter = diffrax.NoProgressMeter() if progress is None else Report(progress)
    J, (jumps, ts, first, stop) = (
        _matrix(network.weights, order, dtype),
        map(jnp.asarray, (edges, times, t0, float(t1))),
    )
    y0: Any = jnp.asarray(start)
    if units is not None:
        y0 = (
            units.start(by_parts(y0, network.sizes))
            if resume is None
            else _states(resume, units, order, network.sizes)
        )
        if runs is not None and resume is not None:
            y0 = jax.tree.map(lambda z: jnp.repeat(z[..., None], len(each), axis=-1), y0)
    ran = integrate_neurons(
        J,
        y0,
        units,
        drive,
        noise,
        jumps,
        ts,
        first,
        stop,
        positions,
        phi,
        network.sizes,
        float(rtol),
        float(atol),
        int(max_steps),
        meter,
    )
    if runs is None:
        return _dataset(network, ran, times, recorded, place, float(t1), throw)
    made = [
        _dataset(network, _one(ran, k), times, recorded, place, float(t1), throw)
        for k in range(len(each))
    ]
    return xr.concat(
        made,
        "run",
        data_vars="all",
        coords="minimal",
        compat="override",
        join="override",
        combine_attrs="override",
    )


def _checked(run: Mapping[str, Any]) -> dict[str, Any]:
    known = ("input", "in_strength", "spread", "x0")
    if unknown := [name for name in run if name not in known]:
        raise ParameterError(
            f"a run has no {unknown[0]!r} of its own: it may have {', '.join(known)}"
        )
    return dict(run)


def _one(ran: tuple, k: int) -> tuple:
    """One of several runs."""
    values, trajectory, x, r, reached, result, stats, end = ran
    own = jax.tree.map(lambda v: v[..., k], (values, trajectory, x, r, end))
    return *own[:4], reached, result, stats, own[4]


def _drive(
    populations: Sequence[str],
    own: Mapping[str, Any],
    rows: Callable[[], Any],
    offsets: Callable[[], Any],
) -> Drive:
    mean, along, beside = (
        as_input(own[name], populations) for name in ("input", "in_strength", "spread")
    )
    parts: dict[str, Any] = {}
    if not is_zero(along):
        parts |= {"in_strength": along, "rows": rows()}
    if not is_zero(beside):
        parts |= {"spread": beside, "offsets": offsets()}
    return Drive(mean, **parts)


def input_offsets(network: Network, seed: int = 0) -> np.ndarray:
    """xi, (N,): the network's `offsets`, or where they are not known standard normal numbers, independent of its synapses."""
    return (
        np.random.default_rng([seed, 1]).standard_normal(network.N)
        if network.offsets is None
        else network.offsets
    )


def _grid(
    times: np.ndarray, edges: np.ndarray, t0: float, t1: float, dt: float, max_steps: int
) -> np.ndarray:
    """Steps of at most dt from t0 to t1 that end at all recorded times, and just before and at each jump of an input."""
    stops = np.unique([t0, *times, *np.nextafter(edges, 0.0), *edges, t1])
    counts = np.ceil(np.diff(stops) / dt * (1 - 1e-9)).astype(int).clip(1)
    if counts.sum() > max_steps:
        raise ParameterError(
            f"noise needs {counts.sum()} steps of at most dt = {dt:.3g} until t1 = {t1:.6g}, max_steps = {max_steps}: "
            "allow more steps, or a longer dt"
        )
    parts = [
        np.linspace(a, b, n, endpoint=False)
        for a, b, n in zip(stops[:-1], stops[1:], counts, strict=True)
    ]
    return np.append(np.concatenate(parts), t1)


def _matrix(weights: Any, order: np.ndarray, dtype: np.dtype):
    """Synapses with neurons in the given order: a dense array, unless a large and really sparse matrix."""
    N = weights.shape[0]
    sorted_already = bool(np.all(order == np.arange(N)))
    if isinstance(weights, MatrixFree):
        if dtype != weights.dtype:
            raise NetworkError(
                f"the synapses are drawn as {weights.dtype}: make the network with dtype = {dtype}, or leave dtype out"
            )
        return weights
    if isinstance(weights, sps.csr_array):
        if not sorted_already:
            weights = weights[order][:, order]
        if N > DENSE_NEURONS and weights.nnz <= DENSE_FRACTION * N**2:
            return jsparse.BCSR.from_scipy_sparse(sps.csr_array(weights.astype(dtype)))
        require_memory(
            2 * N**2 * dtype.itemsize,
            f"a network of {N} neurons with {weights.nnz} synapses, kept dense,",
        )
        return jnp.asarray(weights.astype(dtype).toarray())
    # a network's weights never change: on a CPU they are used where they are, if they begin at a multiple of 64 bytes
    return jax.device_put(
        (weights if sorted_already else weights[np.ix_(order, order)]).astype(dtype, copy=False),
        may_alias=True,
    )


def _dataset(network, ran, times, recorded, place, t1, throw) -> xr.Dataset:
    values, trajectory, x, r, reached, result, stats, end = ran
    reached, x = float(reached), np.asarray(x)
    status = _status(result, x, reached, t1)
    if throw and status != "ok":
        raise SolverError(f"the simulation of {network.N} neurons {status}")
    there = (times <= reached)[:, None]
    names = ("mean", "variance", "rate", "rate_sd")
    data: dict[str, Any] = {
        name: (("time", "population"), np.where(there, np.asarray(values)[:, :, k], np.nan))
        for k, name in enumerate(names)
    }
    data |= {"x": ("neuron", x[place]), "r": ("neuron", np.asarray(r)[place])}
    coords: dict[str, Any] = {
        "time": times,
        "population": list(network.populations),
        "neuron": np.arange(network.N),
        "label": ("neuron", np.asarray(network.populations)[network.labels]),
    }
    if recorded is not None:
        data["trajectory"] = (("time", "recorded"), np.where(there, np.asarray(trajectory), np.nan))
        coords["recorded"] = recorded
    if end is not None:
        data["state"] = (("part", "neuron"), _parts(end)[:, place])
    counts = {
        "steps": int(stats["num_accepted_steps"]),
        "rejected": int(stats["num_rejected_steps"]),
    }
    return xr.Dataset(data, coords=coords, attrs={"status": status, "t_end": reached, **counts})


def _status(result, x: np.ndarray, reached: float, t1: float) -> str:
    if result == diffrax.RESULTS.successful and np.all(np.isfinite(x)):
        return "ok"
    if result == diffrax.RESULTS.max_steps_reached:
        return f"stopped: max_steps was reached at t = {reached:.6g} of {t1:.6g}: allow more steps, or larger tolerances"
    if result == diffrax.RESULTS.dt_min_reached:
        return (
            f"diverged: no step is small enough at t = {reached:.6g} of {t1:.6g}: the solution blows up there, "
            "or phi or the input is not finite"
        )
    if result == diffrax.RESULTS.event_occurred or not np.all(np.isfinite(x)):
        return (
            f"diverged: |x| exceeds {DIVERGED:g} at t = {reached:.6g} of {t1:.6g}: "
            "phi does not bound the recurrent excitation"
        )
    return f"stopped at t = {reached:.6g} of {t1:.6g}: {diffrax.RESULTS[result]}"  # type: ignore[misc]


def _dtype(dtype: Any, network: Network) -> np.dtype:
    chosen = np.dtype(network.weights.dtype if dtype is None else dtype)
    if chosen not in (np.float32, np.float64):
        raise NetworkError(f"dtype {chosen} cannot hold synapses: use float64 or float32")
    return chosen


def _times(t0: float, t1: float, saveat: Any, dt_save: float | None) -> np.ndarray:
    if not (np.isfinite(t1) and t1 > t0):
        raise ParameterError(
            f"t1 = {t1} must be a time after {t0:g}, where the simulation begins"
            if t0
            else f"t1 = {t1} must be a positive time"
        )
    if saveat is None:
        if dt_save is None:
            return np.linspace(t0, float(t1), 201)
        if not 0 < dt_save <= t1 - t0:
            raise ParameterError(
                f"dt_save = {dt_save} must be positive and at most t1 = {t1}"
                + (f", less {t0:g}" if t0 else "")
            )
        return np.minimum(
            t0 + np.arange(np.floor((t1 - t0) / dt_save * (1 + 1e-12)) + 1) * dt_save, t1
        )
    if dt_save is not None:
        raise ParameterError("saveat and dt_save both say when to record: give one of them")
    times = np.asarray(saveat, dtype=float)
    if (
        times.ndim != 1
        or not len(times)
        or not np.all(np.diff(times) > 0)
        or not (times[0] >= t0 and times[-1] <= t1)
    ):
        raise ParameterError(f"saveat must be increasing times from {t0:g} to t1 = {t1}: {saveat}")
    return times


def _end(resume: xr.Dataset, network: Network) -> float:
    """The time that a simulation of this network reached."""
    if (
        not {"x", "r"} <= set(resume.data_vars)
        or resume.sizes.get("neuron") != network.N
        or "run" in resume.dims
    ):
        raise ParameterError(
            f"resume is the result of an earlier `simulate` of this network of {network.N} neurons, one run of it"
        )
    if resume.attrs["status"] != "ok":
        raise ParameterError(f"the simulation to go on from has failed: {resume.attrs['status']}")
    return float(resume.attrs["t_end"])


def _resumed(resume: xr.Dataset, x0: Any) -> np.ndarray:
    if np.any(np.asarray(x0) != 0):
        raise ParameterError("resume and x0 both say where to begin: give one of them")
    return np.asarray(resume["x"].values, dtype=float)


def _parts(states: Any) -> np.ndarray:
    """All states of filters, (part, N): those of the membrane, then those of the synapse; NaN where a filter has fewer."""
    rows = [max(0 if z is None else len(z) for z in kind) for kind in states]
    blocks = [
        [np.full((n, own[0].shape[1]), np.nan) for own in zip(states.membrane, strict=True)]
        for n in rows
    ]
    for kind, block in zip(states, blocks, strict=True):
        for z, part in zip(kind, block, strict=True):
            if z is not None:
                part[: len(z)] = z
    return np.concatenate([np.concatenate(block, axis=1) for block in blocks])


def _states(resume: xr.Dataset, units: Units, order: np.ndarray, sizes: tuple[int, ...]) -> Any:
    if "state" not in resume:
        raise ParameterError(
            "the simulation to go on from had units without filters; these have some"
        )
    start = units.start(tuple(jnp.zeros(n) for n in sizes))
    given = np.split(resume["state"].values[:, order], np.cumsum(sizes)[:-1], axis=1)
    first = max(len(z) for z in start.membrane)
    membrane = [jnp.asarray(own[: len(z)]) for z, own in zip(start.membrane, given, strict=True)]
    synapse = [
        None if z is None else jnp.asarray(own[first : first + len(z)])
        for z, own in zip(start.synapse, given, strict=True)
    ]
    if resume.sizes["part"] != len(_parts(start)) or any(
        bool(jnp.any(jnp.isnan(z))) for z in (*membrane, *synapse) if z is not None
    ):
        raise ParameterError("the simulation to go on from had other filters than these units")
    return type(start)(tuple(membrane), tuple(synapse))


def _initial(x0: Any, network: Network) -> np.ndarray:
    if np.shape(x0) == (network.N,):
        start = np.asarray(x0, dtype=float)
        if not np.all(np.isfinite(start)):
            raise ParameterError(f"x0 of neuron {int(np.argmin(np.isfinite(start)))} is not finite")
        return start
    return by_population(x0, network.populations, "x0")[network.labels]


def _recorded(record: Any, N: int) -> np.ndarray | None:
    if isinstance(record, str):
        if record not in ("moments", "all"):
            raise ParameterError(
                f"record = {record!r} is unknown: use 'moments', 'all' or a list of neurons"
            )
        return None if record == "moments" else np.arange(N)
    indices = np.asarray(record)
    if (
        indices.ndim != 1
        or not len(indices)
        or indices.dtype.kind not in "iu"
        or indices.min() < 0
        or indices.max() >= N
    ):
        raise ParameterError(
            f"record = {record!r} must be 'moments', 'all' or indices of neurons from 0 to {N - 1}"
        )
    return indices
