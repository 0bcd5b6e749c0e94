"""Many fits of one problem side by side, under one compiled step.

Each has its own held-out targets and its own frozen coordinates. The method is Levenberg and
Marquardt's with several damping factors at once: a trajectory costs little beside its derivatives.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

import motifield as mf

DAMPINGS = np.array([0.03, 0.3, 1.0, 10.0])
"""Factors of the last damping that each step tries."""
LARGEST = 1e8
LONGEST, LEAST_CURVATURE = 2.0, 1.0
"""The largest change of a coordinate in a step, and the least curvature that scales the damping."""


@dataclass(frozen=True, eq=False)
class Runs:
    """Fits, one per row.

    Args:
        u: coordinates.
        free: which of them move.
        weights: of each squared residual (targets, priors, limit on the bulk); 0 leaves it out.
        loss: the weighted sum, nan where there is no fixed point.
        predictions: of all targets.
    """

    u: np.ndarray
    free: np.ndarray
    weights: np.ndarray
    loss: np.ndarray | None = None
    predictions: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.u)

    def __getitem__(self, rows: "np.ndarray | slice") -> "Runs":
        return Runs(
            *(
                None if v is None else v[rows]
                for v in (self.u, self.free, self.weights, self.loss, self.predictions)
            )
        )

    @classmethod
    def joined(cls, parts: "list[Runs]") -> "Runs":
        """One after the other."""
        columns = (
            [getattr(p, name) for p in parts]
            for name in ("u", "free", "weights", "loss", "predictions")
        )
        return cls(*(None if c[0] is None else np.concatenate(c) for c in columns))


class Fitter:
    """The compiled derivatives of a problem, for `lanes` fits at once."""

    def __init__(self, problem: mf.fitting.Problem, lanes: int):
        self.problem, self.lanes = problem, lanes
        self._slopes = jax.jit(jax.vmap(jax.jacfwd(lambda u, y: problem.residuals(u, y)[0])))
        self._look = jax.jit(jax.vmap(lambda u, y: self._seen(*problem.residuals(u, y))))

    def fit(
        self,
        runs: Runs,
        steps: int,
        say: Callable[[str], None] = lambda text: None,
        tolerance: float = 1e-3,
    ) -> Runs:
        """At most `steps` steps of each.

        A batch ends sooner when none of its losses has fallen by more than `tolerance`, relative,
        in the last five steps.
        """
        parts = []
        for k in range(0, len(runs), self.lanes):
            own = runs[slice(k, k + self.lanes)]
            label = f"fits {k + 1} to {k + len(own)} of {len(runs)}"
            parts.append(
                self._batch(
                    own, steps, lambda text, label=label: say(f"{label}: {text}"), tolerance
                )
            )
        return Runs.joined(parts)

    def look(
        self, u: np.ndarray, states: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Residuals, fixed points and predictions at coordinates, (n, size)."""
        rest = (
            np.broadcast_to(
                np.asarray(self.problem.at_rest()), (len(u), *self.problem.at_rest().shape)
            )
            if states is None
            else states
        )
        width, found = self.lanes * len(DAMPINGS), []
        for k in range(0, len(u), width):
            rows = np.minimum(np.arange(k, k + width), len(u) - 1)
            found.append(
                [
                    np.asarray(v)[: len(u) - k]
                    for v in self._look(jnp.asarray(u[rows]), jnp.asarray(rest[rows]))
                ]
            )
        r, reached, values = (np.concatenate(v) for v in zip(*found, strict=True))
        return r, reached, values

    def _seen(self, r, outcome):
        return r, outcome.states, outcome.values

    def _batch(self, runs: Runs, steps: int, say: Callable[[str], None], tolerance: float) -> Runs:
        n, u, damping, losses = len(runs), runs.u.copy(), np.ones(len(runs)), []
        r, states, values = self.look(u)
        scale = np.sqrt(runs.weights)
        pad = np.minimum(np.arange(self.lanes), n - 1)
        for k in range(steps):
            slopes = np.asarray(self._slopes(jnp.asarray(u[pad]), jnp.asarray(states[pad])))[:n]
            tried = np.clip(damping[:, None] * DAMPINGS, 1e-8, LARGEST)
            moved = np.stack(
                [
                    _moved(*row)
                    for row in zip(
                        u, slopes * scale[:, :, None], r * scale, runs.free, tried, strict=True
                    )
                ]
            )
            flat = moved.reshape(-1, u.shape[1])
            ends, reached, seen = self.look(flat, np.repeat(states, len(DAMPINGS), axis=0))
            loss = np.sum((ends.reshape(n, len(DAMPINGS), -1) * scale[:, None]) ** 2, axis=2)
            loss = np.where(np.isfinite(loss), loss, np.inf)
            best = np.argmin(loss, axis=1)
            before, chosen = np.sum((r * scale) ** 2, axis=1), np.arange(n) * len(DAMPINGS) + best
            better = loss[np.arange(n), best] < np.where(np.isfinite(before), before, np.inf)
            u[better], r[better], states[better], values[better] = (
                v[chosen][better] for v in (flat, ends, reached, seen)
            )
            damping = np.where(
                better, tried[np.arange(n), best], np.minimum(damping * 10 * DAMPINGS[-1], LARGEST)
            )
            losses.append(np.sum((r * scale) ** 2, axis=1))
            best_few = np.array2string(np.sort(losses[-1])[:8], precision=1, max_line_width=150)
            say(f"step {k + 1}: {best_few}")
            if k >= 5 and not np.any(losses[-6] - losses[-1] > tolerance * losses[-6]):
                break
        return replace(runs, u=u, loss=losses[-1], predictions=values)


def _moved(
    u: np.ndarray, slopes: np.ndarray, r: np.ndarray, free: np.ndarray, dampings: np.ndarray
) -> np.ndarray:
    """Ends of steps with these dampings, for the free coordinates alone.

    No step is longer than `LONGEST` in any coordinate.
    """
    own = slopes[:, free]
    if not np.all(np.isfinite(own)):
        return np.repeat(u[None], len(dampings), axis=0)
    square, slope = own.T @ own, own.T @ r
    moved = np.repeat(u[None], len(dampings), axis=0)
    for k, damping in enumerate(dampings):
        step = np.linalg.solve(
            square + damping * np.diag(np.maximum(np.diag(square), LEAST_CURVATURE)), -slope
        )
        moved[k, free] += step * min(1.0, LONGEST / max(np.abs(step).max(), 1e-300))
    return moved
