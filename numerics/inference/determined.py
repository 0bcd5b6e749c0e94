"""Identifiability: numbers and combinations that the targets determine, and how precisely."""

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
from ...numbers import counted
from ..fitting import Fit, Problem
from ..parameters import MOTIFS
from ..results import Settled
from .combinations import Combination, combinations
from .information import SMALLEST, UNSEEN, WEAKEST, Information
from .open_directions import open_path

TOLERANCE = 1e-9  # relative size of a singular value that is rounding of implicit derivatives
DEPENDENT = 1e-9  # part of a row that the rows before leave: below it, rounding
ZERO = 1e-12  # absolute value below which a number has no logarithm to speak of
ONE_SIGNED = ("N", "fractions", "mean", "g", "noise", *MOTIFS)
"""Numbers that are compared on a logarithmic scale, with whatever sign they have."""


@dataclass(frozen=True, eq=False, repr=False)
class Identifiability(Settled):
    """Numbers that are determined near a minimum, to first order; make it with `identifiability`.

    Attributes:
        fit, rank_of_minimum: where this is.
        names: of independent numbers, n.
        logarithmic, scale: columns are log|v|, or v / scale.
        jacobian: of the standardised targets, (m, n).
        data: information in the targets alone.
        whole: that with priors and the limit that keeps states stable.
        gradients: of all numbers of the fit, by `all_names`, in units of `sizes`, with respect to
            the columns.
        held_out: gradients of the predictions of held-out targets, (k, n).
        slopes: d(numbers)/du, by `all_names`.
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
    slopes: np.ndarray

    @property
    def title(self) -> str:
        """How many numbers are asked for."""
        return f"Identifiability of {counted(len(self.all_names), 'number')}"

    @property
    def all_names(self) -> tuple[str, ...]:
        """Names of all numbers of the fit, tied ones included."""
        return self.fit.problem.coordinates.names

    @cached_property
    def values(self) -> dict[str, float]:
        """The numbers by name at the minimum."""
        return self.fit.named(self.fit.minima.u[self.rank_of_minimum])

    @property
    def singular_values(self) -> xr.DataArray:
        """Singular values of the Jacobian, from targets alone and with priors.

        1 / each is a standard error, of log|v| or v / scale.
        """
        return xr.DataArray(
            np.stack([self.data.singular_values, self.whole.singular_values]),
            dims=("source", "order"),
            coords={"source": ["targets", "with priors"]},
        )

    @cached_property
    def determined(self) -> list[Combination]:
        """A basis of what the targets determine, products and sums, the most precise first."""
        found = combinations(self.data.seen, self.names, self.logarithmic, self.scale)
        return sorted(found, key=self._error)

    @cached_property
    def open(self) -> list[Combination]:
        """Directions that change no prediction: how log|v|, or v, change together."""
        return combinations(self.data.unseen, self.names, self.logarithmic, 1 / self.scale)

    def is_determined(self, *, priors: bool = False) -> dict[str, bool]:
        """Whether each number is determined, by the targets alone or together with the priors."""
        found = np.isfinite(self._source(priors).errors(self.gradients))
        return dict(zip(self.all_names, found.tolist(), strict=True))

    def standard_errors(self, *, priors: bool = True) -> dict[str, float]:
        """Standard errors by name, from the local covariance.

        Infinite where a number is not determined, even to a factor of e^10.

        Args:
            priors: whether priors count, too.
        """
        found = self._source(priors).errors(self.gradients) * self.sizes
        return dict(zip(self.all_names, found.tolist(), strict=True))

    def intervals(
        self, level: float = 0.95, *, priors: bool = True
    ) -> dict[str, tuple[float, float]]:
        """Confidence intervals by name, symmetric on the scale on which a number has no bounds.

        Those of numbers that are not determined are the bounds.

        Args:
            level: probability of the interval.
            priors: whether priors count, too.

        Raises:
            ParameterError: a level outside of 0 to 1.
        """
        if not 0 < level < 1:
            raise ParameterError(f"level = {level} is a probability between 0 and 1")
        width = float(stats.norm.isf((1 - level) / 2))
        errors = self.standard_errors(priors=priors)
        return {name: self._interval(name, width * errors[name]) for name in self.all_names}

    def correlations(self, *, priors: bool = True) -> xr.DataArray:
        """Correlations of the errors of numbers that are determined, (parameter, parameter2)."""
        own = self._source(priors)
        keep = np.isfinite(own.errors(self.gradients))
        g = self.gradients[keep]
        covariance = g @ own.covariance @ g.T
        size = np.sqrt(np.maximum(np.diag(covariance), SMALLEST))
        names = [n for n, there in zip(self.all_names, keep, strict=True) if there]
        return xr.DataArray(
            covariance / np.outer(size, size),
            dims=("parameter", "parameter2"),
            coords={"parameter": names, "parameter2": names},
        )

    def rows(self) -> list[dict[str, Any]]:
        """A row for each number.

        Its value, standard error and 95 % interval with the priors, and the standard error from the
        targets alone.
        """
        errors, ends = self.standard_errors(), self.intervals()
        alone = self.standard_errors(priors=False)
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
        """A row for each held-out target: measured, predicted, and their difference.

        The standard error of a prediction is sqrt(g (J^T J)^-1 g^T) with its gradient g, infinite
        where targets and priors leave it open; the difference z is in units of both errors
        together, nan where that is infinite.
        """
        problem, rank = self.fit.problem, self.rank_of_minimum
        t, found = problem.targets, self.fit.minima
        values = problem.predicted(found.u[rank], found.states[rank])
        errors = self.whole.spread(self.held_out).tolist()
        rows = []
        for k, error in zip(np.flatnonzero(problem.held_out).tolist(), errors, strict=True):
            whole = np.hypot(t.error[k], error)
            z = (values[k] - t.value[k]) / whole if np.isfinite(error) else np.nan
            rows.append(
                {
                    "target": self.fit.problem.label(k),
                    "value": float(t.value[k]),
                    "error": float(t.error[k]),
                    "prediction": float(values[k]),
                    "prediction error": error,
                    "z": float(z),
                }
            )
        return rows

    def combination_rows(self) -> list[dict[str, Any]]:
        """A row for each combination that the targets determine: value and standard error.

        Errors of products are relative.
        """
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
        """In words: what is determined, and directions that change no prediction."""
        n = len(self.names)
        if self.data.rank == n:
            whole = "the parameter" if n == 1 else f"each of the {n} parameters"
            return f"the targets determine {whole}"
        if not self.data.rank:
            return f"the targets determine none of the {counted(n, 'parameter')}"
        combinations = counted(self.data.rank, "combination")
        lines = [f"of {n} parameters, the targets determine {combinations}:"]
        lines += [
            f"  {'' if len(own.names) == 1 else 'only '}{own.text}"
            f"{'' if own.simple else ' (near these values)'}"
            for own in self.determined
        ]
        weak = self.data.exact - self.data.rank
        if weak:
            lines.append(f"{weak} more are determined no better than to a factor of e^{WEAKEST:g}")
        if self.open:
            lines += ["no target changes along"] + [f"  {own.direction}" for own in self.open]
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            **self.status.json(),
            "parameters": list(self.names),
            "rank": self.data.rank,
            "rank with priors": self.whole.rank,
            "singular values": self.data.singular_values.tolist(),
            "singular values with priors": self.whole.singular_values.tolist(),
            "determined": self.combination_rows(),
            "open": [own.direction for own in self.open],
            "rows": self.rows(),
            "held out": self.held_out_rows(),
        }

    @property
    def dataset(self) -> xr.Dataset:
        """Values, standard errors and intervals over parameter; singular values over order."""
        rows = self.rows()
        names = {
            "value": "value",
            "standard_error": "standard error",
            "low": "low",
            "high": "high",
            "standard_error_of_targets": "standard error from targets alone",
            "determined": "determined by targets",
        }
        data: dict[str, Any] = {
            name: ("parameter", np.array([row[key] for row in rows])) for name, key in names.items()
        }
        data["singular_value"] = self.singular_values
        return xr.Dataset(data, coords={"parameter": list(self.all_names)})

    def summary(self) -> list[str]:
        """Lines for the repr: what is determined, then all numbers."""
        return [*self.text().splitlines()[:8], *super().summary()]

    def flat(self, direction: int | str = 0, length: float = 1.0) -> xr.Dataset:
        """A path along directions that change no prediction, to both sides.

        Steps along the null space are followed by corrections of least norm, Newton's method on
        predictions.

        Args:
            direction: number of one of `open`, or the name of a number, to change that one.
            length: of the way, in units of the coordinates u, to each side.

        Returns:
            Values by name over `distance`, with `loss_change` (of the targets in the fit) and the
            coordinates `u`.

        Raises:
            ParameterError: there is no such direction.
            SolverError: predictions cannot be kept.
        """
        along = self._along(direction)
        return open_path(self.fit, self.rank_of_minimum, self.data.exact, along, length)

    def _source(self, priors: bool) -> Information:
        return self.whole if priors else self.data

    def _error(self, own: Combination) -> float:
        entries = own.row(self.names)
        gradient = np.where(self.logarithmic, entries, entries * self.scale)
        return float(np.sqrt(gradient @ self.data.determined_covariance @ gradient))

    def _value(self, own: Combination) -> float:
        logs = sum(power * np.log(abs(self.values[n])) for n, power in own.powers.items())
        if not own.weights:
            signs = [np.sign(self.values[n]) ** round(power) for n, power in own.powers.items()]
            sign = np.prod(signs) if own.simple else 1.0
            # relations that are not exact can have large powers
            with np.errstate(over="ignore", under="ignore"):
                return float(sign * np.exp(logs))
        return float(logs + sum(weight * self.values[n] for n, weight in own.weights.items()))

    def _interval(self, name: str, half: float) -> tuple[float, float]:
        scale, value = self.fit.problem.coordinates.scale(name), self.values[name]
        if not np.isfinite(half):
            return scale.low, scale.high
        middle, width = float(scale.forward(value)), half * scale.slope(value)
        return float(scale.backward(middle - width)), float(scale.backward(middle + width))

    def _along(self, direction: int | str) -> np.ndarray:
        """The direction in the coordinates u."""
        slopes = self.slopes[[self.all_names.index(n) for n in self.names]] / self.scale[:, None]
        return np.linalg.pinv(slopes) @ self._columns(direction)

    def _columns(self, direction: int | str) -> np.ndarray:
        """The direction in the columns of the Jacobian."""
        unseen = self.data.unseen
        if isinstance(direction, str):
            if direction not in self.all_names:
                raise ParameterError(
                    f"there is no parameter {direction!r} in the fit: there are "
                    f"{', '.join(self.all_names)}"
                )
            own = self.gradients[self.all_names.index(direction)]
            along = unseen.T @ (unseen @ own)
            if np.linalg.norm(along) < UNSEEN * np.linalg.norm(own):
                raise ParameterError(
                    f"the targets determine {direction}: no change of it keeps all predictions"
                )
            return along
        if not 0 <= direction < len(self.open):
            raise ParameterError(
                f"there is no direction {direction}: the targets leave {len(self.open)} open"
            )
        entries = self.open[direction].row(self.names)
        return np.where(self.logarithmic, entries, entries / self.scale)


def identifiability(fit: Fit, *, tolerance: float = TOLERANCE, rank: int = 0) -> Identifiability:
    """Numbers of a fit that its targets determine, from derivatives of the predictions.

    Columns of the Jacobian are log|v| for numbers of one sign (bounds at 0, or N, fractions, means,
    g and motifs by nature), v for others, so that the row space shows products of powers: if only
    tau_con g^2 enters the equations, its row is (1, 2). Directions with a standard error above 10,
    a factor of e^10, are not determined. Standard errors are those of (J^T J)^-1, with the priors'
    rows or without: of errors of the targets that are independent and right, of weights that are 1,
    to first order.

    Args:
        fit: a fit with a minimum.
        tolerance: singular values below this, relative to the largest, count as 0.
        rank: of the minimum in the fit; by default the best one.

    Raises:
        ParameterError: a tolerance or rank that cannot be.
        SolverError: there is no fixed point.
    """
    if not 0 < tolerance < 1:
        raise ParameterError(f"tolerance = {tolerance} is relative: it must be between 0 and 1")
    if not 0 <= rank < len(fit.minima.loss):
        raise ParameterError(f"there is no minimum {rank}: the fit has {len(fit.minima.loss)}")
    problem, u = fit.problem, jnp.asarray(fit.minima.u[rank])
    states = jnp.asarray(fit.minima.states[rank])
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
    return Identifiability(
        fit,
        rank,
        tuple(problem.coordinates.names[k] for k in chosen),
        logs[chosen],
        scale[chosen],
        data,
        Information.of(data, tolerance),
        Information.of(whole, tolerance),
        (slopes / np.abs(scale)[:, None]) @ back,
        np.abs(scale),
        np.asarray(problem.held_out_jacobian(u, states)) @ back,
        slopes,
    )


def independent(rows: Float[np.ndarray, "k n"]) -> list[int]:
    """Indices of rows, as early as possible, that span what all of them span."""
    basis: list[np.ndarray] = []
    found = []
    for k, row in enumerate(rows):
        left = np.array(row)
        for _ in range(2):  # once more for what rounding left
            for own in basis:
                left = left - own * (own @ left)
        size = np.linalg.norm(left)
        if size > DEPENDENT * max(float(np.linalg.norm(row)), SMALLEST):
            basis.append(left / size)
            found.append(k)
    return found


def _is_logarithmic(problem: Problem, k: int, value: float) -> bool:
    if abs(value) < ZERO:
        return False
    unknowns = problem.coordinates.unknowns
    if k < len(unknowns):
        own = unknowns[k]
        family = own.names[0].partition("[")[0].strip()
        return own.low >= 0 or own.high <= 0 or family in ONE_SIGNED or family.startswith("factor")
    return True
