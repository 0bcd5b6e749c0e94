"""Starts of a fit where the equations have fixed points, by a search over free states.

The states are searched for first, then states and parameters together.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..fixed_points import Search
from .lanes import Lanes
from .least_squares import LevenbergMarquardt
from .problem import Problem

STATES = LevenbergMarquardt(steps=200)
TOGETHER = LevenbergMarquardt(steps=1500)  # the way along curved valleys is long; each step cheap
EARLY, LARGEST = Search(steps=4), 50.0
"""Where states begin: a few steps from rest, at 0 where these lead beyond the largest, far above
any current in units of the thresholds."""
PULL = 1e-3
"""Towards where a state began, of states that the targets leave open: too weak to change others."""
TOLERANCES = (1e-2, 1e-3, 1e-4)
"""What d(state)/dt / (1 + |state|) counts as one standard error, smaller each time: at once as
small as the last, few find a way."""


def with_free_states(
    problem: Problem,
    starts: Float[np.ndarray, "N size"],
    *,
    lanes: int,
    progress: Callable[[str, float], None],
    checkpoint: Path | None,
    key: str,
) -> tuple[Float[np.ndarray, "N size"], Float[np.ndarray, "N C n"]]:
    """Coordinates and states where the misfit, and the distance of the states from rest, are small.

    First come states at which the rates are those measured, each start with its own parameters, and
    not at rest. From there the sum of squares of the residuals plus
    (d(state)/dt / (1 + |state|) / tolerance)^2 is minimised over parameters and states, for smaller
    and smaller tolerances: for parameters without a fixed point there is none to search for, and
    each step is cheap.

    Args:
        problem: targets, equations and unknowns.
        starts: coordinates.
        lanes, progress, checkpoint, key: as in `solve` and `Lanes.run`.
    """
    size, shape = problem.coordinates.size, problem.at_rest().shape
    count = int(problem.fitted.sum())

    def alone(y: Array, fixed: Array) -> tuple[Array, Array]:
        misfit, _ = problem.free_residuals(fixed[:size], y.reshape(shape))
        return jnp.concatenate([misfit[:count], PULL * (y - fixed[size:])]), fixed

    def together(x: Array, tolerance: Array) -> tuple[Array, Array]:
        misfit, moves = problem.free_residuals(x[:size], x[size:].reshape(shape))
        return jnp.concatenate([misfit, moves / tolerance]), tolerance

    def run(own: Lanes, what: str, stage: int) -> np.ndarray:
        path = checkpoint and checkpoint.with_name(f"{checkpoint.name}{stage or ''}")
        return own.run(
            lambda text, part: progress(f"{what}: {text}", (stage + part) / (1 + len(TOLERANCES))),
            path,
            f"{key} {stage}",
        ).u

    y = _early(problem, starts, lanes)
    first = Lanes(alone, alone, STATES, y, np.column_stack([starts, y]), lanes=lanes)
    found = run(first, "states", 0)
    x = np.column_stack([starts, np.where(np.isfinite(found), found, y)])
    own = Lanes(together, together, TOGETHER, x, np.full((len(x), 1), TOLERANCES[0]), lanes=lanes)
    for k, tolerance in enumerate(TOLERANCES):
        own = own.anew(x, np.full((len(x), 1), tolerance))
        x = run(own, f"states free, tolerance {tolerance:g}", k + 1)
    return x[:, :size], x[:, size:].reshape(-1, *shape)


def _early(problem: Problem, starts: np.ndarray, lanes: int) -> np.ndarray:
    """States a few steps from rest, (N, C n)."""
    early = jax.jit(jax.vmap(lambda u: problem.outcome(u, search=EARLY).states))
    found, width = [], min(lanes, len(starts))
    for k in range(0, len(starts), lanes):
        own = starts[k : k + lanes]
        padded = jnp.asarray(np.resize(own, (width, own.shape[1])))
        states = np.array(early(padded))[: len(own)].reshape(len(own), -1)
        found.append(np.where(np.isfinite(states) & (np.abs(states) < LARGEST), states, 0.0))
    return np.concatenate(found)
