"""How many states a network has over two numbers of its parameters: fixed points on a grid, with the curves where they change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
import xarray as xr

from ..errors import ParameterError
from .along import Along
from .branches import Branches, crossings
from .continuation import along_of, check_bounds, continuation
from .curves import BifurcationCurves, bifurcation_curves
from .feasibility import violations
from .parameters import Parameters
from .precision import require_x64
from .response import held
from .system import System
from .vary import Scalar, scalar, stacked

MOST = 12
STARTS = 24
TOLERANCE = 1e-9


@dataclass(frozen=True)
class PhaseDiagram:
    """Fixed points over a grid of two numbers.

    dataset: over (first, second): `count` of fixed points, `attractors`, how many are stable, `oscillating`, whether there are
    some and all are unstable (activity that stays bounded then oscillates, or is irregular), `feasible`, `hits`, how often the point that was
    reached least was reached; over (first, second, point): `stable`, `leading` eigenvalue (complex); over (first, second, point, population):
    `mean`, `variance`, `rate`; points by mean rate, NaN where there are fewer. curves: folds and Hopf points, or None. starts: per grid point.
    """

    names: tuple[str, str]
    dataset: xr.Dataset
    curves: BifurcationCurves | None
    populations: tuple[str, ...]
    starts: int
    notes: tuple[str, ...]

    @property
    def status(self) -> str:
        """ "ok", or what was not reached."""
        return "; ".join(self.notes) or "ok"

    def rows(self) -> list[dict[str, Any]]:
        """What part of the grid has how many states, for a table."""
        data = self.dataset
        kinds, number = np.unique(np.stack([data["count"].values.ravel(), data["attractors"].values.ravel(), data["oscillating"].values.ravel()]),
                                  axis=1, return_counts=True)  # fmt: skip
        return [{"fixed points": int(c), "attractors": int(a), "oscillating": bool(o), "share": float(n / data["count"].size)}
                for (c, a, o), n in zip(kinds.T, number, strict=True)]  # fmt: skip

    def json(self) -> dict[str, Any]:
        """Plain data."""
        data = self.dataset
        grids = {name: data[name].values.tolist() for name in ("count", "attractors", "oscillating", "feasible")}
        return {"vary": list(self.names), "status": self.status, "first": data["first"].values.tolist(), "second": data["second"].values.tolist(),
                **grids, "curves": None if self.curves is None else self.curves.json()}  # fmt: skip


def phase_diagram(
    system: System, parameters: Parameters, vary: tuple[str | Scalar, str | Scalar], *, bounds: tuple[tuple[float, float], tuple[float, float]],
    grid: tuple[int, int] = (41, 41), curves: bool = True, start: Any = None, time: float = 0.0,
    progress: Callable[[str, float], None] | None = None,
) -> PhaseDiagram:  # fmt: skip
    """Number and stability of the fixed points over a grid of two numbers of the parameters, and the curves of folds and Hopf points.

    The fixed points of `parameters` (from `start`, or all of `fixed_points`) are first followed in both numbers; states spread over these
    branches are the starts of Newton's method, all at once, at every grid point. Stability is that of the equations. States that are
    connected to none of the starts are not seen. Raises `ParameterError` for names, bounds and grid.
    """
    require_x64()
    system.check(parameters)
    if len(grid) != 2 or min(grid) < 2:
        raise ParameterError(f"a grid has at least 2 x 2 points: {grid!r}")
    own = held(system.complete(parameters), time)
    numbers = (scalar(vary[0], own), scalar(vary[1], own))
    names = (numbers[0].name, numbers[1].name)
    if names[0] == names[1]:
        raise ParameterError(f"two different numbers are needed, not {names[0]!r} twice")
    for number, limits in zip(numbers, bounds, strict=True):
        check_bounds(number.name, limits, number.get(own))
    say = progress or (lambda what, part: None)
    say("branches", 0.0)
    branches = _skeleton(system, own, numbers, bounds, start)
    starts = _spread(branches)
    along = along_of(system, own, numbers, bounds, list(starts))
    axes = [np.linspace(*limits, count) for limits, count in zip(bounds, grid, strict=True)]
    values = np.stack([v.ravel() for v in np.meshgrid(*axes, indexing="ij")], axis=1)
    say("grid", 0.3)
    data = _grid(along, values, starts)
    say("feasibility", 0.7)
    data["feasible"] = ((), _feasible(own, numbers, values))
    shaped = {name: (("first", "second", *dims), v.reshape(*grid, *v.shape[1:])) for name, (dims, v) in data.items()}
    found = xr.Dataset(shaped, coords={"first": axes[0], "second": axes[1], "population": list(own.populations)}, attrs={"vary": list(names)})
    say("curves", 0.8)
    lines = bifurcation_curves(system, own, (numbers[0], numbers[1]), bounds=bounds, special=branches[:2]) if curves else None
    notes = tuple(dict.fromkeys(n for b in branches[:2] for n in b.notes)) + (lines.notes if lines is not None else ())
    return PhaseDiagram(names, found, lines, own.populations, len(starts), tuple(dict.fromkeys(notes)))


def _skeleton(system: System, own: Parameters, numbers: tuple[Scalar, Scalar], bounds: Any, start: Any) -> list[Branches]:
    """Branches in each number from the given parameters, and in the first one from both ends of the second."""
    found = [continuation(system, own, n, bounds=limits, start=start) for n, limits in zip(numbers, bounds, strict=True)]
    for end in bounds[1]:
        changed = numbers[1].set(own, end)
        states = [found[1].along.model.state(jnp.asarray(y)) for y in crossings(found[1].along, found[1].branches, end)]
        ahead = [s for s in states if bool(jnp.all(jnp.isfinite(found[1].along.model.field(found[1].along.model.flat(s), changed))))]
        if ahead:
            found.append(continuation(system, changed, numbers[0], bounds=bounds[0], start=ahead))
    return found


def _spread(branches: list[Branches]) -> np.ndarray:
    """States on the branches, far from each other: each next one is the farthest from those chosen."""
    states = np.concatenate([b.points[:, :-1] * np.asarray(own.along.scale) for own in branches for b in own])
    size = np.maximum(np.ptp(states, axis=0), 1e-6)
    chosen = [0]
    distance = np.linalg.norm((states - states[0]) / size, axis=1)
    for _ in range(min(STARTS, len(states)) - 1):
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm((states - states[chosen[-1]]) / size, axis=1))
    return states[chosen]


@eqx.filter_jit
def _roots(along: Along, values, starts):
    def one(v):
        field = along.model.bind(along.at(v))

        def newton(y):
            found = optx.root_find(lambda z, _: field(z), optx.Newton(rtol=1e-12, atol=1e-12), y, max_steps=40, throw=False).value
            return found, jnp.max(jnp.abs(field(found)))

        return jax.vmap(newton)(starts)

    return jax.lax.map(one, values, batch_size=64)


@eqx.filter_jit
def _described(along: Along, values, states):
    def one(pair):
        v, ys = pair
        own = along.at(v)
        return jax.vmap(lambda y: (along.model.jacobian(y, own), along.model.observables(y, own)))(ys)

    return jax.lax.map(one, (values, states), batch_size=64)


def _grid(along: Along, values: np.ndarray, starts: np.ndarray) -> dict[str, Any]:
    """Distinct fixed points at every pair of values, by mean rate."""
    ends, residuals = (np.asarray(v) for v in _roots(along, jnp.asarray(values), jnp.asarray(starts)))
    states = np.full((len(values), MOST, along.n), np.nan)
    hits = np.zeros((len(values), MOST), dtype=int)
    scale = np.asarray(along.scale)
    for k, (ys, errors) in enumerate(zip(ends, residuals, strict=True)):
        count = 0
        for y in ys[errors < TOLERANCE]:
            near = np.flatnonzero(np.max(np.abs(states[k, :count] - y) / scale, axis=1) < 1e-6)
            if len(near):
                hits[k, near[0]] += 1
            elif count < MOST:
                states[k, count], hits[k, count] = y, 1
                count += 1
    there = np.isfinite(states[:, :, 0])
    jacobians, seen = _described(along, jnp.asarray(values), jnp.asarray(np.where(there[:, :, None], states, 0.0)))
    eigenvalues = np.linalg.eigvals(np.asarray(jacobians))
    leading = np.take_along_axis(eigenvalues, np.argmax(eigenvalues.real + 1e-12 * eigenvalues.imag, axis=-1)[..., None], axis=-1)[..., 0]
    rate = np.where(there[:, :, None], np.asarray(seen["rate"]), np.nan)
    order = np.argsort(np.where(there, rate.mean(axis=2), np.inf), axis=1, kind="stable")
    stable = there & (leading.real < 0)
    data: dict[str, Any] = {
        "count": ((), there.sum(axis=1)), "attractors": ((), stable.sum(axis=1)),
        "oscillating": ((), (stable.sum(axis=1) == 0) & there.any(axis=1)),
        "hits": ((), np.where(there, hits, np.iinfo(int).max).min(axis=1) * there.any(axis=1)),
        "stable": (("point",), np.take_along_axis(stable, order, axis=1)),
        "leading": (("point",), np.take_along_axis(np.where(there, leading, np.nan), order, axis=1)),
    }  # fmt: skip
    for name, v in seen.items():
        own = np.where(there[:, :, None], np.asarray(v), np.nan)
        data[name] = (("point", "population"), np.take_along_axis(own, order[:, :, None], axis=1))
    return data


def _feasible(own: Parameters, numbers: tuple[Scalar, Scalar], values: np.ndarray) -> np.ndarray:
    """Where a network can have the statistics."""
    sets = jax.tree.map(np.asarray, stacked(numbers, own, values))
    return np.array([not violations(jax.tree.map(lambda leaf, k=k: leaf[k], sets)) for k in range(len(values))])
