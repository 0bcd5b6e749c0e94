"""Starts of a fit that are brought to where the equations have fixed points: parameters and states are fitted together first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .fit_problem import Problem
from .least_squares import Lanes, LevenbergMarquardt
from .settle import Search

SOLVER = LevenbergMarquardt(steps=1500)
EARLY, LARGEST = Search(steps=4), 50.0
"""Where states begin: a few steps from rest, at 0 where these lead beyond the largest."""


def with_free_states(
    problem: Problem, starts: Float[np.ndarray, "N size"], *, lanes: int, progress: Callable[[str, float], None], checkpoint: Path | None, key: str
) -> tuple[Float[np.ndarray, "N size"], Float[np.ndarray, "N C n"]]:
    """Coordinates and states where the misfit, and the distance of the states from rest, are small.

    Minimises sum of squares of the residuals at states that need not be at rest, plus (d(state)/dt / (1 + |state|) / .01)^2: for parameters without
    a fixed point there is none to search for, and each step is cheap. Most ends are near fixed points of nearby parameters, not all are.
    """
    size, shape = problem.coordinates.size, problem.at_rest().shape

    def split(x: Array) -> tuple[Array, Array]:
        return x[:size], x[size:].reshape(shape)

    def residuals(x: Array, none: Array) -> tuple[Array, Array]:
        return problem.free_residuals(*split(x)), none

    early = jax.jit(jax.vmap(lambda u: problem.outcome(u, search=EARLY).states))
    begin = []
    for k in range(0, len(starts), lanes):
        own = starts[k : k + lanes]
        states = np.array(early(jnp.asarray(np.resize(own, (min(lanes, len(starts)), size)))))[: len(own)].reshape(len(own), -1)
        begin.append(np.column_stack([own, np.where(np.isfinite(states) & (np.abs(states) < LARGEST), states, 0.0)]))
    found = Lanes(residuals, residuals, SOLVER, np.concatenate(begin), np.zeros((len(starts), 1)), lanes=lanes).run(progress, checkpoint, key)
    return found.u[:, :size], found.u[:, size:].reshape(-1, *shape)
