"""Where a simulation begins and what it returns: states of all neurons as a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...errors import ParameterError
from ...numbers import counted
from ...time_units import moment
from ..networks import Network, name_at
from ..parameters import by_population
from ..results import Code, Result, Status
from ..system import LARGEST_STATE, Units
from .neurons import Ran, by_parts

MOMENTS = ("mean", "variance", "rate", "rate_sd")


@dataclass(frozen=True, repr=False, eq=False)
class Simulation(Result):
    """A network in time; `simulate` makes one, and goes on from it with `resume`.

    Args:
        dataset: over (time, population), `mean` and `variance` of x, `rate` and `rate_sd`, the
            mean and standard deviation of phi(x); over neurons, in the network's order, `x` and
            `r` = phi(x) at the end; `trajectory`, x over (time, recorded), if asked for; `state`
            over (part, neuron), all states of the filters at the end, where units are filters.
            Of several runs, with a first dimension `run`. Values after a divergence are NaN.
        status: how the integration ended.
    """

    dataset: xr.Dataset
    status: Status

    @property
    def title(self) -> str:
        """Neurons and time."""
        runs = (
            f", {counted(self.dataset.sizes['run'], 'run')}" if "run" in self.dataset.sizes else ""
        )
        end = moment(self.t_end, self.time_unit)
        return f"{self.dataset.sizes['neuron']} neurons until {end}{runs}"

    @property
    def t_end(self) -> float:
        """The time reached."""
        return float(self.dataset.attrs["t_end"])

    @property
    def steps(self) -> int:
        """Accepted steps of the integrator."""
        return int(self.dataset.attrs["steps"])

    @property
    def moments(self) -> xr.Dataset:
        """Time courses of the populations, without what is known of single neurons."""
        courses = self.dataset[list(MOMENTS)]
        return courses.drop_vars([c for c in courses.coords if c not in courses.dims])

    def rows(self) -> list[dict[str, Any]]:
        """The moments at the last time, a row per population (and run)."""
        last = self.moments.isel(time=-1, drop=True)
        rows = last.to_dataframe().reset_index().to_dict("records")
        return [{str(name): value for name, value in row.items()} for row in rows]

    def json(self) -> dict[str, Any]:
        """Time courses of the populations as plain data."""
        own = {str(name): v.values.tolist() for name, v in self.moments.variables.items()}
        own |= {"N": self.dataset.sizes["neuron"], "steps": self.steps, "t_end": self.t_end}
        return {**self.status.json(), **own}


def simulation(
    network: Network, ran: Ran, runs: int | None, times: np.ndarray, recorded: Any, t1: float
) -> Simulation:
    """The result of an integration, with neurons in the network's order."""
    each = [ran] if runs is None else [ran.of_run(k) for k in range(runs)]
    made = [_dataset(network, own, times, recorded) for own in each]
    statuses = [_status(own, t1) for own in each]
    status = next((s for s in statuses if not s.ok), statuses[0])
    if runs is None:
        return Simulation(made[0], status)
    joined: Any = {"data_vars": "all", "coords": "minimal", "compat": "override"}
    together = xr.concat(made, "run", join="override", combine_attrs="override", **joined)
    return Simulation(together, status)


def _dataset(network: Network, ran: Ran, times: np.ndarray, recorded: Any) -> xr.Dataset:
    place = np.argsort(np.argsort(network.labels, kind="stable"))
    there = (times <= float(ran.reached))[:, None]
    data: dict[str, Any] = {
        name: (("time", "population"), np.where(there, np.asarray(ran.moments)[:, :, k], np.nan))
        for k, name in enumerate(MOMENTS)
    }
    data |= {"x": ("neuron", np.asarray(ran.x)[place]), "r": ("neuron", np.asarray(ran.r)[place])}
    coords: dict[str, Any] = {
        "time": times,
        "population": list(network.populations),
        "neuron": np.arange(network.N),
        "label": ("neuron", np.asarray(network.populations)[network.labels]),
    }
    if recorded is not None:
        x = np.where(there, np.asarray(ran.trajectory), np.nan)
        data["trajectory"] = (("time", "recorded"), x)
        coords["recorded"] = recorded
    if ran.end is not None:
        data["state"] = (("part", "neuron"), _parts(ran.end)[:, place])
    attrs = {
        "t_end": float(ran.reached),
        "steps": int(ran.accepted),
        "rejected": int(ran.rejected),
    }
    return xr.Dataset(data, coords=coords, attrs=attrs)


def _status(ran: Ran, t1: float) -> Status:
    ends = [np.asarray(v) for v in (ran.x, *jax.tree.leaves(ran.end))]
    finite = all(np.isfinite(v).all() for v in ends)
    if finite and not ran.exhausted and ran.reached >= t1:
        return Status()
    at = f"at t = {float(ran.reached):.6g} of {t1:.6g}"
    if ran.exhausted:
        return Status(
            f"stopped: max_steps was reached {at}: allow more steps, or larger tolerances",
            Code.NOT_CONVERGED,
        )
    if finite and max(np.max(np.abs(v)) for v in ends) <= LARGEST_STATE:
        return Status(
            f"diverged: no step is small enough {at}: the solution blows up there, or phi or the "
            "input is not finite",
            Code.DIVERGED,
        )
    return Status(
        f"diverged: |x| exceeds {LARGEST_STATE:g} {at}: phi does not bound the recurrent "
        "excitation",
        Code.DIVERGED,
    )


def reached(resume: Result, network: Network) -> float:
    """The time from which a simulation of this network can go on."""
    data: Any = getattr(resume, "dataset", None)
    whole = isinstance(data, xr.Dataset) and {"x", "r"} <= set(data.data_vars)
    if not whole or data.sizes.get("neuron") != network.N or "run" in data.dims:
        raise ParameterError(
            "resume is the result of an earlier `simulate` of this network of "
            f"{network.N} neurons, one run of it"
        )
    if not resume.status.ok:
        raise ParameterError(f"the simulation to go on from has failed: {resume.status}")
    return float(data.attrs["t_end"])


def initial_currents(
    network: Network, initial: Any, resume: Result | None, order: np.ndarray
) -> np.ndarray:
    """x of all neurons at the start, in the given order."""
    if resume is not None:
        if np.any(np.asarray(initial) != 0):
            raise ParameterError("resume and initial both say where to begin: give one of them")
        return np.asarray(resume.dataset["x"].values, dtype=float)[order]
    if np.shape(initial) == (network.N,):
        start = np.asarray(initial, dtype=float)
        if not np.all(np.isfinite(start)):
            neuron = int(np.argmin(np.isfinite(start)))
            raise ParameterError(f"initial of {name_at(neuron, network.ids)} is not finite")
        return start[order]
    return by_population(initial, network.populations, "initial")[network.labels][order]


def initial_states(
    units: Units, x: np.ndarray, resume: Result | None, order: np.ndarray, sizes: tuple[int, ...]
) -> Any:
    """States of all filters at the start: as `Units.start` does, or where a run ended."""
    if resume is None:
        return units.start(by_parts(jnp.asarray(x), sizes))
    states = _resumed(resume.dataset, units, order, sizes)
    if x.ndim == 1:
        return states
    return jax.tree.map(lambda z: jnp.repeat(z[..., None], x.shape[1], axis=-1), states)


def _parts(states: Any) -> np.ndarray:
    """All states of filters, (part, N): membrane, then synapse; NaN where a filter has fewer."""
    rows = [max(0 if z is None else len(z) for z in kind) for kind in states]
    sizes = [next(z for z in own if z is not None).shape[1] for own in zip(*states, strict=True)]
    blocks = [[np.full((n, size), np.nan) for size in sizes] for n in rows]
    for kind, block in zip(states, blocks, strict=True):
        for z, part in zip(kind, block, strict=True):
            if z is not None:
                part[: len(z)] = z
    return np.concatenate([np.concatenate(block, axis=1) for block in blocks])


def _resumed(found: xr.Dataset, units: Units, order: np.ndarray, sizes: tuple[int, ...]) -> Any:
    if "state" not in found:
        raise ParameterError(
            "the simulation to go on from had units without filters; these have some"
        )
    start = units.start(tuple(jnp.zeros(n) for n in sizes))
    given = np.split(found["state"].values[:, order], np.cumsum(sizes)[:-1], axis=1)
    first = max(0 if z is None else len(z) for z in start.membrane)
    membrane = [
        None if z is None else jnp.asarray(own[: len(z)])
        for z, own in zip(start.membrane, given, strict=True)
    ]
    synapse = [
        None if z is None else jnp.asarray(own[first : first + len(z)])
        for z, own in zip(start.synapse, given, strict=True)
    ]
    lacking = any(bool(jnp.any(jnp.isnan(z))) for z in (*membrane, *synapse) if z is not None)
    if found.sizes["part"] != len(_parts(start)) or lacking:
        raise ParameterError("the simulation to go on from had other filters than these units")
    return type(start)(tuple(membrane), tuple(synapse))
