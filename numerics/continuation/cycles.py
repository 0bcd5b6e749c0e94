"""Limit cycles from a Hopf point, followed in a parameter, with Floquet multipliers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.flatten_util import ravel_pytree

from ...errors import ParameterError, SolverError
from ...numbers import counted
from ...time_units import measured
from ..parameters import Parameters, Scalar, scalar
from ..results import OK, Code, Result, Status
from ..system import System
from .along import Along, along_of, check_bounds, prepared
from .arclength import Curve, trace
from .orbits import FINE, Orbit, described, fine_weights, first_orbit, renewed, size_of
from .special_points import SpecialPoint

LONGEST = 50.0  # periods of the Hopf point: beyond, a homoclinic orbit is near
AMPLITUDE = 0.02  # of the first cycle, states in units of their size
TURNS = 1e-6  # a multiplier with a smaller imaginary part is real


@dataclass(frozen=True, repr=False, eq=False)
class LimitCycles(Result):
    """Cycles along a parameter, from a Hopf point on.

    Args:
        name: of the parameter that varies.
        hopf: where the branch begins.
        dataset: over cycle: `value`, `period`, `stable`, `unit_error` (|the Floquet multiplier that
            is 1 in theory - 1|, a measure of the mesh's error); over (cycle, mode): `multipliers`;
            over (cycle, population): `mean_min`, `mean_max` and the same of `variance` and `rate`;
            over (cycle, phase, population): `mean`, `variance`, `rate` in the course of a period.
        special: kind and value of folds of cycles, period doublings and torus points, by
            interpolation between cycles.
        ended: why the branch ends.
        states: over (cycle, phase, state), unscaled.
    """

    name: str
    hopf: SpecialPoint
    dataset: xr.Dataset
    special: tuple[dict[str, Any], ...]
    ended: str
    states: np.ndarray

    @property
    def title(self) -> str:
        """How many cycles there are, and along what."""
        return f"{counted(self.dataset.sizes['cycle'], 'limit cycle')} along {self.name}"

    @property
    def status(self) -> Status:
        """ "ok", or what was not reached."""
        if not self.ended.startswith(("stalled", "steps")):
            return OK
        return Status(f"the branch of cycles ends early: {self.ended}", Code.INCOMPLETE)

    @property
    def stable(self) -> np.ndarray:
        """Where the cycles are stable."""
        return self.dataset["stable"].values

    def rows(self) -> list[dict[str, Any]]:
        """A row per cycle."""
        data = self.dataset
        return [
            {
                self.name: float(data["value"][k]),
                "period": float(data["period"][k]),
                "stable": bool(data["stable"][k]),
                **{
                    f"{what} {p}": float(data[what][k, j])
                    for what in ("mean_min", "mean_max", "rate_min", "rate_max")
                    for j, p in enumerate(data["population"].values)
                },
            }
            for k in range(data.sizes["cycle"])
        ]

    def json(self) -> dict[str, Any]:
        """Plain data."""
        multipliers = self.dataset["multipliers"].values
        return {
            "vary": self.name,
            "from": self.hopf.value,
            **self.status.json(),
            "ended": self.ended,
            "special": list(self.special),
            "cycles": self.rows(),
            "multipliers": np.abs(multipliers).tolist(),
        }


class CycleOptions(TypedDict, total=False):
    """Options of `limit_cycles`, as keyword arguments."""

    intervals: int
    most: int
    largest_step: float


def limit_cycles(
    system: System,
    parameters: Parameters,
    name: str | Scalar,
    hopf: SpecialPoint,
    *,
    bounds: tuple[float, float],
    time: float = 0.0,
    progress: Callable[[str, float], None] | None = None,
    **steps: Unpack[CycleOptions],
) -> LimitCycles:
    """The limit cycles that leave a Hopf point, over bounds of the parameter that varies.

    The branch ends at the bounds, back at a fixed point, when the period exceeds 50 times that at
    the Hopf point (a homoclinic orbit is near), or after `most` cycles. A cycle is stable when all
    Floquet multipliers but the one at 1 are inside the unit circle: stability of the equations.

    Args:
        system: the equations of the continuation.
        parameters: its parameters.
        name: its parameter that varies.
        hopf: one of `continuation.follow(...).of("Hopf")`.
        bounds: lowest and highest value of the parameter.
        time: when the inputs are held.
        progress: called with what is being done and the part, 0 to 1, that is done.
        steps: intervals of the mesh, with 4 collocation points each, 24 by default; most, of
            cycles, 200; largest_step between cycles, states in root mean square and units of their
            size, 0.15.

    Returns:
        The cycles; the status tells of a branch that ends early.

    Raises:
        ParameterError: what is given is no located Hopf point, or bad bounds.
        SolverError: no first cycle was found.
        ArchitectureError: a closure of fixed points alone (`Cavity`).
    """
    own = prepared(system, parameters, time, "limit_cycles", "limit cycles", [name])
    _check_start(hopf)
    number, y = scalar(name, own), np.asarray(ravel_pytree(hopf.state)[0])
    check_bounds(number.name, bounds, hopf.value)
    along = along_of(system, own, (number,), (bounds,), [y])
    say = progress or (lambda text, part: None)
    orbit, curve = _followed(along, along.point(y, [hopf.value]), say, **steps)
    if len(curve.points) < 2:
        raise SolverError(
            f"no limit cycle was found near the Hopf point at {number.name} = {hopf.value:.6g}: "
            "Newton's method did not converge; try more intervals"
        )
    return _result(along, orbit, hopf, number.name, curve)


def _followed(
    along: Along,
    x: np.ndarray,
    say: Callable[[str, float], None],
    *,
    intervals: int = 24,
    most: int = 200,
    largest_step: float = 0.15,
) -> tuple[Orbit, Curve]:
    """The branch of cycles that leaves a Hopf point x, with the mesh of its first cycle."""
    orbit, start, direction = first_orbit(along, x, intervals)
    count = itertools.count(1)

    def inside(x: np.ndarray) -> bool:
        say("cycles", min(next(count) / most, 1.0))
        return 0 <= x[-1] <= 1 and x[-2] < LONGEST and size_of(orbit, x) > 0.5 * AMPLITUDE

    how: Any = {"inside": inside, "step": AMPLITUDE, "largest": largest_step, "most": most}
    small = start + AMPLITUDE * direction
    return orbit, trace(orbit, small, direction, **how, first=False, anew=renewed)


def _check_start(hopf: Any) -> None:
    if getattr(hopf, "kind", None) != "Hopf" or not hopf.status.ok:
        raise ParameterError(
            "limit cycles start from a located Hopf point of continuation.follow(...).of('Hopf'), "
            f"not from {hopf!r}"
        )


def _result(along: Along, orbit: Orbit, hopf: SpecialPoint, name: str, curve: Curve) -> LimitCycles:
    fine = jnp.asarray(fine_weights())
    found = [described(orbit, fine, jnp.asarray(x)) for x in curve.points]
    every = np.array([np.asarray(m) for m, *_ in found])
    multipliers = np.linalg.eigvals(along.model.of_states(every))
    nearest = np.argmin(np.abs(multipliers - 1), axis=1)
    others = np.array([np.delete(row, k) for row, k in zip(multipliers, nearest, strict=True)])
    values = np.asarray(along.low)[0] + np.asarray(along.width)[0] * curve.points[:, -1]
    data: dict[str, Any] = {
        "value": ("cycle", values),
        "period": ("cycle", np.array([float(T) for *_, T in found])),
        "stable": ("cycle", np.abs(others).max(axis=1) < 1),
        "multipliers": (("cycle", "mode"), multipliers),
        "unit_error": ("cycle", np.abs(multipliers[np.arange(len(nearest)), nearest] - 1)),
    }
    for what in ("mean", "variance", "rate"):
        course = np.array([np.asarray(seen[what]) for _, _, seen, _ in found])
        data[what] = (("cycle", "phase", "population"), course)
        data |= {
            f"{what}_min": (("cycle", "population"), course.min(axis=1)),
            f"{what}_max": (("cycle", "population"), course.max(axis=1)),
        }
    coords = {
        "population": list(along.parameters.populations),
        "phase": np.arange(FINE * orbit.shape[0]) / (FINE * orbit.shape[0]),
    }
    states = np.array([np.asarray(s) for _, s, _, _ in found])
    return LimitCycles(
        name,
        hopf,
        measured(xr.Dataset(data, coords=coords, attrs={"vary": name}), along.parameters.time_unit),
        _events(curve, values, others),
        _why(curve),
        states,
    )


def _events(curve: Curve, values: np.ndarray, others: np.ndarray) -> tuple[dict[str, Any], ...]:
    """Folds of cycles where the branch turns, and multipliers that leave the unit circle."""
    found, size, turning = [], np.abs(others).max(axis=1), curve.tangents[:, -1]
    for k in range(len(values) - 1):
        if turning[k] * turning[k + 1] < 0:
            part = turning[k] / (turning[k] - turning[k + 1])
            found.append(
                {
                    "kind": "fold of cycles",
                    "value": float(values[k] + part * (values[k + 1] - values[k])),
                }
            )
        elif (size[k] < 1) != (size[k + 1] < 1):
            part = (size[k] - 1) / (size[k] - size[k + 1])
            largest = others[k + 1][np.argmax(np.abs(others[k + 1]))]
            kind = (
                "torus"
                if abs(largest.imag) > TURNS
                else "period doubling"
                if largest.real < 0
                else "branch point or fold of cycles"
            )
            found.append(
                {"kind": kind, "value": float(values[k] + part * (values[k + 1] - values[k]))}
            )
    return tuple(found)


def _why(curve: Curve) -> str:
    x = curve.points[-1]
    if curve.ended != "left":
        return {
            "steps": "steps: the most cycles allowed",
            "stalled": "stalled: no further cycle was found",
            "closed": "closed",
        }[curve.ended]
    if not 0 <= x[-1] <= 1:
        return "bounds"
    return (
        "the period grows beyond bounds: a homoclinic orbit is near"
        if x[-2] >= LONGEST
        else "back at a fixed point"
    )
