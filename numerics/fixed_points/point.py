"""One fixed point of the mean-field equations: found from a start, named, classified."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
import xarray as xr
from jax.flatten_util import ravel_pytree

from ...errors import SolverError
from ..parameters import Held, Parameters
from ..precision import require_x64
from ..system import Autonomous, System, dataset, initial_state, named, trajectory

LARGEST_RESIDUAL = 1e-9
LARGEST_MISFIT = 1e-6
HYPERBOLIC = 1e-7


@dataclass(frozen=True)
class FixedPoint:
    """A solution of d(state)/dt = 0, or the report that none was found.

    dataset: `mean`, `variance`, `kappa`, `rate` (and others) by population; state: the same as a system state; residual: largest
    |d(state)/dt| there; jacobian: d(d(state)/dt)/d(state), states one after the other; eigenvalues: of that
    matrix, by descending real part; leading: how much the mode of the first eigenvalue moves `mean` and `variability`, shares by population
    name that sum to 1; status: "ok" or why not.

    Shares are in units of the standard deviation sqrt(Delta_p) of a population's input current: |change of K_p| / sqrt(Delta_p) for the
    mean, |change of sqrt(Delta_p)| / sqrt(Delta_p) for the variability (a population without variability counts the change of K_p itself).
    """

    dataset: xr.Dataset
    state: Any
    residual: float
    jacobian: np.ndarray
    eigenvalues: np.ndarray
    status: str
    leading: dict[str, dict[str, float]] = field(default_factory=dict)
    is_static: bool = False

    @property
    def converged(self) -> bool:
        """Whether the residual is at rounding level and everything is finite."""
        return self.status == "ok"

    @property
    def stable(self) -> bool | None:
        """Whether every eigenvalue of the mean-field Jacobian has a negative real part (the bulk is another matter); None for static equations,
        whose eigenvalues say nothing about the network.
        """
        return None if self.is_static else self.converged and bool(self.eigenvalues.real.max() < 0)

    @property
    def kind(self) -> str:
        """ "stable node", "stable focus", "saddle", "unstable node", "unstable focus", "non-hyperbolic", "static", or "none".

        A focus is one whose leading eigenvalue, that with the largest real part, is complex; with directions in and out, an even number of
        the latter that turns (as inside a limit cycle) is an unstable focus, anything else a saddle.
        """
        if self.is_static or not self.converged:
            return "static" if self.is_static else "none"
        parts, size = self.eigenvalues.real, max(float(np.abs(self.eigenvalues).max()), 1e-300)
        if np.min(np.abs(parts)) <= HYPERBOLIC * size:
            return "non-hyperbolic"
        if parts.max() > 0 > parts.min():
            return (
                "saddle"
                if np.sum(parts > 0) % 2 or not np.any(self.eigenvalues[parts > 0].imag)
                else "unstable focus"
            )
        shape = "focus" if abs(self.eigenvalues[0].imag) > HYPERBOLIC * size else "node"
        return f"{'stable' if parts.max() < 0 else 'unstable'} {shape}"

    def json(self) -> dict[str, Any]:
        """Plain data; complex numbers as [real, imaginary]."""
        return {
            "status": self.status,
            "kind": self.kind,
            "stable": self.stable,
            "residual": self.residual,
            "population": self.dataset["population"].values.tolist(),
            **{str(name): v.values.tolist() for name, v in self.dataset.items()},
            "eigenvalues": [[v.real, v.imag] for v in self.eigenvalues.tolist()],
            "leading": self.leading,
        }

    @property
    def index(self) -> int:
        """The sign of det(-Jacobian): +1 or -1; 0 where it is not decided (a fold, or a branch point)."""
        return (
            0
            if self.kind in ("non-hyperbolic", "none") and not self.is_static
            else int(np.sign(np.linalg.det(-self.jacobian)))
        )


@eqx.filter_jit
def _find(system, parameters, start, time, settle, rtol):
    coefficients = system.coefficients(parameters)
    drive = system.drive(parameters)(time)

    def change(state, _=None):
        return system.module.vector_field(state, drive, coefficients)

    if settle > 0:
        states, *_ = trajectory(
            system,
            parameters,
            start,
            jnp.array([0.0, settle]),
            rtol=1e-8,
            atol=1e-10,
            drive=Held(drive),
        )
        start = jax.tree.map(lambda v: v[-1], states)
    solution: Any = optx.root_find(
        change, optx.Newton(rtol=rtol, atol=rtol), start, max_steps=100, throw=False
    )
    flat, unravel = ravel_pytree(solution.value)
    jacobian = jax.jacfwd(lambda v: ravel_pytree(change(unravel(v)))[0])(flat)
    residual = jnp.max(jnp.abs(ravel_pytree(change(solution.value))[0]))
    spread = jax.jacfwd(lambda v: system.module.variance(unravel(v), coefficients))(flat)
    return (
        solution.value,
        residual,
        jacobian,
        spread,
        system.module.variance(solution.value, coefficients),
        system.module.rates(solution.value, coefficients),
        jnp.all(jnp.isfinite(ravel_pytree(start)[0])),
    )


def fixed_point(
    system: System,
    parameters: Parameters,
    start: Any = None,
    *,
    time: float = 0.0,
    settle: float = 100.0,
    rtol: float = 1e-12,
    throw: bool = False,
) -> FixedPoint:
    """The fixed point that the dynamics reach from `start` (default: rest), polished by Newton's method (optimistix).

    The equations are first integrated for `settle` time units with the input held at its value at `time`, so that the result
    is the attractor of the start; `settle=0` is Newton's method alone and also finds unstable fixed points. The result
    says whether it converged (residual below 1e-9); `throw=True` raises `SolverError` when it did not. `start` is as in
    `integrate`.
    """
    require_x64()
    system.check(parameters)
    first = initial_state(system, parameters, start)
    state, residual, jacobian, spread, variance, rates, bounded = _find(
        system, parameters, first, jnp.asarray(float(time)), float(settle), rtol
    )
    point = made(
        system, parameters, state, residual, jacobian, spread, variance, rates, bool(bounded)
    )
    if throw and not point.converged:
        raise SolverError(point.status)
    return point


def made(
    system: System,
    parameters: Parameters,
    state: Any,
    residual: Any,
    jacobian: Any,
    spread: Any,
    variance: Any,
    rates: Any,
    bounded: bool = True,
) -> FixedPoint:
    """A `FixedPoint` from what was computed there; spread: d(Delta)/d(state)."""
    values = {name: np.asarray(v) for name, v in named(system, state).items()}
    values |= {"variance": np.asarray(variance), "rate": np.asarray(rates)}
    values |= {name: np.asarray(v) for name, v in system.report(state, parameters).items()}
    status = _status(float(residual), bounded, values)
    if status == "ok" and "validity" in values and not values["validity"].min() > 0:
        where = parameters.populations[int(values["validity"].argmin())]
        status = (
            f"invalid: 1 - Gamma phi' falls to {values['validity'].min():.3g} in population {where}, "
            "where a neuron's own equation has several solutions"
        )
    jacobian = np.asarray(jacobian)
    if not np.all(np.isfinite(jacobian)):
        eigenvalues, leading = np.full(len(jacobian), np.nan + 0j), {}
    else:
        eigenvalues, vectors = np.linalg.eig(jacobian)
        order = np.lexsort((-eigenvalues.imag, -eigenvalues.real))
        eigenvalues = eigenvalues[order].astype(complex)
        leading = _shares(
            vectors[:, order[0]], np.asarray(spread), values["variance"], parameters.populations
        )
    data = dataset(
        system, values, parameters.populations, {}, {"status": status, "residual": float(residual)}
    )
    is_static = system.mean_field.is_static
    return FixedPoint(
        data, state, float(residual), jacobian, eigenvalues, status, leading, is_static
    )


def _shares(
    mode: np.ndarray, spread: np.ndarray, variance: np.ndarray, populations: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """What the mode moves, in units of sqrt(Delta_p); the means K_p are the first states."""
    wide = variance > 1e-12
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


def _status(residual: float, bounded: bool, values: dict[str, np.ndarray]) -> str:
    if not bounded:
        return "diverged: the dynamics leave every bound from this start"
    if not residual < LARGEST_RESIDUAL:
        return (
            f"not converged: the residual is {residual:.2g}; try another start, or a longer settle"
        )
    if values["variance"].min() < -LARGEST_RESIDUAL:
        return f"unphysical: a variance is negative ({values['variance'].min():.3g}); the closure is outside its range"
    return "ok"


def check_point(
    system: System, parameters: Parameters, point: FixedPoint, time: float = 0.0
) -> None:
    """Raise `SolverError` unless the point is a fixed point of these parameters."""
    if not point.converged:
        raise SolverError(f"the point is no fixed point: {point.status}")
    names = tuple(point.dataset["population"].values)
    if names != parameters.populations:
        raise SolverError(
            f"the point is of populations {list(names)}, the parameters of {list(parameters.populations)}"
        )
    model = Autonomous(system, parameters.P, jnp.asarray(float(time)))  # type: ignore[arg-type]
    residual = float(np.abs(np.asarray(_field(model, model.flat(point.state), parameters))).max())
    if not residual < LARGEST_MISFIT:
        raise SolverError(
            f"the point is not a fixed point of these parameters: the residual is {residual:.3g}; find it with fixed_points"
        )


_field = eqx.filter_jit(Autonomous.field)
