"""How many states a network has over two parameters, with the curves where the number changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import xarray as xr

from ...errors import ParameterError
from ...time_units import measured
from ..fixed_points import fixed_points_batch
from ..parameters import Parameters, Scalar, stacked, violations
from ..results import Noted
from ..stability import bulk_gains
from ..system import System
from .along import check_bounds, prepared, two_numbers
from .curve_results import BifurcationCurves
from .curves import bifurcation_curves


@dataclass(frozen=True, repr=False, eq=False)
class PhaseDiagram(Noted):
    """Fixed points over a grid of two parameters.

    Args:
        names: of the two parameters.
        dataset: over (first, second): `count` of fixed points; `attractors`, how many are stable;
            `oscillating`, whether there are some and all are unstable (activity that stays bounded
            then oscillates, or is irregular); `bulk_unstable`, in how many of the attractors the
            bulk of the network's spectrum grows (it does not rest there, chaos is to be expected);
            `feasible`; and the evidence of `fixed_points_batch`: `least_hits`, `index_sum`,
            `status`. Over (first, second, point): `stable` (1, 0), `bulk_gain` (NaN where the
            equations are unstable), `residual`; over (first, second, point, population): `mean`,
            `variance`, `rate`; points by mean rate, NaN where there are fewer; `eigenvalues`.
        curves: of folds and Hopf points, or None.
        populations: their names.
        notes: what was not reached.
    """

    names: tuple[str, str]
    dataset: xr.Dataset
    curves: BifurcationCurves | None
    populations: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """Over what."""
        return f"Fixed points over {self.names[0]} and {self.names[1]}"

    def rows(self) -> list[dict[str, Any]]:
        """What part of the grid has how many states."""
        data = self.dataset
        kinds, number = np.unique(
            np.stack(
                [
                    data["count"].values.ravel(),
                    data["attractors"].values.ravel(),
                    data["bulk_unstable"].values.ravel(),
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
                "bulk unstable": int(b),
                "oscillating": bool(o),
                "share": float(n / data["count"].size),
            }
            for (c, a, b, o), n in zip(kinds.T, number, strict=True)
        ]

    def json(self) -> dict[str, Any]:
        """Plain data."""
        data = self.dataset
        grids = {
            name: data[name].values.tolist()
            for name in ("count", "attractors", "bulk_unstable", "oscillating", "feasible")
        }
        return {
            "vary": list(self.names),
            **self.status.json(),
            "first": data["first"].values.tolist(),
            "second": data["second"].values.tolist(),
            **grids,
            "curves": None if self.curves is None else self.curves.json(),
        }


def phase_diagram(
    system: System,
    parameters: Parameters,
    names: tuple[str | Scalar, str | Scalar],
    *,
    bounds: tuple[tuple[float, float], tuple[float, float]],
    grid: tuple[int, int] = (41, 41),
    curves: bool = True,
    initial: Any = None,
    starts: int = 32,
    seed: int = 0,
    time: float = 0.0,
    progress: Callable[[str, float], None] | None = None,
) -> PhaseDiagram:
    """Number and stability of fixed points over two parameters, with bifurcation curves.

    The fixed points of all grid points are searched for at once. Attractors are those of the
    equations; those in which the bulk of the network's spectrum grows are marked. The curves are
    those of `bifurcation_curves`.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers.
        names: of the two parameters, as for `continuation.follow`.
        bounds: lowest and highest value of each; with curves, their own values must lie within.
        grid: points along each.
        curves: whether to follow folds and Hopf points.
        initial: fixed points of `parameters` from which these start, by default all.
        starts: random starts of the search at every grid point.
        seed: of the starts.
        time: when the inputs are held.
        progress: called with what is being done and the part, 0 to 1, that is done.

    Returns:
        The grid and the curves; the status counts grid points where a point may be missing.

    Raises:
        ParameterError: unknown or equal names, bad bounds, or a grid that is none.
        ArchitectureError: a closure of fixed points alone (`Cavity`).
    """
    own = prepared(
        system, parameters, time, "phase_diagram", "stability over a phase diagram", names
    )
    numbers = two_numbers(names, own)
    labels = (numbers[0].name, numbers[1].name)
    for number, limits in zip(numbers, bounds, strict=True):
        check_bounds(number.name, limits, number.get(own) if curves else None)
    say = progress or (lambda text, part: None)
    options = {"starts": starts, "seed": seed}
    data, notes = _searched(system, own, numbers, _axes(bounds, grid), say, options)
    say("curves", 0.7)
    how: Any = {"bounds": bounds, "initial": initial}
    lines = bifurcation_curves(system, own, numbers, **how) if curves else None
    notes += lines.notes if lines is not None else ()
    return PhaseDiagram(labels, data.assign_attrs(vary=list(labels)), lines, own.populations, notes)


def _searched(
    system: System,
    parameters: Parameters,
    numbers: tuple[Scalar, Scalar],
    axes: list[np.ndarray],
    say: Callable[[str, float], None],
    options: Any,
) -> tuple[xr.Dataset, tuple[str, ...]]:
    """The fixed points of all grid points, and doubts about them."""
    values = np.stack([v.ravel() for v in np.meshgrid(*axes, indexing="ij")], axis=1)
    sets, grid = stacked(numbers, parameters, values), (len(axes[0]), len(axes[1]))
    options |= {"progress": lambda text, part: say(f"grid: {text}", 0.6 * part)}
    found = fixed_points_batch(system, sets, throw=False, **options)
    say("feasibility", 0.6)
    feasible = (("first", "second"), _feasible(sets, len(values)).reshape(grid))
    batch = found.dataset.assign(bulk_gain=(("set", "point"), _gains(system, sets, found.dataset)))
    data = _on_grid(batch, axes, grid).assign(feasible=feasible)
    return measured(data, parameters.time_unit), found.doubts("grid points")


def _axes(bounds: Sequence[tuple[float, float]], grid: tuple[int, int]) -> list[np.ndarray]:
    if len(grid) != 2 or min(grid) < 2:
        raise ParameterError(f"a grid has at least 2 x 2 points: {grid!r}")
    return [np.linspace(*limits, count) for limits, count in zip(bounds, grid, strict=True)]


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
    return made.assign(
        attractors=attractors,
        oscillating=(made["count"] > 0) & (attractors == 0),
        bulk_unstable=(made["bulk_gain"] >= 1).sum("point"),
    )


def _gains(system: System, sets: Parameters, found: xr.Dataset) -> np.ndarray:
    """Of the bulk at every point at which the equations are stable, (set, point)."""
    stable = found["stable"].values == 1
    gains = np.full(stable.shape, np.nan)
    own = np.nonzero(stable)[0]
    if len(own):
        each = jax.tree.map(lambda v: np.asarray(v)[own], sets)
        mean, variance = (found[name].values[stable] for name in ("mean", "variance"))
        gains[stable] = bulk_gains(system, each, mean, variance)
    return gains


def _feasible(sets: Parameters, count: int) -> np.ndarray:
    """Where a network can have the statistics."""
    plain = jax.tree.map(np.asarray, sets)
    return np.array(
        [not violations(jax.tree.map(lambda leaf, k=k: leaf[k], plain)) for k in range(count)]
    )
