"""One fixed point of the mean-field equations: its numbers by name, its stability, its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...late import xr
from ...time_units import labelled
from ..parameters import Parameters
from ..results import OK, Code, Numbers, Solution, Status
from ..system import Autonomous, System, named, negative_why, numbers
from .proof import Proof

LARGEST_RESIDUAL = 1e-9
"""Newton's method ends orders of magnitude below this where it converges, and above elsewhere."""
NEARLY = 1e-6
"""A state with a residual this small, relative to the terms of the equations, may be a fixed point
though that is not proven."""
HYPERBOLIC = 1e-7
"""A real part smaller than this, relative to the largest eigenvalue, decides nothing: eigenvalues
of Jacobians that are far from normal have errors of the order of a square root of rounding."""
DIVERGED = Status("diverged: the dynamics leave every bound from this start", Code.DIVERGED)
WIDE = 1e-12  # a population with a smaller variance than this has no variability


@dataclass(frozen=True, repr=False, eq=False)
class FixedPoint(Solution):
    """A solution of d(state)/dt = 0, or the report that none was found.

    Shares in `leading` are in units of the standard deviation sqrt(Delta_p) of a population's input
    current: |change of K_p| / sqrt(Delta_p) for the mean, |change of sqrt(Delta_p)| / sqrt(Delta_p)
    for the variability; a population without variability counts the change of K_p itself.

    Args:
        numbers: `mean`, `variance`, `kappa`, `rate` and others by population.
        state: the same as a state of the system.
        residual: largest |d(state)/dt| there.
        radius: half widths of the box around `state`, (n,), in which there is one fixed point and
            no other; infinite where this is not proven.
        jacobian: d(d(state)/dt)/d(state), (n, n), states one after the other.
        eigenvalues: of that matrix, by descending real part: (n,), or fewer with a membrane 1,
            whose output is no state.
        status: "ok", or why it is no fixed point of a network.
        leading: how much the mode of the first eigenvalue moves `mean` and `variability`, shares by
            population that sum to 1.
        is_static: whether the equations hold at fixed points alone (`Cavity`).
    """

    numbers: Numbers
    state: Any
    residual: float
    jacobian: np.ndarray
    eigenvalues: np.ndarray
    status: Status = OK
    leading: dict[str, dict[str, float]] = field(default_factory=dict)
    is_static: bool = False
    radius: np.ndarray = field(default_factory=lambda: np.full(1, np.inf))

    @classmethod
    def of(
        cls, system: System, parameters: Parameters, state: Any, seen: Seen, bounded: bool = True
    ) -> FixedPoint:
        """A fixed point from what was computed at its state; bounded: whether a search ended."""
        values = {name: np.asarray(v) for name, v in named(system, state).items()}
        values |= {"variance": np.asarray(seen.variance), "rate": np.asarray(seen.rate)}
        values |= {n: np.asarray(v) for n, v in system.report(state, parameters).items()}
        residual, jacobian = float(seen.residual), np.asarray(seen.proof.jacobian)
        status = _status(system, parameters, seen.proof, bounded, values)
        model = Autonomous(system, parameters.P)
        eigenvalues, leading = np.full(model.moving.sum(), np.nan + 0j), {}
        if np.all(np.isfinite(jacobian)):
            found, vectors = model.modes(jacobian)
            order = np.lexsort((-found.imag, -found.real))
            eigenvalues = found[order].astype(complex)
            leading = _shares(
                vectors[:, order[0]],
                np.asarray(seen.spread),
                values["variance"],
                parameters.populations,
            )
        attrs = {"status": str(status), "residual": residual}
        names, unit = parameters.populations, parameters.time_unit
        data = numbers(system, values, names, {}, attrs, unit)
        is_static = system.mean_field.is_static
        radius = np.asarray(seen.proof.radius)
        return cls(data, state, residual, jacobian, eigenvalues, status, leading, is_static, radius)

    @property
    def dataset(self) -> xr.Dataset:
        """The numbers over named dimensions."""
        return self.numbers.dataset

    @property
    def title(self) -> str:
        """What it is."""
        return f"Fixed point, {self.kind}"

    @property
    def stable(self) -> bool | None:
        """Whether every eigenvalue of the mean-field Jacobian has a negative real part.

        The bulk is another matter: see `stability`. None for equations of fixed points alone, whose
        eigenvalues say nothing about the network.
        """
        return None if self.is_static else self.kind.startswith("stable")

    @property
    def kind(self) -> str:
        """The kind of fixed point, by its eigenvalues.

        "stable node", "stable focus", "saddle", "unstable node", "unstable focus",
        "non-hyperbolic", "static" (equations of fixed points alone), or "none". A focus is one
        whose leading eigenvalue, that with the largest real part, is complex; with directions in
        and out, an even number of the latter that turns (as inside a limit cycle) is an unstable
        focus, anything else a saddle.
        """
        if self.is_static or not self.converged:
            return "static" if self.is_static else "none"
        parts, size = self.eigenvalues.real, max(float(np.abs(self.eigenvalues).max()), 1e-300)
        if np.min(np.abs(parts)) <= HYPERBOLIC * size:
            return "non-hyperbolic"
        if parts.max() > 0 > parts.min():
            turns = np.any(self.eigenvalues[parts > 0].imag)
            return "saddle" if np.sum(parts > 0) % 2 or not turns else "unstable focus"
        shape = "focus" if abs(self.eigenvalues[0].imag) > HYPERBOLIC * size else "node"
        return f"{'stable' if parts.max() < 0 else 'unstable'} {shape}"

    @property
    def index(self) -> int:
        """The sign of det(-Jacobian): +1 or -1; 0 where no fixed point is proven."""
        if not self.converged:
            return 0
        return int(np.linalg.slogdet(-self.jacobian).sign)

    def rows(self) -> list[dict[str, Any]]:
        """A row per population: every variable that is one number for each."""
        own = self.numbers.variables.items()
        return self.numbers.by_population(n for n, v in own if v[0] == ("population",))

    def summary(self) -> list[str]:
        """Variables by population, the leading eigenvalue, the residual."""
        leading = complex(self.eigenvalues[0])
        name = labelled("leading eigenvalue", self.time_unit, -1)
        return [*super().summary(), f"{name} {leading:.5g}, residual {self.residual:.2g}"]

    def json(self) -> dict[str, Any]:
        """Plain data; complex numbers as [real, imaginary]."""
        return {
            **self.status.json(),
            "kind": self.kind,
            "stable": self.stable,
            "residual": self.residual,
            "population": self.numbers["population"].tolist(),
            **{name: v[1].tolist() for name, v in self.numbers.variables.items()},
            "eigenvalues": [[v.real, v.imag] for v in self.eigenvalues.tolist()],
            "leading": self.leading,
        }


@dataclass(frozen=True, eq=False)
class Seen:
    """What is computed at a state: the proof, |d(state)/dt|, d(Delta)/d(state), Delta and R."""

    proof: Proof
    residual: Any
    spread: Any
    variance: Any
    rate: Any


def _shares(
    mode: np.ndarray, spread: np.ndarray, variance: np.ndarray, populations: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """What the mode moves, in units of sqrt(Delta_p); the means K_p are the first states."""
    wide = variance > WIDE
    Delta = np.where(wide, variance, 1.0)
    parts = np.stack(
        [
            np.abs(mode[: len(populations)]) / np.sqrt(Delta),
            np.where(wide, np.abs(spread @ mode) / (2 * Delta), 0.0),
        ]
    )
    parts = parts / max(parts.sum(), 1e-300)
    return {
        name: dict(zip(populations, row.tolist(), strict=True))
        for name, row in zip(("mean", "variability"), parts, strict=True)
    }


def _status(
    system: System,
    parameters: Parameters,
    proof: Proof,
    bounded: bool,
    values: dict[str, np.ndarray],
) -> Status:
    if not bounded:
        return DIVERGED
    if not np.all(np.isfinite(proof.radius)):
        return not_proven(float(proof.residual))
    variance = values["variance"]
    if variance.min() < -LARGEST_RESIDUAL * np.abs(variance).max():
        return unphysical(system, parameters, variance, values["rate"])
    valid = values.get("validity", np.ones(1))
    return OK if valid.min() > 0 else invalid(parameters.populations, valid)


def not_proven(residual: float) -> Status:
    """Of a state with this residual, relative to the equations' terms, beside which none is."""
    if residual < NEARLY:
        text = (
            f"undecided: the residual is {residual:.2g} of the equations' terms, and whether "
            "there is a fixed point is not proven; a fold or a branch point is near, or fixed "
            "points fill a curve"
        )
        return Status(text, Code.UNDECIDED)
    text = (
        f"not converged: the residual is {residual:.2g} of the equations' terms; try another "
        "start, or a longer settle"
    )
    return Status(text, Code.NOT_CONVERGED)


def unphysical(
    system: System, parameters: Parameters, variance: np.ndarray, rate: np.ndarray
) -> Status:
    """Of a state at which a variance is negative."""
    p, names = int(variance.argmin()), parameters.populations
    kappa = np.asarray(parameters.fractions) * rate
    text = (
        f"unphysical: the variance of population {names[p]} is negative ({variance[p]:.3g}); "
        f"{negative_why(system.mean_field, parameters, p, kappa)}"
    )
    return Status(text, Code.OUT_OF_RANGE)


def invalid(populations: Sequence[str], validity: np.ndarray) -> Status:
    """Of a state at which a neuron's own equation has several solutions."""
    text = (
        f"invalid: 1 - Gamma phi' falls to {validity.min():.3g} in population "
        f"{populations[int(validity.argmin())]}, where a neuron's own equation has several "
        "solutions"
    )
    return Status(text, Code.OUT_OF_RANGE)
