"""A fixed point of mean-field equations, from a start, with its linear stability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
import xarray as xr
from jax.flatten_util import ravel_pytree

from ..errors import SolverError
from .inputs import Held
from .integrate import dataset, initial_state, named, trajectory
from .parameters import Parameters
from .precision import require_x64
from .system import System

LARGEST_RESIDUAL = 1e-9


@dataclass(frozen=True)
class FixedPoint:
    """A solution of d(state)/dt = 0, or the report that none was found.

    dataset: `mean`, `variance`, `kappa`, `rate` (and others) by population; state: the same as a system state; residual: largest
    |d(state)/dt| there; jacobian: d(d(state)/dt)/d(state), states one after the other; eigenvalues: of that
    matrix, by descending real part; status: "ok" or why not.
    """

    dataset: xr.Dataset
    state: Any
    residual: float
    jacobian: np.ndarray
    eigenvalues: np.ndarray
    status: str

    @property
    def converged(self) -> bool:
        """Whether the residual is at rounding level and everything is finite."""
        return self.status == "ok"

    @property
    def stable(self) -> bool:
        """Whether every eigenvalue of the mean-field Jacobian has a negative real part (the bulk is another matter)."""
        return self.converged and bool(self.eigenvalues.real.max() < 0)


@eqx.filter_jit
def _find(system, parameters, start, time, settle, rtol):
    coefficients = system.coefficients(parameters)
    drive = system.drive(parameters)(time)

    def field(state, _=None):
        return system.module.vector_field(state, drive, coefficients)

    if settle > 0:
        states, *_ = trajectory(system, parameters, start, jnp.array([0.0, settle]), rtol=1e-8, atol=1e-10, drive=Held(drive))
        start = jax.tree.map(lambda v: v[-1], states)
    solution: Any = optx.root_find(field, optx.Newton(rtol=rtol, atol=rtol), start, max_steps=100, throw=False)
    flat, unravel = ravel_pytree(solution.value)
    jacobian = jax.jacfwd(lambda v: ravel_pytree(field(unravel(v)))[0])(flat)
    residual = jnp.max(jnp.abs(ravel_pytree(field(solution.value))[0]))
    return (solution.value, residual, jacobian, system.module.variance(solution.value, coefficients),
            system.module.rates(solution.value, coefficients), jnp.all(jnp.isfinite(ravel_pytree(start)[0])))  # fmt: skip


def fixed_point(
    system: System, parameters: Parameters, start: Any = None, *, time: float = 0.0, settle: float = 100.0, rtol: float = 1e-12,
    throw: bool = False,
) -> FixedPoint:  # fmt: skip
    """The fixed point that the dynamics reach from `start` (default: rest), polished by Newton's method (optimistix).

    The equations are first integrated for `settle` time units with the input held at its value at `time`, so that the result
    is the attractor of the start; `settle=0` is Newton's method alone and also finds unstable fixed points. The result
    says whether it converged (residual below 1e-9); `throw=True` raises `SolverError` when it did not. `start` is as in
    `integrate`.
    """
    require_x64()
    system.check(parameters)
    first = initial_state(system, parameters, start)
    state, residual, jacobian, variance, rates, bounded = _find(
        system, parameters, first, jnp.asarray(float(time)), float(settle), rtol
    )
    values = {name: np.asarray(v) for name, v in named(system, state).items()}
    values |= {"variance": np.asarray(variance), "rate": np.asarray(rates)}
    status = _status(float(residual), bool(bounded), values)
    if throw and status != "ok":
        raise SolverError(status)
    finite = bool(np.all(np.isfinite(jacobian)))
    eigenvalues = np.linalg.eigvals(np.asarray(jacobian)) if finite else np.full(len(jacobian), np.nan + 0j)
    order = np.lexsort((-eigenvalues.imag, -eigenvalues.real))
    data = dataset(system, values, parameters.populations, {}, {"status": status, "residual": float(residual)})
    return FixedPoint(data, state, float(residual), np.asarray(jacobian), eigenvalues[order], status)


def _status(residual: float, bounded: bool, values: dict[str, np.ndarray]) -> str:
    if not bounded:
        return "diverged: the dynamics leave every bound from this start"
    if not residual < LARGEST_RESIDUAL:
        return f"not converged: the residual is {residual:.2g}; try another start, or a longer settle"
    if values["variance"].min() < -LARGEST_RESIDUAL:
        return f"unphysical: a variance is negative ({values['variance'].min():.3g}); the closure is outside its range"
    return "ok"
