"""One verb at many points: grids, samples and tables of parameters."""

from __future__ import annotations

import hashlib
import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from ...errors import ParameterError
from ...late import xr
from ...numbers import counted
from ..parameters import INPUTS, Parameters, scalar, violations
from ..precision import require_x64
from ..results import Result, Status, incomplete
from ..system import System
from ..tangents import refuse_tracers
from .evaluated import FEASIBLE, STATUS, Evaluated, Form
from .points import Points, points_of
from .stores import Folder, Memory, Store, locked, progress_of, read
from .verbs import Chosen, Reduce, Task, Verb, verb_of

AT_ONCE, LIBRARIES = 256, ("motifield", "jax", "numpy")
"""Points of a block: enough for batches to be fast, few enough to lose."""
FREE = {*INPUTS, "mean"}
"""Arrays on which it does not depend whether a network can have given statistics."""


@dataclass(frozen=True, repr=False, eq=False)
class Sweep(Result):
    """One verb at many points; what `sweep` and `open_sweep` return.

    Args:
        title: what was swept over what.
        dataset: the verb's numbers over the dimensions of the sweep, NaN where a point failed;
            `status` of every point, "ok" or what happened there.
        dims: the dimensions of the sweep.
    """

    title: str
    dataset: xr.Dataset
    dims: tuple[str, ...]

    @property
    def status(self) -> Status:
        """ "ok", or how many points have which status."""
        counts = Counter(str(v).split(":")[0] for v in self.dataset[STATUS].values.ravel())
        others = [(n, kind) for kind, n in counts.most_common() if kind != "ok"]
        points = counted(int(self.dataset[STATUS].size), "point")
        return incomplete([f"{n} of {points}: {kind}" for n, kind in others])

    def rows(self) -> list[dict[str, Any]]:
        """A row per point: where it lies, its numbers, by population where they are, its status."""
        kept = [n for n in self.dataset.data_vars if n != STATUS and self._is_short(str(n))]
        coords = [n for n, v in self.dataset.coords.items() if set(v.dims) <= set(self.dims)]
        stacked = self.dataset[[*kept, STATUS]].stack(__point=self.dims, create_index=False)
        rows = []
        for k in range(stacked.sizes["__point"]):
            one = stacked.isel(__point=k)
            row = {str(n): one[n].values.item() for n in coords}
            for n in kept:
                own = one[n]
                if own.ndim == 0:
                    row[str(n)] = own.values.item()
                else:
                    each = zip(one["population"].values, own.values, strict=True)
                    row |= {f"{n} {p}": v.item() for p, v in each}
            rows.append(row | {STATUS: str(one[STATUS].values)})
        return rows

    def json(self) -> dict[str, Any]:
        """Plain data; the statuses of the points are `point_status`."""
        own = super().json()
        return {**own, "point_status": own[STATUS], **self.status.json()}

    def _is_short(self, name: str) -> bool:
        """Whether a point has one number of it, or one per population."""
        return set(self.dataset[name].dims) - set(self.dims) <= {"population"}


def sweep(
    system: System,
    parameters: Parameters,
    over: Any,
    what: Any = "integrate",
    *,
    design: str = "grid",
    count: int | None = None,
    design_seed: int = 0,
    reduce: Reduce = None,
    out: str | Path | None = None,
    resume: bool = False,
    at_once: int = AT_ONCE,
    progress: Callable[[str, float], None] | None = None,
    **options: Any,
) -> Sweep:
    """Do one thing at many points of parameters.

    A point that fails has a status that says why and NaN for its numbers. "integrate" and
    "fixed_points" are computed for `at_once` points at a time, all others point by point.

    Args:
        system: the compiled equations, from `compile`.
        parameters: the network's numbers, which all points share but for what varies.
        over: {name: values} of scalar parameters (see `scalar`), or of `seed`; {(name, name):
            pairs} of some that change together; {name: (lowest, highest)}, or a prior, of samples;
            or a DataFrame with a column for each.
        what: "integrate", "fixed_points", "stability", "response", "simulate" (a sampled network),
            "verify", or a function of (system, parameters, **options) that returns a result, a
            dataset, or numbers by name.
        design: "grid", "zip" (values side by side), or of samples "sobol", "latin", "random".
        count, design_seed: number of samples, and their seed.
        reduce: what is kept of a result, a function of its dataset (of many points, whose dimension
            `set` stays, of what is computed at once); by default all, of "integrate" the end.
        out: a folder, name.zarr, to which numbers go as they come; needs the extra `sweeps`.
        resume: go on with a folder that the same call made.
        at_once: points of a block: of memory, and of what is lost at most.
        progress: called as progress(text, part).
        options: of the verb, such as t1.

    Returns:
        The numbers over the dimensions of the sweep: one for each axis of a grid, else `sample`.

    Raises:
        ParameterError: unknown names, values that are no numbers, an unknown verb or design.
        FileError: a folder that is there, or that another process is computing.
        SpecError: `resume` with a folder that another call made.
    """
    refuse_tracers(parameters, "sweep", "motifield.pure with jax.vmap")
    require_x64()
    points, verb = points_of(over, design, count, design_seed), verb_of(what)
    task = _task(
        system, system.complete(parameters, points.parameters), points, options, reduce, at_once
    )
    title = f"{verb.name} over {', '.join(points.names)}"
    if out is None:
        store = _fill(Memory(points), points, task, verb, progress)
        return Sweep(title, store.dataset(), tuple(points.sizes))
    with locked(out):
        about = _about(points, verb, task) | {"title": title}
        _fill(Folder(out, points, task.most, about, resume), points, task, verb, progress)
    return open_sweep(out)


def open_sweep(path: str | Path) -> Sweep:
    """The numbers of a sweep's folder as they are now, while it is computed, too.

    Args:
        path: of the folder.

    Raises:
        FileError: the folder is not there, or holds no sweep.
    """
    found = read(path)
    dims = tuple(found[STATUS].dims)
    title = str(found.attrs["title"]).strip('"')
    return Sweep(title, found.assign_attrs(title=title), tuple(map(str, dims)))


def sweep_progress(path: str | Path) -> tuple[int, int]:
    """How many blocks of a sweep's folder are done, and how many there are.

    Raises:
        FileError: the folder is not there, or holds no sweep.
    """
    return progress_of(path)


def _task(
    system: System,
    parameters: Parameters,
    points: Points,
    options: Mapping[str, Any],
    reduce: Reduce,
    at_once: int,
) -> Task:
    system.check(parameters)
    if at_once < 1:
        raise ParameterError(f"at_once = {at_once}: at least one point is computed at a time")
    every, most = np.arange(points.count), min(at_once, points.count)
    scalars = [scalar(name, parameters) for name in points.parameters]
    values, seeds = points.numbers(every), points.seeds(every)
    return Task(system, parameters, scalars, values, seeds, options, reduce, most)


def _fill(
    store: Store,
    points: Points,
    task: Task,
    verb: Verb,
    progress: Callable[[str, float], None] | None,
) -> Store:
    """The store with all blocks that were not there."""
    blocks, done = list(points.blocks(task.most)), 0
    for k, block in enumerate(blocks):
        if progress is not None:
            progress(f"{done} of {points.count} points", done / points.count)
        where = points.within(block)
        if not store.is_done(k):
            known = None if store.template is None else store.template.without(FEASIBLE)
            chosen = task.chosen(where)
            store.put(k, block, _with_feasible(verb(task, chosen, known), task, chosen))
        done += len(where)
    if progress is not None:
        progress(f"{done} of {points.count} points", 1.0)
    return store


def _with_feasible(found: Evaluated, task: Task, chosen: Chosen) -> Evaluated:
    """With 1 or 0 for every point: whether a network can have its statistics."""
    if found.template is None:
        return found
    kept = [s for s in task.scalars if {part.name for part in s.parts} <= FREE]
    if len(kept) == len(task.scalars):
        each = np.full(len(chosen.where), not violations(task.parameters))
    else:
        each = np.array([not violations(own) for own in chosen.each])
    form = Form((), (), False, {"meaning": "whether a network can have these statistics"})
    template = found.template.with_form(FEASIBLE, form)
    return replace(found, template=template, values={**found.values, FEASIBLE: each.astype(float)})


def _about(points: Points, verb: Verb, task: Task) -> dict[str, Any]:
    """What makes a sweep another one, each part as a digest or a text."""
    values = [points.values.tobytes().hex(), repr(points.names), repr(dict(points.sizes))]
    leaves = jax.tree.leaves(eqx.filter(task.parameters, eqx.is_array_like))
    return {
        "equations": _digest(task.system.source),
        "parameters": _digest("\n".join(np.asarray(v).tobytes().hex() for v in leaves)),
        "points": _digest("\n".join(values)),
        "verb": f"{verb.name} {_source(verb.run)}",
        "options": {name: _text(v) for name, v in sorted(task.options.items())},
        "reduce": _source(task.reduce),
        "versions": {name: version(name) for name in LIBRARIES},
        "points of a block": task.most,
        "names": list(points.names),
    }


def _text(value: Any) -> str:
    """What tells two options apart; NumPy leaves out most of a long array."""
    own = np.asarray(value)
    return (
        repr(value)
        if own.dtype.kind == "O"
        else f"{own.dtype}{own.shape} {_digest(repr(own.tolist()))}"
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _source(function: Any) -> str:
    """What tells two functions apart."""
    if function is None:
        return ""
    try:
        return _digest(inspect.getsource(function))
    except (OSError, TypeError):
        return getattr(function, "__qualname__", repr(type(function)))
