"""Minima of the loss with one number held at a value."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..fitting import Problem

HELD = 1e-8  # relative error of the number above which a point does not count
EXACT, CORRECTIONS = 1e-11, 20  # of Newton's method onto the surface: it converges in about 4
FLAT = 1e-12  # squared slope below which no coordinate moves the number
RIDGE = 1e-9  # of the trace: directions that the loss does not notice are not moved along
FALL = 1e-10  # relative fall of the loss that a step must promise, above rounding
DAMPING, EASE, TIGHTEN = 1e-3, 5, 4  # Levenberg and Marquardt: at first, after success, failure


class Point(NamedTuple):
    """A minimum with a number held.

    Attributes:
        t: the number on its scale.
        u, states: coordinates and fixed points.
        loss: nan where there is none.
    """

    t: float
    u: np.ndarray
    states: np.ndarray
    loss: float


class Held:
    """Minima of the loss where one number has a value that is given on its scale.

    Args:
        problem: of the fit.
        name: of the number.
        steps: of Levenberg and Marquardt's method, at most, for each value.
    """

    def __init__(self, problem: Problem, name: str, steps: int):
        self.problem, self.name, self.steps = problem, name, steps
        self.scale = problem.coordinates.scale(name)
        k = problem.coordinates.names.index(name)
        self._value = jax.jit(lambda u: self.scale.forward(problem.coordinates.values(u)[k]))
        self._slope = jax.jit(
            jax.grad(lambda u: self.scale.forward(problem.coordinates.values(u)[k]))
        )

    def at(self, u: Float[np.ndarray, " n"]) -> float:
        """The number on its scale."""
        return float(self._value(jnp.asarray(u)))

    def minimum(self, start: Point, t: float) -> Point:
        """From a neighbour, first along the valley of the loss to the surface, then down on it."""
        J = self._jacobian(start.u, start.states)
        a = np.asarray(self._slope(jnp.asarray(start.u)))
        H = J.T @ J
        way = np.linalg.solve(H + RIDGE * (np.trace(H) + 1) * np.eye(len(a)), a)
        point = self._looked(
            self._onto(start.u + way * (t - start.t) / (a @ way), t), start.states, t
        )
        if not np.isfinite(point.loss):
            point = self._looked(self._onto(start.u, t), start.states, t)
        return self._down(point) if np.isfinite(point.loss) else point._replace(states=start.states)

    def _down(self, point: Point) -> Point:
        damping, accepted = DAMPING, True
        for _ in range(self.steps):
            if accepted:
                J = self._jacobian(point.u, point.states)
                a = np.asarray(self._slope(jnp.asarray(point.u)))
                along = np.linalg.svd(a[None], full_matrices=True)[2][1:].T
                slope, H = along.T @ (J.T @ self._residuals(point)), along.T @ (J.T @ J) @ along
            least = RIDGE * (np.trace(H) + 1)
            step = -np.linalg.solve(H + damping * np.diag(np.maximum(np.diag(H), least)), slope)
            falls = -(2 * slope @ step + step @ H @ step)
            if not falls > FALL * (1 + point.loss):
                break
            trial = self._looked(self._onto(point.u + along @ step, point.t), point.states, point.t)
            accepted = bool(trial.loss < point.loss)
            point, damping = (trial, damping / EASE) if accepted else (point, damping * TIGHTEN)
        return point

    def _onto(self, u: np.ndarray, t: float) -> np.ndarray:
        """The nearest coordinates at which the number has the value."""
        for _ in range(CORRECTIONS):
            left = t - self.at(u)
            if not abs(left) > EXACT * (1 + abs(t)):
                break
            a = np.asarray(self._slope(jnp.asarray(u)))
            if not FLAT < a @ a < np.inf:  # a motif at the largest value that the others allow
                break
            u = u + a * left / (a @ a)
        return u

    def _looked(self, u: np.ndarray, states: np.ndarray, t: float) -> Point:
        residuals, outcome = self.problem.compiled(jnp.asarray(u), jnp.asarray(states))
        there = abs(self.at(u) - t) <= HELD * (1 + abs(t))
        loss = float(jnp.sum(residuals**2)) if there else float("nan")
        return Point(t, u, np.asarray(outcome.states) if np.isfinite(loss) else states, loss)

    def _residuals(self, point: Point) -> np.ndarray:
        return np.asarray(self.problem.compiled(jnp.asarray(point.u), jnp.asarray(point.states))[0])

    def _jacobian(self, u: np.ndarray, states: np.ndarray) -> np.ndarray:
        return np.asarray(self.problem.jacobian(jnp.asarray(u), jnp.asarray(states)))
