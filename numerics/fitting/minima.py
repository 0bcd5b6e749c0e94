"""The result of a fit: minima that were reached from all starts, best first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ..parameters import Parameters
from ..results import OK, Code, Result, Status
from .closure_gap import closure_validity
from .least_squares import Minima
from .problem import Problem

AGREES = 1e-3
"""Losses this close to the best, relative to 1 + the best, are equally good: a difference of the
sum of squares of this size is far below one standard error."""


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Result):
    """The minima that were reached from all starts, best first.

    Attributes:
        problem: targets, equations, unknowns.
        minima: by loss, the sum of squared standardised misfits (targets, priors, stability); where
            a start has no fixed point, or left the domain at once, its loss is nan and it comes
            last.
    """

    problem: Problem
    minima: Minima

    @property
    def title(self) -> str:
        """What was fitted."""
        fitted, size = int(self.problem.fitted.sum()), self.problem.coordinates.size
        return f"Fit of {size} coordinates to {fitted} targets"

    @property
    def status(self) -> Status:
        """ "ok", or what is wrong with the best minimum.

        It is a failure where no start has ended in a minimum, and undecided where the best one has
        not but another has.
        """
        if not np.isfinite(self.loss):
            return Status(
                "no start has a fixed point: give other starts, bounds or priors, or free_states",
                Code.NOT_CONVERGED,
            )
        if self.minima.converged[0]:
            return OK
        some = bool(np.any(self.minima.converged & np.isfinite(self.minima.loss)))
        return Status(
            "the best start has not converged: allow more steps",
            Code.UNDECIDED if some else Code.NOT_CONVERGED,
        )

    @property
    def time_unit(self) -> str:
        """That of the given parameters."""
        return self.problem.time_unit

    @property
    def u(self) -> np.ndarray:
        """Coordinates of the best minimum."""
        return self.minima.u[0]

    @property
    def loss(self) -> float:
        """The smallest sum of squares."""
        return float(self.minima.loss[0])

    def parameters(self, condition: str | None = None, rank: int = 0) -> Parameters:
        """The parameters of a minimum.

        Args:
            condition: by default those that all conditions share.
            rank: of the minimum; by default the best.
        """
        u = jnp.asarray(self.minima.u[rank])
        own = self.problem.coordinates
        made = own.common(u) if condition is None else own.of_condition(u, condition)
        return jax.tree.map(jnp.asarray, made)

    @cached_property
    def values(self) -> dict[str, float]:
        """The fitted numbers by name, motif coefficients among them."""
        return self.named(self.u)

    def named(self, u: Any) -> dict[str, float]:
        """The numbers by name at other coordinates."""
        found = np.asarray(self.problem.coordinates.values(jnp.asarray(u)))
        return dict(zip(self.problem.coordinates.names, found.tolist(), strict=True))

    @cached_property
    def predictions(self) -> np.ndarray:
        """Predictions of every target, held out or not, at the best minimum."""
        return self.problem.predicted(self.u, self.minima.states[0])

    def rows(self) -> list[dict[str, Any]]:
        """A row for each target: value, error, fit, and the difference in standard errors."""
        t, found = self.problem.targets, self.predictions
        return [
            {
                "target": self.problem.label(k),
                "value": float(t.value[k]),
                "error": float(t.error[k]),
                "fit": float(found[k]),
                "z": float((found[k] - t.value[k]) / t.error[k]),
                "held out": bool(t.held_out[k]),
            }
            for k in range(len(t))
        ]

    def summary(self) -> list[str]:
        """Lines for the repr: loss, agreement of the starts, targets against the fit."""
        counts = ", ".join(f"{name} {value}" for name, value in self.agreement().items())
        return [f"loss {self.loss:.5g}; {counts}", *super().summary()]

    def losses(self) -> dict[str, float]:
        """The parts of the sum of squares.

        By quantity of the targets in the fit, or of all of them if their errors are correlated; of
        priors; of the limits that keep states stable.
        """
        problem = self.problem
        r = np.asarray(problem.compiled(jnp.asarray(self.u), jnp.asarray(self.minima.states[0]))[0])
        quantities = np.array(problem.targets.quantity)[problem.fitted]
        data, rest = r[: len(quantities)], r[len(quantities) :]
        count = len(problem.coordinates.priors)
        names = ["targets"] if problem.correlated else list(dict.fromkeys(quantities.tolist()))
        return {
            **{q: float(np.sum(data[problem.correlated | (quantities == q)] ** 2)) for q in names},
            "priors": float(np.sum(rest[:count] ** 2)),
            "stability": float(np.sum(rest[count:] ** 2)),
        }

    def held_out_loss(self) -> float:
        """Mean squared standardised misfit of the held-out targets; nan without any."""
        t, which = self.problem.targets, self.problem.held_out
        z = ((self.predictions - t.value) / t.error)[which]
        return float(np.mean(z**2)) if which.any() else float("nan")

    @property
    def good(self) -> np.ndarray:
        """Ranks of the minima as good as the best, within a thousandth of 1 + the loss."""
        with np.errstate(invalid="ignore"):
            return np.flatnonzero(self.minima.loss <= self.loss + AGREES * (1 + self.loss))

    def agreement(self) -> dict[str, Any]:
        """How many starts ended in equally good minima, in worse ones, or in none."""
        loss = self.minima.loss
        finite, good = np.isfinite(loss), np.zeros(len(loss), dtype=bool)
        good[self.good] = True
        return {
            "starts": len(loss),
            "as good as the best": int(good.sum()),
            "worse": int((finite & ~good).sum()),
            "not converged": int((finite & ~self.minima.converged).sum()),
            "without a fixed point": int((~finite).sum()),
        }

    def ensemble(self) -> xr.Dataset:
        """The numbers of all equally good minima, by name over `solution`.

        Their spread is what the targets leave open.
        """
        ranks = self.good
        return xr.Dataset(
            {
                "value": (("solution", "parameter"), self._values(ranks)),
                "loss": ("solution", self.minima.loss[ranks]),
            },
            coords={"parameter": list(self.problem.coordinates.names)},
        )

    def _values(self, ranks: Any) -> np.ndarray:
        us = jnp.asarray(self.minima.u[ranks])
        return np.asarray(jax.vmap(self.problem.coordinates.values)(us))

    def stability(self) -> dict[str, Any]:
        """The verdict of `stability` for each condition at the best minimum."""
        from ..stability import stability

        found = {}
        for k, name in enumerate(self.problem.conditions):
            own = self.parameters(name)
            point = self.problem.point(name, own, self.minima.states[0][k])
            found[name] = stability(self.problem.exact, own, point).verdict
        return found

    def closure_validity(self) -> str:
        """Whether the closure is exact at the fixed points of the best minimum, in words."""
        problem = self.problem
        own = {name: self.parameters(name) for name in problem.conditions}
        states = dict(zip(problem.conditions, self.minima.states[0], strict=True))
        return closure_validity(
            problem.system.mean_field.closure,
            lambda name: problem.statistics(name, own[name], states[name]),
            own,
        )

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            **self.status.json(),
            "loss": self.loss,
            "losses": self.losses(),
            "agreement": self.agreement(),
            "values": self.values,
            "targets": self.rows(),
            "closure": self.closure_validity(),
        }

    @property
    def dataset(self) -> xr.Dataset:
        """All minima: coordinates, numbers by name, losses; targets, predictions of the best."""
        own, t = self.problem.coordinates, self.problem.targets
        return xr.Dataset(
            {
                "value": (("start", "parameter"), self._values(slice(None))),
                "u": (("start", "coordinate"), self.minima.u),
                "loss": ("start", self.minima.loss),
                "converged": ("start", self.minima.converged),
                "target_value": ("target", t.value),
                "target_error": ("target", t.error),
                "prediction": ("target", self.predictions),
            },
            coords={
                "parameter": list(own.names),
                "coordinate": list(own.labels),
                "target": list(t.labels),
            },
            attrs={"status": str(self.status)},
        )
