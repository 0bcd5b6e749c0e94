"""Integrate mean-field equations in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import diffrax as dfx
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from ...errors import ParameterError, SolverError
from ..parameters import Parameters, by_population
from ..precision import require_x64
from .system import System

LARGEST = 1e12
STATE_NAMES = {
    "K": "mean",
    "kappa": "kappa",
    "s": "rms_rate",
    "rho": "filtered_rate",
    "e": "synaptic_rate",
    "v": "synaptic_rms_rate",
    "current": "synaptic_current",
    "chi": "susceptibility",
    "z": "filtered_spread",
    "V": "noise_variance",
}
MEANINGS = {
    "mean": "mean input current K_p",
    "kappa": "latent variable of the variability, filtered alpha_q R_q",
    "rms_rate": "filtered root mean square rate s_q",
    "variance": "variance of the input current Delta_p",
    "rate": "mean rate R_p",
    "filtered_rate": "filtered alpha_q R_q",
    "synaptic_rate": "alpha_q R_q after the synapses' filter",
    "synaptic_rms_rate": "root mean square rate after the synapses' filter",
    "noise_variance": "variance in time that white noise makes",
    "synaptic_current": "mean input from columns and reciprocity after the synapses' filter",
    "filtered_spread": "filtered spread of the inputs",
    "susceptibility": "mean susceptibility chi_q, of the rates to their fields",
    "field_mean": "mean of the field h, the input current without what a neuron feels of its own rate",
    "field_variance": "variance of the field h",
    "feedback": "Gamma_p of x = h + Gamma_p phi_p(x)",
    "validity": "smallest 1 - Gamma_p phi_p'(x) within nine standard deviations of h",
}


def trajectory(
    system: System,
    parameters: Parameters,
    initial: Any,
    ts: Float[Array, " t"],
    *,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 100_000,
    solver: dfx.AbstractSolver | None = None,
    drive: Any = None,
):
    """States at the times `ts` (the first one is the start) and a diffrax result code; pure, for jit, vmap and grad.

    drive: the external input, `system.drive(parameters)` unless given. Adaptive steps land on its edges. The solution stops, with
    values infinite from there on, when a state exceeds 1e12.
    """
    coefficients = system.coefficients(parameters)
    field = system.module.vector_field
    drive = system.drive(parameters) if drive is None else drive

    def right_side(t, state, _):
        return field(state, drive(t), coefficients)

    def too_large(t, y, *_, **__):
        return jnp.max(jnp.stack([jnp.max(jnp.abs(v)) for v in y])) > LARGEST

    controller: Any = dfx.PIDController(rtol=rtol, atol=atol)
    if len(drive.edges):
        controller = dfx.ClipStepSizeController(controller, jump_ts=jnp.asarray(drive.edges))
    solution = dfx.diffeqsolve(
        dfx.ODETerm(right_side),
        solver or dfx.Tsit5(),
        ts[0],
        ts[-1],
        None,
        initial,
        saveat=dfx.SaveAt(ts=ts),
        stepsize_controller=controller,
        max_steps=max_steps,
        event=dfx.Event(too_large),
        throw=False,
    )
    return solution.ys, solution.result, solution.stats["num_steps"]


@eqx.filter_jit
def _solve(system, parameters, initial, ts, rtol, atol, max_steps):
    states, result, steps = trajectory(
        system, parameters, initial, ts, rtol=rtol, atol=atol, max_steps=max_steps
    )
    coefficients = system.coefficients(parameters)
    variance = jax.vmap(lambda s: system.module.variance(s, coefficients))(states)
    rates = jax.vmap(lambda s: system.module.rates(s, coefficients))(states)
    return states, variance, rates, result == dfx.RESULTS.max_steps_reached, steps


def integrate(
    system: System,
    parameters: Parameters,
    t1: float = 50.0,
    *,
    t0: float = 0.0,
    saveat: Any = None,
    initial: Any = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = 100_000,
    throw: bool = False,
) -> xr.Dataset:
    """Mean-field trajectories as a dataset over (time, population): `mean`, `variance`, `kappa`, `rate` (and `rms_rate`).

    saveat: increasing times between t0 and t1, or a number of equal intervals (default 200); initial: a state, or a mapping
    {"mean": ..., "kappa": ..., "rms_rate": ...} of scalars, lists or mappings by population (default: all zero). Time is in
    units of the unit's time constant. `attrs["status"]` is "ok" or says that and when the solution diverged or the steps ran
    out; values after that are NaN; `throw=True` raises `SolverError` instead. Raises `ParameterError` on bad times or states, `ArchitectureError` for
    a closure of fixed points alone.
    """
    require_x64()
    system.refuse_static("trajectory")
    system.check(parameters)
    ts = _times(t0, t1, saveat)
    start = initial_state(system, parameters, initial)
    states, variance, rates, exhausted, steps = _solve(
        system, parameters, start, jnp.asarray(ts), rtol, atol, max_steps
    )
    values = {name: np.array(v) for name, v in named(system, states).items()}
    values |= {"variance": np.array(variance), "rate": np.array(rates)}
    good = np.all(
        [np.all(np.isfinite(v.reshape(len(ts), -1)), axis=1) for v in values.values()], axis=0
    )
    status = "ok"
    if not good.all():
        last = (
            f"the last finite value is at t = {ts[np.argmin(good) - 1]:g}"
            if good[0]
            else "it is not finite at the start"
        )
        reason = (
            f"{max_steps} steps were not enough" if bool(exhausted) else "the solution diverged"
        )
        status = f"{'stopped' if bool(exhausted) else 'diverged'}: {reason}; {last}"
        for v in values.values():
            v[np.argmin(good) :] = np.nan
    if throw and status != "ok":
        raise SolverError(status)
    return dataset(
        system,
        values,
        parameters.populations,
        {"time": ts},
        {"status": status, "steps": int(steps)},
    )


def named(system: System, state: Any) -> dict[str, Any]:
    """The latent variables of a state by the names that results have; inner states of filters are left out."""
    return {STATE_NAMES[name]: getattr(state, name) for name in system.states}


def dataset(
    system: System,
    values: Mapping[str, np.ndarray],
    populations: Sequence[str],
    coords: Mapping[str, Any],
    attrs: Mapping[str, Any],
) -> xr.Dataset:
    """Results by name and population, over further coordinates; what belongs to a distinct filter has a dimension for it."""
    architecture = system.mean_field.architecture
    kinds = {
        "kappa": "membrane",
        "filtered_rate": "membrane",
        "rms_rate": "membrane",
        "synaptic_current": "synapse",
    }
    data, labels = {}, {}
    for name, v in values.items():
        dims = (*coords, "population")
        if np.ndim(v) > len(dims):
            kind = kinds[name]
            dims = (*coords, kind, "population")
            of = architecture.filter_index(kind, len(populations))
            labels[kind] = [
                "+".join(p for p, k in zip(populations, of, strict=True) if k == n)
                for n in range(max(of) + 1)
            ]
        data[name] = (dims, v, {"meaning": MEANINGS[name]})
    everywhere = {**coords, **labels, "population": list(populations)}
    return xr.Dataset(
        data, coords=everywhere, attrs={**attrs, "closure": system.mean_field.closure.name}
    )


def initial_state(system: System, parameters: Parameters, initial: Any = None) -> Any:
    """A state from None (rest), a state, or a mapping by name; what is not named starts at 0."""
    if initial is None:
        return system.rest(parameters.P)
    if isinstance(initial, system.State):
        return initial
    known = {STATE_NAMES[name]: name for name in system.states}
    if not isinstance(initial, dict) or set(initial) - set(known):
        raise ParameterError(
            f"an initial state is a mapping with some of {list(known)}: {initial!r}"
        )
    rest = system.rest(parameters.P)
    values = {
        known[k]: jnp.asarray(by_population(v, parameters.populations, f"initial {k}"))
        for k, v in initial.items()
    }
    return rest._replace(
        **{name: jnp.broadcast_to(v, getattr(rest, name).shape) for name, v in values.items()}
    )


def _times(t0: float, t1: float, saveat: Any) -> np.ndarray:
    if not (np.isfinite(t0) and np.isfinite(t1) and t0 < t1):
        raise ParameterError(f"integration needs finite t0 < t1: t0 = {t0}, t1 = {t1}")
    if saveat is None or np.ndim(saveat) == 0:
        intervals = 200 if saveat is None else int(saveat)
        if intervals < 1:
            raise ParameterError(f"saveat = {saveat}: at least one interval is needed")
        return np.linspace(t0, t1, intervals + 1)
    ts = np.asarray(saveat, dtype=float)
    if ts.ndim != 1 or len(ts) < 1 or np.any(np.diff(ts) <= 0) or ts[0] < t0 or ts[-1] > t1:
        raise ParameterError(f"saveat must be increasing times between {t0:g} and {t1:g}")
    # the first time must be the start and the last one the end, so that the solution covers the interval
    return ts if ts[0] == t0 else np.concatenate([[t0], ts])
