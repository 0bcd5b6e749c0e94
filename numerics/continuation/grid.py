"""How many states a network has over two numbers of its parameters: fixed points on a grid, with the curves where they change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import xarray as xr

from ...errors import ParameterError
from ..fixed_points import fixed_points_batch
from ..parameters import Parameters, Scalar, stacked, violations
from ..precision import require_x64
from ..system import System, held
from .curves import BifurcationCurves, bifurcation_curves
from .tracing import check_bounds, two_numbers


@dataclass(frozen=True)
class PhaseDiagram:
    """Fixed points over a grid of two numbers.

    dataset: over (first, second): `count` of fixed points, `attractors`, how many are stable, `oscillating`, whether there are
    some and all are unstable (activity that stays bounded then oscillates, or is irregular), `feasible`, and the evidence of
    `fixed_points_batch`: `least_hits`, `index_sum`, `status`; over (first, second, point): `stable` (1, 0), `residual`; over
    (first, second, point, population): `mean`, `variance`, `rate`; points by mean rate, NaN where there are fewer; `eigenvalues`. curves: folds and
    Hopf points, or None.
    """

    names: tuple[str, str]
    dataset: xr.Dataset
    curves: BifurcationCurves | None
    populations: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def status(self) -> str:
        """ "ok", or what was not reached."""
        return "; ".join(self.notes) or "ok"

    def rows(self) -> list[dict[str, Any]]:
        """What part of the grid has how many states, for a table."""
        data = self.dataset
        kinds, number = np.unique(
            np.stack(
                [
                    data["count"].values.ravel(),
                    data["attractors"].values.ravel(),
                    data["oscillating"].values.ravel(),
                ]
            ),
            axis=1,
            return_counts=True,
        )
        return [
            {
                "fixed points": int(c),
                "attractors": int(a),
                "oscillating": bool(o),
                "share": float(n / data["count"].size),
            }
            for (c, a, o), n in zip(kinds.T, number, strict=True)
        ]

    def json(self) -> dict[str, Any]:
        """Plain data."""
        data = self.dataset
        grids = {
            name: data[name].values.tolist()
            for name in ("count", "attractors", "oscillating", "feasible")
        }
        return {
            "vary": list(self.names),
            "status": self.status,
            "first": data["first"].values.tolist(),
            "second": data["second"].values.tolist(),
            **grids,
            "curves": None if self.curves is None else self.curves.json(),
        }


def phase_diagram(
    system: System,
    parameters: Parameters,
    vary: tuple[str | Scalar, str | Scalar],
    *,
    bounds: tuple[tuple[float, float], tuple[float, float]],
    grid: tuple[int, int] = (41, 41),
    curves: bool = True,
    start: Any = None,
    starts: int = 32,
    seed: int = 0,
    time: float = 0.0,
    progress: Callable[[str, float], None] | None = None,
) -> PhaseDiagram:
    """Number and stability of the fixed points over a grid of two numbers of the parameters, and the curves of folds and Hopf points.

    The fixed points of every grid point are searched for at once (`fixed_points_batch`, whose `starts` and `seed` these are); grid points where
    one may be missing are said in the status. Stability is that of the equations. The curves are those of `bifurcation_curves`, from the
    fixed points `start` of `parameters` (by default all), whose own values must lie within bounds; curves that pass no branch in one of the two
    numbers from there are not seen. Raises `ParameterError` for names, bounds and grid.
    """
    require_x64()
    system.refuse_static("stability over a phase diagram")
    system.check(parameters)
    if len(grid) != 2 or min(grid) < 2:
        raise ParameterError(f"a grid has at least 2 x 2 points: {grid!r}")
    own = held(system.complete(parameters), time)
    numbers = two_numbers(vary, own)
    names = (numbers[0].name, numbers[1].name)
    for number, limits in zip(numbers, bounds, strict=True):
        check_bounds(number.name, limits, number.get(own) if curves else None)
    say = progress or (lambda what, part: None)
    axes = [np.linspace(*limits, count) for limits, count in zip(bounds, grid, strict=True)]
    values = np.stack([v.ravel() for v in np.meshgrid(*axes, indexing="ij")], axis=1)
    sets = stacked(numbers, own, values)
    found = fixed_points_batch(
        system,
        sets,
        starts=starts,
        seed=seed,
        progress=lambda what, part: say(f"grid: {what}", 0.6 * part),
    )
    say("feasibility", 0.6)
    feasible = _feasible(sets, len(values)).reshape(grid)
    data = (
        _on_grid(found, axes, grid)
        .assign(feasible=(("first", "second"), feasible))
        .assign_attrs(vary=list(names))
    )
    say("curves", 0.7)
    lines = bifurcation_curves(system, own, numbers, bounds=bounds, start=start) if curves else None
    notes = _doubts(found["status"].values) + (lines.notes if lines is not None else ())
    return PhaseDiagram(names, data, lines, own.populations, notes)


def _on_grid(found: xr.Dataset, axes: list[np.ndarray], grid: tuple[int, int]) -> xr.Dataset:
    """A batch over (set, ...) as one over (first, second, ...), with counts of attractors."""
    data = {
        name: (("first", "second", *v.dims[1:]), v.values.reshape(*grid, *v.shape[1:]))
        for name, v in found.data_vars.items()
    }
    made = xr.Dataset(
        data, coords={"first": axes[0], "second": axes[1], "population": found["population"].values}
    )
    attractors = (made["stable"] == 1).sum("point")
    return made.assign(attractors=attractors, oscillating=(made["count"] > 0) & (attractors == 0))


def _doubts(status: np.ndarray) -> tuple[str, ...]:
    kinds, counts = np.unique(status, return_counts=True)
    return tuple(
        f"{n} of {len(status)} grid points: {kind}"
        for kind, n in zip(kinds, counts, strict=True)
        if not str(kind).startswith("ok")
    )


def _feasible(sets: Parameters, count: int) -> np.ndarray:
    """Where a network can have the statistics."""
    plain = jax.tree.map(np.asarray, sets)
    return np.array(
        [not violations(jax.tree.map(lambda leaf, k=k: leaf[k], plain)) for k in range(count)]
    )
