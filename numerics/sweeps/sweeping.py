"""One verb at many points: grids, samples and tables of parameters."""

from __future__ import annotations

import hashlib
import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import numpy as np

from ...errors import ParameterError
from ...late import xr
from ...numbers import counted
from ...time_units import headed
from ..parameters import Parameters, feasible_batch, scalar
from ..precision import require_x64
from ..results import Result, Status, incomplete
from ..system import System
from ..tangents import refuse_tracers
from .evaluated import FEASIBLE, STATUS, Evaluated, Form, Template
from .pace import Pace, Rate
from .points import Points, points_of
from .processes import workers_of
from .schedulers import Job, Spread, refuse_unpicklable
from .signatures import check_options
from .stores import Block, Folder, Memory, Store, locked, progress_of, rate_now, read
from .verbs import Chosen, Reduce, Task, Verb, verb_of

if TYPE_CHECKING:
    import pandas as pd

AT_ONCE, LIBRARIES = 256, ("motifield", "jax", "numpy")
"""Points of a block: enough for batches to be fast, few enough to lose."""


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
        columns = self._columns()
        lists = (v.tolist() for v in columns.values())
        return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]

    def table(self) -> pd.DataFrame:
        """The same; columns of times and rates name the unit where one was given."""
        import pandas as pd

        columns = self._columns()
        heads = headed([dict.fromkeys(columns)], self.time_unit)[0]
        return pd.DataFrame(dict(zip(heads, columns.values(), strict=True)))

    def _columns(self) -> dict[str, np.ndarray]:
        """The columns of the table, each over all points."""
        data, like = self.dataset, self.dataset[STATUS]
        kept = [str(n) for n in data.data_vars if n != STATUS and self._is_short(str(n))]
        coords = [str(n) for n, v in data.coords.items() if set(v.dims) <= set(self.dims)]
        found = {n: data[n].broadcast_like(like).transpose(*self.dims).values for n in coords}
        for n in kept:
            if set(data[n].dims) == set(self.dims):
                found[n] = data[n].transpose(*self.dims).values
            else:
                own = data[n].transpose("population", *self.dims).values
                each = zip(data["population"].values, own, strict=True)
                found |= {f"{n} {p}": v for p, v in each}
        return {n: v.ravel() for n, v in found.items()} | {STATUS: like.values.ravel()}

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
    scheduler: Any = None,
    workers: int | None = None,
    progress: Callable[[str, float], None] | None = None,
    **options: Any,
) -> Sweep:
    """Do one thing at many points of parameters.

    A point that fails has a status that says why and NaN for its numbers. "integrate",
    "fixed_point" and "fixed_points" are computed for `at_once` points at a time, others point by
    point. Fixed points start from others of the same block (`fixed_points_batch`).

    Args:
        system, parameters: compiled equations; the numbers that all points share.
        over: {name: values} of scalar parameters (see `scalar`), or of `seed`; {(name, name):
            pairs} of some that change together; {name: (lowest, highest)}, or a prior, of samples;
            or a DataFrame.
        what: "integrate", "fixed_point" (the one that the dynamics reach), "fixed_points" (all),
            "stability", "response", "rates", "dmft", "simulate" (a sampled network), "verify",
            "fit", or a function of (system, parameters, **options): a result, or numbers by name.
        design: "grid", "zip" (values side by side), or of samples "sobol", "latin", "random".
        count, design_seed: of samples.
        reduce: what is kept of a result, a function of its dataset (over `set`, of many points at
            once); by default all but courses, lags of "dmft" and minima of "fit" beside the best,
            which `sweeps.whole` keeps, too.
        out, resume: a folder, name.zarr, written block by block (extra `sweeps`); go on with it.
        at_once: points of a block, which bounds memory, and what is lost at most.
        scheduler, workers: a `dask.distributed.Client`, or a number of processes of this machine,
            that compute the blocks, bit for bit as one does (extra `cluster`).
        progress: called as progress(text, part); the text has the rate and the time that is left.
        options: of the verb, such as t1.

    Returns:
        Numbers over the dimensions of the sweep: one for each axis of a grid, else `sample`.

    Raises:
        ParameterError: unknown names, verbs or designs, bad values; what no worker can be given.
        FileError: a folder that is there, or being computed; an extra that is not installed.
        SolverError: a block of which several workers died.
        SpecError: `resume` with a folder that another call made.
    """
    refuse_tracers(parameters, "sweep", "motifield.pure with jax.vmap")
    points, verb = points_of(over, design, count, design_seed), verb_of(what)
    own = system.complete(parameters, points.parameters)
    task = _task(system, own, points, options, reduce, at_once)
    check_options(verb.name, verb.run, options, task.seeds is not None)
    pace, workers_at = Pace(progress, points.count), workers_of(scheduler, workers)
    return _swept(Plan(points, task, verb, pace, workers_at), out, resume)


@dataclass(frozen=True)
class Plan:
    """A sweep whose arguments were checked: what is done where, and by whom."""

    points: Points
    task: Task
    verb: Verb
    pace: Pace
    opening: AbstractContextManager[Any]


def _swept(plan: Plan, out: str | Path | None, resume: bool) -> Sweep:
    require_x64()
    points, title = plan.points, f"{plan.verb.name} over {', '.join(plan.points.names)}"
    if out is None:
        if resume:
            raise ParameterError("resume goes on with a folder: say by out= (--output) with which")
        return Sweep(title, _filled(Memory(points), plan).dataset(), tuple(points.sizes))
    with locked(out):
        about = _about(points, plan.verb, plan.task) | {"title": title}
        _filled(Folder(out, points, plan.task.most, about, resume), plan)
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


def sweep_rate(path: str | Path) -> Rate | None:
    """How fast a sweep's folder is being computed, and how long that will take.

    Args:
        path: of the folder.

    Returns:
        Points per second and seconds left; None where no process is at work on it, or just begins.

    Raises:
        FileError: the folder is not there, or holds no sweep.
    """
    return rate_now(path)


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


def _filled(store: Store, plan: Plan) -> Store:
    """The store with all blocks that were not there."""
    points, pace, there = plan.points, plan.pace, store.done()
    blocks = dict(enumerate(points.blocks(plan.task.most)))
    sizes = {k: len(points.within(block)) for k, block in blocks.items()}
    pace.begin(sum(sizes[k] for k in there))
    missing = {k: block for k, block in blocks.items() if k not in there}
    if not missing:
        return store
    with plan.opening as client:
        for k in _computed(store, plan, missing, client):
            pace.add(sizes[k])
    return store


def _computed(store: Store, plan: Plan, blocks: Mapping[int, Block], client: Any) -> Iterator[int]:
    """The numbers of blocks, once they are in the store, where they are computed here or there."""
    points, task, verb = plan.points, plan.task, plan.verb
    if client is None:
        for k, block in blocks.items():
            store.put(k, block, found_at(task, verb, points.within(block), store.template))
            yield k
        return
    shared = replace(task, values=task.values[:0], seeds=None)
    parts = {"what": verb, "reduce": task.reduce, **task.options, "parameters": task.parameters}
    refuse_unpicklable(parts)
    job = Job.of(partial(_of_piece, shared, verb), store.path)

    def piece(block: Block) -> tuple[np.ndarray, np.ndarray | None]:
        where = points.within(block)
        return task.values[where], None if task.seeds is None else task.seeds[where]

    with closing(Spread(client, job, store, blocks, piece).done()) as done:
        yield from done


def found_at(task: Task, verb: Verb, where: np.ndarray, known: Template | None) -> Evaluated:
    """The numbers at some points, of a known form where there is one."""
    chosen = task.chosen(where)
    known = None if known is None else known.without(FEASIBLE)
    return _with_feasible(verb(task, chosen, known), task, chosen)


def _of_piece(
    task: Task,
    verb: Verb,
    piece: tuple[np.ndarray, np.ndarray | None],
    known: Template | None,
) -> Evaluated:
    """The same at points whose values are given, which a worker does."""
    values, seeds = piece
    own = replace(task, values=values, seeds=seeds)
    return found_at(own, verb, np.arange(len(values)), known)


def _with_feasible(found: Evaluated, task: Task, chosen: Chosen) -> Evaluated:
    """With 1 or 0 for every point: whether a network can have its statistics."""
    if found.template is None:
        return found
    each = feasible_batch(chosen.sets)
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
