"""How many states a network has over two parameters, with the curves where the number changes.

The grid is a sweep of all fixed points, which also has the gain of the bulk at each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ...errors import ParameterError
from ...time_units import measured
from ..parameters import Parameters, Scalar
from ..results import Noted
from ..sweeps import AT_ONCE, STATUS, Sweep, attractor_counts, called, sweep
from ..system import System
from .along import check_bounds, prepared, two_numbers
from .attractors import WithGains
from .curve_results import BifurcationCurves
from .curves import bifurcation_curves

KINDS = {
    **dict.fromkeys(("count", "index_sum", "least_hits", "attractors", "bulk_unstable"), int),
    **dict.fromkeys(("overflow", "feasible", "oscillating"), bool),
}
"""Whole numbers and truth values, 0 at grid points that failed: their status says why."""


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
    out: str | Path | None = None,
    resume: bool = False,
    at_once: int = AT_ONCE,
    scheduler: Any = None,
    workers: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> PhaseDiagram:
    """Number and stability of fixed points over two parameters, with bifurcation curves.

    The grid is a sweep of all fixed points. Attractors are those of the equations; those in which
    the bulk of the network's spectrum grows are marked.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers.
        names: of the two parameters, as for `continuation.follow`.
        bounds: lowest and highest value of each; with curves, their own values must lie within.
        grid: points along each.
        curves: whether to follow folds and Hopf points, as `bifurcation_curves` does.
        initial: fixed points of `parameters` from which these start, by default all.
        starts, seed: random starts of the search at every grid point, and their seed.
        time: when the inputs are held.
        out, resume, at_once, scheduler, workers: of the grid, as `sweep` takes them.
        progress: called with what is being done and the part, 0 to 1, that is done.

    Returns:
        The grid and the curves; the status counts grid points where something is not known.

    Raises:
        ParameterError: unknown or equal names, bad bounds, or a grid that is none.
        ArchitectureError: a closure of fixed points alone (`Cavity`); and what `sweep` raises.
    """
    asked = ("phase_diagram", "stability over a phase diagram", names)
    own = prepared(system, parameters, time, *asked)
    numbers = two_numbers(names, own)
    labels = (numbers[0].name, numbers[1].name)
    for number, limits in zip(numbers, bounds, strict=True):
        check_bounds(number.name, limits, number.get(own) if curves else None)
    say = progress or (lambda text, part: None)
    over = dict(zip(labels, _axes(bounds, grid), strict=True))
    kept: Any = {"out": out, "resume": resume, "at_once": at_once, "starts": starts, "seed": seed}
    kept |= {"scheduler": scheduler, "workers": workers}
    kept["progress"] = lambda text, part: say(f"grid: {text}", 0.7 * part)
    found = sweep(system, own, over, WithGains(), **kept)
    say("curves", 0.7)
    how: Any = {"bounds": bounds, "initial": initial}
    lines = bifurcation_curves(system, own, numbers, **how) if curves else None
    return _diagram(found, lines, labels, own)


def _diagram(
    found: Sweep, lines: BifurcationCurves | None, labels: tuple[str, str], own: Parameters
) -> PhaseDiagram:
    notes = (*_doubts(found), *(lines.notes if lines is not None else ()))
    data = measured(_counted(found).assign_attrs(vary=list(labels)), own.time_unit)
    return PhaseDiagram(labels, data, lines, own.populations, notes)


def _axes(bounds: Sequence[tuple[float, float]], grid: tuple[int, int]) -> list[np.ndarray]:
    if len(grid) != 2 or min(grid) < 2:
        raise ParameterError(f"a grid has at least 2 x 2 points: {grid!r}")
    return [np.linspace(*limits, count) for limits, count in zip(bounds, grid, strict=True)]


def _counted(found: Sweep) -> xr.Dataset:
    """Over (first, second, ...), with counts of attractors."""
    axes = dict(zip(found.dims, ("first", "second"), strict=True))
    made = found.dataset.drop_attrs(deep=False).rename(axes)
    own = {called(n, found.dims): n for n in found.dims}  # an axis may be called as a variable
    made = made.rename({n: own[n] for n in own if n in made})
    made = made.merge(attractor_counts(made))
    whole = {name: made[name].fillna(0).astype(kind) for name, kind in KINDS.items()}
    return made.assign(whole)


def _doubts(found: Sweep) -> tuple[str, ...]:
    """At how many grid points something is open, or wrong, a text for each kind."""
    own = found.dataset[STATUS].values.ravel()
    kinds: dict[str, list[str]] = {}
    for text in own.tolist():
        if text != "ok":
            kinds.setdefault(text.split(":")[0], []).append(text)
    return tuple(
        f"{len(texts)} of {own.size} grid points: {texts[0]}"
        + (" (the first of them)" if len(set(texts)) > 1 else "")
        for texts in kinds.values()
    )
