"""Branches of fixed points along a parameter, with their special points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...errors import ParameterError
from ..fixed_points import FixedPoint, fixed_point, same_root
from ..results import Collection, Noted
from ..system import named, numbers
from .along import Along
from .arclength import on_plane
from .special_points import SpecialPoint, of_kind


@dataclass(frozen=True, eq=False)
class Branch:
    """One curve of fixed points.

    Args:
        dataset: over (step, population): `mean`, `variance`, `kappa`, `rate`; over step: `value` of
            the parameter that varies, `stable` (all eigenvalues of the equations have negative real
            parts), `unstable_modes`, `bulk_gain` (NaN where the equations are unstable or it is not
            known), `bulk_unstable` (stable equations, and the gain is 1 or more: the network does
            not rest here, chaos is to be expected), `feasible` (whether a network has these
            statistics), `physical` (no variance is negative); over (step, mode): `eigenvalues`.
        points: in the scaled units of the continuation, (steps, n + 1).
        tangents: of unit length in the same units.
        ended: why each end is where it is: "bounds", "closed", "steps", "stalled", "branch point".
        origin: where it began.
    """

    dataset: xr.Dataset
    points: np.ndarray
    tangents: np.ndarray
    ended: tuple[str, str]
    origin: str

    @property
    def values(self) -> np.ndarray:
        """The parameter that varies, along the branch."""
        return self.dataset["value"].values

    @property
    def stable(self) -> np.ndarray:
        """Where the equations are stable."""
        return self.dataset["stable"].values

    @property
    def bulk_unstable(self) -> np.ndarray:
        """Where the equations are stable, and the bulk of the network's spectrum is not."""
        return self.dataset["bulk_unstable"].values


@dataclass(frozen=True, repr=False, eq=False)
class Branches(Noted, Collection[Branch]):
    """All branches that were found; make them with `continuation.follow`.

    A collection of `Branch`es: `found[0]`, `len(found)`, `for branch in found`; `found["rate"]` is
    a variable of the dataset.

    Args:
        name: of the parameter that varies.
        bounds: its lowest and highest value.
        branches: the curves.
        special: special points, by branch and in order along it.
        notes: what was not reached.
        along: the scaled equations that were followed.
        system: the equations.
    """

    name: str
    bounds: tuple[float, float]
    branches: tuple[Branch, ...]
    special: tuple[SpecialPoint, ...]
    notes: tuple[str, ...]
    along: Along
    system: Any

    @property
    def parts(self) -> tuple[Branch, ...]:
        """The branches."""
        return self.branches

    @property
    def title(self) -> str:
        """How many branches there are, and along what."""
        return f"{len(self)} branch{'es' * (len(self) != 1)} along {self.name}"

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the populations."""
        return self.along.parameters.populations

    @property
    def time_unit(self) -> str:
        """That of the parameters."""
        return self.along.parameters.time_unit

    def of(self, kind: str) -> list[SpecialPoint]:
        """The special points of one kind, by value; an empty list where there are none.

        Args:
            kind: "fold", "Hopf", "branch point", "negative variance", "infeasible" or "bulk
                instability".

        Raises:
            ParameterError: there is no such kind.
        """
        return sorted(of_kind(self.special, kind), key=lambda s: s.value)

    def at(self, value: float) -> list[FixedPoint]:
        """Every fixed point on the branches at one value, by mean rate.

        They are interpolated between steps, and polished by Newton's method.

        Args:
            value: of the parameter that varies.

        Raises:
            ParameterError: the value is outside of the bounds.
        """
        if not self.bounds[0] <= value <= self.bounds[1]:
            raise ParameterError(
                f"{self.name} = {value} is outside of the bounds of the continuation, {self.bounds}"
            )
        found: list[FixedPoint] = []
        parameters, model = self.along.at([value]), self.along.model
        for y in crossings(self.along, self.branches, value):
            state = model.state(jnp.asarray(y))
            point = fixed_point(self.system, parameters, state, settle=0.0, throw=False)
            y = np.asarray(model.flat(point.state))
            if not any(same_root(y, np.asarray(model.flat(p.state))) for p in found):
                found.append(point)
        return sorted(found, key=lambda p: float(p.dataset["rate"].mean()))

    def rows(self) -> list[dict[str, Any]]:
        """The special points."""
        return [s.row(self.name, self.populations) for s in self.special]

    def json(self) -> dict[str, Any]:
        """Plain data: every branch with its stability, and the special points."""
        branches = []
        known = (
            "value",
            "mean",
            "variance",
            "rate",
            "stable",
            "unstable_modes",
            "bulk_unstable",
            "feasible",
            "physical",
        )
        for b in self.branches:
            own = {name: b.dataset[name].values.tolist() for name in known}
            branches.append({**own, "ended": list(b.ended), "origin": b.origin})
        return {
            "vary": self.name,
            "bounds": list(self.bounds),
            **self.status.json(),
            "populations": list(self.populations),
            "branches": branches,
            "special": self.rows(),
        }

    @property
    def dataset(self) -> xr.Dataset:
        """All branches one after the other over `step`, with `branch`, the number of each."""
        parts = [
            b.dataset.assign(branch=("step", np.full(len(b.values), k)))
            for k, b in enumerate(self.branches)
        ]
        made = xr.concat(parts, dim="step") if parts else xr.Dataset()
        return made.assign_attrs(vary=self.name, status=str(self.status))


def crossings(along: Along, branches: Any, value: float) -> list[np.ndarray]:
    """States of the branches where they pass a value."""
    s = float((value - np.asarray(along.low)[0]) / np.asarray(along.width)[0])
    axis = np.zeros(along.n + 1)
    axis[-1] = 1.0
    found = []
    for branch in branches:
        position = branch.points[:, -1] - s
        for k in np.flatnonzero(position[:-1] * position[1:] <= 0):
            a, b = branch.points[k], branch.points[k + 1]
            part = (
                position[k] / (position[k] - position[k + 1])
                if position[k] != position[k + 1]
                else 0.0
            )
            guess = a + part * (b - a)
            guess[-1] = s
            x, _, good = on_plane(along, guess, guess, axis)
            if good and np.linalg.norm(x - guess) < 2 * np.linalg.norm(b - a) + 1e-9:
                found.append(np.asarray(along.state(x)))
    return found


def branch_dataset(
    system: Any,
    along: Along,
    points: np.ndarray,
    eigenvalues: np.ndarray,
    seen: dict[str, np.ndarray],
    feasible: np.ndarray,
    gains: np.ndarray,
) -> xr.Dataset:
    """The dataset of a branch from its points."""
    states = jax.vmap(lambda x: along.model.state(along.state(x)))(jnp.asarray(points))
    data = {name: np.asarray(v) for name, v in named(system, states).items()} | {
        "variance": seen["variance"],
        "rate": seen["rate"],
    }
    steps = np.arange(len(points))
    made = numbers(
        system,
        data,
        along.parameters.populations,
        {"step": steps},
        {"vary": along.names[0].scalar.name},
    ).dataset
    unstable = np.sum(eigenvalues.real >= 0, axis=1)
    values = np.asarray(along.low)[0] + np.asarray(along.width)[0] * points[:, -1]
    return made.assign(
        value=("step", values),
        eigenvalues=(("step", "mode"), eigenvalues),
        stable=("step", unstable == 0),
        unstable_modes=("step", unstable),
        bulk_gain=("step", gains),
        bulk_unstable=("step", gains >= 1),
        feasible=("step", feasible),
        physical=("step", seen["variance"].min(axis=1) >= -1e-12),
    )
