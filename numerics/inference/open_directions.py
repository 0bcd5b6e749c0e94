"""Paths along directions that change no prediction."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ...errors import ParameterError, SolverError
from ..fitting import Fit, Problem

STEP = 0.05  # longest step in the coordinates: logarithms change by 5 %
SHORTEST = 1e-4  # a step as short as this shows that the path ends
GROWTH = 1.5  # of a step after one that succeeded
CORRECTIONS, EXACT = 12, 1e-10  # Newton's steps, and the change of residuals where they end
ROUNDING = 1e-9  # part of the length that is rounding of its sums

Reached = tuple[float, np.ndarray, np.ndarray]  # distance, coordinates, fixed points


def open_path(fit: Fit, minimum: int, rank: int, along: np.ndarray, length: float) -> xr.Dataset:
    """Coordinates along a direction that the targets leave open, to both sides of a minimum.

    Args:
        fit: with the minimum.
        minimum: its rank in the fit.
        rank: number of directions that change predictions.
        along: the direction in the coordinates.
        length: of the path to each side.

    Returns:
        `value`, `u` and `loss_change` over `distance`.

    Raises:
        ParameterError: a length that is not positive.
        SolverError: predictions cannot be kept.
    """
    if not length > 0:
        raise ParameterError(f"length = {length} must be positive")
    problem, coordinates = fit.problem, fit.problem.coordinates
    u0, states0 = fit.minima.u[minimum], fit.minima.states[minimum]
    r0 = _residuals(problem, u0, states0)[0]
    left, right = (_walk(problem, u0, states0, side * along, length, r0, rank) for side in (-1, 1))
    way = [*((-d, u, states) for d, u, states in left[::-1]), (0.0, u0, states0), *right]
    loss = [np.sum(_residuals(problem, u, states)[0] ** 2) for _, u, states in way]
    us = np.array([u for _, u, _ in way])
    values = np.asarray(jax.vmap(coordinates.values)(jnp.asarray(us)))
    data = {
        "value": (("distance", "parameter"), values),
        "u": (("distance", "coordinate"), us),
        "loss_change": ("distance", np.array(loss) - np.sum(r0**2)),
    }
    names = {"parameter": list(coordinates.names), "coordinate": list(coordinates.labels)}
    return xr.Dataset(data, coords={"distance": [d for d, _, _ in way], **names})


def _residuals(
    problem: Problem, u: np.ndarray, states: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Residuals of the targets in the fit, and the fixed points."""
    residuals, outcome = problem.compiled(jnp.asarray(u), jnp.asarray(states))
    return np.asarray(residuals)[: int(problem.fitted.sum())], np.asarray(outcome.states)


def _slopes(problem: Problem, u: np.ndarray, states: np.ndarray) -> np.ndarray:
    J = np.asarray(problem.jacobian(jnp.asarray(u), jnp.asarray(states)))
    return J[: int(problem.fitted.sum())]


def _walk(
    problem: Problem,
    u: np.ndarray,
    states: np.ndarray,
    along: np.ndarray,
    length: float,
    r0: np.ndarray,
    rank: int,
) -> list[Reached]:
    found: list[Reached] = []
    done, step = 0.0, min(STEP, length)
    while done < length * (1 - ROUNDING):
        rows = np.linalg.svd(_slopes(problem, u, states))[2]
        tangent = rows[rank:].T @ (rows[rank:] @ along)
        tangent /= np.linalg.norm(tangent)
        step = min(step, length - done)
        while (reached := _corrected(problem, u + step * tangent, states, r0, rank)) is None:
            step /= 2
            if step < SHORTEST:
                raise SolverError(
                    "predictions cannot be kept along this direction beyond a distance of "
                    f"{done:.3g}: take a shorter length"
                )
        (u, states), done, along = reached, done + step, tangent
        found.append((done, u, states))
        step = min(GROWTH * step, STEP)
    return found


def _corrected(
    problem: Problem, u: np.ndarray, states: np.ndarray, r0: np.ndarray, rank: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """The nearest coordinates whose residuals are r0; None where there are none nearby."""
    begin = u
    for _ in range(CORRECTIONS):
        residuals, reached = _residuals(problem, u, states)
        change = residuals - r0
        if not np.all(np.isfinite(change)) or np.linalg.norm(u - begin) > STEP:
            break
        states = reached
        if np.linalg.norm(change) < EXACT * (1 + np.linalg.norm(r0)):
            return u, states
        left, values, rows = np.linalg.svd(_slopes(problem, u, states), full_matrices=False)
        u = u - rows[:rank].T @ ((left[:, :rank].T @ change) / values[:rank])
    return None
