"""What is done at the points of a sweep: a verb by name, or any function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from ...errors import MotifieldError, ParameterError
from ...late import xr
from ..fixed_points import fixed_point_batch, fixed_points_batch
from ..parameters import Parameters, Scalar, check_numbers, set_of, stacked, wrong_numbers
from ..system import System, integrate_batch, misfits
from .elsewhere import Elsewhere
from .evaluated import FEASIBLE, STATUS, Evaluated, Template, apart, as_dataset, together
from .points import SEED
from .reductions import at_the_end, best_minimum, populations_at_the_end, without_lags

SET = "set"
"""The dimension of parameter sets in the results of verbs that take many at once."""
Reduce = Callable[[xr.Dataset], Any] | None


@runtime_checkable
class Verb(Protocol):
    """What is done at some points."""

    @property
    def name(self) -> str:
        """How it is called."""

    @property
    def run(self) -> Callable[..., Any]:
        """What it calls."""

    def __call__(self, task: Task, chosen: Chosen, known: Template | None) -> Evaluated:
        """The numbers at some points; known: the template of others."""


@dataclass(frozen=True)
class Task:
    """What all points of a sweep share.

    Args:
        system: the compiled equations.
        parameters: the network's numbers.
        scalars: those that vary, K.
        values: at all points, (n, K).
        seeds: at all points, or None.
        options: of the verb.
        reduce: what is kept of a result, a function of its dataset.
        most: points that are computed at once.
    """

    system: System
    parameters: Parameters
    scalars: Sequence[Scalar]
    values: np.ndarray
    seeds: np.ndarray | None
    options: Mapping[str, Any]
    reduce: Reduce
    most: int

    @property
    def taken(self) -> set[str]:
        """Names that the verb's variables cannot have: those of axes, and the sweep's own."""
        seeds = [] if self.seeds is None else [SEED]
        return {STATUS, FEASIBLE, *seeds, *(own.name for own in self.scalars)}

    def chosen(self, where: np.ndarray) -> Chosen:
        """The parameters of some points, by their places."""
        padded = np.resize(where, self.most) if len(where) < self.most else where
        batch = stacked(self.scalars, self.parameters, self.values[padded])
        return Chosen(where, jax.tree.map(np.asarray, batch), self.values[padded])

    def faults(self, chosen: Chosen) -> dict[int, str]:
        """What is wrong with the parameters of those points that are not permitted, by position."""
        wrong = wrong_numbers(chosen.sets)
        rest = np.flatnonzero(~wrong)
        if len(rest):
            own = jax.tree.map(lambda v: v[rest], chosen.sets)
            wrong[rest] = misfits(self.system, own)
        return {int(k): self._fault(set_of(chosen.sets, int(k))) for k in np.flatnonzero(wrong)}

    def _fault(self, parameters: Parameters) -> str:
        """What is wrong with the parameters of a point."""
        try:
            check_numbers(parameters)
            self.system.check(parameters)
        except MotifieldError as error:
            return str(error)
        return ""


@dataclass(frozen=True)
class Chosen:
    """Some points of a sweep.

    Args:
        where: their places, n.
        batch: their parameters with a leading axis, filled up to the points that are computed at
            once, for which verbs are compiled; arrays of NumPy.
        values: the values of what varies, one row for each of the batch.
    """

    where: np.ndarray
    batch: Parameters
    values: np.ndarray

    @property
    def sets(self) -> Parameters:
        """The same without what fills it up."""
        return jax.tree.map(lambda v: v[: len(self.where)], self.batch)


@dataclass(frozen=True)
class AtOnce:
    """A verb that takes many parameter sets at once, compiled for one number of them.

    Args:
        name: how it is called.
        run: of the system, a batch and options; its dataset has `status` over (set).
        reduced: what is kept unless a call says otherwise.
        given: options, unless a call says otherwise.
        is_near: whether points start from those nearby, whose `places` are an option; what is
            compiled is then the same whatever their number.
    """

    name: str
    run: Callable[..., Any]
    reduced: Reduce = None
    given: Mapping[str, Any] = field(default_factory=dict)
    is_near: bool = False

    def __call__(self, task: Task, chosen: Chosen, known: Template | None) -> Evaluated:
        if task.seeds is not None:
            raise ParameterError(f"{self.name} is not random: there is nothing that a seed changes")
        own = {SET: slice(len(chosen.where))}
        options = {**self.given, **task.options}
        options |= {"places": chosen.values[own[SET]]} if self.is_near else {}
        batch = chosen.sets if self.is_near else chosen.batch
        made = self.run(task.system, batch, **options).dataset.isel(own)
        said = [str(v) for v in made[STATUS].values]
        reduce = task.reduce or self.reduced
        kept = made if reduce is None else as_dataset(reduce(made.drop_vars(STATUS)))
        kept = apart(kept.drop_vars([n for n in (STATUS, SET) if n in kept.variables]), task.taken)
        without = [str(n) for n, v in kept.data_vars.items() if SET not in v.dims]
        if without:
            raise ParameterError(
                f"reduce left {without[0]!r} without the dimension {SET!r}, that of the points"
            )
        template = Template.of(kept, (SET,))
        values = {
            name: np.array(kept[name].transpose(SET, *form.dims).values, dtype=form.dtype)
            for name, form in template.forms.items()
        }
        for k, wrong in task.faults(chosen).items():
            said[k] = f"not permitted: {wrong}"
            for v in values.values():
                v[k] = np.nan
        return Evaluated(template, values, said)


@dataclass(frozen=True)
class OneByOne:
    """Any function of the system and the parameters.

    Args:
        name: how it is called.
        run: of the system, the parameters and options; `seed` among them where seeds are an axis.
        reduced: what is kept unless a call says otherwise.
    """

    name: str
    run: Callable[..., Any]
    reduced: Reduce = None

    def __call__(self, task: Task, chosen: Chosen, known: Template | None) -> Evaluated:
        faults, sets = task.faults(chosen), chosen.sets
        each: list[tuple[xr.Dataset | None, str]] = []
        for k, place in enumerate(chosen.where):
            if k in faults:
                each.append((None, f"not permitted: {faults[k]}"))
            else:
                each.append(self._one(task, int(place), set_of(sets, k)))
        return together(each, known)

    def _one(self, task: Task, k: int, parameters: Parameters) -> tuple[xr.Dataset | None, str]:
        own = dict(task.options)
        if task.seeds is not None:
            own["seed"] = int(task.seeds[k])
        parameters = jax.tree.map(jnp.asarray, parameters)
        try:
            made = self.run(task.system, parameters, **own)
        except MotifieldError as error:
            return None, f"failed: {error}"
        said = str(getattr(made, STATUS, "ok"))
        reduce = task.reduce or self.reduced
        kept = as_dataset(made if reduce is None else reduce(as_dataset(made)))
        return apart(kept, task.taken), said


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        AtOnce("integrate", integrate_batch, at_the_end),
        # points without any fixed point have a status
        AtOnce("fixed_point", fixed_point_batch, given={"throw": False}, is_near=True),
        AtOnce("fixed_points", fixed_points_batch, given={"throw": False}, is_near=True),
        OneByOne("stability", Elsewhere("stability", "stability")),
        OneByOne("response", Elsewhere("fixed_points", "response")),
        OneByOne("rates", Elsewhere("verification", "rates_at_rest")),
        OneByOne("dmft", Elsewhere("dmft", "stationary"), without_lags),
        OneByOne("simulate", Elsewhere("verification", "simulate_sample"), populations_at_the_end),
        OneByOne("verify", Elsewhere("verification", "verify")),
        OneByOne("fit", Elsewhere("fitting", "fit"), best_minimum),
    )
}
"""What is done by name. Functions of rooms that a short sweep does not need load when called."""


def verb_of(what: Any) -> Verb:
    """The verb of a name or a function; a verb is returned as it is.

    Raises:
        ParameterError: an unknown name, or no function.
    """
    if isinstance(what, Verb):
        return what
    if callable(what):
        return OneByOne(getattr(what, "__name__", type(what).__name__), what)
    name = str(what).replace("-", "_")
    if name not in VERBS:
        raise ParameterError(
            f"unknown verb {what!r}: known are {', '.join(VERBS)}, and any function of "
            "(system, parameters, **options)"
        )
    return VERBS[name]
