"""Limit cycles from a Hopf point: orthogonal collocation, followed in a number of the parameters, with Floquet multipliers.

u'(tau) = T f(u, s) on 0 <= tau < 1, u periodic, is solved at Gauss-Legendre points of a uniform mesh (matrices and monodromy of
jaxcont), with an integral phase condition whose reference is renewed along the branch. jaxcont's own problem of periodic orbits starts
from a simulated one and holds the parameter while it corrects, which at a Hopf point falls back to the fixed point; here a first cycle
of small amplitude is corrected with the amplitude held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.flatten_util import ravel_pytree
from jaxcont.core.collocation import collocation_matrices, lagrange_eval_weights, monodromy_matrix
from jaxtyping import Array, Float

from ...errors import ParameterError, SolverError
from ..parameters import Parameters, Scalar, scalar
from ..precision import require_x64
from ..system import System, held
from .along import Along, lyapunov_coefficient
from .arclength import trace
from .special_points import SpecialPoint
from .tracing import along_of, check_bounds

NCOL = 4
FINE = 12
LONGEST = 50.0


class Orbit(eqx.Module):
    """Residuals of a periodic orbit; x = (states at mesh points, at collocation points, T / T0, s), states over sqrt(number of points)."""

    along: Along
    rate: Float[Array, "m m"]
    end: Float[Array, " m"]
    weights: Float[Array, " c"]
    reference: Float[Array, "i c n"]
    slope: Float[Array, "i c n"]
    period: Float[Array, ""]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Mesh intervals, collocation points in each, states."""
        i, c, n = self.reference.shape
        return i, c, n

    def parts(self, x: Any) -> Any:
        """Scaled states at mesh points (i, n) and collocation points (i, c, n), period and s."""
        i, c, n = self.shape
        states = x[:-2] * np.sqrt(i * (c + 1))
        return (
            states[: i * n].reshape(i, n),
            states[i * n :].reshape(i, c, n),
            self.period * x[-2],
            x[-1],
        )

    def pack(self, mesh: np.ndarray, inner: np.ndarray, period: float, s: float) -> np.ndarray:
        """x from its parts."""
        i, c, _ = self.shape
        states = np.concatenate([mesh.ravel(), inner.ravel()]) / np.sqrt(i * (c + 1))
        return np.concatenate([states, [period / float(self.period), s]])

    def field(self, u: Any, s: Any, _: Any = None) -> Any:
        """The scaled vector field."""
        return self.along(jnp.append(u, s))

    def __call__(self, x: Any) -> Any:
        mesh, inner, T, s = self.parts(x)
        nodes = jnp.concatenate([mesh[:, None, :], inner], axis=1)
        change = jnp.einsum("jk,ikn->ijn", self.rate, nodes)[:, 1:]
        flow = jax.vmap(jax.vmap(lambda u: self.field(u, s)))(inner)
        defect = change - T / self.shape[0] * flow
        continuous = jnp.roll(mesh, -1, axis=0) - jnp.einsum("k,ikn->in", self.end, nodes)
        phase = (
            jnp.einsum("c,icn,icn->", self.weights, inner - self.reference, self.slope)
            / self.shape[0]
        )
        return jnp.concatenate([defect.ravel(), continuous.ravel(), phase[None]])


@eqx.filter_jit
def _slope(orbit: Orbit, x):
    _, inner, T, s = orbit.parts(x)
    return inner, T * jax.vmap(jax.vmap(lambda u: orbit.field(u, s)))(inner)


@eqx.filter_jit
def _described(orbit: Orbit, fine, x):
    """The monodromy matrix, and states and observables on a fine grid of one period."""
    mesh, inner, T, s = orbit.parts(x)
    along, n = orbit.along, orbit.shape[2]
    monodromy = monodromy_matrix(
        orbit.field, orbit.rate, orbit.end, 1.0 / orbit.shape[0], mesh, inner, T, s
    )
    nodes = jnp.concatenate([mesh[:, None, :], inner], axis=1)
    states = jnp.einsum("fk,ikn->ifn", fine, nodes).reshape(-1, n) * along.scale[None, :]
    own = along.at(along.values(jnp.append(mesh[0], s)))
    return monodromy, states, jax.vmap(lambda y: along.model.observables(y, own))(states), T


def _renewed(orbit: Orbit, x: np.ndarray) -> Orbit:
    """The same with the orbit x as the reference of the phase."""
    inner, slope = _slope(orbit, jnp.asarray(x))
    return eqx.tree_at(
        lambda o: (o.reference, o.slope), orbit, (inner, slope / jnp.sqrt(jnp.mean(slope**2)))
    )


@dataclass(frozen=True)
class LimitCycles:
    """Cycles along a number of the parameters, from a Hopf point on.

    dataset: over cycle: `value`, `period`, `stable`, `unit_error` (|the Floquet multiplier that is 1 in theory - 1|, a measure of the
    mesh's error); over (cycle, mode): `multipliers`; over (cycle, population): `mean_min`, `mean_max` and the same of `variance` and `rate`;
    over (cycle, phase, population): `mean`, `variance`, `rate` in the course of a period. special: (kind, value) of folds of cycles, period
    doublings and torus points, by interpolation between cycles. ended: why the branch ends.
    """

    name: str
    hopf: SpecialPoint
    dataset: xr.Dataset
    special: tuple[dict[str, Any], ...]
    ended: str
    states: np.ndarray

    @property
    def status(self) -> str:
        """ "ok", or what was not reached."""
        return (
            "ok"
            if not self.ended.startswith(("stalled", "steps"))
            else f"the branch of cycles ends early: {self.ended}"
        )

    @property
    def stable(self) -> np.ndarray:
        """Where the cycles are stable."""
        return self.dataset["stable"].values

    def rows(self) -> list[dict[str, Any]]:
        """A row per cycle, for a table."""
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
            "status": self.status,
            "ended": self.ended,
            "special": list(self.special),
            "cycles": self.rows(),
            "multipliers": np.abs(multipliers).tolist(),
        }


def limit_cycles(
    system: System,
    parameters: Parameters,
    vary: str | Scalar,
    hopf: SpecialPoint,
    *,
    bounds: tuple[float, float],
    time: float = 0.0,
    intervals: int = 24,
    most: int = 200,
    largest_step: float = 0.15,
    progress: Callable[[str, float], None] | None = None,
) -> LimitCycles:
    """The limit cycles that leave a Hopf point of `continuation`, over `bounds` of the number that varies.

    system, parameters, vary: those of the continuation; intervals: of the mesh, with 4 collocation points each; most: cycles at most;
    largest_step: between cycles, states in root mean square and units of their size. The branch ends at the bounds, back at a
    fixed point, when the period exceeds 50 times that at the Hopf point (a homoclinic orbit is near), or after `most` cycles. A cycle is stable
    when all Floquet multipliers but the one at 1 are inside the unit circle; that is stability of the equations, as for fixed points.
    Raises `ParameterError` for what is no Hopf point, `SolverError` when no first cycle is found.
    """
    require_x64()
    system.refuse_static("limit cycles")
    system.check(parameters)
    if getattr(hopf, "kind", None) != "Hopf" or hopf.status != "ok":
        raise ParameterError(
            f"limit cycles start from a located Hopf point of continuation.follow(...).of('Hopf'), not from {hopf!r}"
        )
    own = held(system.complete(parameters), time)
    number = scalar(vary, own)
    check_bounds(number.name, bounds, hopf.value)
    y = np.asarray(system_flat(system, own, hopf))
    along = along_of(system, own, (number,), (bounds,), [y])
    orbit, start, direction = _first(along, along.point(y, [hopf.value]), intervals)
    amplitude = 0.02
    seen = [0]

    def inside(x: np.ndarray) -> bool:
        seen[0] += 1
        if progress is not None:
            progress("cycles", min(seen[0] / most, 1.0))
        return 0 <= x[-1] <= 1 and x[-2] < LONGEST and _size(orbit, x) > 0.5 * amplitude

    curve = trace(
        orbit,
        start + amplitude * direction,
        direction,
        inside=inside,
        step=0.02,
        largest=largest_step,
        most=most,
        first=False,
        anew=_renewed,
    )
    if len(curve.points) < 2:
        raise SolverError(
            f"no limit cycle was found near the Hopf point at {number.name} = {hopf.value:.6g}: Newton's method did not converge; "
            "try more intervals"
        )
    return _result(system, along, orbit, hopf, number.name, curve)


def system_flat(system: System, parameters: Parameters, hopf: SpecialPoint) -> Any:
    """The state of a special point as a vector."""
    return ravel_pytree(hopf.state)[0]


def _size(orbit: Orbit, x: np.ndarray) -> float:
    """Root mean square distance of an orbit from its average."""
    mesh = np.asarray(orbit.parts(x)[0])
    return float(np.sqrt(np.mean(np.sum((mesh - mesh.mean(axis=0)) ** 2, axis=1))))


def _first(along: Along, x: np.ndarray, intervals: int) -> tuple[Orbit, np.ndarray, np.ndarray]:
    """Equations, the fixed point as an orbit, and the direction of small cycles."""
    omega, _, q = lyapunov_coefficient(along, x)
    q = q / np.asarray(along.scale)
    rate, end, gauss, weights = collocation_matrices(NCOL)
    mesh = np.arange(intervals) / intervals
    inner = mesh[:, None] + gauss[None, :] / intervals

    def wave(tau: np.ndarray, shift: float = 0.0) -> np.ndarray:
        return np.real(q * np.exp(2j * np.pi * tau[..., None] + 1j * shift))

    still = np.broadcast_to(x[: along.n], (*inner.shape, along.n))
    slope = wave(inner, np.pi / 2)
    period = 2 * np.pi / omega
    orbit = Orbit(
        along,
        *(
            jnp.asarray(v)
            for v in (rate, end, weights, still, slope / np.sqrt(np.mean(slope**2)), period)
        ),
    )
    start = orbit.pack(
        np.broadcast_to(x[: along.n], (intervals, along.n)), still, period, float(x[-1])
    )
    direction = orbit.pack(wave(mesh), wave(inner), 0.0, 0.0)
    return orbit, start, direction / np.linalg.norm(direction)


def _result(
    system: System, along: Along, orbit: Orbit, hopf: SpecialPoint, name: str, curve: Any
) -> LimitCycles:
    phases = np.arange(FINE) / FINE
    _, _, gauss, _ = collocation_matrices(NCOL)
    fine = jnp.asarray(
        np.array([lagrange_eval_weights(np.concatenate([[0.0], gauss]), p) for p in phases])
    )
    found = [_described(orbit, fine, jnp.asarray(x)) for x in curve.points]
    multipliers = np.array([np.linalg.eigvals(np.asarray(m)) for m, *_ in found])
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
        xr.Dataset(data, coords=coords, attrs={"vary": name}),
        _events(curve, values, others),
        _why(orbit, curve),
        states,
    )


def _events(curve: Any, values: np.ndarray, others: np.ndarray) -> tuple[dict[str, Any], ...]:
    """Folds of cycles where the branch turns, and multipliers that leave the unit circle elsewhere."""
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
                if abs(largest.imag) > 1e-6
                else "period doubling"
                if largest.real < 0
                else "branch point or fold of cycles"
            )
            found.append(
                {"kind": kind, "value": float(values[k] + part * (values[k + 1] - values[k]))}
            )
    return tuple(found)


def _why(orbit: Orbit, curve: Any) -> str:
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
