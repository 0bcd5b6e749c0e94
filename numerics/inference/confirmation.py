"""Confirmation of a fit by networks that have the fitted statistics.

They are sampled, simulated in every condition, and measured as the recordings were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from scipy import stats

from ...errors import ParameterError, SolverError
from ...numbers import counted
from ..fitting import (
    LARGEST_RESIDUAL,
    Condition,
    Coordinates,
    Fit,
    FreeMotifs,
    MotifCoordinates,
    Problem,
)
from ..parameters import ARRAYS, FAMILIES, INPUTS, NAMED_INPUTS, Parameters
from ..results import OK, Code, Result, Status, raise_on_failure
from ..sampling import Sampler
from .protocol import Protocol, scaled
from .readings import drift, readings

STANDARD_ERRORS = 3.0  # that theory may differ by, of a single target
RESTLESS = 1e-3  # relative change of rates, far below the errors of recordings
ROUNDING = 1e-12  # relative size of a standard error that is rounding


@dataclass(frozen=True, eq=False, repr=False)
class Confirmation(Result):
    """Networks against a fit, target by target; make it with `confirm`.

    Args:
        fit: that is to be confirmed.
        N: neurons of each network.
        samples: each target in each network, (networks, targets), nan where it diverged.
        theory: predictions of the equations with the same statistics at that N, (targets,).
        drift: how much rates still changed, relative, before they were looked at.
        tolerance: differences below this part of a target's error count as none.
    """

    fit: Fit
    N: int
    samples: np.ndarray
    theory: np.ndarray
    drift: float
    tolerance: float

    @property
    def finite(self) -> np.ndarray:
        """The samples of networks that did not diverge, (n, targets)."""
        return self.samples[np.all(np.isfinite(self.samples), axis=1)]

    @property
    def diverged(self) -> int:
        """How many networks did."""
        return len(self.samples) - len(self.finite)

    @property
    def title(self) -> str:
        """How many networks of which size."""
        return f"Confirmation by {counted(len(self.samples), 'network')} of {self.N} neurons"

    @property
    def mean(self) -> np.ndarray:
        """Means over networks, (targets,); nan without any."""
        return self.finite.mean(axis=0) if len(self.finite) else np.full(len(self.theory), np.nan)

    @property
    def errors(self) -> np.ndarray:
        """Standard errors of the mean, from the spread over networks, (targets,).

        nan for fewer than two networks.
        """
        n = len(self.finite)
        if n < 2:
            return np.full(len(self.theory), np.nan)
        return self.finite.std(axis=0, ddof=1) / np.sqrt(n)

    @property
    def z(self) -> np.ndarray:
        """Theory minus networks, in standard errors, (targets,)."""
        least = ROUNDING * (1 + np.abs(self.theory))
        return (self.theory - self.mean) / np.maximum(self.errors, least)

    @property
    def threshold(self) -> float:
        """Standard errors allowed, by Student's distribution.

        As improbable for the largest of all targets as 3 known ones for one.
        """
        n, targets = self.finite.shape
        return float(stats.t.isf(stats.norm.sf(STANDARD_ERRORS) / targets, n - 1))

    @property
    def agrees(self) -> np.ndarray:
        """Which targets networks confirm, (targets,)."""
        close = np.abs(self.theory - self.mean) <= self.tolerance * self.fit.problem.targets.error
        return (np.abs(self.z) <= self.threshold) | close

    @property
    def passed(self) -> bool:
        """Whether networks confirm all of them, held-out ones included, and none diverged."""
        return bool(np.all(self.agrees)) and not self.diverged

    @property
    def status(self) -> Status:
        """ "ok", or that networks diverged, had not come to rest, or differ from the theory."""
        if self.diverged:
            text = (
                f"{self.diverged} of {len(self.samples)} networks diverged: the fitted state is "
                "not one that these networks stay in"
            )
            return Status(text, Code.INCOMPLETE if len(self.finite) else Code.DIVERGED)
        if not self.drift < RESTLESS:
            text = (
                f"the networks still move by {self.drift:.2g} (relative) when they are looked at: "
                "let them settle longer"
            )
            return Status(text, Code.UNDECIDED)
        if not self.passed:
            wrong = len(self.theory) - int(np.sum(self.agrees))
            text = f"networks differ from the theory in {wrong} of {len(self.theory)} targets"
            return Status(text, Code.REJECTED)
        return OK

    @property
    def criterion(self) -> str:
        """What was required, and the largest difference, in words."""
        n, targets = self.finite.shape
        if n < 2:
            return (
                f"fewer than two of {counted(len(self.samples), 'network')} of {self.N} neurons "
                "did not diverge"
            )
        allowed = f" or {self.tolerance:g} of the target's error" if self.tolerance else ""
        worst = int(np.argmax(np.abs(self.z)))
        return (
            f"theory minus the mean of {n} networks of {self.N} neurons is within "
            f"{self.threshold:.1f} standard errors{allowed} for {counted(targets, 'target')}; the "
            f"largest is {abs(self.z[worst]):.1f} ({self.fit.problem.label(worst)})"
        )

    def rows(self) -> list[dict[str, Any]]:
        """A row for each target: measured, fitted, theory and networks at this N, difference z."""
        t, own = self.fit.problem.targets, self.fit.predictions
        return [
            {
                "target": self.fit.problem.label(k),
                "value": float(t.value[k]),
                "error": float(t.error[k]),
                "fit": float(own[k]),
                "theory": float(self.theory[k]),
                "networks": float(self.mean[k]),
                "standard error": float(self.errors[k]),
                "z": float(self.z[k]),
                "agrees": bool(self.agrees[k]),
                "held out": bool(t.held_out[k]),
            }
            for k in range(len(t))
        ]

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "passed": self.passed,
            **self.status.json(),
            "criterion": self.criterion,
            "N": self.N,
            "networks": len(self.samples),
            "drift": self.drift,
            "rows": self.rows(),
        }

    @property
    def dataset(self) -> xr.Dataset:
        """Samples, theory and differences, over target and network."""
        t = self.fit.problem.targets
        data = {
            "sample": (("network", "target"), self.samples),
            "theory": ("target", self.theory),
            "z": ("target", self.z),
            "agrees": ("target", self.agrees),
        }
        return xr.Dataset(
            data, coords={"target": list(t.labels)}, attrs={"N": self.N, "passed": int(self.passed)}
        )


def confirm(
    fit: Fit,
    networks: int = 10,
    N: int | None = 4000,
    *,
    sampler: Sampler | None = None,
    seed: int = 0,
    settle: float = 60.0,
    tolerance: float = 0.0,
    dtype: Any = np.float32,
    throw: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> Confirmation:
    """Networks with the fitted statistics in all conditions, against the equations.

    It is passed where theory minus the networks' mean is within 3 standard errors, widened for few
    networks (Student) and many targets (Bonferroni). Networks have a bias of order 1/N, which very
    many of them resolve. Neurons, synapses and offsets of inputs are the same in all conditions,
    offsets as far as their persistence says. Networks that diverge are counted, and not passed.

    Args:
        fit: with a minimum.
        networks: how many, at least 2.
        N: neurons; None: those of the fit. With another N, networks have the same N Jbar, g, N tau
            and B, and the equations are solved with these statistics, too: what is compared differs
            in nothing but that networks are finite and that the closure may not be exact.
        sampler: as in `sample`.
        seed: of networks and inputs.
        settle: time until a fixed point is looked at and time courses start, in units of the unit's
            time constant.
        tolerance: differences below this part of a target's error count as none.
        dtype: of the weights.
        throw: raise where all networks diverged.
        progress: called with a text and the part that is done.

    Raises:
        ParameterError: counts that cannot be, or no fixed point with so few neurons.
        InfeasibleStatisticsError: so few neurons cannot have the motifs.
        SolverError: all networks diverged.
    """
    if networks < 2:
        raise ParameterError(f"networks = {networks}: a standard error needs at least two")
    if not settle > 0 or not tolerance >= 0:
        raise ParameterError(
            f"settle = {settle} must be a positive time, tolerance = {tolerance} not negative"
        )
    found = _confirmed(fit, networks, N, (sampler, seed, dtype), settle, tolerance, progress)
    raise_on_failure(found.status, throw)
    return found


def _confirmed(
    fit: Fit,
    networks: int,
    N: int | None,
    sampling: tuple[Any, int, Any],
    settle: float,
    tolerance: float,
    progress: Callable[[str, float], None] | None,
) -> Confirmation:
    say, problem = progress or (lambda text, part: None), fit.problem
    size = round(float(fit.parameters().N)) if N is None else int(N)
    conditions = {name: scaled(fit.parameters(name), size) for name in problem.conditions}
    say("solving the equations", 0.0)
    theory, persistence, means = _theory(fit, conditions)
    protocol = Protocol(
        problem.exact, conditions, problem.starts, problem.times, persistence, settle, means
    )
    sampler, seed, dtype = sampling
    samples, moves = [], []
    for k in range(networks):
        say(f"N = {size}, network {k + 1} of {networks}", (k + 0.5) / (networks + 0.5))
        try:
            seen = protocol.run(k, seed, sampler, dtype)
        except SolverError:
            samples.append(np.full(len(problem.targets), np.nan))
            continue
        samples.append(readings(problem.targets, protocol, seen))
        moves.append(drift(protocol, seen))
    largest = max(moves, default=float("nan"))
    return Confirmation(fit, size, np.array(samples), theory, largest, tolerance)


def _theory(
    fit: Fit, conditions: dict[str, Parameters]
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Predictions in conditions that are given whole.

    Also the persistence of offsets, and the mean of x in each condition at rest.
    """
    problem, u = fit.problem, jnp.asarray(fit.u)
    own = problem.coordinates
    fields = (*ARRAYS, *INPUTS, *NAMED_INPUTS, *FAMILIES, "strengths")
    whole = [
        Condition(name, (), {field: getattr(p, field) for field in fields})
        for name, p in conditions.items()
    ]
    kept = [k for k, unknown in enumerate(own.unknowns) if unknown.is_persistence]
    base = next(iter(conditions.values()))
    still = MotifCoordinates.of(FreeMotifs(), base)
    fixed = Coordinates(base, whole, [own.unknowns[k] for k in kept], still, {})
    again = Problem(
        problem.exact, fixed, problem.targets, stable=False, step=problem.step, correlated=False
    )
    outcome = again.compiled(u[np.array(kept, dtype=int)], jnp.asarray(fit.minima.states[0]))[1]
    if not bool(jnp.all(outcome.residuals < LARGEST_RESIDUAL)):
        raise ParameterError(
            "the equations have no fixed point near that of the fit with so few neurons: take more"
        )
    rest = {
        name: np.asarray(again.models[name].observables(outcome.states[k], p)["mean"])
        for k, (name, p) in enumerate(conditions.items())
    }
    return np.asarray(outcome.values), np.asarray(own.persistence(u)), rest
