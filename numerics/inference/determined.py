"""What the targets of a fit determine: which numbers, which combinations of others, how precisely; and how to move without their notice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy import stats

from ...errors import ParameterError, SolverError
from ..fitting import Fit, Problem
from ..parameters import MOTIFS
from .combinations import Combination, combinations
from .information import UNSEEN, WEAKEST, Information

TOLERANCE = 1e-9
ONE_SIGNED = ("N", "fractions", "mean", "g", "noise", *MOTIFS)
"""Numbers that are compared on a logarithmic scale, with whatever sign they have."""
STEP, SHORTEST, CORRECTIONS, EXACT = 0.05, 1e-4, 12, 1e-10


@dataclass(frozen=True, eq=False)
class Identifiability:
    """What is determined near a minimum, to first order; make it with `identifiability`.

    names: of independent numbers, n; `logarithmic`, `scale`: columns are log|v|, or v / scale; jacobian: of the standardised targets, (m, n)
    data: from the targets alone; whole: with priors and the limit that keeps states stable
    gradients: of all numbers of the fit, by `all_names`, in units of `sizes`, with respect to the columns
    held_out: gradients of the predictions of held-out targets, (k, n)
    """

    fit: Fit
    rank_of_minimum: int
    names: tuple[str, ...]
    logarithmic: np.ndarray
    scale: np.ndarray
    jacobian: np.ndarray
    data: Information
    whole: Information
    gradients: np.ndarray
    sizes: np.ndarray
    held_out: np.ndarray

    @property
    def all_names(self) -> tuple[str, ...]:
        """Those of the fit, tied ones included."""
        return self.fit.problem.coordinates.names

    @cached_property
    def values(self) -> dict[str, float]:
        """At the minimum."""
        return self.fit.named(self.fit.minima.u[self.rank_of_minimum])

    @property
    def singular_values(self) -> xr.DataArray:
        """Of the Jacobian, from targets alone and with priors; 1 / each is a standard error, of log|v| or v / scale."""
        return xr.DataArray(
            np.stack([self.data.singular_values, self.whole.singular_values]),
            dims=("source", "order"),
            coords={"source": ["targets", "with priors"]},
        )

    @cached_property
    def determined(self) -> list[Combination]:
        """A basis of what the targets determine, products of powers and sums, the most precise first."""
        found = combinations(self.data.seen, self.names, self.logarithmic, self.scale)
        return sorted(found, key=self._error)

    @cached_property
    def open(self) -> list[Combination]:
        """Directions along which no target changes: how log|v|, or v, change together."""
        return combinations(self.data.unseen, self.names, self.logarithmic, 1 / self.scale)

    def is_determined(self, *, priors: bool = False) -> dict[str, bool]:
        """Whether each number is, by the targets alone or together with the priors."""
        return dict(
            zip(
                self.all_names,
                np.isfinite(self._source(priors).errors(self.gradients)).tolist(),
                strict=True,
            )
        )

    def standard_errors(self, *, priors: bool = True) -> dict[str, float]:
        """Of each number, from the local covariance; infinite where it is not determined, even to a factor of e^10."""
        return dict(
            zip(
                self.all_names,
                (self._source(priors).errors(self.gradients) * self.sizes).tolist(),
                strict=True,
            )
        )

    def intervals(
        self, level: float = 0.95, *, priors: bool = True
    ) -> dict[str, tuple[float, float]]:
        """Of each number, symmetric on its `Scale`, and therefore within its bounds; those of numbers that are not determined are the bounds.

        Raises `ParameterError` for a level outside of 0 to 1.
        """
        if not 0 < level < 1:
            raise ParameterError(f"level = {level} is a probability between 0 and 1")
        width = float(stats.norm.isf((1 - level) / 2))
        errors = self.standard_errors(priors=priors)
        return {name: self._interval(name, width * errors[name]) for name in self.all_names}

    def correlations(self, *, priors: bool = True) -> xr.DataArray:
        """Of the errors of the numbers that are determined, (parameter, parameter2)."""
        own = self._source(priors)
        keep = np.isfinite(own.errors(self.gradients))
        g = self.gradients[keep]
        covariance = g @ own.covariance @ g.T
        size = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
        names = [n for n, there in zip(self.all_names, keep, strict=True) if there]
        return xr.DataArray(
            covariance / np.outer(size, size),
            dims=("parameter", "parameter2"),
            coords={"parameter": names, "parameter2": names},
        )

    def rows(self) -> list[dict[str, Any]]:
        """A row for each number: its value, standard error and 95 % interval with the priors, standard error from the targets alone."""
        errors, alone, ends = (
            self.standard_errors(),
            self.standard_errors(priors=False),
            self.intervals(),
        )
        return [
            {
                "parameter": n,
                "value": self.values[n],
                "standard error": errors[n],
                "low": ends[n][0],
                "high": ends[n][1],
                "standard error from targets alone": alone[n],
                "determined by targets": bool(np.isfinite(alone[n])),
            }
            for n in self.all_names
        ]

    def held_out_rows(self) -> list[dict[str, Any]]:
        """A row for each held-out target: measured, predicted, the standard errors of both, and the difference in units of the two together.

        That of the prediction is what targets and priors leave open, sqrt(g (J^T J)^-1 g^T) with its gradient g; infinite, and the difference nan,
        where they leave it open.
        """
        problem, rank = self.fit.problem, self.rank_of_minimum
        t, values = (
            problem.targets,
            problem.predicted(self.fit.minima.u[rank], self.fit.minima.states[rank]),
        )
        rows = []
        for k, error in zip(
            np.flatnonzero(problem.held_out).tolist(),
            self.whole.spread(self.held_out).tolist(),
            strict=True,
        ):
            z = (
                (values[k] - t.value[k]) / np.hypot(t.error[k], error)
                if np.isfinite(error)
                else np.nan
            )
            rows.append(
                {
                    "target": t.label(k),
                    "value": float(t.value[k]),
                    "error": float(t.error[k]),
                    "prediction": float(values[k]),
                    "prediction error": error,
                    "z": float(z),
                }
            )
        return rows

    def combination_rows(self) -> list[dict[str, Any]]:
        """A row for each combination that the targets determine: its value and standard error; of products both relative errors."""
        found = []
        for own in self.determined:
            found.append(
                {
                    "combination": own.text,
                    "value": self._value(own),
                    "standard error": self._error(own),
                    "relative": not own.weights,
                    "exact": own.simple,
                }
            )
        return found

    def text(self) -> str:
        """In words: what is determined, and what can change without notice."""
        n = len(self.names)
        if self.data.rank == n:
            return f"the targets determine each of the {n} parameters"
        if not self.data.rank:
            return f"the targets determine none of the {n} parameters"
        lines = [
            f"of {n} parameters, the targets determine {self.data.rank} combination{'s' * (self.data.rank > 1)}:"
        ]
        lines += [
            f"  {'' if len(own.names) == 1 else 'only '}{own.text}{'' if own.simple else ' (near these values)'}"
            for own in self.determined
        ]
        weak = self.data.exact - self.data.rank
        if weak:
            lines.append(f"{weak} more are determined no better than to a factor of e^{WEAKEST:g}")
        if self.open:
            lines += ["no target changes along"] + [f"  {_direction(own)}" for own in self.open]
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "parameters": list(self.names),
            "rank": self.data.rank,
            "rank with priors": self.whole.rank,
            "singular values": self.data.singular_values.tolist(),
            "singular values with priors": self.whole.singular_values.tolist(),
            "determined": self.combination_rows(),
            "open": [_direction(own) for own in self.open],
            "rows": self.rows(),
            "held out": self.held_out_rows(),
        }

    def flat(self, direction: int | str = 0, length: float = 1.0) -> xr.Dataset:
        """Move along a direction that the targets leave open, to both sides, keeping every one of their predictions.

        direction: number of one of `open`, or the name of a number, to change that one; length: of the way, in units of the coordinates
        u, to each side. Steps along the null space are followed by corrections of least norm, Newton's method on predictions.
        Returns values by name over `distance`, with `loss_change` (of the targets in the fit) and the coordinates `u`.
        Raises `ParameterError` when there is no such direction, `SolverError` where predictions cannot be kept.
        """
        return _flat(self, self._start(direction), length)

    def _source(self, priors: bool) -> Information:
        return self.whole if priors else self.data

    def _error(self, own: Combination) -> float:
        entries = own.row(self.names)
        gradient = np.where(self.logarithmic, entries, entries * self.scale)
        return float(np.sqrt(gradient @ self.data.determined_covariance @ gradient))

    def _value(self, own: Combination) -> float:
        logs = sum(power * np.log(abs(self.values[n])) for n, power in own.powers.items())
        if not own.weights:
            signs = (
                np.prod(
                    [np.sign(self.values[n]) ** round(power) for n, power in own.powers.items()]
                )
                if own.simple
                else 1.0
            )
            with np.errstate(
                over="ignore", under="ignore"
            ):  # large powers, of relations that are not exact
                return float(signs * np.exp(logs))
        return float(logs + sum(weight * self.values[n] for n, weight in own.weights.items()))

    def _interval(self, name: str, half: float) -> tuple[float, float]:
        scale, value = self.fit.problem.coordinates.scale(name), self.values[name]
        if not np.isfinite(half):
            return scale.low, scale.high
        middle, width = float(scale.forward(value)), half * scale.slope(value)
        return float(scale.backward(middle - width)), float(scale.backward(middle + width))

    def _start(self, direction: int | str) -> np.ndarray:
        unseen = self.data.unseen
        if isinstance(direction, str):
            if direction not in self.all_names:
                raise ParameterError(
                    f"there is no parameter {direction!r} in the fit: there are {', '.join(self.all_names)}"
                )
            own = self.gradients[self.all_names.index(direction)]
            along = unseen.T @ (unseen @ own)
            if np.linalg.norm(along) < UNSEEN * np.linalg.norm(own):
                raise ParameterError(
                    f"the targets determine {direction}: it cannot change without their notice"
                )
            return along
        if not 0 <= direction < len(self.open):
            raise ParameterError(
                f"there is no direction {direction}: the targets leave {len(self.open)} open"
            )
        entries = self.open[direction].row(self.names)
        return np.where(self.logarithmic, entries, entries / self.scale)


def identifiability(fit: Fit, *, tolerance: float = TOLERANCE, rank: int = 0) -> Identifiability:
    """Which numbers of a fit its targets determine, from the derivatives of the predictions at a minimum.

    Columns of the Jacobian are log|v| for numbers of one sign (bounds at 0, or N, fractions, means, g and motifs by nature), v for others, so that
    the row space shows products of powers: if only tau_con g^2 enters the equations, its row is (1, 2). Singular values below `tolerance`
    times the largest count as 0; directions with a standard error above 10, a factor of e^10, are not determined. Standard errors are those of
    (J^T J)^-1, with the priors' rows or without: of errors of the targets that are independent and right, of weights that are 1, to first order.

    rank: of the minimum in the fit, the best one unless given. Raises `ParameterError` for a tolerance or rank that cannot be, `SolverError` where
    there is no fixed point.
    """
    if not 0 < tolerance < 1:
        raise ParameterError(f"tolerance = {tolerance} is relative: it must be between 0 and 1")
    if not 0 <= rank < len(fit.minima.loss):
        raise ParameterError(f"there is no minimum {rank}: the fit has {len(fit.minima.loss)}")
    problem, u, states = (
        fit.problem,
        jnp.asarray(fit.minima.u[rank]),
        jnp.asarray(fit.minima.states[rank]),
    )
    J = np.asarray(problem.jacobian(u, states))
    if not np.all(np.isfinite(J)):
        raise SolverError(f"minimum {rank} of the fit has no derivatives: it has no fixed point")
    values = np.asarray(problem.coordinates.values(u))
    slopes = np.asarray(jax.jacfwd(problem.coordinates.values)(u))
    logs = np.array([_is_logarithmic(problem, k, value) for k, value in enumerate(values)])
    scale = np.where(logs, values, np.maximum(np.abs(values), 1.0))  # d log|v| = dv / v
    columns = slopes / scale[:, None]
    chosen = independent(columns)
    back = np.linalg.pinv(columns[chosen])
    whole = J @ back
    data = whole[: int(problem.fitted.sum())]
    names = tuple(problem.coordinates.names[k] for k in chosen)
    return Identifiability(
        fit,
        rank,
        names,
        logs[chosen],
        scale[chosen],
        data,
        Information.of(data, tolerance),
        Information.of(whole, tolerance),
        (slopes / np.abs(scale)[:, None]) @ back,
        np.abs(scale),
        np.asarray(problem.held_out_jacobian(u, states)) @ back,
    )


def independent(rows: Float[np.ndarray, "k n"]) -> list[int]:
    """Numbers of rows, as early as possible, that span what all of them span."""
    basis: list[np.ndarray] = []
    found = []
    for k, row in enumerate(rows):
        left = np.array(row)
        for _ in range(2):  # once more for what rounding left
            for own in basis:
                left = left - own * (own @ left)
        size = np.linalg.norm(left)
        if size > 1e-9 * max(float(np.linalg.norm(row)), 1e-300):
            basis.append(left / size)
            found.append(k)
    return found


def _flat(own: Identifiability, start: np.ndarray, length: float) -> xr.Dataset:
    if not length > 0:
        raise ParameterError(f"length = {length} must be positive")
    problem = own.fit.problem
    u0, states0 = own.fit.minima.u[own.rank_of_minimum], own.fit.minima.states[own.rank_of_minimum]
    count = int(problem.fitted.sum())
    r0 = np.asarray(problem.compiled(jnp.asarray(u0), jnp.asarray(states0))[0])[:count]
    slopes = np.asarray(jax.jacfwd(problem.coordinates.values)(jnp.asarray(u0)))
    first = np.linalg.pinv(_columns(own, slopes)) @ start
    sides = [_walk(own, u0, states0, side * first, length, r0) for side in (-1, 1)]
    way = [*((-d, u, states) for d, u, states in sides[0][::-1]), (0.0, u0, states0), *sides[1]]
    loss = [
        np.sum(np.asarray(problem.compiled(jnp.asarray(u), jnp.asarray(states))[0])[:count] ** 2)
        for _, u, states in way
    ]
    us = np.array([u for _, u, _ in way])
    values = np.asarray(jax.vmap(problem.coordinates.values)(jnp.asarray(us)))
    data = {
        "value": (("distance", "parameter"), values),
        "u": (("distance", "coordinate"), us),
        "loss_change": ("distance", np.array(loss) - np.sum(r0**2)),
    }
    names = {"parameter": list(own.all_names), "coordinate": list(problem.coordinates.labels)}
    return xr.Dataset(data, coords={"distance": [d for d, _, _ in way], **names})


def _columns(own: Identifiability, slopes: np.ndarray) -> np.ndarray:
    """d(column)/du."""
    return slopes[[own.all_names.index(n) for n in own.names]] / own.scale[:, None]


def _walk(
    own: Identifiability,
    u: np.ndarray,
    states: np.ndarray,
    along: np.ndarray,
    length: float,
    r0: np.ndarray,
) -> list[tuple[float, np.ndarray, np.ndarray]]:
    problem, rank = own.fit.problem, own.data.exact
    found: list[tuple[float, np.ndarray, np.ndarray]] = []
    done, step = 0.0, min(STEP, length)
    while done < length * (1 - 1e-9):
        rows = np.linalg.svd(
            np.asarray(problem.jacobian(jnp.asarray(u), jnp.asarray(states)))[: len(r0)]
        )[2]
        tangent = rows[rank:].T @ (rows[rank:] @ along)
        tangent /= np.linalg.norm(tangent)
        step = min(step, length - done)
        while (reached := _corrected(problem, u + step * tangent, states, r0, rank)) is None:
            step /= 2
            if step < SHORTEST:
                raise SolverError(
                    f"predictions cannot be kept along this direction beyond a distance of {done:.3g}: take a shorter length"
                )
        (u, states), done, along = reached, done + step, tangent
        found.append((done, u, states))
        step = min(1.5 * step, STEP)
    return found


def _corrected(
    problem: Problem, u: np.ndarray, states: np.ndarray, r0: np.ndarray, rank: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """The nearest coordinates whose predictions are those that give r0; None where Newton's method does not find them nearby."""
    begin = u
    for _ in range(CORRECTIONS):
        residuals, outcome = problem.compiled(jnp.asarray(u), jnp.asarray(states))
        change = np.asarray(residuals)[: len(r0)] - r0
        if not np.all(np.isfinite(change)) or np.linalg.norm(u - begin) > STEP:
            break
        states = np.asarray(outcome.states)
        if np.linalg.norm(change) < EXACT * (1 + np.linalg.norm(r0)):
            return u, states
        left, values, rows = np.linalg.svd(
            np.asarray(problem.jacobian(jnp.asarray(u), jnp.asarray(states)))[: len(r0)],
            full_matrices=False,
        )
        u = u - rows[:rank].T @ ((left[:, :rank].T @ change) / values[:rank])
    return None


def _is_logarithmic(problem: Problem, k: int, value: float) -> bool:
    if abs(value) < 1e-12:
        return False
    unknowns = problem.coordinates.unknowns
    if k < len(unknowns):
        own = unknowns[k]
        family = own.names[0].partition("[")[0].strip()
        return own.low >= 0 or own.high <= 0 or family in ONE_SIGNED or family.startswith("factor")
    return True


def _direction(own: Combination) -> str:
    """A direction in which numbers change together, in words."""
    powers, weights = own.shown
    parts = [
        f"{name} -> {name} f{'' if power == 1 else f'^{power:.3g}'}"
        for name, power in powers.items()
    ]
    for name, weight in weights.items():
        parts.append(
            f"{name} -> {name} {'-' if weight < 0 else '+'} {'' if abs(weight) == 1 else f'{abs(weight):.3g} '}e"
        )
    return ", ".join(parts) + (", ..." if len(parts) < len(own.names) else "")
