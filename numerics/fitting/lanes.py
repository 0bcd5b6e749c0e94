"""Many starts side by side under one compiled step, with a checkpoint to go on from."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...errors import ParameterError, SpecError
from ...files import write_with
from ..archives import read_npz, write_npz
from .least_squares import Carry, Minima, Solver

BURST = 8
"""Steps between two looks at the lanes: few beside a search, many beside the cost of a look."""
IDLE = -1
"""In place of a start, of a lane without one."""


class Lanes:
    """A fixed number of lanes; one that has ended takes the next start that has a fixed point.

    Args:
        first: residuals at the start, far from any fixed point that is known.
        residuals: those of all later steps.
        solver: takes the steps.
        starts: coordinates, (N, size).
        states: where the fixed points of each start are looked for, (N, ...).
        lanes: how many starts run side by side.
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
        """All starts to their ends.

        Args:
            progress: called with a text and the part that is done.
            checkpoint: a file to go on from, and to write after every few steps.
            key: what the checkpoint must agree with.

        Raises:
            SpecError: the file is no checkpoint.
            ParameterError: it is that of another fit.
        """
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
        own = (at.u, at.states, at.loss, at.steps, at.converged)
        for values, new in zip(self.found, own, strict=True):
            values[starts] = new

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
        pairs = zip(starts.tolist(), lanes, strict=True)
        self.queue += [(start, lane) for start, lane in pairs if not lane.ended]
        self.next = max(self.next, int(starts[-1]) + 1)

    def _save(self, path: Path, key: str) -> None:
        leaves: dict[str, Any] = {
            f"carry_{k}": np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(self.carry))
        }
        leaves |= {f"found_{name}": value for name, value in self.found._asdict().items()}
        leaves |= {
            "next": np.array(self.next),
            "queue": np.array([start for start, _ in self.queue], dtype=int),
            "done": self.done,
            "which": self.which,
            "key": np.array(key),
            "starts": self.starts,
        }

        write_with(path, lambda to: write_npz(to, leaves))

    def _resume(self, path: Path, key: str) -> None:
        template, structure = jax.tree.flatten(
            jax.eval_shape(self._begin, self.starts[: self.width], self.states[: self.width])
        )
        try:
            saved = read_npz(path)
            leaves = [
                np.asarray(saved[f"carry_{k}"], dtype=leaf.dtype) for k, leaf in enumerate(template)
            ]
            found = Minima(*(saved[f"found_{name}"] for name in Minima._fields))
            own, following = str(saved["key"]), int(saved["next"])
            done, which, queue = (saved[name] for name in ("done", "which", "queue"))
        except Exception as error:  # NumPy and zipfile raise many kinds on damaged files
            raise SpecError(
                f"{path} is no checkpoint of a fit ({error}): name another file, or remove it"
            ) from error
        if own != key or [v.shape for v in leaves] != [v.shape for v in template]:
            raise ParameterError(
                f"{path} is the checkpoint of another fit (other targets, unknowns, starts, lanes "
                "or solver): name another file, or remove it"
            )
        self.carry = jax.tree.unflatten(structure, leaves)
        self.found, self.done, self.which, self.next = found, done, which, following
        for k in range(0, len(queue), self.width):
            self._enqueue(queue[k : k + self.width])
