"""What of a sweep is drawn: which variable, of which populations, over which dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...errors import ParameterError
from ..sweeps import FEASIBLE, STATUS, Sweep, attractor_counts, has_stability
from .kinds import Kinds, attractors, numbered, whether, worded
from .planes import without_numbers, wrong
from .style import LABELS, MOST_POPULATIONS, first_of

ATTRACTORS = "attractors"
OVER_ONE, OVER_MORE = ("rate", "count", "value"), (ATTRACTORS, "count", "rate", "value")
"""What is drawn unless a call says otherwise, the first that there is."""
MOST_KINDS = 10
"""Different whole numbers that have colours of their own; of more there is a colour bar."""
TRUTHS = (FEASIBLE, "overflow", "oscillating", "converged")
Each = list[tuple[str, xr.DataArray]]
"""A variable of each population that is drawn; the name is "" where it is of none."""


@dataclass(frozen=True)
class Shown:
    """The numbers of a sweep as they are drawn.

    Args:
        data: dimensions with one value left out, values in increasing order; with what follows
            from the numbers of all fixed points.
        dims: the dimensions of the sweep that are left.
        held: what was left out, "g = 0.3".
    """

    data: xr.Dataset
    dims: tuple[str, ...]
    held: str

    @classmethod
    def of(cls, found: Sweep) -> Shown:
        """Those of a sweep."""
        data, held = found.dataset, list[str]()
        for dim in found.dims:
            if data.sizes[dim] == 1 and len(found.dims) - len(held) > 1:
                own = along(data, dim)
                data = data.isel({dim: 0})
                held.append(", ".join(f"{n} = {float(data[n]):.4g}" for n in own))
        dims = tuple(d for d in found.dims if d in data.dims)
        for dim in dims:
            if dim in data.coords and np.any(np.diff(data[dim].values) < 0):
                data = data.sortby(dim)  # a copy of everything
        if has_stability(data):
            data = data.merge(attractor_counts(data), compat="override")
        return cls(data, dims, "; ".join(held))

    @property
    def statuses(self) -> np.ndarray:
        """Of every point."""
        return self.data[STATUS].transpose(*self.dims).values

    @property
    def failed(self) -> np.ndarray:
        """Which points have no numbers."""
        return without_numbers(self.statuses)

    def axis(self, dim: str) -> tuple[np.ndarray, str]:
        """Where the points of a dimension lie, and its label."""
        names = along(self.data, dim)
        values = [self.data[n].values.astype(float) for n in names]
        if len(names) == 1:
            return values[0], names[0]
        if names and np.all(np.diff(values[0]) > 0):
            return values[0], f"{names[0]} (with {', '.join(names[1:])})"
        return np.arange(self.data.sizes[dim], dtype=float), f"place along {dim}"

    def kinds(self, name: str) -> Kinds | None:
        """What each point is, of a variable that says so; None of other numbers."""
        if name == STATUS:
            heads = [str(v).split(":")[0] for v in self.statuses.ravel()]
            return worded(np.array(heads, dtype=object).reshape(self.statuses.shape))
        own = self.data[name].transpose(*self.dims, ...)
        values, nothing = own.values, wrong(self.statuses[self.failed])
        if name == ATTRACTORS and "oscillating" in self.data:
            return attractors(values, self.data["oscillating"].values, nothing)
        known = np.unique(values[np.isfinite(values)])
        if "population" in own.dims or np.any(known % 1) or not 0 < len(known) <= MOST_KINDS:
            return None
        if set(known.tolist()) <= {0, 1} and (name in TRUTHS or name.startswith("is_")):
            return whether(values, nothing)
        if known.min() < 0:
            texts = np.where(np.isfinite(values), np.char.mod("%g", values), nothing)
            return worded(texts.astype(object))
        words = ("{} fixed points", "1 fixed point") if name == "count" else ("{}", "1")
        return numbered(values, *words, nothing)


def along(data: xr.Dataset, dim: str) -> list[str]:
    """The coordinates of a dimension; its own alone where there is one."""
    own = [str(n) for n, c in data.coords.items() if c.dims == (dim,)]
    return [dim] if dim in own else own


def chosen(shown: Shown, variable: str | None) -> str:
    """The name of the variable that is drawn.

    Raises:
        ParameterError: there is none, or not this one.
    """
    if variable == STATUS:
        return STATUS
    others = {"population", "point"} if len(shown.dims) == 1 else {"population"}
    numbers = [str(n) for n in shown.data.data_vars if n != STATUS]
    short = [n for n in numbers if set(shown.data[n].dims) - set(shown.dims) <= others]
    if not short:
        raise ParameterError(
            f"no variable has one number per point: there are {', '.join(numbers)}; sweep with a "
            "reduce, or draw parts of result.dataset"
        )
    first = OVER_ONE if len(shown.dims) == 1 else OVER_MORE
    name = next((n for n in first if n in short), short[0]) if variable is None else variable
    if name not in short:
        known = ", ".join([*short, STATUS])
        raise ParameterError(f"cannot draw {name!r}: one of {known} can be drawn")
    return name


def each_population(shown: Shown, name: str, populations: Sequence[str] | None) -> tuple[Each, str]:
    """The variable of every population that is drawn, and what is said of the others.

    Raises:
        ParameterError: there is no such population.
    """
    own = shown.data[name].transpose(*shown.dims, ...)
    if "population" not in own.dims:
        if populations is not None:
            raise ParameterError(f"{name!r} is no number of populations, as {list(populations)}")
        return [("", own)], ""
    known = [str(p) for p in own["population"].values]
    if unknown := [p for p in populations or () if p not in known]:
        raise ParameterError(f"there is no population {unknown[0]!r}: {', '.join(known)}")
    some = known[:MOST_POPULATIONS] if populations is None else list(populations)
    more = first_of(MOST_POPULATIONS, known) if populations is None else None
    each = [(p, own.isel(population=known.index(p))) for p in some]
    return each, f"populations: {more}" if more else ""


def label_of(data: xr.DataArray) -> str:
    """What an axis or a colour bar says, with the unit."""
    text, unit = LABELS.get(str(data.name), str(data.name)), data.attrs.get("unit")
    return f"{text} ({unit})" if unit else text
