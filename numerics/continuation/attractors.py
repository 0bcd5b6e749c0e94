"""All fixed points of many parameter sets with the gain of the bulk, as a verb of sweeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from ..parameters import Parameters
from ..stability import bulk_gains
from ..sweeps import GAIN, VERBS, Chosen, Evaluated, Form, Task, Template, Verb, called

MOMENTS = ("mean", "variance")
MEANING = "gain of the bulk, which grows beyond 1; where the equations are stable"


@dataclass(frozen=True)
class WithGains:
    """The fixed points of a sweep, and the gain of the bulk at those that are stable.

    Args:
        points: finds them.
        name: how it is called.
    """

    points: Verb = VERBS["fixed_points"]
    name: str = "phase diagram"

    @property
    def run(self) -> Callable[..., Any]:
        """What finds the points."""
        return self.points.run

    def __call__(self, task: Task, chosen: Chosen, known: Template | None) -> Evaluated:
        own = None if known is None else known.without(GAIN)
        found = self.points(task, chosen, own)
        if found.template is None:
            return found
        stable = found.template.forms["stable"]
        form = Form(stable.dims, stable.shape, False, {"meaning": MEANING})
        gains = _gains(task, chosen.batch, found)
        template = found.template.with_form(GAIN, form)
        return replace(found, template=template, values={**found.values, GAIN: gains})


def _gains(task: Task, sets: Parameters, found: Evaluated) -> np.ndarray:
    """At every point at which the equations are stable, (set, point)."""
    stable = found.values["stable"] == 1
    gains = np.full(stable.shape, np.nan)
    own = np.nonzero(stable)[0]
    if len(own):
        each = jax.tree.map(lambda v: np.asarray(v)[own], sets)
        mean, variance = (found.values[called(n, task.taken)][stable] for n in MOMENTS)
        gains[stable] = bulk_gains(task.system, each, mean, variance)
    return gains
