"""Least squares from many starts at once: a fixed number of lanes, each refilled with the next start when it has ended; can be interrupted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import optimistix as optx
from jaxtyping import Array
from numpy.lib.npyio import NpzFile

from ...errors import ParameterError, SpecError
from ...files import write_with
from ..tangents import through_jacobian

BURST = 8
"""Steps between two looks at the lanes."""
PROBE = (0.5, -2.0, 1e-3, 30.0)
"""Slopes whose updates tell optimisers apart."""
IDLE = -1
"""In place of a start, of a lane without one."""
PATIENCE = 16
"""Steps over which the loss must fall by more than the tolerance."""


class Carry(NamedTuple):
    """One lane: coordinates of the best point, the fixed points there, its loss, the solver's own state, steps, whether it has ended, whether
    it converged; and the loss that it is measured by, with the step at which that was.
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


class Solver(ABC):
    """Finds minima of the sum of squares of `residuals(u, states) -> (residuals, states)`."""

    steps: int

    def prepared(self, residuals: Callable) -> Callable:
        """The function as `begin` and `step` want it; traced once."""
        return jax.jit(residuals)

    @abstractmethod
    def begin(self, first: Callable, residuals: Callable, u: Array, states: Array) -> Carry:
        """A lane at its start, where `first` finds the residuals; pure."""

    @abstractmethod
    def step(self, residuals: Callable, carry: Carry) -> Carry:
        """One step of a lane; pure."""

    @property
    def reverse(self) -> bool:
        """Whether derivatives are taken in reverse mode."""
        return False

    @property
    def settings(self) -> str:
        """In a text, so that a checkpoint of other settings is known."""
        return repr(
            (
                type(self).__name__,
                sorted(
                    (name, value)
                    for name, value in vars(self).items()
                    if isinstance(value, (int, float))
                ),
            )
        )


@dataclass(frozen=True)
class LevenbergMarquardt(Solver):
    """Levenberg and Marquardt's method (optimistix), at most `steps` trial steps for each start.

    A start has converged when step and change of the loss are below `rtol`, relative, and `atol`, or when the loss has not fallen by more than
    `stall`, relative to itself, and `atol` in 16 steps: along directions that the targets leave open a step need never become small.
    """

    steps: int = 200
    rtol: float = 1e-8
    atol: float = 1e-12
    stall: float = 1e-4

    @property
    def _method(self) -> optx.LevenbergMarquardt:
        return optx.LevenbergMarquardt(rtol=self.rtol, atol=self.atol)

    def prepared(self, residuals: Callable) -> Callable:
        """With the Jacobian as a matrix: what optimistix keeps of a function, and compiles, is far larger otherwise."""
        return through_jacobian(residuals, varied=1)

    def begin(self, first: Callable, residuals: Callable, u: Array, states: Array) -> Carry:
        values, aux = jax.eval_shape(residuals, u, states)
        own = self._method.init(residuals, u, states, {}, values, aux, frozenset())
        arrays = eqx.filter(own, eqx.is_array)
        r, reached = first(u, states)
        finite = jnp.all(jnp.isfinite(r))
        loss = jnp.sum(r**2)
        return Carry(
            u,
            jnp.where(finite, reached, states),
            loss,
            arrays,
            jnp.asarray(0),
            ~finite,
            jnp.asarray(False),
            loss,
            jnp.asarray(0),
        )

    def step(self, residuals: Callable, carry: Carry) -> Carry:
        values, aux = jax.eval_shape(residuals, carry.u, carry.states)
        still = eqx.filter(
            self._method.init(residuals, carry.u, carry.states, {}, values, aux, frozenset()),
            eqx.is_array,
            inverse=True,
        )
        own = eqx.combine(carry.own, still)
        u, own, reached = self._method.step(residuals, carry.u, carry.states, {}, own, frozenset())
        done, _ = self._method.terminate(residuals, u, carry.states, {}, own, frozenset())
        reached = jnp.where(jnp.all(jnp.isfinite(reached)), reached, carry.states)
        info: Any = own.f_info
        loss, steps = 2 * info.as_min(), carry.steps + 1
        falls = carry.mark - loss > self.stall * carry.mark + self.atol
        done = done | (~falls & (steps - carry.since >= PATIENCE))
        return Carry(
            u,
            reached,
            loss,
            eqx.filter(own, eqx.is_array),
            steps,
            done,
            done,
            jnp.where(falls, loss, carry.mark),
            jnp.where(falls, steps, carry.since),
        )


@dataclass(frozen=True)
class FirstOrder(Solver):
    """A first-order method of optax on half the sum of squares, `steps` steps for each start, of which the best point counts.

    A start has converged, and ends, when no entry of the gradient is above `atol`; it also ends where there is no fixed point.
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
        r, reached = first(u, states)
        finite = jnp.all(jnp.isfinite(r))
        loss = jnp.sum(r**2)
        reached = jnp.where(finite, reached, states)
        return Carry(
            u,
            reached,
            loss,
            (u, reached, self.optimiser.init(u)),
            jnp.asarray(0),
            ~finite,
            jnp.asarray(False),
            loss,
            jnp.asarray(0),
        )

    def step(self, residuals: Callable, carry: Carry) -> Carry:
        u, states, own = carry.own

        def squares(u: Array) -> tuple[Array, Array]:
            r, reached = residuals(u, states)
            return jnp.sum(r**2), reached

        (loss, reached), slope = jax.value_and_grad(squares, has_aux=True)(u)
        finite = jnp.isfinite(loss) & jnp.all(jnp.isfinite(slope))
        better = finite & (loss <= carry.loss)
        with jax.numpy_dtype_promotion(
            "standard"
        ):  # optax raises numbers to the power of its count of steps
            change, own = self.optimiser.update(jnp.where(finite, slope / 2, 0.0), own, u)
        done = finite & (jnp.max(jnp.abs(slope)) < 2 * self.atol)
        moved = (u + jnp.where(finite, change, 0.0), jnp.where(finite, reached, states), own)
        # without a finite loss there is no way on from here
        return Carry(
            jnp.where(better, u, carry.u),
            jnp.where(better, reached, carry.states),
            jnp.where(better, loss, carry.loss),
            moved,
            carry.steps + 1,
            done | ~finite,
            done,
            carry.mark,
            carry.since,
        )


class Minima(NamedTuple):
    """Of every start: coordinates, fixed points, loss (the sum of squares; nan where it has none), steps, whether it converged."""

    u: np.ndarray
    states: np.ndarray
    loss: np.ndarray
    steps: np.ndarray
    converged: np.ndarray

    def sorted(self) -> Minima:
        """By loss, those without one last."""
        order = np.argsort(np.where(np.isfinite(self.loss), self.loss, np.inf), kind="stable")
        return Minima(*(value[order] for value in self))


class Lanes:
    """Several starts side by side under one compiled step; a lane that has ended takes the next start that has a fixed point.

    first: residuals at the start, far from any fixed point that is known; states: where it is looked for, of each start, (N, ...)
    """

    def __init__(
        self,
        first: Callable,
        residuals: Callable,
        solver: Solver,
        starts: np.ndarray,
        states: np.ndarray,
        *,
        lanes: int,
    ):
        self.solver, self.lanes = solver, lanes
        first, residuals = jax.jit(first), solver.prepared(residuals)
        self._begin = jax.jit(jax.vmap(lambda u, y: solver.begin(first, residuals, u, y)))

        def burst(carry: Carry) -> Carry:
            def one(lane: Carry) -> Carry:
                moved = solver.step(residuals, lane)
                over = lane.ended | (lane.steps >= solver.steps)
                return jax.tree.map(lambda new, old: jnp.where(over, old, new), moved, lane)

            return jax.lax.fori_loop(0, BURST, lambda _, lane: jax.vmap(one)(lane), carry)

        self._burst = jax.jit(burst)
        self._place(starts, states)

    def anew(self, starts: np.ndarray, states: np.ndarray) -> Lanes:
        """The same compiled steps from other starts."""
        other = copy(self)
        other._place(starts, states)
        return other

    def _place(self, starts: np.ndarray, states: np.ndarray) -> None:
        self.starts, self.states = np.asarray(starts), np.asarray(states)
        self.width = min(self.lanes, len(starts))
        n = len(self.starts)
        self.done = np.zeros(n, dtype=bool)
        self.found = Minima(
            self.starts.copy(),
            self.states.copy(),
            np.full(n, np.nan),
            np.zeros(n, dtype=int),
            np.zeros(n, dtype=bool),
        )
        self.which = np.full(self.width, IDLE)
        self.next = 0
        self.queue: list[tuple[int, Carry]] = []
        self.carry: Carry | None = None

    def run(
        self, progress: Callable[[str, float], None], checkpoint: Path | None, key: str
    ) -> Minima:
        """All starts to their ends."""
        if checkpoint is not None and checkpoint.exists():
            self._resume(checkpoint, key)
        else:
            progress("compiling", 0.0)
            self._fill()
        while not self.done.all():
            self.carry = jax.tree.map(np.array, self._burst(self.carry))
            self._collect()
            self._fill()
            finite = self.found.loss[np.isfinite(self.found.loss)]
            best = f", best {finite.min():.4g}" if len(finite) else ""
            progress(f"starts ended: {self.done.sum()} of {len(self.done)}{best}", self._part())
            if checkpoint is not None:
                self._save(checkpoint, key)
        return self.found

    def _part(self) -> float:
        assert self.carry is not None
        running = self.carry.steps[self.which != IDLE]
        return float((self.done.sum() + running.sum() / self.solver.steps) / len(self.done))

    def _collect(self) -> None:
        """Write down where the lanes are; those that have ended become idle."""
        assert self.carry is not None
        running = self.which != IDLE
        over = running & (self.carry.ended | (self.carry.steps >= self.solver.steps))
        self._write(self.which[running], jax.tree.map(lambda leaf: leaf[running], self.carry))
        self.done[self.which[over]] = True
        self.which[over] = IDLE

    def _write(self, starts: np.ndarray, at: Carry) -> None:
        for values, own in zip(
            self.found, (at.u, at.states, at.loss, at.steps, at.converged), strict=True
        ):
            values[starts] = own

    def _fill(self) -> None:
        """Give idle lanes the next starts that have a fixed point."""
        idle = np.flatnonzero(self.which == IDLE)
        while len(self.queue) < len(idle) and self.next < len(self.starts):
            self._enqueue(np.arange(self.next, min(self.next + self.width, len(self.starts))))
        for k in idle[: len(self.queue)].tolist():
            self.which[k], lane = self.queue.pop(0)
            self._put(k, lane)
        running = np.flatnonzero(self.which != IDLE)
        for k in np.flatnonzero(self.which == IDLE).tolist() if len(running) else ():
            # all lanes take as long as the slowest: an idle one does what another does
            self._put(k, jax.tree.map(lambda leaf: leaf[running[0]], self.carry))

    def _put(self, k: int, lane: Carry) -> None:
        for leaf, own in zip(jax.tree.leaves(self.carry), jax.tree.leaves(lane), strict=True):
            leaf[k] = own

    def _enqueue(self, starts: np.ndarray) -> None:
        """Find the fixed points of these starts; those that have none end here."""
        padded = np.resize(starts, self.width)
        begun = jax.tree.map(
            np.array,
            self._begin(jnp.asarray(self.starts[padded]), jnp.asarray(self.states[padded])),
        )
        self.carry = begun if self.carry is None else self.carry
        lanes = [jax.tree.map(lambda leaf, k=k: leaf[k].copy(), begun) for k in range(len(starts))]
        self._write(starts, jax.tree.map(lambda leaf: leaf[: len(starts)], begun))
        self.done[starts] = begun.ended[: len(starts)]
        self.queue += [
            (start, lane)
            for start, lane in zip(starts.tolist(), lanes, strict=True)
            if not lane.ended
        ]
        self.next = max(self.next, int(starts[-1]) + 1)

    def _save(self, path: Path, key: str) -> None:
        leaves = {
            f"carry_{k}": np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(self.carry))
        }
        leaves |= {f"found_{name}": value for name, value in self.found._asdict().items()}
        leaves |= {
            "next": np.array(self.next),
            "queue": np.array([start for start, _ in self.queue], dtype=int),
        }
        leaves |= {
            "done": self.done,
            "which": self.which,
            "key": np.array(key),
            "starts": self.starts,
        }

        def write(to: str) -> None:
            with open(to, "wb") as stream:
                np.savez(stream, allow_pickle=False, **leaves)

        write_with(path, write)

    def _resume(self, path: Path, key: str) -> None:
        try:
            with path.open("rb") as stream:
                data = np.load(stream, allow_pickle=False)
                saved = dict(data) if isinstance(data, NpzFile) else {}
            own = str(saved["key"])
            template, structure = jax.tree.flatten(
                jax.eval_shape(self._begin, self.starts[: self.width], self.states[: self.width])
            )
            leaves = [
                np.asarray(saved[f"carry_{k}"], dtype=leaf.dtype) for k, leaf in enumerate(template)
            ]
            found = Minima(*(saved[f"found_{name}"] for name in Minima._fields))
            done, which, following, queue = (
                saved["done"],
                saved["which"],
                int(saved["next"]),
                saved["queue"],
            )
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise SpecError(
                f"{path} is no checkpoint of a fit ({error}): name another file, or remove it"
            ) from error
        if own != key or [v.shape for v in leaves] != [v.shape for v in template]:
            raise ParameterError(
                f"{path} is the checkpoint of another fit (other targets, unknowns, starts, lanes or solver): "
                "name another file, or remove it"
            )
        self.carry = jax.tree.unflatten(structure, leaves)
        self.found, self.done, self.which, self.next = found, done, which, following
        for k in range(0, len(queue), self.width):
            self._enqueue(queue[k : k + self.width])
