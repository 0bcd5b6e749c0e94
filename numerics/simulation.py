"""The microscopic network itself: N coupled units integrated in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.experimental.sparse as jsparse
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sps
import xarray as xr

from ..errors import NetworkError, ParameterError, SolverError
from .inputs import Input, as_input, by_population, is_zero
from .matrix_free import MatrixFree
from .network import Network
from .precision import require_x64
from .sampling import as_seed, require_memory
from .units import Units

DIVERGED = 1e12
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
    progress: called now and then with the fraction of t1 that is done

    Returns a dataset with, over (time, population), `mean` and `variance` of x, `rate` and `rate_sd`, the mean and
    standard deviation of phi(x); over neurons, in the network's order, `x` and `r` = phi(x) at the end; `trajectory`,
    x over (time, recorded), if asked for. Attributes: `status`, "ok" or what went wrong ("diverged: ..." when some |x|
    exceeds 1e12 or is not finite; values after that are NaN), `t_end`, the time reached, `steps` and `rejected`.

    Raises `ParameterError` for times, tolerances, initial values, units or indices that cannot be used, `NetworkError` for
    weights that do not fit into memory or a seed that is no integer >= 0, and with `throw=True` `SolverError` when the status is not "ok".
    """
    require_x64()
    dtype, seed = _dtype(dtype, network), as_seed(seed)
    times = _times(t1, saveat, dt_save)
    if not (0 <= rtol < 1 and atol >= 0 and rtol + atol > 0):
        raise ParameterError(f"tolerances must be non-negative, not both 0, and rtol < 1: rtol = {rtol}, atol = {atol}")
    if dt is not None and not 0 < dt < np.inf:
        raise ParameterError(f"dt = {dt} must be a positive time")
    order = np.argsort(network.labels, kind="stable")
    drive = _drive(network, order, input, in_strength, spread, seed)
    units = None if units is None or (units := units.over(network.P)).is_plain else units
    start = _initial(x0, network)[order]
    recorded = _recorded(record, network.N)
    # positions, in the order that we integrate in, of the recorded neurons
    place = np.argsort(order)
    edges = np.unique(drive.edges[(drive.edges > 0) & (drive.edges < t1)])
    noise = None
    if units is not None and units.is_noisy:
        noise = _Noise.of(units, network.sizes, _grid(times, edges, float(t1), dt or units.shortest / NOISE_STEPS, max_steps), seed)
    positions = None if recorded is None else jnp.asarray(place[recorded])
    meter = diffrax.NoProgressMeter() if progress is None else _Report(progress)
    J, (x, jumps, ts, stop) = _matrix(network.weights, order, dtype), map(jnp.asarray, (start, edges, times, float(t1)))
    ran = _integrate(
        J, x, units, drive, noise, jumps, ts, stop, positions, phi, network.sizes, float(rtol), float(atol), int(max_steps), meter
    )
    return _dataset(network, ran, times, recorded, place, float(t1), throw)


@eqx.filter_jit
def _integrate(J, x0, units, drive, noise, edges, times, t1, recorded, phi, sizes, rtol, atol, max_steps, meter):
    """The state is x where the units are plain (None), else the `States` of all filters."""
    split = partial(_split, sizes=sizes)

    def rates(x):
        parts = [jnp.asarray(phi(part, p)).astype(x.dtype) for p, part in enumerate(split(x))]
        return jnp.concatenate([jnp.broadcast_to(part, (n,)) for part, n in zip(parts, sizes, strict=True)])

    def output(state):
        return state if units is None else jnp.concatenate([z[0] for z in state.membrane])

    def field(t, state, J):
        x = output(state)
        r = rates(x)
        sent = r if units is None else units.transmitted(state, split(r))
        recurrent = (J @ sent.astype(J.dtype)).astype(x.dtype)
        if units is None:
            return recurrent - x + drive(t, sizes)
        return units.change(state, split(r), split(recurrent + drive(t, sizes)))

    def moments(t, state, J):
        x = output(state)
        pairs = zip(split(x), split(rates(x)), strict=True)
        values = jnp.stack([jnp.stack([jnp.mean(u), jnp.var(u), jnp.mean(v), jnp.std(v)]) for u, v in pairs])
        return values, None if recorded is None else x[recorded]

    terms: Any = diffrax.ODETerm(field)
    # below this step a solution that turns into NaN or runs away would be retried for ever
    steps: Any = diffrax.PIDController(rtol, atol, dtmin=1e-13 * t1, force_dtmin=False)
    if noise is not None:
        terms, steps = diffrax.MultiTerm(terms, noise), diffrax.StepTo(noise.grid)
    elif len(edges):
        steps = diffrax.ClipStepSizeController(steps, jump_ts=edges)
    solution = diffrax.diffeqsolve(
        terms, diffrax.Tsit5() if noise is None else diffrax.Heun(), jnp.zeros_like(t1), t1, None,
        x0 if units is None else units.start(split(x0)), J,
        saveat=diffrax.SaveAt(subs=[diffrax.SubSaveAt(ts=times, fn=moments), diffrax.SubSaveAt(t1=True)]),
        stepsize_controller=steps, max_steps=max_steps, throw=False, progress_meter=meter,
        event=diffrax.Event(lambda t, state, J, **_: ~jnp.all(jnp.abs(output(state)) < DIVERGED)),
    )  # fmt: skip
    (values, trajectory), last = solution.ys
    x = output(jax.tree.map(lambda v: v[0], last))
    return values, trajectory, x, rates(x), solution.ts[1][0], solution.result, solution.stats


def _split(x, sizes):
    return tuple(jnp.split(x, np.cumsum(sizes)[:-1]))


class _Drive(eqx.Module):
    """I_i(t), with neurons in the order that we integrate in."""

    input: Input
    in_strength: Input | None = None
    rows: Any = None
    spread: Input | None = None
    offsets: Any = None

    def __call__(self, t, sizes):
        def over(value):
            own = jnp.broadcast_to(jnp.asarray(value(t)), (len(sizes),)).astype(float)
            return jnp.repeat(own, np.asarray(sizes), total_repeat_length=sum(sizes))

        total = over(self.input)
        if self.in_strength is not None:
            total += self.rows @ jnp.broadcast_to(jnp.asarray(self.in_strength(t)), (len(sizes),)).astype(float)
        if self.spread is not None:
            total += over(self.spread) * self.offsets
        return total

    @property
    def edges(self) -> np.ndarray:
        parts = (v.edges for v in (self.input, self.in_strength, self.spread) if v is not None)
        return np.concatenate([np.asarray(part, dtype=float).reshape(-1) for part in parts])


def _drive(network: Network, order: np.ndarray, input: Any, in_strength: Any, spread: Any, seed: int) -> _Drive:
    mean, along, beside = (as_input(v, network.populations) for v in (input, in_strength, spread))
    parts: dict[str, Any] = {}
    if not is_zero(along):
        parts |= {"in_strength": along, "rows": jnp.asarray(network.in_strengths()[order])}
    if not is_zero(beside):
        parts |= {"spread": beside, "offsets": jnp.asarray(input_offsets(network, seed)[order])}
    return _Drive(mean, **parts)


def input_offsets(network: Network, seed: int = 0) -> np.ndarray:
    """xi, (N,): the network's `offsets`, or where they are not known standard normal numbers, independent of its synapses."""
    return np.random.default_rng([seed, 1]).standard_normal(network.N) if network.offsets is None else network.offsets


class _Noise(diffrax.AbstractTerm):
    """White noise in the neurons' inputs, additive. Each step of `grid` has normal numbers of its own, keyed by its position: the keys of
    `diffrax.UnsafeBrownianPath` are times in float32, which are equal for many short steps late in a long run.
    """

    units: Units
    sizes: tuple[int, ...] = eqx.field(static=True)
    grid: Any
    key: Any

    @classmethod
    def of(cls, units: Units, sizes: tuple[int, ...], grid: np.ndarray, seed: int) -> _Noise:
        return cls(units, sizes, jnp.asarray(grid), jax.random.key(int(np.random.SeedSequence(seed).generate_state(1)[0])))

    def vf(self, t, y, args):
        return y

    def contr(self, t0, t1, **kwargs):
        key = jax.random.fold_in(self.key, jnp.searchsorted(self.grid, t0))
        return jnp.sqrt(t1 - t0) * jax.random.normal(key, (sum(self.sizes),))

    def prod(self, vf, control):
        return self.units.kick(vf, _split(control, self.sizes))


def _grid(times: np.ndarray, edges: np.ndarray, t1: float, dt: float, max_steps: int) -> np.ndarray:
    """Steps of at most dt from 0 to t1 that end at all recorded times, and just before and at each jump of an input."""
    stops = np.unique([0.0, *times, *np.nextafter(edges, 0.0), *edges, t1])
    counts = np.ceil(np.diff(stops) / dt * (1 - 1e-9)).astype(int).clip(1)
    if counts.sum() > max_steps:
        raise ParameterError(f"noise needs {counts.sum()} steps of at most dt = {dt:.3g} until t1 = {t1:.6g}, max_steps = {max_steps}: "
                             "allow more steps, or a longer dt")  # fmt: skip
    parts = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(stops[:-1], stops[1:], counts, strict=True)]
    return np.append(np.concatenate(parts), t1)


class _Report(diffrax.AbstractProgressMeter):
    """Calls a function with the fraction done, at most every hundredth."""

    call: Callable[[float], None] = eqx.field(static=True)

    def init(self):
        return jnp.asarray(0.0)

    def step(self, state, progress):
        progress = jnp.asarray(progress).astype(state.dtype)
        due = (progress - state > 0.01) | (progress >= 1)
        jax.lax.cond(due, lambda f: jax.debug.callback(lambda v: self.call(float(v)), f), lambda f: None, progress)
        return jnp.where(due, progress, state)

    def close(self, state):
        del state


def _matrix(weights: Any, order: np.ndarray, dtype: np.dtype):
    """Synapses with neurons in the given order: a dense array, unless a large and really sparse matrix."""
    N = weights.shape[0]
    sorted_already = bool(np.all(order == np.arange(N)))
    if isinstance(weights, MatrixFree):
        if dtype != weights.dtype:
            raise NetworkError(f"the synapses are drawn as {weights.dtype}: make the network with dtype = {dtype}, or leave dtype out")
        return weights
    if isinstance(weights, sps.csr_array):
        if not sorted_already:
            weights = weights[order][:, order]
        if N > DENSE_NEURONS and weights.nnz <= DENSE_FRACTION * N**2:
            return jsparse.BCSR.from_scipy_sparse(sps.csr_array(weights.astype(dtype)))
        require_memory(2 * N**2 * dtype.itemsize, f"a network of {N} neurons with {weights.nnz} synapses, kept dense,")
        return jnp.asarray(weights.astype(dtype).toarray())
    return jnp.asarray((weights if sorted_already else weights[np.ix_(order, order)]).astype(dtype, copy=False))


def _dataset(network, ran, times, recorded, place, t1, throw) -> xr.Dataset:
    values, trajectory, x, r, reached, result, stats = ran
    reached, x = float(reached), np.asarray(x)
    status = _status(result, x, reached, t1)
    if throw and status != "ok":
        raise SolverError(f"the simulation of {network.N} neurons {status}")
    there = (times <= reached)[:, None]
    names = ("mean", "variance", "rate", "rate_sd")
    data: dict[str, Any] = {name: (("time", "population"), np.where(there, np.asarray(values)[:, :, k], np.nan))
                            for k, name in enumerate(names)}  # fmt: skip
    data |= {"x": ("neuron", x[place]), "r": ("neuron", np.asarray(r)[place])}
    coords: dict[str, Any] = {"time": times, "population": list(network.populations), "neuron": np.arange(network.N),
                              "label": ("neuron", np.asarray(network.populations)[network.labels])}  # fmt: skip
    if recorded is not None:
        data["trajectory"] = (("time", "recorded"), np.where(there, np.asarray(trajectory), np.nan))
        coords["recorded"] = recorded
    counts = {"steps": int(stats["num_accepted_steps"]), "rejected": int(stats["num_rejected_steps"])}
    return xr.Dataset(data, coords=coords, attrs={"status": status, "t_end": reached, **counts})


def _status(result, x: np.ndarray, reached: float, t1: float) -> str:
    if result == diffrax.RESULTS.successful and np.all(np.isfinite(x)):
        return "ok"
    if result == diffrax.RESULTS.max_steps_reached:
        return f"stopped: max_steps was reached at t = {reached:.6g} of {t1:.6g}: allow more steps, or larger tolerances"
    if result == diffrax.RESULTS.dt_min_reached:
        return (f"diverged: no step is small enough at t = {reached:.6g} of {t1:.6g}: the solution blows up there, "
                "or phi or the input is not finite")  # fmt: skip
    if result == diffrax.RESULTS.event_occurred or not np.all(np.isfinite(x)):
        return (f"diverged: |x| exceeds {DIVERGED:g} at t = {reached:.6g} of {t1:.6g}: "
                "phi does not bound the recurrent excitation")  # fmt: skip
    return f"stopped at t = {reached:.6g} of {t1:.6g}: {diffrax.RESULTS[result]}"  # type: ignore[misc]


def _dtype(dtype: Any, network: Network) -> np.dtype:
    chosen = np.dtype(network.weights.dtype if dtype is None else dtype)
    if chosen not in (np.float32, np.float64):
        raise NetworkError(f"dtype {chosen} cannot hold synapses: use float64 or float32")
    return chosen


def _times(t1: float, saveat: Any, dt_save: float | None) -> np.ndarray:
    if not (np.isfinite(t1) and t1 > 0):
        raise ParameterError(f"t1 = {t1} must be a positive time")
    if saveat is None:
        if dt_save is None:
            return np.linspace(0, float(t1), 201)
        if not 0 < dt_save <= t1:
            raise ParameterError(f"dt_save = {dt_save} must be positive and at most t1 = {t1}")
        return np.minimum(np.arange(np.floor(t1 / dt_save * (1 + 1e-12)) + 1) * dt_save, t1)
    if dt_save is not None:
        raise ParameterError("saveat and dt_save both say when to record: give one of them")
    times = np.asarray(saveat, dtype=float)
    if times.ndim != 1 or not len(times) or not np.all(np.diff(times) > 0) or not (times[0] >= 0 and times[-1] <= t1):
        raise ParameterError(f"saveat must be increasing times from 0 to t1 = {t1}: {saveat}")
    return times


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
            raise ParameterError(f"record = {record!r} is unknown: use 'moments', 'all' or a list of neurons")
        return None if record == "moments" else np.arange(N)
    indices = np.asarray(record)
    if indices.ndim != 1 or not len(indices) or indices.dtype.kind not in "iu" or indices.min() < 0 or indices.max() >= N:
        raise ParameterError(f"record = {record!r} must be 'moments', 'all' or indices of neurons from 0 to {N - 1}")
    return indices
