"""Least-squares solvers of a fit: one step of one start, as pure functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import optimistix as optx
from jaxtyping import Array

from ..tangents import through_jacobian

PROBE = (0.5, -2.0, 1e-3, 30.0)
"""Slopes whose updates tell optimisers apart: of both signs, small and large."""
PATIENCE = 16
"""Steps over which the loss must fall by more than the tolerance: Levenberg and Marquardt's damping
recovers from a few refused steps in fewer."""


class Carry(NamedTuple):
    """One start on its way.

    Attributes:
        u, states, loss: coordinates of the best point, the fixed points there, its sum of squares.
        own: the solver's own state.
        steps: how many were taken.
        ended, converged: whether it has ended, and whether at a minimum.
        mark, since: the loss that progress is measured by, and the step at which that was.
    """

    u: Array
    states: Array
    loss: Array
    own: Any
    steps: Array
    ended: Array
    converged: Array
    mark: Array
    since: Array


class Minima(NamedTuple):
    """Where every start ended.

    Attributes:
        u, states: coordinates and fixed points.
        loss: the sum of squares; nan where there is no fixed point.
        steps: how many were taken.
        converged: whether it ended at a minimum.
    """

    u: np.ndarray
    states: np.ndarray
    loss: np.ndarray
    steps: np.ndarray
    converged: np.ndarray

    def sorted(self) -> Minima:
        """By loss, those without one last."""
        order = np.argsort(np.where(np.isfinite(self.loss), self.loss, np.inf), kind="stable")
        return Minima(*(value[order] for value in self))


class Solver(ABC):
    """Finds minima of the sum of squares of `residuals(u, states) -> (residuals, states)`."""

    steps: int

    def prepared(self, residuals: Callable) -> Callable:
        """The function as `begin` and `step` want it; traced once."""
        return jax.jit(residuals)

    @abstractmethod
    def begin(self, first: Callable, residuals: Callable, u: Array, states: Array) -> Carry:
        """A start at its beginning, where `first` finds the residuals; pure."""

    @abstractmethod
    def step(self, residuals: Callable, carry: Carry) -> Carry:
        """One step; pure."""

    @property
    def reverse(self) -> bool:
        """Whether derivatives are taken in reverse mode."""
        return False

    @property
    def settings(self) -> str:
        """All settings as a text, which tells checkpoints apart."""
        numbers = {k: v for k, v in vars(self).items() if isinstance(v, (int, float))}
        return repr((type(self).__name__, sorted(numbers.items())))


def _begun(first: Callable, u: Array, states: Array, own: Callable[[Array], Any]) -> Carry:
    """A start at its beginning; `own` makes the solver's state from the fixed points."""
    r, reached = first(u, states)
    finite, loss = jnp.all(jnp.isfinite(r)), jnp.sum(r**2)
    reached = jnp.where(finite, reached, states)
    zero, no = jnp.asarray(0), jnp.asarray(False)
    return Carry(u, reached, loss, own(reached), zero, ~finite, no, loss, zero)


@dataclass(frozen=True)
class LevenbergMarquardt(Solver):
    """Levenberg and Marquardt's method (optimistix).

    A start has converged when step and change of the loss are below `rtol`, relative, and `atol`,
    or when the loss has not fallen by more than `stall`, relative to itself, and `atol` in 16
    steps: along directions that the targets leave open a step need never become small.

    Args:
        steps: at most, of each start, refused ones included.
        rtol, atol: tolerances of step and loss.
        stall: relative fall of the loss in 16 steps below which a start has converged.
    """

    steps: int = 200
    rtol: float = 1e-8
    atol: float = 1e-12
    stall: float = 1e-4

    @property
    def _method(self) -> optx.LevenbergMarquardt:
        return optx.LevenbergMarquardt(rtol=self.rtol, atol=self.atol)

    def prepared(self, residuals: Callable) -> Callable:
        """With the Jacobian as a matrix: optimistix compiles something far larger otherwise."""
        return through_jacobian(residuals, varied=1)

    def _initial(self, residuals: Callable, u: Array, states: Array) -> Any:
        values, aux = jax.eval_shape(residuals, u, states)
        return self._method.init(residuals, u, states, {}, values, aux, frozenset())

    def begin(self, first: Callable, residuals: Callable, u: Array, states: Array) -> Carry:
        own = eqx.filter(self._initial(residuals, u, states), eqx.is_array)
        return _begun(first, u, states, lambda _: own)

    def step(self, residuals: Callable, carry: Carry) -> Carry:
        fixed = self._initial(residuals, carry.u, carry.states)
        own = eqx.combine(carry.own, eqx.filter(fixed, eqx.is_array, inverse=True))
        u, own, reached = self._method.step(residuals, carry.u, carry.states, {}, own, frozenset())
        done, _ = self._method.terminate(residuals, u, carry.states, {}, own, frozenset())
        reached = jnp.where(jnp.all(jnp.isfinite(reached)), reached, carry.states)
        info: Any = own.f_info
        loss, steps = 2 * info.as_min(), carry.steps + 1
        falls = carry.mark - loss > self.stall * carry.mark + self.atol
        done = done | (~falls & (steps - carry.since >= PATIENCE))
        mark, since = jnp.where(falls, loss, carry.mark), jnp.where(falls, steps, carry.since)
        arrays = eqx.filter(own, eqx.is_array)
        return Carry(u, reached, loss, arrays, steps, done, done, mark, since)


@dataclass(frozen=True)
class FirstOrder(Solver):
    """A first-order method of optax on half the sum of squares; the best point counts.

    A start has converged, and ends, when no entry of the gradient is above `atol`; it also ends
    where there is no fixed point.

    Args:
        optimiser: of optax; by default Adam.
        steps: of each start.
        atol: of the gradient.
    """

    optimiser: optax.GradientTransformation = field(default_factory=lambda: optax.adam(0.05))
    steps: int = 2000
    atol: float = 1e-6

    @property
    def reverse(self) -> bool:
        return True

    @property
    def settings(self) -> str:
        """With the first updates of the optimiser, which is made of functions."""
        slopes, updates = jnp.asarray(PROBE), []
        with jax.numpy_dtype_promotion("standard"):
            state = self.optimiser.init(slopes)
            for k in range(1, len(PROBE)):
                change, state = self.optimiser.update(k * slopes, state, slopes)
                updates.append(np.asarray(change).tolist())
        return repr((super().settings, updates))

    def begin(self, first: Callable, residuals: Callable, u: Array, states: Array) -> Carry:
        return _begun(first, u, states, lambda reached: (u, reached, self.optimiser.init(u)))

    def step(self, residuals: Callable, carry: Carry) -> Carry:
        u, states, own = carry.own

        def squares(u: Array) -> tuple[Array, Array]:
            r, reached = residuals(u, states)
            return jnp.sum(r**2), reached

        (loss, reached), slope = jax.value_and_grad(squares, has_aux=True)(u)
        finite = jnp.isfinite(loss) & jnp.all(jnp.isfinite(slope))
        better = finite & (loss <= carry.loss)
        # optax raises numbers to the power of its count of steps
        with jax.numpy_dtype_promotion("standard"):
            change, own = self.optimiser.update(jnp.where(finite, slope / 2, 0.0), own, u)
        done = finite & (jnp.max(jnp.abs(slope)) < 2 * self.atol)
        moved = (u + jnp.where(finite, change, 0.0), jnp.where(finite, reached, states), own)
        # without a finite loss there is no way on from here
        return carry._replace(
            u=jnp.where(better, u, carry.u),
            states=jnp.where(better, reached, carry.states),
            loss=jnp.where(better, loss, carry.loss),
            own=moved,
            steps=carry.steps + 1,
            ended=done | ~finite,
            converged=done,
        )
