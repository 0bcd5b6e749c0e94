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
from ..fixed_points import fixed_points_batch
from ..parameters import Parameters, Scalar, check_numbers, set_of, stacked
from ..system import System, integrate_batch
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
        plain = jax.tree.map(np.asarray, batch)
        each = [set_of(plain, k) for k in range(len(where))]
        return Chosen(where, batch, each)

    def wrong(self, parameters: Parameters) -> str:
        """What is wrong with the parameters of a point; "" if nothing is."""
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
            once, for which verbs are compiled.
        each: their parameters, n.
    """

    where: np.ndarray
    batch: Parameters
    each: Sequence[Parameters]


@dataclass(frozen=True)
class AtOnce:
    """A verb that takes many parameter sets at once, compiled for one number of them.

    Args:
        name: how it is called.
        run: of the system, a batch and options; its dataset has `status` over (set).
        reduced: what is kept unless a call says otherwise.
        given: options, unless a call says otherwise.
    """

    name: str
    run: Callable[..., Any]
    reduced: Reduce = None
    given: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, task: Task, chosen: Chosen, known: Template | None) -> Evaluated:
        if task.seeds is not None:
            raise ParameterError(f"{self.name} is not random: there is nothing that a seed changes")
        own = {SET: slice(len(chosen.where))}
        options = {**self.given, **task.options}
        made = self.run(task.system, chosen.batch, **options).dataset.isel(own)
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
        for k, parameters in enumerate(chosen.each):
            if wrong := task.wrong(parameters):
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
        each = zip(chosen.where, chosen.each, strict=True)
        return together([self._one(task, int(k), own) for k, own in each], known)

    def _one(self, task: Task, k: int, parameters: Parameters) -> tuple[xr.Dataset | None, str]:
        own = dict(task.options)
        if task.seeds is not None:
            own["seed"] = int(task.seeds[k])
        wrong = task.wrong(parameters)
        if wrong:
            return None, f"not permitted: {wrong}"
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
        AtOnce("fixed_points", fixed_points_batch, given={"throw": False}),
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
