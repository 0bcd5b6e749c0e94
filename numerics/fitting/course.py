"""Time courses: trajectories of conditions from their fixed points, for fits to rates over time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import diffrax as dfx
import jax.numpy as jnp
import numpy as np

from ..parameters import Input, Parameters, Signals, Table, all_inputs
from ..system import System

MOMENT = 1e-12
"""How long before a jump a step ends, relative to its time, or to 1 where that is less: an input at
a jump is that after it, and rounding of the time is 2e-16."""
ROUNDING = 1e-9  # a rest of a step that comes from rounding is no step of its own


@dataclass(frozen=True)
class Course:
    """The time course of a condition, from its fixed point at the start; make it with `Course.of`.

    Attributes:
        start: before the first time and before any input changes.
        times: when the condition is looked at, increasing; empty where all its targets are at rest.
        edges: times at which steps must end, since the inputs are not smooth there.
        step: the longest step, in units of the unit's time constant.
    """

    start: float
    times: np.ndarray
    edges: np.ndarray
    step: float

    @classmethod
    def of(cls, parameters: Parameters, times: np.ndarray, step: float) -> Course:
        """The course of a condition that is looked at at these times.

        The start is the earlier one of the first time and the first edge of the inputs: `edges`
        have the moment before the first jump. Without times it is 0, or the first edge.
        """
        own = np.unique(np.asarray(times, dtype=float))
        given = all_inputs(parameters).values()
        edges = np.unique(np.concatenate([_edges(drive, step) for drive in given]))
        start = float(min(own[0], edges[0] if len(edges) else 0.0)) if len(own) else 0.0
        return cls(start, own, edges, step)

    @property
    def grid(self) -> np.ndarray:
        """Ends of steps: the start, the times, the edges between, no further apart than `step`."""
        return grid(self.start, self.times, self.step, self.edges)

    def states(self, system: System, state: Any, parameters: Parameters, *, reverse: bool) -> Any:
        """The states at all times, along the first axis of every entry; pure.

        Solved with Tsitouras' method of order 5 on the fixed `grid`.

        Args:
            system: the compiled equations.
            state: the fixed point of the condition at the start.
            parameters: those of the condition.
            reverse: for derivatives in reverse mode; otherwise for forward mode.
        """
        drive, coefficients = system.drive(parameters), system.coefficients(parameters)
        field, ends = system.module.vector_field, self.grid
        adjoint: Any = dfx.RecursiveCheckpointAdjoint() if reverse else dfx.ForwardMode()
        solution = dfx.diffeqsolve(
            dfx.ODETerm(lambda t, y, args: field(y, drive(jnp.asarray(t)), coefficients)),
            dfx.Tsit5(),
            ends[0],
            ends[-1],
            None,
            state,
            saveat=dfx.SaveAt(ts=jnp.asarray(self.times)),
            stepsize_controller=dfx.StepTo(jnp.asarray(ends)),
            max_steps=len(ends) + 1,
            adjoint=adjoint,
            throw=False,
        )
        return system.follow_all(solution.ys, jnp.asarray(self.times), drive, coefficients)


def grid(start: float, times: np.ndarray, step: float, edges: np.ndarray) -> np.ndarray:
    """Times from the start to the last one, no further apart than `step`.

    All of `times` are among them, and the edges between the start and the last time.
    """
    between = edges[(edges > start) & (edges < times[-1])]
    marks = np.unique(np.concatenate([[start], between, times]))
    if len(marks) == 1:  # the only time is the start: a step is needed to have a trajectory
        marks = np.array([start, start + step])
    parts = [
        np.linspace(a, b, max(int(np.ceil((b - a) / step - ROUNDING)), 1) + 1)[:-1]
        for a, b in pairwise(marks)
    ]
    return np.concatenate([*parts, marks[-1:]])


def _edges(drive: Input, step: float) -> np.ndarray:
    """Where steps must end: at jumps and just before them, and where lines meet.

    Lines that meet more often than every step are left to the method's own accuracy.
    """
    edges = np.asarray(drive.edges, dtype=float)
    if isinstance(drive, (Table, Signals)):
        return edges if np.all(np.diff(edges) >= step) else edges[:1]
    return np.concatenate([edges - MOMENT * np.maximum(np.abs(edges), 1.0), edges])
